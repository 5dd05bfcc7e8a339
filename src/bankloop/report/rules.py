"""The bank's own ways to choose beside the plan: as many contacts given to others, what that would bring, how surely.

Valued by the posterior of the campaign's model; how many rounds a measurement among those on whom the two differ
would take is said beside it. A rule that is as good is called so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.campaign.own_rules import own_orders
from bankloop.loop.model import feature_matrix
from bankloop.loop.optimize import Setting, difference_of, unsure_share
from bankloop.loop.product import numbers
from bankloop.loop.reach import NONE, CampaignCandidates, ExperimentCell
from bankloop.loop.round.window import Window
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

# A rule is as good where the plan is not above it four times in five.
SURE = 0.8
# Where more of a plan's value hangs on signs that nobody knows, it is no better than a rule.
_HALF = 0.5
# Four rounds in five find a difference of so many of their standard errors.
_SEEN = 2.8
# Beyond so many rounds nobody waits.
_MOST_ROUNDS = 99

LIKELIEST, EXPECTED, RICHEST = "likeliest_first", "chance_times_value", "balance_first"
_TITLES: Mapping[str, Text] = {
    LIKELIEST: Text("最可能流失（或最可能办成）的先", "Likeliest to leave (or to act) first"),
    EXPECTED: Text("概率 × 价值大的先", "Chance × value first"),
    RICHEST: Text("资产高的先", "Balance first"),
}
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule beside a campaign's plan: what the plan brings above it, fen, with 95 % interval and probability.

    ``contacts`` both give, ``differ`` of them to other people; a measurement of the difference would take ``rounds``,
    0 where it would take more than anybody waits for. ``unsure`` is the share of the plan's value that comes from
    people of whom it is not sure that the action helps them.
    """

    campaign: str
    rule: str
    zh: str
    en: str
    action: str
    contacts: int
    differ: int
    gain: float
    low: float
    high: float
    probability: float
    rounds: int
    unsure: float = 0.0


def rules_beside(window: Window) -> tuple[RuleLine, ...]:
    """Return every rule of every campaign that contacts anybody, beside its plan."""
    return tuple(line for index in range(len(window.locks)) for line in _campaign(window, index))


def _campaign(window: Window, index: int) -> Iterator[RuleLine]:
    found, side = window.plan.candidates, window.plan.candidates.campaigns[index]
    place = np.searchsorted(found.rows, side.rows)
    columns = np.flatnonzero(found.column_campaign == index)
    planned = (found.cell[place] == ExperimentCell.OPTIMIZE.value) & ~found.control[place, index]
    issued = np.where(planned, window.plan.issued[place, index], NONE)
    counts = [(found.actions[column].staff, int((issued == column).sum()), at) for at, column in enumerate(columns)]
    # What people do is what a rule is about; a campaign without it is compared by its commonest action.
    _, contacts, at = max(((staff and n > 0, n, at) for staff, n, at in counts), default=(False, 0, 0))
    if not contacts:
        return
    column, model = columns[at], window.models[side.campaign]
    members = window.state.table.take(pa.array(side.rows))
    today = Setting(side, feature_matrix(members, model.base.features), ())
    mine = np.flatnonzero(issued == column)
    open_ = np.flatnonzero(planned & side.open[:, at])
    same = np.full(contacts, at)
    unsure = unsure_share(today, model, (mine, same))
    for name, (title, score) in _scores(window, side, members).items():
        theirs = open_[np.argsort(-score[open_], kind="stable")[:contacts]]
        probability, gain = difference_of(today, model, (mine, same), (theirs, same[: len(theirs)]))
        apart = np.setxor1d(mine, theirs)
        yield RuleLine(
            side.campaign,
            name,
            title.zh,
            title.en,
            found.actions[column].key,
            contacts,
            len(np.setdiff1d(theirs, mine)),
            gain.value,
            gain.low,
            gain.high,
            probability,
            _rounds(side, apart, gain.value),
            unsure,
        )


