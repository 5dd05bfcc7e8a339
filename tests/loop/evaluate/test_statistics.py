"""Inference from aggregates equals other people's inference from rows, and keeps its promises on data whose truth is known."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from bankloop.loop import evaluate as ev
from bankloop.loop.evaluate import ArmSums

EXACT = 1e-9


def skewed(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Money as banks have it: many noughts, a few large, and a covariate that half explains it."""
    rng = np.random.default_rng(seed)
    before = rng.lognormal(3.0, 1.0, n)
    after = np.where(rng.random(n) < 0.4, 0.0, before * rng.lognormal(0.0, 0.5, n))
    return after, before


@pytest.mark.parametrize("seed", range(3))
def test_a_difference_of_means_is_welchs(seed: int) -> None:
    y, _ = skewed(900, seed)
    t, c = y[:500] + 1.0, y[500:]
    found = ev.difference(ArmSums.of(t), ArmSums.of(c))
    theirs = CompareMeans(DescrStatsW(t), DescrStatsW(c))
    z, p = theirs.ztest_ind(usevar="unequal")
    assert found.value / found.se == pytest.approx(z, rel=EXACT)
    assert found.p == pytest.approx(p, rel=1e-7)
    low, high = theirs.zconfint_diff(usevar="unequal")
    assert (float(found.low), float(found.high)) == pytest.approx((low, high), rel=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_cuped_is_the_regression_on_the_covariate(seed: int) -> None:
    y, x = skewed(2_000, seed)
    treated = np.arange(2_000) % 2 == 0
    found = ev.cuped(ArmSums.of(y[treated], x[treated]), ArmSums.of(y[~treated], x[~treated]))
    slope = sm.OLS(y, sm.add_constant(np.column_stack([treated, x]))).fit()
    assert found.value == pytest.approx(slope.params[1], rel=1e-8)
    assert found.se == pytest.approx(slope.bse[1], rel=0.05)  # theirs pools the arms' variance
    assert found.se < ev.difference(ArmSums.of(y[treated]), ArmSums.of(y[~treated])).se


def test_a_ratio_and_a_relative_lift_agree_with_the_bootstrap() -> None:
    rng = np.random.default_rng(4)
    orders = rng.poisson(3.0, 4_000) + 1.0
    fees = orders * rng.gamma(2.0, 5.0, 4_000)
    t, c = np.arange(4_000) < 2_000, np.arange(4_000) >= 2_000
    ratio = ev.ratio_difference(ArmSums.of(fees[t], orders[t]), ArmSums.of(fees[c], orders[c]))
    lift = ev.relative(ArmSums.of(fees[t]), ArmSums.of(fees[c]))
    ratios, lifts = [], []
    for _ in range(2_000):
        a, b = rng.integers(0, 2_000, 2_000), rng.integers(2_000, 4_000, 2_000)
        ratios.append(fees[a].sum() / orders[a].sum() - fees[b].sum() / orders[b].sum())
        lifts.append(fees[a].mean() / fees[b].mean() - 1.0)
    assert ratio.se == pytest.approx(np.std(ratios), rel=0.06)
    assert lift.se == pytest.approx(np.std(lifts), rel=0.06)


def test_clusters_as_units_are_the_cluster_robust_regression() -> None:
    rng = np.random.default_rng(9)
    branch = np.repeat(np.arange(40), rng.integers(20, 80, 40))
    treated = branch % 2 == 0
    y = rng.normal(0.0, 1.0, len(branch)) + rng.normal(0.0, 0.5, 40)[branch]
    sums, sizes = np.bincount(branch, y), np.bincount(branch).astype(float)
    is_treated = np.arange(40) % 2 == 0
    found = ev.clustered_difference(
        ArmSums.of(sums[is_treated], sizes[is_treated]), ArmSums.of(sums[~is_treated], sizes[~is_treated])
    )
    theirs = sm.OLS(y, sm.add_constant(treated.astype(float))).fit(cov_type="cluster", cov_kwds={"groups": branch})
    assert found.value == pytest.approx(theirs.params[1], rel=EXACT)
    assert found.se == pytest.approx(theirs.bse[1], rel=0.03)  # small-sample factors differ
    assert found.df == 38
    assert found.se > 1.5 * ev.difference(ArmSums.of(y[treated]), ArmSums.of(y[~treated])).se


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    p = np.array([0.001, 0.02, np.nan, 0.03, 0.8, 0.04])
    known = ~np.isnan(p)
    adjusted = ev.false_discovery(p)
    assert adjusted[known] == pytest.approx(multipletests(p[known], method="fdr_bh")[1], rel=EXACT)
    assert np.isnan(adjusted[~known]).all()


def test_the_sample_ratio_is_scipys_chi_square() -> None:
    ours = ev.sample_ratio_p(40_800, 39_200, 0.5)
    assert ours == pytest.approx(stats.chisquare([40_800, 39_200]).pvalue, rel=EXACT)


def test_the_detectable_lift_is_found_four_times_in_five() -> None:
    lift = ev.minimum_detectable(0.05, 8_000, 2_000)
    sd = sqrt(0.05 * 0.95)
    power = NormalIndPower().power(lift / sd, nobs1=8_000, alpha=0.05, ratio=0.25)
    assert power == pytest.approx(0.8, abs=1e-3)
    assert ev.rounds_to_find(lift / 2, 0.05, 8_000, 2_000) == 4


rows = st.lists(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(0, 3), st.booleans()),
    min_size=4,
    max_size=60,
)


