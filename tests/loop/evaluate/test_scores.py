"""Readings of few successes and skewed money: equal to other people's formulas, and silent where they cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import fisher_exact, skew
from statsmodels.stats import proportion

from bankloop.cli.demo.claims import FULL, QUICK, arm, cut_table, null_table, worst
from bankloop.loop import evaluate as ev
from bankloop.loop.evaluate import ArmSums, Outcomes, Verdict
from tests.loop.evaluate.rounds import drawn
from tests.loop.evaluate.test_reading import outcomes

# What a round without any effect may claim, by the bounds that the benchmark states too.
GAINS, LOSSES, CUTS = 0.03, 0.035, 0.05
# The smaller the arm of a pair, the further Wald's interval would be off.
PAIRS = [((80, 1_000), (10, 200)), ((200, 10_000), (50, 1_000)), ((60, 900), (4, 100)), ((950, 1_000), (170, 200))]


def rates(treated: tuple[int, int], control: tuple[int, int]) -> ev.Read:
    return ev.read_rate(*(ArmSums(n, s, s) for s, n in (treated, control)))


@pytest.mark.parametrize(("treated", "control"), PAIRS)
def test_a_lift_without_covariate_is_miettinen_and_nurminens(
    treated: tuple[int, int], control: tuple[int, int]
) -> None:
    found = rates(treated, control)
    (s, n), (c, m) = treated, control
    # Theirs mixes up a count and a size away from 0, where the likelihood itself is maximised below.
    assert found.p == pytest.approx(
        proportion.test_proportions_2indep(s, n, c, m, method="score", compare="diff", correction=True).pvalue
    )
    for end in (float(found.low), float(found.high)):
        assert (float(found.value) - end) ** 2 / score_variance(s, n, c, m, end) == pytest.approx(ev.Z95**2, rel=1e-5)
    newcombe = proportion.confint_proportions_2indep(s, n, c, m, method="newcomb")
    assert (float(found.low), float(found.high)) == pytest.approx(newcombe, abs=0.012)


def score_variance(s: int, n: int, c: int, m: int, gap: float) -> float:
    """The variance of the difference under the likeliest rates that differ by ``gap``, found by search."""

    def against(q: float) -> float:
        p = q + gap
        return -float(s * np.log(p) + (n - s) * np.log(1 - p) + c * np.log(q) + (m - c) * np.log(1 - q))

    q = minimize_scalar(
        against, bounds=(max(0, -gap) + 1e-9, min(1, 1 - gap) - 1e-9), method="bounded", options={"xatol": 1e-12}
    ).x
    return float(((q + gap) * (1 - q - gap) / n + q * (1 - q) / m) * (n + m) / (n + m - 1))


@pytest.mark.parametrize(("treated", "control"), PAIRS)
def test_groups_have_fishers_p(treated: tuple[int, int], control: tuple[int, int]) -> None:
    (s, n), (c, m) = treated, control
    ours = ev.exact_p(ArmSums(n, s, s), ArmSums(m, c, c))
    tails = [fisher_exact([[s, n - s], [c, m - c]], alternative=side).pvalue for side in ("less", "greater")]
    assert ours == pytest.approx(min(2 * min(tails), 1.0), rel=1e-6)


@pytest.mark.parametrize(
    ("treated", "control", "said"),
    [
        (
            (9, 900),
            (0, 100),
            "too few successes to read: the smaller arm expects 0.9 were both alike, and 5 are needed",
        ),
        ((2, 2), (0, 2), "too few successes to read: the smaller arm expects 1.0"),
        ((0, 900), (0, 100), "nobody reached the goal: check the feed"),
        ((900, 900), (100, 100), "everybody reached the goal"),
        ((899, 900), (98, 100), "too few failures to read"),
    ],
)
def test_too_few_successes_are_said_and_no_number_is_given(
    treated: tuple[int, int], control: tuple[int, int], said: str
) -> None:
    reading = ev.read("x", [outcomes(treated, control, worth=100.0)], control[1] / (treated[1] + control[1]))
    assert reading.verdict is Verdict.UNREADABLE
    assert said in reading.sentence.en
    assert reading.sentence.zh.startswith("不可读：")
    assert (reading.lift, reading.plain, reading.relative, reading.rounds_needed) == (None, None, None, None)
    assert reading.money.incremental is None


def test_how_many_more_are_needed_would_make_it_readable() -> None:
    thin = outcomes((30, 900), (4, 100))
    assert "about 16 more in all" in ev.read("x", [thin], 0.1).sentence.en
    assert ev.read("x", [outcomes((45, 900), (5, 100))], 0.1).lift is not None


def test_a_look_on_the_first_day_says_that_nobody_has_got_there_yet() -> None:
    reading = ev.read("x", [outcomes((0, 900), (0, 100))], 0.1, elapsed=0.1)
    assert "nobody has reached the goal yet" in reading.sentence.en


def test_an_early_look_at_money_is_wide_and_finite() -> None:
    first, last = (ev.read("x", [drawn()], 0.25, elapsed=elapsed).money.incremental for elapsed in (0.0, 1.0))
    assert first is not None
    assert last is not None
    assert np.isfinite([first.low, first.high]).all()
    assert first.high - first.low > 3 * (last.high - last.low)


def test_who_pays_little_and_seldom_is_not_read_and_the_reason_is_said() -> None:
    rng = np.random.default_rng(3)
    whole = drawn(4_000, lift=0.0)
    paid = (rng.random(4_000) < 0.01).astype(np.float64)
    money = ev.read("x", [replace(whole, success=paid, worth=rng.lognormal(8, 2.0, 4_000), before=None)], 0.25).money
    assert money.incremental is None
    assert money.unread is not None
    assert "too few paid for how unlike their amounts are" in money.unread.en
    assert money.roi is None


def test_a_group_is_read_by_the_successes_it_expects_and_not_by_its_size() -> None:
    rng = np.random.default_rng(5)
    n = 4_000
    branch = np.where(np.arange(n) < 400, "small", "large")
    success = np.where(branch == "small", rng.random(n) < 0.3, rng.random(n) < 0.002).astype(np.float64)
    whole = replace(drawn(n, lift=0.0), success=success, labels={"branch": branch})
    cuts = {cut.key: cut for cut in ev.cuts_of(whole, ["branch"])}
    assert cuts["small"].lift is not None
    assert cuts["small"].q == cuts["small"].p
    assert (cuts["large"].lift, cuts["large"].p, cuts["large"].q) == (None, None, None)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e9, -1e9, 1e12]))
def test_sums_far_from_nought_do_not_cancel(seed: int, far: float) -> None:
    rng = np.random.default_rng(seed)
    y, x = rng.gamma(2.0, 3.0, 800), rng.gamma(1.0, 2.0, 800)
    whole = ArmSums.of(y + far, x + far)
    strata = ArmSums.by_stratum(y + far, np.arange(800) % 3, 3, x + far).total()
    parts = ArmSums.of(y[:300] + far, x[:300] + far) + ArmSums.of(y[300:] + far, x[300:] + far)
    exact = 1e-3 if abs(far) > 1e9 else 1e-6
    for one in (whole, strata, parts):
        assert one.var_y == pytest.approx(np.var(y, ddof=1), rel=exact)
        assert one.cov == pytest.approx(np.cov(x, y)[0, 1], rel=0.01, abs=exact)
        residual = y - 0.3 * x
        third = skew(residual) * residual.std() ** 3 * 800
        assert one.third(0.3) == pytest.approx(third, rel=10 * exact)


def test_a_round_read_by_draws_is_the_round_read_by_rows() -> None:
    """Counts of alike customers are the customers: what the benchmark measures is what a bank reads."""
    whole = drawn(6_000)
    before = np.round(whole.before, 1) if whole.before is not None else whole.worth
    one = replace(whole, before=before, labels={}, worth=np.full(6_000, 100.0), cost=np.zeros(6_000))
    reading = ev.read("x", [one], 0.25)
    arms = []
    for side in (~one.control, one.control):
        kinds, count = np.unique(np.column_stack([one.success[side], before[side]]), axis=0, return_counts=True)
        arms.append(ArmSums.of(kinds[:, 0], kinds[:, 1], count[None, :]).each())
    found, money = ev.read_rate(*arms, adjust=True), ev.read_mean(*arms, adjust=True)
    assert reading.lift is not None
    assert [reading.lift.low, reading.lift.high] == pytest.approx([found.low[0], found.high[0]], abs=1e-9)
    assert reading.money.incremental is not None
    assert reading.money.incremental.high == pytest.approx(100.0 * money.high[0] * reading.treated, rel=1e-6)


def test_rounds_without_any_effect_claim_one_as_rarely_as_is_said() -> None:
    """A small version of the benchmark's table; Wald's and Welch's intervals claim a gain in 4 to 12 of 100 of them."""
    table = list(null_table(replace(QUICK, rate_draws=10_000, money_draws=3_000, customers=(5_000,)), seed=11))
    gains, losses = worst(table)
    assert gains <= GAINS
    assert losses <= LOSSES
    assert {(row["outcome"], row["cuped"]) for row in table if row["readable"] > 0.5} == {
        ("rate", False), ("rate", True)
    }  # fmt: skip


