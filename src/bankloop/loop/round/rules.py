"""The bank's own ways to choose beside a plan: whom each would contact at the plan's limits, and what that would bring.

A rule gives as many of a campaign's contacts to whom it would, within what the plan left of every branch's and
segment's limits. Whom it chooses is a matter of the customer alone, so that it is known of controls and of those drawn
by lot too; it is kept with each decision (``rule:NAME``), and a round's outcomes measure what the plan brought above
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.campaign.own_rules import own_orders
from bankloop.loop.evaluate.contracts import RuleVerdict
from bankloop.loop.evaluate.off_policy import FEWEST_EFFECTIVE
from bankloop.loop.evaluate.rules import HALF, SEEN, SURE, as_good
from bankloop.loop.model import feature_matrix
from bankloop.loop.optimize import Setting, difference_of, unsure_share
from bankloop.loop.product import numbers
from bankloop.loop.reach import NONE, CampaignCandidates, ExperimentCell
from bankloop.loop.round.window import Window

# Beyond so many rounds nobody waits.
MOST_ROUNDS = 99

LIKELIEST, EXPECTED, RICHEST = "likeliest_first", "chance_times_value", "balance_first"
_TITLES: Mapping[str, Text] = {
    LIKELIEST: Text("最可能流失（或最可能办成）的先", "Likeliest to leave (or to act) first"),
    EXPECTED: Text("概率 × 价值大的先", "Chance × value first"),
    RICHEST: Text("资产高的先", "Balance first"),
}
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """Whom a rule would contact (n,) of a plan's customers, in any cell, with ``column``, an action of the campaign.

    ``index`` is the campaign's place, ``planned`` (n,) who was planned for, ``mine`` (n,) whom of these the plan
    contacts.
    """

    index: int
    rule: str
    title: Text
    column: int
    planned: Bools
    mine: Bools
    chosen: Bools


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule beside a campaign's plan: what the plan brings above it, fen, with 95 % interval and probability.

    ``contacts`` both give, ``differ`` of them to other people; a measurement of the difference would take ``rounds``,
    0 where it would take more than anybody waits for. ``unsure`` is the share of the plan's value that comes from
    people of whom it is not sure that the action helps them. ``each`` is what a contact is expected to bring, fen: of
    those whom the plan alone contacts, and the rule alone; ``elsewhere`` how many of the latter got another campaign.
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
    each: tuple[float, float] = (0.0, 0.0)
    elsewhere: int = 0

    @property
    def unknown_signs(self) -> bool:
        """Return whether most of the plan's value is of people whom it may help or hurt."""
        return self.unsure > HALF

    @property
    def verdict(self) -> RuleVerdict:
        """Return what the posterior says; ``UNTOLD`` is as good, also where the plan's value hangs on unknown signs."""
        if not self.differ:
            return RuleVerdict.SAME
        if self.probability <= 1.0 - SURE:
            return RuleVerdict.RULE
        return RuleVerdict.UNTOLD if as_good(self.probability, self.unsure) else RuleVerdict.PLAN


def rule_choices(window: Window) -> tuple[RuleChoice, ...]:
    """Return whom every rule of every campaign that contacts anybody would contact in its place."""
    return tuple(choice for index in range(len(window.locks)) for choice in _campaign(window, index))


def rules_beside(window: Window, choices: Sequence[RuleChoice]) -> tuple[RuleLine, ...]:
    """Return every rule beside its campaign's plan, valued by the posterior of the campaign's model."""
    today = {index: _setting(window, index) for index in {choice.index for choice in choices}}
    return tuple(_line(window, choice, today[choice.index]) for choice in choices)


def chosen_by_rules(window: Window, choices: Sequence[RuleChoice]) -> dict[str, dict[str, Bools]]:
    """Return by campaign and rule whom it would contact (n,), as decisions keep it."""
    found: dict[str, dict[str, Bools]] = {}
    for one in choices:
        found.setdefault(window.plan.candidates.campaigns[one.index].campaign, {})[one.rule] = one.chosen
    return found


def _campaign(window: Window, index: int) -> Iterator[RuleChoice]:
    found, side = window.plan.candidates, window.plan.candidates.campaigns[index]
    place = np.searchsorted(found.rows, side.rows)
    columns = np.flatnonzero(found.column_campaign == index)
    planned = found.member[:, index] & (found.cell == ExperimentCell.OPTIMIZE.value) & ~found.control[:, index]
    issued = np.where(planned, window.plan.issued[:, index], NONE)
    counts = [(found.actions[column].staff, int((issued == column).sum()), column) for column in columns.tolist()]
    # What people do is what a rule is about; a campaign without it is compared by its commonest action.
    _, contacts, column = max(((staff and n > 0, n, at) for staff, n, at in counts), default=(False, 0, 0))
    if not contacts:
        return
    open_ = np.isfinite(found.value[:, column])
    for name, (title, score) in _scores(window, side, window.state.table.take(pa.array(side.rows))).items():
        order = place[np.argsort(-score, kind="stable")]
        chosen = _given(window, column, order[open_[order]], planned, issued == column)
        yield RuleChoice(index, name, title, column, planned, issued == column, chosen)


