"""Who is promoted is decided by the comparison: surely nearer the truth where money is at stake, no guard broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Estimate, Logs
from bankloop.loop.model import Labelled, Propensity, RandomisedArm, StatedPrior, Uplift, learn_uplift
from bankloop.loop.model.learners import train_propensity
from bankloop.loop.model.posterior import leaf_terms
from bankloop.loop.model.uplift import stated_uplift
from bankloop.loop.optimize import Comparison, GuardMetric, PlanGain, Tried, compare, guards_of
from bankloop.loop.optimize.comparison import choices_of
from tests.loop.believed import believing

SMS = "card|none|sms"
FEATURES = ("a", "b", "c")
WINDOW = (date(2026, 7, 1), date(2026, 7, 31))
BETTER, NOTHING, WORSE = Estimate(0.02, 0.01, 0.03), Estimate(0.0, -0.01, 0.01), Estimate(-0.02, -0.03, -0.01)


def rounds(count: int, rows: int, seed: int, effect: float = 0.15) -> Labelled:
    """Rounds of one message by lot, which moves those with a high first feature; the base follows the second."""
    rng = np.random.default_rng(seed)
    n = count * rows
    x = rng.normal(size=(n, 3))
    got = rng.random(n) < 0.5
    y = rng.random(n) < 1 / (1 + np.exp(2.5 - x[:, 1])) + got * np.where(x[:, 0] > 0, effect, 0.0)
    arms = {SMS: RandomisedArm(np.arange(n), got, np.full(n, 0.5))}
    return Labelled(x, y.astype(float), FEATURES, WINDOW, ~got, ~got, arms, np.repeat(np.arange(1, count + 1), rows))


@pytest.fixture(scope="module")
def base() -> Propensity:
    data = rounds(1, 12_000, 99, effect=0.0)
    return train_propensity(Labelled(data.x, data.y, FEATURES, WINDOW), 1)[0]


def prior(base: Propensity, share: float) -> Uplift:
    data = rounds(1, 4_000, 1, effect=0.0)
    return stated_uplift(base, data, StatedPrior({"sms": share}, {"sms": 0.0}, fails=False), ("a",))


def train(champion: Uplift) -> Callable[[Labelled], Uplift]:
    return lambda part: learn_uplift(champion, part)[0]


def drawn(data: Labelled) -> Tried:
    got = data.arms[SMS].treated
    logs = Logs(np.where(got, 0, 1), np.full((len(got), 2), 0.5), data.y * 5_000.0 - got * 100.0, (SMS, ""))
    return Tried(np.arange(len(got)), logs, np.full(len(got), 5_000.0), np.array([100.0]), np.array([0.0]), 0.5)


def test_a_challenger_that_knows_more_is_found_better_off_policy_and_on_later_rounds(base: Propensity) -> None:
    champion, data = prior(base, 0.5), rounds(3, 2_000, 4)
    found = compare(champion, (), train(champion), data, drawn(data), 7)
    assert found.better
    assert found.rounds == (1, 2, 3)
    assert found.challenger > found.champion
    assert {one.estimator for one in found.values} == {"IPS", "SNIPS", "DM", "DR", "SNDR", "SwitchDR", "DRos"}
    assert found.worth is not None
    assert found.worth.low > 0


def test_rounds_the_champion_was_trained_on_judge_nothing(base: Propensity) -> None:
    champion, data = prior(base, 0.5), rounds(3, 1_000, 5)
    found = compare(champion, (1, 2), train(champion), data, None, 7)
    assert found.rounds == (3,)
    assert found.rows == 1_000
    none_left = compare(champion, (1, 2, 3), train(champion), data, None, 7)
    assert none_left.rows == 0
    assert not none_left.better


def test_the_later_rounds_say_nothing_to_the_challenger_that_they_judge(base: Propensity) -> None:
    champion, data = prior(base, 0.5), rounds(2, 1_000, 6)
    seen: list[set[int]] = []

    def spy(part: Labelled) -> Uplift:
        assert part.round is not None
        seen.append(set(part.round.tolist()))
        return learn_uplift(champion, part)[0]

    compare(champion, (), spy, data, None, 1)
    assert seen == [{1}, {1}, {1}, {1}]


PLAN = PlanGain(0.85, BETTER, 600, 1_000)


@pytest.mark.parametrize(
    ("plan", "error", "ok", "trees", "supported", "word"),
    [
        (PLAN, None, True, False, True, "better"),
        (PLAN, WORSE, True, False, True, "better"),
        (replace(PLAN, probability=0.79), BETTER, True, False, False, "79%"),
        (replace(PLAN, reached=499), BETTER, True, False, False, "must reach 500"),
        (replace(PLAN, reached=500), BETTER, True, False, True, "better"),
        (None, BETTER, True, False, False, "nobody"),
        (PLAN, BETTER, False, False, False, "guard"),
        (PLAN, NOTHING, True, True, False, "told apart"),
        (replace(PLAN, probability=0.1), BETTER, True, True, True, "better"),
        (replace(PLAN, reached=1), BETTER, True, True, False, "must reach"),
    ],
)
def test_what_supports_a_promotion_and_what_a_refused_challenger_is_told(
    plan: PlanGain | None, error: Estimate | None, word: str, *, ok: bool, trees: bool, supported: bool
) -> None:
    guard = GuardMetric("auc", Text("排序", "ranking"), 0.8, 0.7, ok)
    found = Comparison(1_000, 0.01, 0.02, NOTHING, error, (1,), (), None, (guard,), plan, trees)
    assert found.supported is supported
    assert word in found.sentence.en


def test_an_error_counts_by_the_money_that_is_at_stake(base: Propensity) -> None:
    data = rounds(2, 2_000, 9)
    champion = prior(base, 0.5)
    # The message moves half of them. The challenger knows that half, and is wrong about the other, whom nothing moves.
    moved, still = data.x[:, 0] > 0, data.x[:, 0] <= 0
    nothing = believing(champion, {SMS: (-1.0, 0.0)})
    level = 0.075 / leaf_terms(champion.stated, champion.segments, SMS)[1]
    for worth, better in ((moved * 5_000.0, True), (still * 5_000.0, False), (np.full(len(moved), 5_000.0), True)):

        def one_that_knows(part: Labelled) -> Uplift:
            del part
            return believing(champion, {SMS: (-1.0, level)}, slopes=level)

        assert compare(nothing, (), one_that_knows, replace(data, worth=worth), None, 7).better is better


def test_a_base_that_lost_its_calibration_breaks_a_guard(base: Propensity) -> None:
    champion, data = prior(base, 0.5), rounds(2, 2_000, 8)
    from bankloop.loop.model import train_causal
    from tests.loop.people import bank_spec

    campaign = bank_spec().campaigns["bind-card"]
    good, card = train_causal(campaign, data, data.x, 3, champion)
    assert all(guard.ok for guard in guards_of(champion, good, card, data))
    high = train_propensity(replace(data, y=np.where(data.x[:, 2] > 0, 1.0, data.y)), 1)[0]
    broken = guards_of(champion, replace(good, base=high), card, data)
    assert not next(guard for guard in broken if guard.name == "calibration").ok
    assert not next(
        guard for guard in guards_of(champion, good, replace(card, psi=0.31), data) if guard.name == "psi"
    ).ok


def test_choices_take_the_dearest_open_actions_of_as_many_as_the_plan_contacts() -> None:
    lift = np.array([[0.3], [0.1], [0.2], [-0.1]])
    logs = Logs(np.array([0, 0, 0, 1]), np.full((4, 2), 0.5), np.zeros(4), (SMS, ""))
    tried = Tried(np.arange(4), logs, np.full(4, 1_000.0), np.array([10.0]), np.array([0.0]), 0.5)
    policy = choices_of(lift, np.full(4, 0.1), tried, np.arange(4), logs.propensity)
    assert policy[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert (policy.sum(axis=1) == 1).all()
    closed = np.array([[0.0, 1.0]] * 4)
    assert choices_of(lift, np.full(4, 0.1), tried, np.arange(4), closed)[:, 0].sum() == 0