@given(rows)
@settings(max_examples=150)
def test_aggregates_add_up_whatever_the_parts(found: list[tuple[int, int, int, bool]]) -> None:
    y, x, stratum, first = (np.array(column) for column in zip(*found, strict=True))
    whole = ArmSums.of(y, x)
    parts = ArmSums.of(y[first], x[first]) + ArmSums.of(y[~first], x[~first])
    strata = ArmSums.by_stratum(y, stratum, 4, x).total()
    for other in (parts, strata):
        assert (other.n, other.y, other.x) == (whole.n, whole.y, whole.x)
        assert other.var_y == pytest.approx(whole.var_y, rel=1e-9, abs=1e-6)
        assert other.cov == pytest.approx(whole.cov, rel=1e-9, abs=1e-3)
    assert whole.var_y == pytest.approx(np.var(y, ddof=1), rel=1e-9, abs=1e-3)


@given(rows, st.integers(1, 1000))
@settings(max_examples=100)
def test_a_shift_changes_no_difference_and_a_scale_scales_it(
    found: list[tuple[int, int, int, bool]], shift: int
) -> None:
    y = np.array([row[0] for row in found], dtype=float)
    first = np.array([row[3] for row in found])
    plain = ev.difference(ArmSums.of(y[first]), ArmSums.of(y[~first]))
    moved = ev.difference(ArmSums.of(2 * y[first] + shift), ArmSums.of(2 * y[~first] + shift))
    assert moved.value == pytest.approx(2 * plain.value, abs=1e-6, nan_ok=True)
    assert moved.se == pytest.approx(2 * plain.se, rel=1e-6, abs=1e-3, nan_ok=True)


def test_strata_take_out_what_they_explain() -> None:
    rng = np.random.default_rng(2)
    stratum = rng.integers(0, 4, 8_000)
    y = stratum * 10.0 + rng.normal(0.0, 1.0, 8_000)
    treated = rng.random(8_000) < 0.5
    y[treated] += 0.3
    arms = [ArmSums.by_stratum(y[m], stratum[m], 4) for m in (treated, ~treated)]
    plain, within = ev.difference(arms[0].total(), arms[1].total()), ev.stratified(*arms)
    assert within.se < plain.se / 5
    assert within.low < 0.3 < within.high


def test_thin_strata_are_pooled_and_nothing_is_lost() -> None:
    y, stratum = np.arange(100.0), np.r_[np.zeros(94, int), np.arange(1, 7)]
    treated = np.arange(100) % 2 == 0
    arms = [ArmSums.by_stratum(y[m], stratum[m], 7) for m in (treated, ~treated)]
    found = ev.stratified(*arms)
    assert np.isfinite(found.value)
    assert np.isfinite(found.se)