def _given(window: Window, column: int, order: Integers, planned: Bools, mine: Bools) -> Bools:
    """Return (n,) who is before the last whom a rule contacts: it goes down ``order`` and gives what fits.

    A limit of a branch or segment holds for the rule as for the plan, whose other actions stay as they are.
    """
    n, contacts = len(planned), int(mine.sum())
    rank = np.full(n, n)
    rank[order] = np.arange(len(order))
    takes, last = order[planned[order]], np.full(n, n - 1)
    for family, used in zip(window.plan.problem.families, window.plan.solution.used, strict=True):
        use = family.takes(np.arange(n), np.full(n, column))
        if family.group is None or not use.any():
            continue
        group = family.group.astype(np.int64)
        room = family.limit - used + np.bincount(group[mine], use[mine], minlength=len(family.limit))
        kept = _through(group[takes], use[takes]) <= room[group[takes]] + 1e-9
        full = np.full(len(family.limit), n - 1)
        full[np.unique(group[takes[~kept]])] = -1
        takes = takes[kept]
        shut = full < 0
        np.maximum.at(full, group[takes], np.where(shut[group[takes]], rank[takes], n - 1))
        last = np.minimum(last, full[group])
    takes = takes[:contacts]
    if not len(takes):
        return np.zeros(n, bool)
    return np.asarray(rank <= np.minimum(last, rank[takes[-1]]))


def _through(group: Integers, use: Floats) -> Floats:
    """Return what those of the same group use down to each (m,), itself too."""
    order = np.argsort(group, kind="stable")
    sums = np.r_[0.0, np.cumsum(use[order])]
    sizes = np.bincount(group)
    found = np.empty(len(group))
    found[order] = sums[1:] - sums[(np.cumsum(sizes) - sizes)[group[order]]]
    return found


def _setting(window: Window, index: int) -> Setting:
    side = window.plan.candidates.campaigns[index]
    members = window.state.table.take(pa.array(side.rows))
    return Setting(side, feature_matrix(members, window.models[side.campaign].base.features), ())


def _line(window: Window, choice: RuleChoice, today: Setting) -> RuleLine:
    found, side = window.plan.candidates, window.plan.candidates.campaigns[choice.index]
    place, column = np.searchsorted(found.rows, side.rows), choice.column
    at, model = int((found.column_campaign[:column] == choice.index).sum()), window.models[side.campaign]
    ways = [np.flatnonzero(given[place]) for given in (choice.mine, choice.chosen & choice.planned)]
    mine, theirs = ((rows, np.full(len(rows), at)) for rows in ways)
    probability, gain = difference_of(today, model, mine, theirs)
    alone = choice.mine & ~choice.chosen, choice.planned & choice.chosen & ~choice.mine
    other = np.delete(window.plan.issued, choice.index, axis=1)
    return RuleLine(
        side.campaign,
        choice.rule,
        choice.title.zh,
        choice.title.en,
        found.actions[column].key,
        len(ways[0]),
        int(alone[1].sum()),
        gain.value,
        gain.low,
        gain.high,
        probability,
        _rounds(window, choice, alone, gain.value),
        unsure_share(today, model, mine),
        (_mean(found.value[alone[0], column]), _mean(found.value[alone[1], column])),
        int((other[alone[1]] != NONE).any(axis=1).sum()),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


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


def _rounds(window: Window, choice: RuleChoice, alone: tuple[Bools, Bools], gain: float) -> int:
    """Return how many rounds would see the difference, by the control and by the lot; 0 where nobody waits so long.

    Whom the plan alone contacts the control tells of, whom the rule alone does the lot.
    """
    found, side = window.plan.candidates, window.plan.candidates.campaigns[choice.index]
    place, share = np.searchsorted(found.rows, side.rows), side.control_share
    spread = np.zeros(len(found.rows))
    spread[place] = side.worth**2 * side.base * (1.0 - side.base)
    lot, own = window.lot, np.flatnonzero(found.column_campaign == choice.index)
    drawn = lot.marginal[:, choice.column]
    told = choice.chosen[lot.rows] & (window.plan.intended[lot.rows, choice.index] != choice.column) & (drawn > 0)
    rows, odds = lot.rows[told], drawn[told] / (1.0 - lot.marginal[told][:, own].sum(axis=1) + drawn[told])
    few = min(float(odds.sum()), float((1.0 - odds).sum()))
    if gain == 0.0 or not 0.0 < share < 1.0 or not few:
        return 0
    plan_s = float(spread[alone[0]].sum()) / share
    rule_s = float(alone[1].sum()) ** 2 * float((spread[rows] / (odds * (1.0 - odds))).mean()) / len(rows)
    rounds = max(SEEN**2 * (plan_s + rule_s) / gain**2, FEWEST_EFFECTIVE / few)
    return ceil(rounds) if rounds <= MOST_ROUNDS else 0