def test_skewed_money_that_is_read_keeps_its_promise() -> None:
    rng = np.random.default_rng(2)
    amounts = np.exp(1.5 * np.linspace(-2.2, 2.2, 40))
    treated, control = (arm(rng, n, 0.05, amounts, 4_000) for n in (18_000, 2_000))
    found = ev.read_mean(treated, control)
    assert found.readable.mean() > 0.8
    assert found.gain.mean() <= GAINS + 3 * (GAINS / 4_000) ** 0.5
    assert found.harm.mean() <= LOSSES


def test_no_branch_is_claimed_of_nothing_more_than_one_time_in_twenty() -> None:
    assert all(row["readings_with_any"] <= CUTS for row in cut_table(QUICK, seed=3))


@pytest.mark.soak
def test_rounds_of_every_size_claim_nothing_of_nothing() -> None:
    sizes = replace(FULL, rate_draws=20_000, money_draws=4_000, cut_readings=2_000, rates=(0.001, 0.01, 0.05, 0.1))
    gains, losses = worst(list(null_table(sizes, seed=23)))
    # Three standard errors of the smaller number of draws beyond what the full benchmark holds.
    assert gains <= GAINS + 3 * (0.025 / 4_000) ** 0.5
    assert losses <= LOSSES + 3 * (0.033 / 20_000) ** 0.5
    assert all(row["readings_with_any"] <= CUTS for row in cut_table(sizes, seed=23))


def test_a_zero_spread_of_money_is_no_reading() -> None:
    flat = np.full(200, 5.0)
    control = np.arange(200) % 4 == 0
    found = ev.read_mean(ArmSums.of(flat[~control]), ArmSums.of(flat[control]))
    assert found.estimate() is None
    none = np.zeros(200, bool)
    round_ = Outcomes(1, control, ~none, none, flat * 0, flat, flat, flat * 0, none, {})
    assert ev.read("x", [round_], 0.25).money.incremental is None
