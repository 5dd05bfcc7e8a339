"""Learners of an effect find it where it is, say none where there is none, and are compared on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.loop.model import Learner, Trial, better_than, learn_effects, learn_rank, paired_qini, qini


def trial(rows: int, seed: int, strength: float, probability: float = 0.5) -> tuple[Trial, np.ndarray]:
    """A trial whose effect is above zero for a low second feature and whose outcome follows the first."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    effect = strength * np.where(x[:, 1] < 0, 1.0, -0.3)
    treated = rng.random(rows) < probability
    y = rng.random(rows) < np.clip(0.25 + 0.08 * x[:, 0] + treated * effect, 0, 1)
    return Trial(x, treated, y.astype(float), np.full(rows, probability)), effect


@pytest.mark.parametrize("learner", list(Learner))
def test_every_learner_finds_whom_it_helps(learner: Learner) -> None:
    seen, _ = trial(20_000, 1, 0.15)
    new, effect = trial(5_000, 2, 0.15)
    learned = learn_effects(learner, seen, 3)
    found = learned.predict(new.x)
    assert found[effect > 0].mean() > 0.08
    assert found[effect < 0].mean() < 0.02
    assert np.corrcoef(learned.rank(new.x), effect)[0, 1] > 0.6


def test_known_unequal_probabilities_do_not_bias_the_effect() -> None:
    seen, _ = trial(30_000, 4, 0.12, probability=0.15)
    new, effect = trial(4_000, 5, 0.12)
    assert learn_effects(Learner.DR, seen, 6).predict(new.x).mean() == pytest.approx(effect.mean(), abs=0.02)


def test_calibration_is_on_the_scale_of_the_outcome_where_there_is_no_effect() -> None:
    seen, _ = trial(20_000, 7, 0.0)
    assert abs(learn_effects(Learner.X, seen, 8).predict(seen.x).mean()) < 0.02


def test_one_outcome_only_and_unknown_features_are_survived() -> None:
    seen, _ = trial(3_000, 9, 0.1)
    blank = seen.x.copy()
    blank[::3, 2] = np.nan
    never = Trial(blank, seen.treated, np.zeros(3_000), seen.probability)
    for learner in Learner:
        assert (learn_rank(learner, never, 1)(blank) == 0).all() or np.abs(
            learn_rank(learner, never, 1)(blank)
        ).max() < 1e-9


def test_the_same_seed_learns_the_same() -> None:
    seen, _ = trial(4_000, 11, 0.1)
    for learner in Learner:
        assert (learn_rank(learner, seen, 2)(seen.x) == learn_rank(learner, seen, 2)(seen.x)).all()


def test_qini_is_one_for_the_best_order_and_minus_for_its_reverse() -> None:
    y, treated = np.array([1.0, 0, 0, 0, 1, 0]), np.array([1.0, 1, 0, 0, 0, 1])
    best = np.where(treated > 0, y, -y)
    assert qini(best, y, treated) == pytest.approx(1.0)
    assert qini(-best, y, treated) < 0
    assert qini(np.zeros(6), y, treated) == 0.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_qini_depends_on_the_order_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    effect, y, treated = (
        rng.normal(size=200),
        (rng.random(200) < 0.3).astype(float),
        (rng.random(200) < 0.5).astype(float),
    )
    shuffle = rng.permutation(200)
    assert qini(np.exp(effect), y, treated) == pytest.approx(qini(effect, y, treated))
    assert qini(effect[shuffle], y[shuffle], treated[shuffle]) == pytest.approx(qini(effect, y, treated))


def test_learners_are_resampled_in_pairs() -> None:
    seen, effect = trial(3_000, 12, 0.2)
    same = {"one": effect, "other": effect * 2.0}
    whole, again = paired_qini(same, seen.y, seen.treated.astype(float), 5, 1)
    assert whole["one"] == pytest.approx(whole["other"])
    assert again["one"] == pytest.approx(again["other"])
    assert len(set(again["one"])) == 5


def test_a_learner_is_chosen_only_where_it_is_surely_better() -> None:
    seen, effect = trial(6_000, 13, 0.25)
    noise = np.random.default_rng(1).normal(size=6_000)
    treated = seen.treated.astype(float)
    far = paired_qini({"base": noise, "best": effect, "near": effect + noise}, seen.y, treated, 60, 2)
    assert better_than("base", *far) == "best"
    same = paired_qini({"base": effect, "copy": effect * 3.0, "worse": noise}, seen.y, treated, 60, 2)
    assert better_than("base", *same) == "base"
