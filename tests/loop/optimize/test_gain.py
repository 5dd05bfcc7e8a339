"""What a new plan brings above the old one, on today's people under today's limits, and how surely."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bankloop.loop.model import Labelled, StatedPrior, Uplift, train_propensity
from bankloop.loop.model.posterior import leaf_terms
from bankloop.loop.model.uplift import stated_uplift
from bankloop.loop.optimize import Setting, difference_of, gain_of, plan_by, unsure_share
from bankloop.loop.reach import Action, CampaignCandidates, Family
from tests.loop.believed import believing

CALL = "deposit|none|rm_call"
WORTH, COST = 10_000.0, 100.0


@pytest.fixture(scope="module")
def model() -> Uplift:
    """Half of the people renew by themselves at .9, half at .5; a call wins a tenth of those who would not."""
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.random(8_000) < 0.5, rng.normal(size=8_000)]).astype(float)
    y = (rng.random(8_000) < np.where(x[:, 0] > 0, 0.9, 0.5)).astype(float)
    data = Labelled(x, y, ("renews", "other"), (date(2026, 7, 1), date(2026, 7, 31)))
    stated = StatedPrior({"rm_call": 0.1}, {"rm_call": 0.0}, fails=True)
    return stated_uplift(train_propensity(data, 1)[0], data, stated, ("renews",))


def setting(model: Uplift, people: int = 400, calls: float = 100.0) -> Setting:
    """As many who renew by themselves as who do not, equal in worth but for a hair, and calls for a quarter of them."""
    x = np.column_stack([np.arange(people) % 2, np.zeros(people)]).astype(float)
    action = Action("keep", "deposit", "none", "rm_call", "s@1", COST, 10, 0, 0, staff=True, delivery="task")
    base, uplift = model.predict(x, [CALL])
    side = CampaignCandidates(
        "keep", "0" * 64, np.arange(people), (action,), base, uplift, np.full(people, WORTH), np.ones((people, 1), bool),
        np.zeros(people, bool), 0.0, explore_staff=True,
    )  # fmt: skip
    return Setting(side, x, (Family("channel:rm_call", np.ones(1), np.array([calls])),))


def test_a_plan_that_calls_who_would_leave_brings_what_their_effects_add_up_to(model: Uplift) -> None:
    today = setting(model)
    level = leaf_terms(model.stated, model.segments, CALL)[1]
    # One model thinks that the call moves those who renew by themselves, the other those who do not, by 4 points.
    wrong = believing(model, {CALL: (-1.0, 0.02 / level)}, slopes=0.02 / level)
    right = believing(model, {CALL: (-1.0, 0.02 / level)}, slopes=-0.02 / level, sure=0.05)
    called, _ = plan_by(today, right)
    assert len(called) == 100
    assert (today.x[called, 0] == 0).all()
    assert (today.x[plan_by(today, wrong)[0], 0] == 1).all()
    found = gain_of(today, wrong, right)
    step = float(right.people(np.array([[0.0, 0.0]]))[0, 0] - right.people(np.array([[1.0, 0.0]]))[0, 0])
    assert found.gain.value == pytest.approx(100 * WORTH * 0.02 * abs(step), rel=0.01)
    assert found.reached == 100
    assert found.sure
    back = difference_of(today, right, plan_by(today, wrong), plan_by(today, right))
    assert back[0] == pytest.approx(1.0 - found.probability)
    assert back[1].value == pytest.approx(-found.gain.value)


def test_the_less_the_rounds_say_the_less_sure_is_a_gain(model: Uplift) -> None:
    today = setting(model)
    level = leaf_terms(model.stated, model.segments, CALL)[1]
    wrong = believing(model, {CALL: (-1.0, 0.02 / level)}, slopes=0.02 / level)
    chances = [
        gain_of(
            today, wrong, believing(model, {CALL: (-1.0, 0.02 / level)}, slopes=-0.02 / level, sure=sure)
        ).probability
        for sure in (0.01, 0.5, 2.0, 10.0)
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.99
    assert chances[-1] == pytest.approx(0.5, abs=0.1)


def test_the_same_plan_is_no_gain_and_one_that_stops_contacting_does_not_reach(model: Uplift) -> None:
    today = setting(model)
    same = gain_of(today, model, model)
    assert same.probability == pytest.approx(0.5)
    assert not same.sure
    silent = believing(model, {CALL: (-2.0, 0.0)})
    found = gain_of(today, model, silent)
    assert (found.reached, found.first, found.least) == (0, 100, 50)
    assert found.sure
    assert not found.reaches


def test_probabilities_are_those_of_draws_from_the_posterior(model: Uplift) -> None:
    """Calling everybody against nobody: the share of drawn posteriors in which that brings more."""
    today = setting(model, calls=1e9)
    judge = believing(model, {CALL: (-0.9, 0.0)}, sure=0.4)
    rng = np.random.default_rng(0)
    everybody, nobody = (np.arange(400), np.zeros(400, np.int64)), (np.zeros(0, np.int64), np.zeros(0, np.int64))
    said, _ = difference_of(today, judge, everybody, nobody)
    terms = judge.terms(today.x, CALL).sum(axis=0) * WORTH
    draws = rng.normal(judge.posterior.mean, 0.4, (20_000, judge.posterior.width)) @ terms - 400 * COST
    assert said == pytest.approx((draws > 0).mean(), abs=0.02)
    narrow = replace(judge, posterior=replace(judge.posterior, covariance=judge.posterior.covariance * 0.0))
    assert difference_of(today, narrow, everybody, nobody)[0] in (0.0, 1.0)


def test_value_that_hangs_on_a_doubtful_sign_is_told_apart(model: Uplift) -> None:
    """The sure ones are those whose posterior lies above nothing four times in five, by draws."""
    today = setting(model, calls=1e9)
    everybody = (np.arange(400), np.zeros(400, np.int64))
    level = leaf_terms(model.stated, model.segments, CALL)[1]
    sure = believing(model, {CALL: (-1.0, 0.05 / level)}, sure=1e-6)
    assert unsure_share(today, sure, everybody) == 0.0
    wide = believing(model, {CALL: (-1.0, 0.05 / level)}, sure=10.0)
    assert unsure_share(today, wide, everybody) == pytest.approx(1.0)
    assert unsure_share(today, wide, (np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0.0
    some = believing(model, {CALL: (-1.0, 0.05 / level)}, slopes=-0.02 / level, sure=0.3)
    terms = some.terms(today.x, CALL)
    draws = np.random.default_rng(0).normal(some.posterior.mean, 0.3, (20_000, some.posterior.width)) @ terms.T
    helps, worth = (draws > 0).mean(axis=0), np.maximum(terms @ some.posterior.average, 0.0)
    assert unsure_share(today, some, everybody) == pytest.approx(worth[helps < 0.8].sum() / worth.sum(), abs=0.01)
