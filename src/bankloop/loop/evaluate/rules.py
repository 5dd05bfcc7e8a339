"""The plan against the bank's own rule, measured: by those on whom they differ, where chance decided on the contact.

Two trials meet. Whom the plan alone would contact was contacted, but for the campaign's control; whom the rule alone
would contact was contacted where the lot drew so. Both have known probabilities, so that each is valued doubly robust,
and the plan's total above the rule's is the one less the other, on as many people as each gave contacts to. Whom both
would contact, and whom neither, says nothing of the difference and takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from bankloop.kit.later import later
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop.evaluate.contracts import Bools, Floats, Integers, RuleReading, RuleVerdict
from bankloop.loop.evaluate.off_policy import (
    FEWEST_EFFECTIVE,
    Logs,
    cross_fitted,
    doubly_robust_scores,
    effective_rows,
    weights,
)
from bankloop.loop.evaluate.sayings import ALL_ALIKE, in_rounds
from bankloop.loop.evaluate.statistics import FEWEST, FEWEST_ROWS, MOST_SKEW, Estimate, false_discovery, rounds_for

if TYPE_CHECKING:
    from scipy import special
else:
    special = later("scipy.special")

# Four times in five a difference of so many of its standard errors is told.
SEEN = 2.8
_NAMES = ("contact", "nothing")
_CONTACT, _NOTHING = np.array([1.0, 0.0]), np.array([0.0, 1.0])
# An even draw has this much of 1/p + 1/(1 − p).
_EVEN = 4.0
_SEED = 42


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """Customers on whom a plan and a rule differ, of whom chance decided whether they were contacted (m,).

    ``plan`` says whom the plan alone would contact, the others the rule alone; ``lot`` who was drawn by the lot, the
    others by the control; ``contacted`` what was drawn, with its ``probability``; ``net`` what each brought after
    costs, fen; ``reached`` who reached the goal; ``known`` (m, f) what was known beforehand. Of those who were planned
    for the plan alone contacts ``plan_only`` and the rule alone ``rule_only``, in all ``rounds``.
    """

    plan: Bools
    lot: Bools
    contacted: Bools
    probability: Floats
    net: Floats
    reached: Bools
    known: Floats
    plan_only: int
    rule_only: int
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """What the plan brought above a rule, fen of all rounds read, as measured.

    ``unread`` says why there is no ``difference``, and ``times`` how many times such data it takes. ``effective`` are
    the customers, as if drawn evenly, that it rests on: the plan's and the rule's; ``each`` what contacting one of
    these brought, fen; ``seen`` the difference that such rounds tell four times in five.
    """

    difference: Estimate | None
    p: float
    seen: float
    effective: tuple[float, float]
    each: tuple[float, float] = (0.0, 0.0)
    unread: Text | None = None
    times: float = 1.0


@dataclass(frozen=True, slots=True)
class _Side:
    """What contacting one side's people brings each: its mean, and that mean's variance and third moment."""

    mean: float = 0.0
    variance: float = 0.0
    third: float = 0.0
    effective: float = 0.0
    unread: Text | None = None
    times: float = 1.0


# Whose people a reason is about.
_PLAN_S = Text("只有方案联系的人", "the plan's own people")
_RULE_S = Text("只有规则联系的人", "the rule's own people")
_NOBODY = Text("{whose}里没有人由随机决定", "chance decided on none of {whose}")
_FEW = Text(
    "{whose}里，随机分出的较少一边只有 {rows} 个有效样本，要 {least}",
    "of {whose} the thinner side has {rows} effective customers, {least} are needed",
)
_FEW_REACHED = Text(
    "{whose}里，随机分出的较少一边预计只有 {rows} 人达成目标，要 {least}",
    "of {whose} the thinner side expects {rows} to reach the goal, {least} are needed",
)
_SKEWED = Text("少数几个客户决定了结果", "a few customers make the value")


def measure_rule(trial: RuleTrial) -> RuleMeasure:
    """Return what the plan brought above the rule with its 95 % interval, or why that cannot be read."""
    stakes = np.array([trial.plan_only, -trial.rule_only], np.float64)
    sides = [
        _side(trial, mine, whose) if stake else _Side()
        for stake, mine, whose in zip(stakes, (trial.plan, ~trial.plan), (_PLAN_S, _RULE_S), strict=True)
    ]
    effective = sides[0].effective, sides[1].effective
    thin = [one for one in sides if one.unread is not None]
    if thin:
        thinnest = max(thin, key=lambda one: one.times)
        return RuleMeasure(None, np.nan, 0.0, effective, unread=thinnest.unread, times=thinnest.times)
    value, variance, third = (
        float(stakes**power @ [getattr(one, name) for one in sides])
        for power, name in ((1, "mean"), (2, "variance"), (3, "third"))
    )
    error = variance**0.5
    if not error > 0:
        return RuleMeasure(None, np.nan, 0.0, effective, unread=ALL_ALIKE, times=np.inf)
    skew = third / error**3
    each = sides[0].mean, sides[1].mean
    if abs(skew) > MOST_SKEW:
        return RuleMeasure(None, np.nan, 0.0, effective, each, _SKEWED, (skew / MOST_SKEW) ** 2)
    freedom = max(min(one.effective for one in sides if one.effective) - 2.0, 1.0)
    reach = float(special.stdtrit(freedom, 0.975)) * error
    p = 2.0 * float(special.stdtr(freedom, -abs(value) / error))
    return RuleMeasure(Estimate(value, value - reach, value + reach), p, SEEN * error, effective, each)


def _side(trial: RuleTrial, mine: Bools, whose: Text) -> _Side:
    """Return one side: the control's draw and the lot's put together, each weighted by how much it tells."""
    every = np.flatnonzero(mine)
    # Of a handful nobody knows the spread.
    draws = [rows for lot in (False, True) if len(rows := every[trial.lot[every] == lot]) >= FEWEST_ROWS]
    unread, times = _few(trial, np.concatenate(draws) if draws else every, whose)
    if unread is not None:
        return _Side(effective=_as_if_even(trial, every), unread=unread, times=times)
    tells = np.array([_as_if_even(trial, rows) for rows in draws])
    found = np.array([_moments(trial, rows) for rows in draws])
    part = tells / tells.sum()
    mean, variance, third = (float(part**power @ found[:, at]) for at, power in enumerate((1, 2, 3)))
    return _Side(mean, variance, third, float(tells.sum()))


def _moments(trial: RuleTrial, rows: Integers) -> tuple[float, float, float]:
    """Return the mean of what contacting brings each of a draw's people, with its variance and third moment.

    The variance is that of the scores, or what both arms' residuals together say where that is more: an arm of few
    successes shows little spread just when chance gave it few.
    """
    logs, n = _logs(trial, rows), len(rows)
    model = cross_fitted(trial.known[rows], logs, _SEED)
    score = _contrast(logs, model)
    gap = score - score.mean()
    residual = logs.reward - logs.taken(model)
    together = float((residual**2).mean() * _harmonic(trial.probability[rows]).mean())
    return float(score.mean()), max(float(gap @ gap) / max(n - 1, 1), together) / n, float((gap**3).mean()) / n**2


def _contrast(logs: Logs, model: Floats) -> Floats:
    """Return each decision's doubly robust share in what contacting brings above nothing."""
    contact, nothing = (np.tile(one, (len(logs.action), 1)) for one in (_CONTACT, _NOTHING))
    return doubly_robust_scores(logs, contact, model) - doubly_robust_scores(logs, nothing, model)


