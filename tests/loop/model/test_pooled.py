"""Uplift about the stated prior: it stays there without data, follows the data, and shares between actions."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bankloop.loop.model import Labelled, Propensity, RandomisedArm, learn_uplift, pooled
from bankloop.loop.model.learners import train_propensity

SMS, PUSH, NEVER = "card|none|sms", "card|none|app_push", "card|none|wecom"
PRIOR = {"sms": 1.0, "app_push": 1.0, "wecom": 1.0}
WINDOW = (date(2026, 7, 1), date(2026, 7, 31))


def trial(rows: int, seed: int, persuadable: float = 0.12, share: float = 0.5) -> tuple[Labelled, np.ndarray]:
    """Two messages by lot: they move those with a high first feature, nobody else; the base does not depend on it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    effect = np.where(x[:, 0] > 0.5, persuadable, 0.0)
    lot = rng.random(rows)
    sms, push = lot < share / 2, (lot >= share / 2) & (lot < share)
    base = 1 / (1 + np.exp(3.0 - 0.8 * x[:, 1]))
    y = (rng.random(rows) < base + (sms | push) * effect).astype(float)
    arms = {}
    for key, got in ((SMS, sms), (PUSH, push)):
        rows_of = np.flatnonzero(got | ~(sms | push))
        odds = (share / 2) / (1 - share / 2)
        arms[key] = RandomisedArm(rows_of, got[rows_of], np.full(len(rows_of), odds))
    return Labelled(x, y, ("a", "b", "c", "d"), WINDOW, ~(sms | push), ~(sms | push), arms), effect


@pytest.fixture(scope="module")
def base() -> Propensity:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(20_000, 4))
    y = (rng.random(20_000) < 1 / (1 + np.exp(3.0 - 0.8 * x[:, 1]))).astype(float)
    return train_propensity(Labelled(x, y, ("a", "b", "c", "d"), WINDOW), 1)[0]


def test_without_a_lot_it_is_the_stated_prior_and_many_rows_follow_the_data(base: Propensity) -> None:
    many, effect = trial(20_000, 2)
    none = Labelled(many.x, many.y, many.features, WINDOW)
    stated, measured = learn_uplift(base, none, PRIOR, fails=False)
    assert not stated.causal
    assert measured == {}
    prior = stated.predict(many.x, [SMS])[1][:, 0]
    likely = base.predict(many.x)
    assert prior == pytest.approx(np.minimum(likely, 1.0 - likely))
    far, effects = learn_uplift(base, many, PRIOR, fails=False)
    assert far.causal
    learned = far.predict(many.x, [SMS])[1][:, 0]
    assert np.corrcoef(learned, effect)[0, 1] > 0.7
    assert abs(learned.mean() - effect.mean()) < 0.012
    assert np.corrcoef(prior, effect)[0, 1] < 0.1
    assert effects[SMS].low < effect.mean() < effects[SMS].high


def test_the_more_rows_the_nearer_the_truth(base: Propensity) -> None:
    errors = []
    for rows in (100, 1_500, 20_000):
        (data, _), (others, effect) = trial(rows, 7), trial(4_000, 8)
        found = learn_uplift(base, data, PRIOR, fails=False)[0].predict(others.x, [SMS])[1][:, 0]
        errors.append(float(((found - effect) ** 2).mean()))
    assert errors == sorted(errors, reverse=True)


def test_an_action_hardly_tried_borrows_from_the_others(base: Propensity) -> None:
    data, effect = trial(20_000, 3)
    rare = data.arms[PUSH]
    few = np.sort(np.random.default_rng(0).choice(len(rare.rows), 60, replace=False))
    arms = {SMS: data.arms[SMS], PUSH: RandomisedArm(rare.rows[few], rare.treated[few], rare.probability[few])}
    found, _ = learn_uplift(
        base, Labelled(data.x, data.y, data.features, WINDOW, data.quiet, data.control, arms), PRIOR, fails=False,
        actions=(SMS, PUSH, NEVER),
    )  # fmt: skip
    for key in (PUSH, NEVER):
        assert np.corrcoef(found.predict(data.x, [key])[1][:, 0], effect)[0, 1] > 0.6


def test_where_nothing_has_an_effect_none_is_found_however_often_it_is_asked(base: Propensity) -> None:
    means = [
        float(learn_uplift(base, data, {"sms": 0.0}, fails=False)[0].predict(data.x, [SMS])[1].mean())
        for data, _ in (trial(4_000, seed, persuadable=0.0) for seed in range(4))
    ]
    assert abs(np.mean(means)) < 0.005


def test_the_same_rows_give_the_same_model(base: Propensity) -> None:
    data, _ = trial(3_000, 5)
    one, other = (learn_uplift(base, data, PRIOR, fails=False, seed=3)[0] for _ in range(2))
    assert all((one.coefficient[key] == other.coefficient[key]).all() for key in one.coefficient)


def test_a_large_sample_is_learned_from_in_part_each_row_without_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, 4))
    truth = 0.1 + 0.3 * (x[:, 0] > 0)
    y = (rng.random(len(x)) < truth).astype(float)
    luck = (rng.random(len(x)) < 0.5).astype(float)  # nothing in x says it
    for most in (4_000, 30_000):
        monkeypatch.setattr(pooled, "LEARNT_ROWS", most)
        rate = pooled.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7)
        assert np.abs(rate - truth).mean() < 0.03
        assert np.array_equal(rate, pooled.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7))
        some = x[:, 1] > 1.0
        asked = pooled.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7, some)
        assert np.array_equal(asked[some], rate[some])
        assert (asked[~some] == 0.25).all()
        blind = pooled.cross_fitted_rates(x, luck, np.full(len(x), 0.5), 7)
        assert abs(np.corrcoef(blind, luck)[0, 1]) < 0.03
