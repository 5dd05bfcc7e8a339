"""The posterior about the stated prior: it stays there without data, follows the data, shares between actions, stays sceptical."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bankloop.loop.model import Labelled, Propensity, RandomisedArm, StatedPrior, Uplift, learn_uplift, residuals
from bankloop.loop.model.learners import train_propensity
from bankloop.loop.model.segments import MOST, grow_segments
from bankloop.loop.model.uplift import stated_uplift

SMS, PUSH, NEVER = "card|none|sms", "card|none|app_push", "card|none|wecom"
PRIOR = StatedPrior(
    {"sms": 1.0, "app_push": 1.0, "wecom": 1.0}, {"sms": 0.0, "app_push": 0.0, "wecom": 0.0}, fails=False
)
FEATURES = ("a", "b", "c", "d")
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
    return Labelled(x, y, FEATURES, WINDOW, ~(sms | push), ~(sms | push), arms), effect


@pytest.fixture(scope="module")
def base() -> Propensity:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(20_000, 4))
    y = (rng.random(20_000) < 1 / (1 + np.exp(3.0 - 0.8 * x[:, 1]))).astype(float)
    return train_propensity(Labelled(x, y, FEATURES, WINDOW), 1)[0]


@pytest.fixture(scope="module")
def first(base: Propensity) -> Uplift:
    """The stated model, over the segments of those whom nobody contacted; people may differ by the first feature."""
    data, _ = trial(20_000, 1, persuadable=0.0)
    return stated_uplift(base, data, PRIOR, ("a", "d"))


def test_without_a_lot_it_is_the_stated_prior_and_many_rows_follow_the_data(first: Uplift) -> None:
    many, effect = trial(20_000, 2)
    stated, measured = learn_uplift(first, Labelled(many.x, many.y, FEATURES, WINDOW))
    assert not stated.causal
    assert measured == {}
    prior = stated.predict(many.x, [SMS])[1][:, 0]
    assert prior == pytest.approx(first.segments.rate[first.segments.of(many.x)])
    far, effects = learn_uplift(first, many)
    assert far.causal
    learned = far.predict(many.x, [SMS])[1][:, 0]
    assert np.corrcoef(learned, effect)[0, 1] > 0.7
    assert abs(learned.mean() - effect.mean()) < 0.012
    assert np.corrcoef(prior, effect)[0, 1] < 0.1
    assert effects[SMS].low < effect.mean() < effects[SMS].high


def test_the_more_rows_the_nearer_the_truth(first: Uplift) -> None:
    errors = []
    for rows in (100, 1_500, 20_000):
        (data, _), (others, effect) = trial(rows, 7), trial(4_000, 8)
        found = learn_uplift(first, data)[0].predict(others.x, [SMS])[1][:, 0]
        errors.append(float(((found - effect) ** 2).mean()))
    assert errors == sorted(errors, reverse=True)


def test_an_action_hardly_tried_borrows_from_the_others(first: Uplift) -> None:
    data, effect = trial(20_000, 3)
    rare = data.arms[PUSH]
    few = np.sort(np.random.default_rng(0).choice(len(rare.rows), 60, replace=False))
    arms = {SMS: data.arms[SMS], PUSH: RandomisedArm(rare.rows[few], rare.treated[few], rare.probability[few])}
    found, _ = learn_uplift(first, Labelled(data.x, data.y, FEATURES, WINDOW, data.quiet, data.control, arms))
    for key in (PUSH, NEVER):
        assert np.corrcoef(found.predict(data.x, [key])[1][:, 0], effect)[0, 1] > 0.6


def test_where_nothing_has_an_effect_none_is_found_however_often_it_is_asked(first: Uplift) -> None:
    nothing = StatedPrior({"sms": 0.0, "app_push": 0.0}, {"sms": 0.0, "app_push": 0.0}, fails=False)
    none = first.stating(nothing, ("a", "d"), trial(500, 1)[0])
    means = [
        float(learn_uplift(none, data)[0].predict(data.x, [SMS])[1].mean())
        for data, _ in (trial(4_000, seed, persuadable=0.0) for seed in range(4))
    ]
    assert abs(np.mean(means)) < 0.005


def test_the_same_rows_give_the_same_model(first: Uplift) -> None:
    data, _ = trial(3_000, 5)
    one, other = (learn_uplift(first, data, 3)[0].posterior for _ in range(2))
    assert (one.mean == other.mean).all()
    assert (one.covariance == other.covariance).all()


@pytest.mark.parametrize(
    ("fails", "rate", "effect"), [(True, 0.9, 0.15 * 0.1 - 0.03 * 0.9), (False, 0.04, 0.12 * 0.04)]
)
def test_what_is_stated_has_two_sides(rate: float, effect: float, *, fails: bool) -> None:
    """A call to somebody who renews anyway loses more than it wins; of those who act by themselves both are a share."""
    stated = StatedPrior({"rm_call": 0.15}, {"rm_call": 0.03}, fails)
    assert stated.effect(np.array([rate]), "p|none|rm_call")[0] == pytest.approx(effect)
    doubled = stated.times(2.0).effect(np.array([rate]), "p|none|rm_call")[0]
    assert doubled == pytest.approx(effect - 0.03 * rate)


def harmed(rows: int, seed: int) -> tuple[Labelled, np.ndarray]:
    """A call by lot: it keeps a tenth of those who would leave, and loses three in a hundred of those who renew anyway."""
    rng = np.random.default_rng(seed)
    renews = rng.random(rows) < 0.55
    x = np.column_stack([renews, rng.normal(size=rows)])
    alone, effect = np.where(renews, 0.9, 0.6), np.where(renews, -0.03, 0.08)
    called = rng.random(rows) < 0.5
    y = (rng.random(rows) < alone + called * effect).astype(float)
    arms = {"d|none|rm_call": RandomisedArm(np.arange(rows), called, np.full(rows, 0.5))}
    return Labelled(x, y, ("renews", "other"), WINDOW, ~called, ~called, arms), effect


def test_a_stated_loss_leaves_alone_who_renews_by_themselves_and_data_overrule_a_wrong_one() -> None:
    call = "d|none|rm_call"
    data, _ = harmed(40_000, 3)
    alone = data.part(~data.arms[call].treated)
    base = train_propensity(alone, 1)[0]
    first = stated_uplift(base, alone, StatedPrior({"rm_call": 0.15}, {"rm_call": 0.03}, fails=True))
    renewing = int(first.segments.of(np.array([[1.0, 0.0]]))[0])
    assert first.segments.rate[renewing] > 0.85
    assert first.by_segment(call)[renewing] < 0 < first.by_segment(call)[1 - renewing]
    silent = first.stating(StatedPrior({"rm_call": 0.15}, {"rm_call": 0.0}, fails=True), (), data)
    assert (silent.by_segment(call) > 0).all()
    found = learn_uplift(silent, data)[0]
    for model in (found, learn_uplift(first, data)[0]):
        learned = model.by_segment(call)
        assert learned[renewing] == pytest.approx(-0.03, abs=0.02)
        assert learned[1 - renewing] == pytest.approx(0.08, abs=0.025)
    assert (found.spread_of(call) < silent.spread_of(call)).all()


def test_sceptical_odds_let_people_differ_only_where_the_rows_say_so(first: Uplift) -> None:
    """Where people do not differ, be it on many rows or few, most weight stays where they hardly do."""
    same, _ = trial(20_000, 4, persuadable=0.0)
    few, _ = trial(300, 4, persuadable=0.0)
    differ, _ = trial(20_000, 4)
    narrow = [float(learn_uplift(first, data)[0].posterior.weight[:2].sum()) for data in (same, few, differ)]
    assert narrow[0] > 0.7
    assert narrow[1] > 0.6
    assert narrow[2] < 0.01


def test_intervals_of_the_posterior_hold_the_truth_as_often_as_they_say() -> None:
    call, held, count = "d|none|rm_call", 0, 0
    for seed in range(40):
        data, _ = harmed(3_000, 100 + seed)
        alone = data.part(~data.arms[call].treated)
        first = stated_uplift(
            train_propensity(alone, 1)[0], alone, StatedPrior({"rm_call": 0.15}, {"rm_call": 0.015}, fails=True)
        )
        found = learn_uplift(first, data)[0]
        for renews, truth in ((1.0, -0.03), (0.0, 0.08)):
            segment = int(found.segments.of(np.array([[renews, 0.0]]))[0])
            off = abs(found.by_segment(call)[segment] - truth) / found.spread_of(call)[segment]
            held += off < 1.96
            count += 1
    assert held / count > 0.88


def test_segments_are_few_large_and_told_apart_by_what_history_shows() -> None:
    data, _ = harmed(8_000, 5)
    found = grow_segments(data.x, data.y, 0)
    assert 2 <= found.count <= MOST
    assert found.share.min() >= 0.05
    assert found.share.sum() == pytest.approx(1.0)
    first_questions = {bounds[0].feature for bounds in found.bounds()}
    assert first_questions == {0}
    rows = np.bincount(found.of(data.x), minlength=found.count) / len(data.y)
    assert rows == pytest.approx(found.share)
    flat = grow_segments(data.x[:30], np.ones(30), 0)
    assert flat.count == 1
    assert flat.of(data.x).max() == 0


def test_an_unknown_value_has_its_segment_too() -> None:
    data, _ = harmed(8_000, 6)
    x = data.x.copy()
    x[::3, 0] = np.nan
    found = grow_segments(x, data.y, 0)
    assert set(found.of(x)) == set(range(found.count))


def test_a_large_sample_is_learned_from_in_part_each_row_without_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, 4))
    truth = 0.1 + 0.3 * (x[:, 0] > 0)
    y = (rng.random(len(x)) < truth).astype(float)
    luck = (rng.random(len(x)) < 0.5).astype(float)  # nothing in x says it
    for most in (4_000, 30_000):
        monkeypatch.setattr(residuals, "LEARNT_ROWS", most)
        rate = residuals.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7)
        assert np.abs(rate - truth).mean() < 0.03
        assert np.array_equal(rate, residuals.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7))
        some = x[:, 1] > 1.0
        asked = residuals.cross_fitted_rates(x, y, np.full(len(x), 0.25), 7, some)
        assert np.array_equal(asked[some], rate[some])
        assert (asked[~some] == 0.25).all()
        blind = residuals.cross_fitted_rates(x, luck, np.full(len(x), 0.5), 7)
        assert abs(np.corrcoef(blind, luck)[0, 1]) < 0.03