def _few(trial: RuleTrial, rows: Integers, whose: Text) -> tuple[Text | None, float]:
    """Return why too few of ``rows`` were contacted, or were not, to be read, and how many times as many it takes.

    Outcomes are those that both arms together lead one to expect, and what it takes follows from the draw: which rounds
    are read must favour neither arm.
    """
    if not len(rows):
        return _NOBODY.filled(whose=whose), np.inf
    logs, share = _logs(trial, rows), trial.probability[rows]
    least = min(effective_rows(weights(logs, np.tile(policy, (len(rows), 1)))) for policy in (_CONTACT, _NOTHING))
    rate = float(trial.reached[rows].mean())
    # Of whom nobody reached the goal yet, as many may as of all.
    likely = rate or float(trial.reached.mean())
    wanted = max(FEWEST_EFFECTIVE, FEWEST / likely if likely else np.inf)
    times = max(1.0, wanted / float(min(share.sum(), (1.0 - share).sum())))
    if least < FEWEST_EFFECTIVE:
        return _FEW.filled(whose=whose, rows=floor(least), least=FEWEST_EFFECTIVE), times
    if least * rate < FEWEST:
        return _FEW_REACHED.filled(
            whose=whose, rows=f"{floor(least * rate * 10) / 10:.1f}", least=f"{FEWEST:.0f}"
        ), times
    return None, times