@pytest.mark.parametrize(
    ("treated", "control"),
    [([], []), ([1.0], [1.0, 2.0]), ([1.0, 2.0], []), ([1.0, 2.0], [5.0])],
    ids=["nobody", "one unit", "empty control", "one control"],
)
def test_what_cannot_be_read_gives_no_number(treated: list[float], control: list[float]) -> None:
    arms = ArmSums.of(np.array(treated)), ArmSums.of(np.array(control))
    for effect in (ev.difference(*arms), ev.relative(*arms), ev.cuped(*arms)):
        assert effect.estimate() is None
    assert ev.while_running(ev.difference(*arms), 1.0) is None


@given(st.floats(1e-6, 1e9), st.integers(2, 3_000), st.integers(2, 500))
@settings(max_examples=50, deadline=None)
def test_what_never_varies_differs_by_nothing(value: float, treated: int, control: int) -> None:
    """A mean is rounded: an early look at one and the same chance of everybody said that the arms were unlike."""
    arms = ArmSums.of(np.full(treated, value)), ArmSums.of(np.full(control, value))
    assert ev.pre_period_p(*arms) == 1.0
    assert not np.any(ev.read_mean(*arms).readable)
    strata = [ArmSums.by_stratum(np.full(n, value), np.arange(n) % 3, 3) for n in (treated, control)]
    assert all(not np.any(one.yy) for one in strata)


def test_a_denominator_of_nought_and_a_negative_mean_give_no_ratio() -> None:
    nought = ArmSums.of(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    assert ev.ratio_difference(nought, nought).estimate() is None
    losing = ArmSums.of(np.array([-5.0, -4.0, -3.0]))
    assert ev.relative(losing, losing).estimate() is None
    assert ev.difference(losing, losing).estimate() is not None


def test_zero_conversions_are_a_reading_of_nothing() -> None:
    none = ArmSums.of(np.zeros(50))
    found = ev.difference(none, none).estimate()
    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_outliers_are_moved_only_as_declared() -> None:
    y = np.r_[np.ones(999), 1e9]
    found = ev.winsorised(y, 0.001)
    assert found.moved == 1
    assert found.outcome.max() == found.high < 1e9
    assert ev.winsorised(y, 0.0).moved == 0


def test_a_family_of_sample_ratios_finds_the_member_that_is_off() -> None:
    rng = np.random.default_rng(3)
    control = rng.random(20_000) < 0.25
    stratum = rng.integers(0, 5, 20_000)
    meant = rng.random(20_000) < 0.3
    assert all(check.ok for check in ev.sample_ratio_family(control, 0.25, stratum, meant))
    lost = control.copy()
    lost[meant & control & (rng.random(20_000) < 0.3)] = False  # ghosts that were not logged as control
    bad = {c.name for c in ev.sample_ratio_family(lost, 0.25, stratum, meant) if not c.ok}
    assert "ghosts" in bad


def test_the_boundary_is_narrowest_where_it_was_planned() -> None:
    ratio = ev.boundary(np.array([0.1, 1.0, 10.0]), 1.0) / np.sqrt([0.1, 1.0, 10.0])
    assert ratio[1] < ratio[0]
    assert ratio[1] < ratio[2]
    assert 2.9 < ratio[1] < 3.1


def test_thirty_looks_at_nothing_claim_something_rarely() -> None:
    """400 rounds of two like arms, looked at daily: the fixed test fools a daily reader, the running interval does not."""
    rng = np.random.default_rng(11)
    peeked = naive = 0
    for _ in range(400):
        t, c = (rng.multinomial(n, [0.05 / 30] * 30 + [0.95])[:30].cumsum() for n in (8_000, 4_000))
        arms = ArmSums(np.full(30, 8_000.0), t, t), ArmSums(np.full(30, 4_000.0), c, c)
        effect = ev.difference(*arms)
        naive += bool(((effect.low > 0) | (effect.high < 0)).any())
        reach = ev.boundary(effect.se**2, 0.05 * 0.95 * (1 / 8_000 + 1 / 4_000))
        peeked += bool((np.abs(effect.value) > reach).any())
    assert peeked / 400 <= 0.05
    assert naive / 400 > 0.15
