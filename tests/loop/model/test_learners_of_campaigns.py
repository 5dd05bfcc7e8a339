"""A campaign names who learns its effect, or leaves it to comparison; batch and one customer are scored alike by each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bankloop.loop import model
from bankloop.loop.model import SEGMENTS, Labelled, RandomisedArm
from bankloop.loop.model.choosing import CHALLENGERS
from bankloop.loop.model.uplift import LEAST_SIDE
from bankloop.loop.optimize import train_challenger
from bankloop.loop.spec import Campaign
from tests.loop.people import bank_spec
from tests.loop.test_model import CALL, FEATURES, WINDOW

RARE = "term-deposit-renewal|none|sms"


def campaign(learner: str) -> Campaign:
    one = bank_spec().campaigns["keep-deposits"]
    return one.model_copy(update={"model": one.model.model_copy(update={"learner": learner})})


def round_of(rows: int, seed: int, *, corner: bool, number: int = 1) -> tuple[Labelled, np.ndarray]:
    """A call by lot that helps in a corner of two features, which no line can tell, or helps everybody alike."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    effect = np.where(x[:, 0] * x[:, 1] > 0, 0.22, -0.18) if corner else np.full(rows, 0.05)
    called = rng.random(rows) < 0.5
    y = (rng.random(rows) < 0.4 + np.where(called, effect, 0.0)).astype(float)
    few = np.arange(60)
    arms = {CALL: RandomisedArm(np.arange(60, rows), called[60:], np.full(rows - 60, 0.5)), RARE: RandomisedArm(few, called[:60], np.full(60, 0.5))}  # fmt: skip
    return Labelled(x, y, FEATURES, WINDOW, ~called, ~called, arms, np.full(rows, number)), effect


@pytest.mark.parametrize("learner", [SEGMENTS, *CHALLENGERS])
def test_each_learner_is_kept_and_scores_one_customer_as_the_batch(learner: str, tmp_path: Path) -> None:
    data, effect = round_of(12_000, 1, corner=True)
    trained, card = model.train_causal(campaign(learner), data, data.x, 2)
    assert card.learner == learner
    assert card.learned == {CALL: learner, RARE: SEGMENTS}
    assert learner in card.why["en"]
    digest, path = model.save_model(trained, tmp_path)
    loaded = model.load_model(path, digest)
    keys = (CALL, RARE)
    chance, batch = loaded.predict(data.x[:200], keys)
    one = [loaded.effects_of(chance[[at]], data.x[[at]], keys)[0] for at in range(200)]
    assert np.abs(np.array(one) - batch).max() <= 1e-9
    assert np.array_equal(batch, trained.predict(data.x[:200], keys)[1])
    again, same = model.train_causal(campaign(learner), data, data.x, 2)
    assert model.save_model(again, tmp_path)[0] == digest
    assert same == card
    if learner != SEGMENTS:
        _, found = loaded.predict(data.x, [CALL])
        assert np.corrcoef(found[:, 0], effect)[0, 1] > 0.7


def test_auto_takes_trees_where_they_are_surely_nearer_and_stays_with_segments_where_they_are_not() -> None:
    data, effect = round_of(8_000, 3, corner=True)
    trained, card = model.train_causal(campaign("auto"), data, data.x, 4)
    assert card.learner in CHALLENGERS
    assert trained.learner == card.learner
    assert card.gains[card.learner].low > 0
    assert card.gains[card.learner].mean == max(one.mean for one in card.gains.values())
    assert "surely nearer" in card.why["en"]
    assert np.corrcoef(trained.predict(data.x, [CALL])[1][:, 0], effect)[0, 1] > 0.7

    alike, _ = round_of(6_000, 5, corner=False)
    _, card = model.train_causal(campaign("auto"), alike, alike.x, 6)
    assert card.learner == SEGMENTS
    assert set(card.gains) == set(CHALLENGERS)
    assert "no learner" in card.why["en"]


def test_too_few_rows_stay_with_segments_and_say_so() -> None:
    data, _ = round_of(LEAST_SIDE, 7, corner=True)
    for learner in ("auto", "X"):
        trained, card = model.train_causal(campaign(learner), data, data.x, 8)
        assert card.learner == SEGMENTS
        assert not trained.learned
        assert "enough" in card.why["en"]


def test_a_challenger_over_trees_is_compared_with_a_champion_of_segments_on_rounds_it_did_not_see() -> None:
    first, _ = round_of(9_000, 9, corner=True, number=1)
    champion, _ = model.train_causal(campaign(SEGMENTS), first, first.x, 10)
    second, _ = round_of(9_000, 11, corner=True, number=2)
    both = joined(first, second)
    found = train_challenger(campaign("DR"), champion, (1,), both, None, second.x, 12, "locked")
    assert found.card.learner == "DR"
    assert found.card.lock == "locked"
    assert found.comparison.rounds == (2,)
    assert found.comparison.better
    assert found.comparison.trees
    assert not found.comparison.supported
    assert "nobody to plan for" in found.comparison.sentence.en


def joined(one: Labelled, other: Labelled) -> Labelled:
    """Two rounds one after another."""
    at = len(one.y)
    arms = {
        key: RandomisedArm(*(np.concatenate(pair) for pair in ((a.rows, b.rows + at), (a.treated, b.treated), (a.probability, b.probability))))
        for key, a, b in ((key, one.arms[key], other.arms[key]) for key in one.arms)
    }  # fmt: skip
    values = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("x", "y", "quiet", "control", "round")
    }
    return dataclasses.replace(one, **values, arms=arms)