def _logs(trial: RuleTrial, rows: Integers) -> Logs:
    share = trial.probability[rows]
    action = np.where(trial.contacted[rows], 0, 1)
    return Logs(action, np.column_stack([share, 1.0 - share]), trial.net[rows], _NAMES)


def _as_if_even(trial: RuleTrial, rows: Integers) -> float:
    """Return how many customers drawn evenly tell as much as these."""
    return _EVEN * len(rows) / float(_harmonic(trial.probability[rows]).mean()) if len(rows) else 0.0


def _harmonic(share: Floats) -> Floats:
    return 1.0 / share + 1.0 / (1.0 - share)


@dataclass(frozen=True, slots=True)
class RuleBefore:
    """A rule as it stood beside the plan beforehand: see ``RuleReading``."""

    rule: str
    title: Text
    action: str
    expected: Estimate
    probability: float
    unsure: float


# A claim is false one time in twenty, over all rules of a campaign together.
_CLAIM = 0.05
# The plan is surely above a rule four times in five; where more of its value hangs on signs that nobody knows it is
# not.
SURE, HALF = 0.8, 0.5
_SAME = Text("规则联系的是同样的人", "the rule contacts the same people")
_PLAN = Text(
    "方案更好：比规则多带来 {value} [{low}, {high}]；{each}",
    "the plan is better: it brought {value} [{low}, {high}] more; {each}",
)
_RULE = Text(
    "规则更好：方案比规则{value} [{low}, {high}]；{each}",
    "the rule is better: the plan brought {value} [{low}, {high}] beside it; {each}",
)
# What a contact brought with whose people; where one side contacts nobody of its own, that is said instead of nought.
_BOTH = Text(
    "联系一次，方案的人带来 {plan}，规则的人 {rule}",
    "a contact brought {plan} with the plan's people and {rule} with the rule's",
)
_PLAN_ALONE = Text(
    "联系一次，方案的人带来 {plan}；规则没有另外联系谁",
    "a contact brought {plan} with the plan's people; the rule contacts nobody else",
)
_RULE_ALONE = Text(
    "联系一次，规则的人带来 {rule}；方案没有另外联系谁",
    "a contact brought {rule} with the rule's people; the plan contacts nobody else",
)
_UNTOLD = Text(
    "这个规模说不清：{value} [{low}, {high}]；这样的轮次看得出 {seen} 以上的差额；真有这么多的话，要合并{rounds}轮",
    "cannot be told at this size: {value} [{low}, {high}]; such rounds tell a difference of {seen} or more; if this "
    "one is true, {rounds} pooled rounds show it",
)
_UNREAD = Text(
    "这个规模说不清：{reason}；要合并{rounds}轮",
    "cannot be told at this size: {reason}; it takes {rounds} pooled rounds",
)
_OFF = Text("读数的检查没过（{check}）", "a check of the reading failed ({check})")
_NEVER = Text("这个规模量不出：{reason}", "cannot be measured at this size: {reason}")
_AS_GOOD = Text("；按事先所知，规则一样好", "; by what was known beforehand the rule is as good")
_BETTER = Text("；按事先所知，规则更好", "; by what was known beforehand the rule is better")


