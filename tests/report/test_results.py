"""The results' page: honest verdicts, the same reading from store and memory, interval and truth side by side."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Outcomes, Reading, Verdict, read, reading_of
from bankloop.loop.round.window import plain_reading
from bankloop.report.results import results_page
from bankloop.view.figures import Bars, Forest
from tests.report.test_plan import CHINESE, texts_of

TITLES = {"a": Text("甲", "Alpha"), "b": Text("乙", "Beta")}


def outcomes(lift: float, n: int = 4000, round_: int = 1, share: float = 0.5) -> Outcomes:
    rng = np.random.default_rng(5)
    control = np.arange(n) < n * share
    success = (rng.random(n) < np.where(control, 0.10, 0.10 + lift)).astype(float)
    flat = np.full(n, 1000.0)
    return Outcomes(
        round_, control, np.ones(n, bool), ~control, success, flat, flat, np.where(control, 0.0, 10.0), control & (np.arange(n) < 9),
        {"delivered": ~control, "responded": ~control & (success > 0)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    return [read("a", [outcomes(0.08)], 0.5), read("b", [outcomes(0.0)], 0.5)]


def test_a_stored_reading_comes_back_as_it_was(readings: list[Reading]) -> None:
    for one in readings:
        assert reading_of(plain_reading(one)) == one


def test_inconclusive_is_said_plainly(readings: list[Reading]) -> None:
    view = results_page(readings, TITLES)
    assert [r.verdict for r in readings] == [Verdict.GAIN, Verdict.INCONCLUSIVE]
    assert view.answer.zh == "有效：甲；尚无结论：乙。"
    assert view.answer.en == "Works: Alpha; inconclusive: Beta."


def test_truth_is_shown_only_where_it_is_known(readings: list[Reading]) -> None:
    without = results_page(readings, TITLES)
    known = results_page(readings, TITLES, placebo=readings[1], truth={("a", 1): 0.08})
    assert isinstance(without.forest.chart, Forest)
    assert all(row.truth is None for row in without.forest.chart.rows)
    assert isinstance(known.forest.chart, Forest)
    assert [row.truth for row in known.forest.chart.rows] == [pytest.approx(8.0), None, 0.0]
    assert len(known.readings.columns) == len(without.readings.columns) + 1
    for view in (without, known):
        assert all(len(row) == len(view.readings.columns) for row in view.readings.rows)


def test_pooled_rounds_carry_the_verdict_and_lead_to_their_rows(readings: list[Reading]) -> None:
    pooled = read("b", [outcomes(0.03), outcomes(0.03, round_=2)], 0.5)
    view = results_page(readings, TITLES, [pooled], truth={("b", 1): 0.02, ("b", 2): 0.04})
    assert isinstance(view.forest.chart, Forest)
    row = next(r for r in view.forest.chart.rows if "pooled" in r.label.en)
    assert row.truth == pytest.approx(3.0)
    drills = [cell.drill for row in view.funnel.rows for cell in row if cell.drill]
    assert "b/1-2/rows?group=converted" in drills
    assert isinstance(view.money.chart, Bars)


def test_a_round_without_control_is_unreadable_and_still_a_page() -> None:
    alone = read("a", [outcomes(0.05, share=0.0)], 0.1)
    view = results_page([alone], TITLES)
    assert alone.lift is None
    assert isinstance(view.forest.chart, Forest)
    assert view.forest.chart.rows == ()
    assert "不可读" in view.answer.zh


def test_both_languages(readings: list[Reading]) -> None:
    for text in texts_of(results_page(readings, TITLES, placebo=readings[1], truth={("a", 1): 0.08})):
        assert bool(text.zh) == bool(text.en)
        assert not CHINESE.search(text.en), text.en
