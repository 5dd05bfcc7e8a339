"""Step 7: the arithmetic people can check by hand, and what may not be read."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.kit.text import Language
from bankloop.loop import evaluate
from bankloop.loop.evaluate import Outcomes, Verdict


def outcomes(treated: tuple[int, int], control: tuple[int, int], worth: float = 0.0, cost: float = 0.0) -> Outcomes:
    """Treated and control as (successes, customers)."""
    n, m = treated[1], control[1]
    success = np.r_[np.ones(treated[0]), np.zeros(n - treated[0]), np.ones(control[0]), np.zeros(m - control[0])]
    held = np.r_[np.zeros(n, bool), np.ones(m, bool)]
    return Outcomes(1, held, np.ones(n + m, bool), ~held, success, np.full(n + m, worth), np.full(n + m, worth * 2), np.where(held, 0.0, cost), np.zeros(n + m, bool), {})  # fmt: skip


@pytest.mark.capability("A8")
def test_80_of_1000_against_10_of_200_is_inconclusive() -> None:
    reading = evaluate.read("x", [outcomes((80, 1000), (10, 200), worth=4_500.0, cost=10.0)], 200 / 1200)
    assert reading.lift is not None
    assert reading.lift.value == pytest.approx(0.03)
    # The score interval: wider below than above, as the control's rate is the one that is known badly.
    assert round(reading.lift.low * 100, 1) == -1.2
    assert round(reading.lift.high * 100, 1) == 6.0
    assert reading.verdict is Verdict.INCONCLUSIVE
    assert "尚无结论" in reading.sentence.say(Language.ZH)
    assert "inconclusive" in reading.sentence.say(Language.EN)
    assert {s.name: s.treated for s in reading.funnel} == {"contacted": 1000, "converted": 80}
    assert reading.money.cost == 10_000
    assert reading.money.incremental.value == pytest.approx(0.03 * 1000 * 4_500 - 10_000)
    assert reading.money.attributed == 80 * 9_000


@pytest.mark.parametrize(
    ("treated", "control", "verdict"),
    [
        ((800, 10_000), (50, 1_000), Verdict.GAIN),
        ((200, 10_000), (50, 1_000), Verdict.HARM),
        ((0, 100), (0, 20), Verdict.UNREADABLE),
        ((60, 1_000), (10, 200), Verdict.INCONCLUSIVE),
    ],
)
def test_verdicts(treated: tuple[int, int], control: tuple[int, int], verdict: Verdict) -> None:
    share = control[1] / (control[1] + treated[1])
    assert evaluate.read("x", [outcomes(treated, control)], share).verdict is verdict


@pytest.mark.parametrize(
    ("treated", "control", "needed"),
    [((80, 1000), (10, 200), "about 3 pooled"), ((50, 1_000), (50, 1_000), "more than 100 pooled")],
)
def test_an_inconclusive_reading_says_what_it_would_take(
    treated: tuple[int, int], control: tuple[int, int], needed: str
) -> None:
    share = control[1] / (control[1] + treated[1])
    assert needed in evaluate.read("x", [outcomes(treated, control)], share).sentence.say(Language.EN)


def test_without_a_control_nothing_is_read() -> None:
    reading = evaluate.read("x", [outcomes((80, 1000), (0, 0))], 0.1)
    assert reading.verdict is Verdict.UNREADABLE
    assert reading.lift is None


def test_a_broken_sample_ratio_forbids_reading() -> None:
    reading = evaluate.read("x", [outcomes((4_000, 40_800), (3_000, 39_200))], 0.5)
    assert reading.sample_ratio_p < evaluate.SRM_ALARM
    assert reading.verdict is Verdict.UNREADABLE


def test_pooling_two_rounds_narrows_the_interval() -> None:
    one = outcomes((80, 1000), (10, 200))
    single, both = (evaluate.read("x", rounds, 200 / 1200).lift for rounds in ([one], [one, one]))
    assert single is not None
    assert both is not None
    assert both.value == pytest.approx(single.value)
    # A score's variance moves with the difference, which keeps it from being √2 exactly.
    assert both.high - both.low == pytest.approx((single.high - single.low) / np.sqrt(2), rel=0.025)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2_000):
        t, c = rng.binomial(2_000, 0.06), rng.binomial(1_000, 0.04)
        lift = evaluate.difference(evaluate.ArmSums(2_000, t, t), evaluate.ArmSums(1_000, c, c)).estimate()
        assert lift is not None
        covered += lift.low <= 0.02 <= lift.high
    # Three standard errors of a rate of .95 over 2,000 runs, and Wald's slight optimism for small rates.
    assert 0.93 <= covered / 2_000 <= 0.966