def _scores(window: Window, side: CampaignCandidates, members: pa.Table) -> dict[str, tuple[Text, Floats]]:
    """Return how each rule orders the campaign's customers, the highest first."""
    lock = window.locks[side.campaign]
    chance = 1.0 - side.base if lock.campaign.model.base == "fails" else side.base
    found = {LIKELIEST: (_TITLES[LIKELIEST], chance), EXPECTED: (_TITLES[EXPECTED], chance * side.worth)}
    if "aum" in members.column_names:
        found[RICHEST] = (_TITLES[RICHEST], np.nan_to_num(numbers(members["aum"])))
    for name, order in own_orders(lock, members, window.plan.as_of).items():
        found[name] = (lock.campaign.rules[name].title.text, order)
    return found


def _rounds(side: CampaignCandidates, apart: NDArray[np.int64], gain: float) -> int:
    """Return how many rounds would see the difference among those on whom the two differ, by the campaign's control."""
    share = side.control_share
    if not len(apart) or gain == 0.0 or not 0.0 < share < 1.0:
        return 0
    chance = side.base[apart]
    spread = float((side.worth[apart] ** 2 * chance * (1.0 - chance)).sum() / (share * (1.0 - share))) ** 0.5
    rounds = (_SEEN * spread / abs(gain)) ** 2
    return ceil(rounds) if rounds <= _MOST_ROUNDS else 0


def rule_table(lines: tuple[RuleLine, ...], titles: Mapping[str, Text]) -> Table | None:
    """Return the rules beside the plan, as people read them."""
    if not lines:
        return None
    rows = tuple(
        (
            Cell(titles.get(one.campaign, say.same(one.campaign))),
            Cell(Text(one.zh, one.en)),
            Cell(say.count(one.contacts)),
            Cell(say.count(one.differ)),
            Cell(_money(one)),
            Cell(*_verdict(one)),
            Cell(_measured(one)),
        )
        for one in lines
    )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("自己的规则", "Your own rule")),
        Column(Text("同样的次数", "The same contacts"), number=True),
        Column(Text("给了别人", "Given to others"), number=True),
        Column(Text("方案比规则多 [95%]", "The plan above the rule [95 %]"), number=True),
        Column(Text("把握", "How surely")),
        Column(Text("量得出吗", "Can it be measured")),
    )
    note = Text(
        "按模型的后验估值：先验写高了，差额也偏高。量得出与否按对照组的大小算。",
        "Valued by the model's posterior: where the stated prior is too high, so is the difference. Whether it can be "
        "measured follows from the control's size.",
    )
    return Table("rules", Text("方案与自己的规则", "The plan and your own rules"), columns, rows, note)


def _money(one: RuleLine) -> Text:
    gain, low, high = say.money(one.gain, sign=True), say.money(one.low), say.money(one.high)
    return Text(f"{gain.zh} [{low.zh}, {high.zh}]", f"{gain.en} [{low.en}, {high.en}]")


def _verdict(one: RuleLine) -> tuple[Text, Tone]:
    if not one.differ:
        return Text("规则给的是同样的人", "the rule contacts the same people"), Tone.PLAIN
    if one.unsure > _HALF and one.probability > 1.0 - SURE:
        return Text(
            f"规则一样好：方案价值的 {one.unsure:.0%} 来自不知是利是弊的客户",
            f"the rule is as good: {one.unsure:.0%} of the plan's value is of people whom it may help or hurt",
        ), Tone.WARN
    if one.probability >= SURE:
        return Text(f"方案更好，把握 {one.probability:.0%}", f"the plan is better, {one.probability:.0%}"), Tone.GOOD
    if one.probability <= 1.0 - SURE:
        return Text(
            f"规则更好，把握 {1 - one.probability:.0%}", f"the rule is better, {1 - one.probability:.0%}"
        ), Tone.BAD
    return Text("规则一样好", "the rule is as good"), Tone.WARN


def _measured(one: RuleLine) -> Text:
    if not one.differ:
        return say.same("—")
    if not one.rounds:
        return Text(
            f"这个规模说不清：要 {_MOST_ROUNDS} 轮以上",
            f"cannot be told at this size: more than {_MOST_ROUNDS} rounds",
        )
    if one.rounds == 1:
        return Text("一轮可读", "one round tells")
    return Text(
        f"这个规模一轮说不清：要 {one.rounds} 轮", f"cannot be told in one round at this size: {one.rounds} rounds"
    )
