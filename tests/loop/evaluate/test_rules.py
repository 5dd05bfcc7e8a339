"""The bank's own rule beside the plan, measured: true differences are covered, nothing is claimed of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bankloop.kit.text import Language, Text
from bankloop.loop.evaluate import Estimate
from bankloop.loop.evaluate.contracts import RuleVerdict
from bankloop.loop.evaluate.rules import RuleBefore, RuleTrial, measure_rule, read_rules

BEFORE = RuleBefore("churn", Text("流失高的先", "Churn first"), "d|none|call", Estimate(9e6, 1e6, 17e6), 0.97, 0.1)
COST = 3_000.0


def drawn(
    rng: np.random.Generator,
    kind: str,
    n: int = 16_000,
    *,
    control: float = 0.25,
    lot: float = 0.25,
    odds: float = 0.6,
    permuted: bool = False,
) -> tuple[RuleTrial, float]:
    """A round of n customers in which the plan and a rule give a tenth of them a call, and the true difference, fen.

    What a call does depends on who is called: ``plan`` and ``rule`` say for whose people it works, ``alike`` that it
    works equally for both; some succeed by themselves. The lot calls those who succeed by themselves more often, and
    nothing else says who they are.
    """
    p, worth = 0.1 + 0.8 * rng.beta(2, 3, n), rng.lognormal(10.6, 0.5, n)
    # The plan takes those of middling chances and money, the rule those surest to leave.
    plan_score, rule_score = worth * p * (1.0 - p), 1.0 - p + 0.02 * rng.random(n)
    most = n // 10
    mine, theirs = (score > np.partition(score, n - most - 1)[n - most - 1] for score in (plan_score, rule_score))
    works = {"plan": np.where(mine, 0.12, 0.0), "rule": np.where(theirs, 0.4, -0.05), "alike": COST / worth + 0.0 * p}
    effect = np.clip(works[kind], -p, 1.0 - p)
    held = rng.random(n) < control
    by_lot = ~held & (rng.random(n) < lot)
    chance = np.where(p > 0.19, 1.0, 0.5) * odds * rng.uniform(0.8, 1.0, n)
    called = np.where(by_lot, rng.random(n) < chance, mine & ~held)
    success = rng.random(n) < p + (0.0 if permuted else effect * called)
    net = success * worth - (0.0 if permuted else COST) * called
    planned = ~held & ~by_lot
    probability = np.where(by_lot, chance, 1.0 - held[~by_lot].mean())
    rows = np.flatnonzero((mine ^ theirs) & (by_lot | mine))
    brings = np.zeros(n) if permuted else effect * worth - COST
    alone = planned & mine & ~theirs, planned & theirs & ~mine
    trial = RuleTrial(
        mine[rows], by_lot[rows], called[rows], probability[rows], net[rows], success[rows],
        np.column_stack([worth, rng.random(n)])[rows], int(alone[0].sum()), int(alone[1].sum()),
    )  # fmt: skip
    return trial, float(brings[alone[0]].sum() - brings[alone[1]].sum())


@pytest.mark.parametrize("kind", ["plan", "rule", "alike"])
def test_the_interval_covers_the_true_difference_and_leans_to_neither(kind: str) -> None:
    rng, runs, covered, off = np.random.default_rng(11), 200, 0, []
    for _ in range(runs):
        trial, true = drawn(rng, kind)
        found = measure_rule(trial)
        assert found.difference is not None, found.unread
        covered += found.difference.low <= true <= found.difference.high
        off.append((found.difference.value - true) / (found.seen / 2.8))
    # Three standard errors of a rate of .95 over 200 runs, and of a mean of deviations with variance 1.
    assert covered / runs >= 0.90
    assert abs(float(np.mean(off))) < 3.0 / runs**0.5
    assert 0.8 < float(np.std(off)) < 1.15


def test_of_outcomes_that_nobody_caused_no_rule_is_claimed_more_than_one_time_in_twenty() -> None:
    rng, runs, claimed, read = np.random.default_rng(12), 200, 0, 0
    for _ in range(runs):
        trials = [drawn(rng, "alike", permuted=True)[0] for _ in range(3)]
        said = read_rules([(BEFORE, one) for one in trials])
        read += all(one.measured is not None for one in said)
        claimed += any(one.verdict in (RuleVerdict.PLAN, RuleVerdict.RULE) for one in said)
    # All three rules of a campaign together; a claim a round at most one time in twenty, and three standard errors.
    assert read >= 0.9 * runs
    assert claimed / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


@pytest.mark.parametrize(
    ("kind", "verdict", "zh", "en"),
    [
        ("plan", RuleVerdict.PLAN, "方案更好：比规则多带来 +¥", "the plan is better: it brought +¥"),
        ("rule", RuleVerdict.RULE, "规则更好：方案比规则−¥", "the rule is better: the plan brought −¥"),
    ],
)
def test_a_clear_difference_is_told_with_why(kind: str, verdict: RuleVerdict, zh: str, en: str) -> None:
    trial, true = drawn(np.random.default_rng(3), kind, 160_000)
    (found,) = read_rules([(BEFORE, trial)])
    assert found.verdict is verdict
    assert found.measured is not None
    assert (found.measured.value > 0) is (true > 0) is (kind == "plan")
    assert zh in found.sentence.say(Language.ZH)
    assert en in found.sentence.say(Language.EN)
    # Why: a contact brings more with whose people.
    assert (found.each[0] > found.each[1]) is (kind == "plan")
    assert "a contact brought" in found.sentence.en
    assert found.rounds_needed == 1


def test_what_a_round_cannot_tell_says_how_many_would() -> None:
    trial, _ = drawn(np.random.default_rng(5), "alike", 20_000)
    (found,) = read_rules([(replace(BEFORE, probability=0.6), trial)])
    assert found.verdict is RuleVerdict.UNTOLD
    assert found.measured is not None
    assert found.measured.low < 0 < found.measured.high
    assert found.rounds_needed is None or found.rounds_needed > 1
    assert "cannot be told at this size" in found.sentence.en
    assert "这个规模说不清" in found.sentence.zh
    # The smallest difference that is told stands beside it, and what was known beforehand.
    assert found.seen > abs(found.measured.value)
    assert found.sentence.en.endswith("by what was known beforehand the rule is as good")
    assert found.sentence.zh.endswith("按事先所知，规则一样好")


def test_where_half_the_value_is_of_uncertain_sign_the_rule_is_as_good() -> None:
    trial, _ = drawn(np.random.default_rng(5), "alike", 20_000)
    said = [read_rules([(replace(BEFORE, unsure=unsure), trial)])[0].sentence.en for unsure in (0.4, 0.6)]
    assert ["the rule is as good" in one for one in said] == [False, True]
    (other,) = read_rules([(replace(BEFORE, probability=0.1, unsure=0.6), trial)])
    assert other.sentence.en.endswith("by what was known beforehand the rule is better")


def test_too_few_are_not_read_and_the_number_of_rounds_is_said() -> None:
    trial, _ = drawn(np.random.default_rng(6), "plan", 8_000, lot=0.02)
    (found,) = read_rules([(BEFORE, trial)])
    assert found.verdict is RuleVerdict.UNREADABLE
    assert found.measured is None
    assert found.rounds_needed is not None
    assert found.rounds_needed > 1
    assert "of the rule's own people the thinner side" in found.sentence.en
    assert f"it takes about {found.rounds_needed} pooled rounds" in found.sentence.en
    # So many such rounds are read.
    more = [drawn(np.random.default_rng(seed), "plan", 8_000, lot=0.02)[0] for seed in range(2 * found.rounds_needed)]
    assert measure_rule(pooled(more)).difference is not None


def test_whom_nobody_drew_by_lot_no_number_of_rounds_measures() -> None:
    trial, _ = drawn(np.random.default_rng(6), "plan", lot=0.0)
    (found,) = read_rules([(BEFORE, trial)])
    assert found.verdict is RuleVerdict.UNREADABLE
    assert found.rounds_needed is None
    assert "chance decided on none of the rule's own people" in found.sentence.en


def test_the_same_people_and_a_broken_check() -> None:
    trial, _ = drawn(np.random.default_rng(7), "plan", 60_000)
    (same,) = read_rules([(BEFORE, replace(trial, plan_only=0, rule_only=0))])
    assert same.verdict is RuleVerdict.SAME
    assert same.sentence.en == "the rule contacts the same people"
    (broken,) = read_rules([(BEFORE, trial)], Text("样本比例", "Sample ratio"))
    assert broken.verdict is RuleVerdict.UNREADABLE
    assert broken.measured is None
    assert "Sample ratio" in broken.sentence.en
    assert read_rules([]) == ()


def pooled(trials: list[RuleTrial]) -> RuleTrial:
    """Several rounds as one."""
    joined = {
        name: np.concatenate([getattr(one, name) for one in trials])
        for name in ("plan", "lot", "contacted", "probability", "net", "reached", "known")
    }
    return RuleTrial(
        **joined,
        plan_only=sum(one.plan_only for one in trials),
        rule_only=sum(one.rule_only for one in trials),
        rounds=len(trials),
    )
