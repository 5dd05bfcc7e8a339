"""Readings that use what was known beforehand: narrower, still right, and every group adding up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.loop import evaluate
from bankloop.loop.evaluate import Outcomes, Reading, Verdict
from tests.loop.evaluate.rounds import drawn


@pytest.fixture(scope="module")
def reading() -> Reading:
    return evaluate.read("x", [drawn()], 0.25, window=("2026-08-24", "2026-09-22"), within=30)


def test_what_was_known_before_narrows_the_interval_and_is_named(reading: Reading) -> None:
    assert reading.lift is not None
    assert reading.plain is not None
    assert reading.lift.high - reading.lift.low < reading.plain.high - reading.plain.low
    assert 0.02 < reading.variance_cut < 0.5
    assert reading.basis is not None
    assert "CUPED" in reading.basis.method.en
    assert "post-stratified" in reading.basis.method.en
    assert reading.basis.window == ("2026-08-24", "2026-09-22")
    assert f"{reading.treated:,} treated" in reading.basis.cells.en


def test_an_adjusted_interval_covers_the_true_lift_as_often_as_it_says() -> None:
    # The true lift of the assignment: 3 points for the six in ten who are contacted.
    covered = 0
    for seed in range(250):
        lift = evaluate.read("x", [drawn(2_000, seed=seed)], 0.25).lift
        assert lift is not None
        covered += lift.low <= 0.018 <= lift.high
    # Three standard errors of .95 over 250 runs, two-sided.
    assert 0.909 <= covered / 250 <= 0.991


def test_without_anything_known_before_the_reading_is_the_plain_difference() -> None:
    bare = replace(drawn(), before=None, labels={})
    reading = evaluate.read("x", [bare], 0.25)
    assert reading.lift == reading.plain
    assert reading.variance_cut == 0.0


def test_pooled_rounds_with_unlike_controls_are_not_mixed_up() -> None:
    """Round 2 has twice the rate and four times the control: a mean over both rounds would invent a harm."""
    rng = np.random.default_rng(3)

    def one(n: int, rate: float, share: float, number: int) -> Outcomes:
        control = rng.random(n) < share
        success = (rng.random(n) < rate).astype(np.float64)
        flat, none = np.full(n, 100.0), np.zeros(n, bool)
        return Outcomes(number, control, ~none, none, success, flat, flat, np.zeros(n), none, {})

    rounds = [one(20_000, 0.05, 0.1, 1), one(20_000, 0.10, 0.4, 2)]
    reading = evaluate.read("x", rounds, [0.1, 0.4])
    assert reading.verdict is Verdict.INCONCLUSIVE
    naive = reading.treated_rate - reading.control_rate
    assert naive < -0.01
    assert reading.lift is not None
    assert abs(reading.lift.value) < abs(naive) / 2


@pytest.mark.parametrize("dimension", ["tier", "branch"])
def test_groups_of_everybody_add_up_to_the_reading(reading: Reading, dimension: str) -> None:
    cuts = reading.of(dimension)
    assert sum(cut.treated for cut in cuts) == reading.treated
    assert sum(cut.control for cut in cuts) == reading.control
    assert sum(cut.converted + cut.control_converted for cut in cuts) == reading.successes
    assert sum(cut.cost for cut in cuts) == pytest.approx(reading.money.cost, abs=len(cuts))


@pytest.mark.parametrize("dimension", ["channel", "action"])
def test_groups_by_intention_add_up_to_those_who_were_meant(reading: Reading, dimension: str) -> None:
    whole = drawn()
    cuts = reading.of(dimension)
    assert sum(cut.treated for cut in cuts) == int((whole.meant & ~whole.control).sum())
    assert sum(cut.control for cut in cuts) == int((whole.meant & whole.control).sum())
    assert all(cut.contacted == cut.treated for cut in cuts)


def test_p_values_of_a_dimension_are_adjusted_together(reading: Reading) -> None:
    cuts = reading.of("tier")
    assert [cut.q for cut in cuts] == pytest.approx(evaluate.false_discovery([cut.p or 1.0 for cut in cuts]).tolist())
    assert all((cut.q or 0) >= (cut.p or 0) for cut in cuts)


def test_offers_of_all_campaigns_are_one_family(reading: Reading) -> None:
    other = evaluate.read("y", [drawn(seed=2, lift=0.0)], 0.25)
    found = evaluate.discoveries({"x": reading.cuts, "y": other.cuts})
    assert [name for name, _, _ in found] == ["x", "x", "y", "y"]
    p = [cut.p for _, cut, _ in found]
    assert [q for _, _, q in found] == pytest.approx(evaluate.false_discovery(np.array(p)).tolist())


def test_no_effect_is_claimed_of_offers_that_have_none_more_than_one_time_in_twenty() -> None:
    claims = sum(
        any(q is not None and q < 0.05 for _, _, q in evaluate.discoveries({"x": one.cuts}))
        for one in (evaluate.read("x", [drawn(2_000, lift=0.0, seed=seed)], 0.25) for seed in range(120))
    )
    # All are null, so that the false discovery rate is the chance of any claim: .05 and three standard errors.
    assert claims / 120 <= 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5


def test_unlike_groups_are_noticed_and_like_ones_are_not() -> None:
    whole = drawn(40_000, lift=0.0)
    helped = whole.labels["branch"] == "B001"
    rng = np.random.default_rng(9)
    success = np.where(helped & ~whole.control & (rng.random(40_000) < 0.08), 1.0, whole.success)
    unlike = evaluate.read("x", [replace(whole, success=success)], 0.25)
    assert unlike.differs["branch"] < 0.001
    assert evaluate.read("x", [whole], 0.25).differs["branch"] > 0.01


def test_weeks_add_up_to_the_plain_difference(reading: Reading) -> None:
    assert reading.plain is not None
    assert [week.days for week in reading.weeks] == [7, 7, 7, 7, 2]
    assert sum(week.lift.value for week in reading.weeks if week.lift) == pytest.approx(reading.plain.value)
    assert sum(week.treated + week.control for week in reading.weeks) == reading.successes


def test_a_difference_from_before_the_assignment_forbids_reading() -> None:
    whole = drawn()
    skewed = replace(whole, before=whole.before + 0.05 * whole.control)
    reading = evaluate.read("x", [skewed], 0.25)
    assert reading.verdict is Verdict.UNREADABLE
    assert "before the assignment" in reading.sentence.en


def test_an_early_effect_is_seen_to_come_early() -> None:
    whole = drawn(20_000, lift=0.2)
    reading = evaluate.read("x", [whole], 0.25, within=30)
    assert reading.fading is not None
    assert reading.fading.low > 0


def test_a_goal_of_one_day_has_no_course() -> None:
    whole = drawn()
    reading = evaluate.read("x", [replace(whole, day=np.where(whole.success > 0, 29, -1))], 0.25, within=30)
    assert reading.fading is None


def test_more_groups_than_are_read_stand_together_and_nothing_is_lost() -> None:
    whole = drawn(4_000)
    names = np.array([f"M{number % 90:02d}" for number in range(4_000)])
    cuts = evaluate.cuts_of(replace(whole, labels={"manager": names}), ["manager"])
    assert len(cuts) == 61
    assert sum(cut.treated + cut.control for cut in cuts) == 4_000


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 400), share=st.floats(0.0, 1.0))
def test_whatever_the_round_a_reading_is_finite_or_says_that_it_cannot_be_read(seed: int, n: int, share: float) -> None:
    reading = evaluate.read("x", [drawn(n, seed=seed, share=share)], 0.25, within=30)
    if reading.lift is None:
        assert reading.verdict is Verdict.UNREADABLE
    else:
        assert reading.lift.low <= reading.lift.value <= reading.lift.high
        assert np.isfinite([reading.lift.low, reading.lift.high, reading.variance_cut]).all()
    for cut in reading.cuts:
        assert cut.converted <= cut.treated
        assert cut.q is None or 0.0 <= cut.q <= 1.0


def test_late_events_restate_a_reading_and_the_same_events_do_not(reading: Reading) -> None:
    whole = drawn()
    success = whole.success.copy()
    success[int(np.flatnonzero((success == 0) & ~whole.control)[0])] = 1.0
    later = evaluate.read("x", [replace(whole, success=success)], 0.25, within=30)
    marked = evaluate.restated(later, reading, "2026-09-24")
    assert marked.restated is not None
    assert marked.restated.successes == reading.successes
    assert marked.sentence.en.startswith("restated (read as")
    assert "2026-09-24" in marked.sentence.zh
    assert evaluate.restated(reading, reading, "2026-09-24") == reading
