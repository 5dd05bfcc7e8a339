"""Cards say how far each number can be trusted, and what the model was made of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.loop import model
from bankloop.loop.model import Labelled, auc, cards, code_digest, data_digest, ks, lift_at
from tests.loop.people import bank_spec
from tests.loop.test_model import history, randomised


def scored(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(rows), 2)
    return score, (rng.random(rows) < 0.1 + 0.3 * score).astype(float)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(30, 400), seed=st.integers(0, 10**6))
def test_with_every_row_once_the_weighted_measures_are_the_measures(rows: int, seed: int) -> None:
    score, y = scored(rows, seed)
    y[:2] = (0.0, 1.0)
    order, best, once = np.argsort(score, kind="stable"), np.argsort(-score, kind="stable"), np.ones(rows)
    last = np.r_[score[order][1:] != score[order][:-1], True]
    assert cards._weighted_auc(once, y[order], last) == pytest.approx(auc(score, y))
    assert cards._weighted_ks(once, y[order], last) == pytest.approx(ks(score, y))
    whole = rows - rows % 10
    top = np.argsort(-score[:whole], kind="stable")
    assert cards._weighted_lift(np.ones(whole), y[:whole][top]) == pytest.approx(lift_at(score[:whole], y[:whole]))
    assert len(best) == rows


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth = auc(*scored(400_000, 1))
    inside = 0
    for seed in range(60):
        low, high = cards.intervals(*scored(1_500, 100 + seed), seed, 120)["auc"]
        inside += low <= truth <= high
    assert inside >= 51


def test_intervals_narrow_with_rows_and_need_both_classes() -> None:
    wide, narrow = (cards.intervals(*scored(rows, 2), 3) for rows in (500, 20_000))
    for name in ("auc", "ks", "lift_at_10"):
        assert narrow[name][1] - narrow[name][0] < 0.5 * (wide[name][1] - wide[name][0])
    assert cards.intervals(np.arange(5.0), np.zeros(5), 1) == {}
    assert cards.intervals(np.zeros(0), np.zeros(0), 1) == {}


def test_calibration_rates_carry_their_interval() -> None:
    score, y = scored(5_000, 4)
    for one in model.calibration(score, y):
        assert 0.0 <= one.low < one.rate < one.high <= 1.0
    assert cards.wilson(0.0, 10)[0] == pytest.approx(0.0, abs=1e-12)


def test_a_card_names_its_rows_its_code_and_its_file() -> None:
    campaign, data = bank_spec().campaigns["keep-deposits"], history(4_000, 5)
    _, card = model.train_first(campaign, data, data.x, 5)
    _, same = model.train_first(campaign, data, data.x, 5)
    assert card == same
    assert card.data == data_digest(data)
    assert card.code == code_digest()
    assert set(card.intervals) == {"auc", "ks", "lift_at_10"}
    assert card.intervals["auc"][0] < card.auc < card.intervals["auc"][1]
    other = campaign.model_copy(update={"audience": "term_maturing_60d >= 1"})
    assert model.train_first(other, data, data.x, 5)[1].lock != card.lock


def test_the_digest_of_rows_knows_every_part_and_one_unknown() -> None:
    data, _ = randomised(500, 6)
    digests = {data_digest(data)}
    changed = data.y.copy()
    changed[3] = 1.0 - changed[3]
    digests |= {data_digest(dataclasses.replace(data, y=changed)), data_digest(dataclasses.replace(data, arms={}))}
    assert len(digests) == 3
    one, other = history(50, 7), history(50, 7)
    one.x[0, 0] = np.nan
    other.x[0, 0] = -np.nan
    assert data_digest(one) == data_digest(other)
    assert data_digest(Labelled(one.x, one.y, ("a", "b", "c"), one.window)) != data_digest(one)
