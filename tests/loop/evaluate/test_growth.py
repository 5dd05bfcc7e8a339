"""Gross, control, net: what would have grown anyway is taken off, with an interval."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.text import Language
from bankloop.loop.evaluate import read_growth, read_metrics
from bankloop.loop.spec import ProgrammeSpec
from bankloop.performance.growth import ProgrammeGrowth
from bankloop.report.programmes import programme_book
from tests.loop.people import BANK

SPEC = ProgrammeSpec.model_validate(
    {
        "format": 1, "programme": "growth", "title": {"zh": "新增长", "en": "Growth"}, "owner": "retail",
        "campaigns": ["bind-card"], "metric": "aum", "target": "8%", "window": {"from": "2026-01-01", "to": "2026-12-31"},
    }
)  # fmt: skip


def hundred(grown: float, rows: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    before = np.full(rows, 10_000, np.int64)
    noise = np.tile([-50, 50], rows // 2)
    return before, (before * (1 + grown)).astype(np.int64) + noise


@pytest.mark.capability("A26")
def test_baseline_100_now_108_and_control_plus_3_is_net_plus_5() -> None:
    (before, now), (held, held_now) = hundred(0.08), hundred(0.03)
    holdout = np.repeat([False, True], 1_000)
    found = read_growth(np.r_[before, held], np.r_[now, held_now], holdout)
    assert found.now / found.baseline == pytest.approx(1.08)
    assert found.control == pytest.approx(0.03)
    assert found.net is not None
    assert found.net.value == pytest.approx(0.05)
    assert found.net.low < 0.05 < found.net.high
    assert found.amount is not None
    assert found.amount.value == pytest.approx(0.05 * found.baseline)
    metric = read_metrics(BANK)["aum"]
    growth = ProgrammeGrowth(SPEC, metric, date(2025, 12, 31), date(2026, 7, 1), found, (1, 2))
    assert growth.reached == pytest.approx(1.0)
    assert growth.elapsed == pytest.approx(182 / 365)
    book = programme_book(growth, [], {})
    assert "grew +8.0%, the holdout +3.0%: net +5.0%" in book.answer.en
    assert "净增 +5.0%" in book.answer.zh
    assert [figure.value.say(Language.EN) for figure in book.figures][3] == "+5.0%"


def test_nothing_to_grow_from_and_no_holdout_are_said_and_not_computed() -> None:
    before, now = hundred(0.08)
    nobody = read_growth(np.zeros(4, np.int64), np.full(4, 5, np.int64), np.array([True, False, False, True]))
    assert nobody.gross is None
    assert "nothing to grow from" in nobody.sentence.en
    alone = read_growth(before, now, np.zeros(1_000, bool))
    assert alone.gross == pytest.approx(0.08)
    assert alone.net is None
    assert "nobody knows" in alone.sentence.en
    one = read_growth(np.array([100, 100]), np.array([110, 100]), np.array([False, True]))
    assert one.net is None


@given(st.integers(10, 40), st.floats(-0.5, 2.0), st.integers(0, 10_000))
def test_both_arms_grown_alike_are_net_of_nothing(rows: int, grown: float, seed: int) -> None:
    before = np.random.default_rng(seed).integers(1_000, 100_000, rows)
    # Growth that is the same of everybody to the last digit has no spread to be read from.
    now = np.rint(before * (1 + grown)).astype(np.int64) + np.tile([-400, 400], rows)[:rows]
    found = read_growth(np.r_[before, before], np.r_[now, now], np.repeat([False, True], rows))
    assert found.net is not None
    assert found.net.value == pytest.approx(0.0, abs=1e-9)
    assert found.net.low <= 1e-9 <= found.net.high + 2e-9