def as_good(probability: float, unsure: float) -> bool:
    """Return whether a rule is as good as a plan that is above it with ``probability``, ``unsure`` of its signs."""
    return probability < SURE or unsure > HALF


def read_rules(trials: Sequence[tuple[RuleBefore, RuleTrial]], broken: Text | None = None) -> tuple[RuleReading, ...]:
    """Return every rule of a campaign read beside its plan.

    Claims are adjusted over all of them (Benjamini and Hochberg); ``broken`` is a check of the reading that failed,
    which forbids this one too.
    """
    found = [measure_rule(trial) for _, trial in trials]
    if broken is not None:
        why = _OFF.filled(check=broken)
        found = [replace(one, difference=None, p=np.nan, unread=why, times=np.inf) for one in found]
    q = false_discovery(np.array([one.p for one in found])) if found else ()
    return tuple(_told(*pair, one, float(each)) for pair, one, each in zip(trials, found, q, strict=True))


def _told(before: RuleBefore, trial: RuleTrial, found: RuleMeasure, q: float) -> RuleReading:
    verdict, rounds = _verdict(trial, found, q), None
    if verdict is RuleVerdict.UNREADABLE and np.isfinite(found.times):
        rounds = ceil(trial.rounds * found.times)
    elif found.difference is not None:
        rounds = rounds_for(found.difference.value, found.seen / SEEN * trial.rounds**0.5)
    return RuleReading(
        before.rule,
        before.title,
        before.action,
        trial.plan_only,
        trial.rule_only,
        verdict,
        _sentence(before, trial, found, verdict, rounds),
        before.expected,
        before.probability,
        before.unsure,
        found.difference,
        found.effective,
        found.each,
        found.seen,
        rounds,
    )


def _verdict(trial: RuleTrial, found: RuleMeasure, q: float) -> RuleVerdict:
    if not trial.plan_only and not trial.rule_only:
        return RuleVerdict.SAME
    if found.difference is None:
        return RuleVerdict.UNREADABLE
    if not q <= _CLAIM:
        return RuleVerdict.UNTOLD
    return RuleVerdict.PLAN if found.difference.value > 0 else RuleVerdict.RULE


def _sentence(
    before: RuleBefore, trial: RuleTrial, found: RuleMeasure, verdict: RuleVerdict, rounds: int | None
) -> Text:
    if verdict is RuleVerdict.SAME:
        return _SAME
    if found.difference is None:
        said = _NEVER if rounds is None else _UNREAD
        said = said.filled(reason=found.unread or _SAME, **({} if rounds is None else {"rounds": in_rounds(rounds)}))
    else:
        said = {RuleVerdict.PLAN: _PLAN, RuleVerdict.RULE: _RULE}.get(verdict, _UNTOLD).filled(
            value=_money(found.difference.value, sign=True),
            low=_money(found.difference.low),
            high=_money(found.difference.high),
            each=_each(trial, found),
            seen=_money(found.seen),
            rounds=in_rounds(rounds),
        )
    if verdict in (RuleVerdict.PLAN, RuleVerdict.RULE) or not as_good(before.probability, before.unsure):
        return said
    more = _BETTER if before.probability <= 1.0 - SURE else _AS_GOOD
    return Text(said.zh + more.zh, said.en + more.en)


def _each(trial: RuleTrial, found: RuleMeasure) -> Text:
    said = _BOTH if trial.plan_only and trial.rule_only else _PLAN_ALONE if trial.plan_only else _RULE_ALONE
    return said.filled(plan=_money(found.each[0]), rule=_money(found.each[1]))


def _money(fen: float, *, sign: bool = False) -> Text:
    plus = "+" if sign and fen > 0 else ""
    return Text(plus + say_fen(fen, Language.ZH), plus + say_fen(fen, Language.EN))
