"""A campaign that knows nothing draws as many by lot as it takes to learn; the others keep to the bank's own share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bankloop.kit.ids import CELL_BUCKETS
from bankloop.loop import reach
from bankloop.loop.learning.first_lot import WIDEST, first_lot
from bankloop.loop.model import Labelled, StatedPrior, Uplift, train_propensity
from bankloop.loop.model.uplift import stated_uplift
from bankloop.loop.reach import Action
from tests.loop.believed import believing

SMS = Action("card", "card", "none", "sms", "s@1", 4.5, 0, 0, 0, staff=False, delivery="file")
CALL = replace(SMS, channel="rm_call", minutes=12, staff=True)


def model(wins: float) -> Uplift:
    """A goal that four in a hundred reach alone, and a message that wins ``wins`` of these once more."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(6_000, 2))
    data = Labelled(x, (rng.random(6_000) < 0.04).astype(float), ("a", "b"), (date(2026, 7, 1), date(2026, 7, 31)))
    stated = StatedPrior({"sms": wins, "rm_call": wins}, {"sms": 0.0, "rm_call": 0.0}, fails=False)
    return stated_uplift(train_propensity(data, 1)[0], data, stated)


def test_the_lot_is_as_wide_as_the_strongest_message_needs_in_each_segment() -> None:
    known = model(1.0)
    alone = float(known.segments.share @ known.segments.rate)
    # Textbook: 2 (1.96 + .84)² p (1 − p) / effect² a side, two sides, as often as there are segments.
    wanted = 2 * 2.8015852**2 * alone * (1 - alone) / alone**2 * 2 * known.segments.count
    assert first_lot(known, (SMS, CALL), 100_000) == pytest.approx(wanted / 100_000 * 1e6, rel=0.01)
    assert first_lot(known, (SMS, CALL), round(wanted * 1.5)) == WIDEST
    assert first_lot(known, (SMS, CALL), round(wanted * 0.9)) == 0


def test_nothing_is_drawn_more_widely_once_it_is_learned_or_for_calls_alone_or_nobody() -> None:
    known = model(1.0)
    assert first_lot(believing(known, {SMS.key: (0.0, 0.0)}), (SMS,), 100_000) == 0
    assert first_lot(known, (CALL,), 100_000) == 0
    assert first_lot(known, (SMS,), 0) == 0
    assert first_lot(model(0.0), (SMS,), 100_000) == 0


def test_who_is_wanted_by_such_a_campaign_is_drawn_with_its_share_and_stays_drawn() -> None:
    numbers = [f"C{number:06d}" for number in range(20_000)]
    wide = np.where(np.arange(20_000) < 10_000, 250_000, 50_000)
    exempt = np.zeros(20_000, bool)
    found = reach.draw_cells(numbers, date(2026, 8, 24), 1, 0, wide, exempt) == "explore"
    narrow = reach.draw_cells(numbers, date(2026, 8, 24), 1, 0, 50_000, exempt) == "explore"
    assert found[:10_000].mean() == pytest.approx(0.25, abs=0.015)
    assert found[10_000:].mean() == pytest.approx(0.05, abs=0.01)
    assert (found >= narrow).all(), "whom the bank's own share draws the wider one draws too"
    assert CELL_BUCKETS >= 1_000
