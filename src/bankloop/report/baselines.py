"""What stands beside a plan: simpler ways, levers pulled by fiat, who is next in line, who lost to whom, who is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.loop import reach
from bankloop.loop.audience import MIN_CELL
from bankloop.loop.product import numbers
from bankloop.loop.reach import NONE, LeftOut, Problem
from bankloop.loop.round.rules import RuleLine, rule_choices, rules_beside
from bankloop.loop.round.window import Window
from bankloop.report.simulated_truth import Floats, TruthLine, truth_lines
from bankloop.report.swings import BeliefLine, SwingLine, beliefs, swings

NEXT_IN_LINE = 5
# More resources than these nobody reads customers of.
MOST_LINES = 8
_BANDS = ((0, "< 25"), (25, "25–34"), (35, "35–44"), (45, "45–54"), (55, "55–64"), (65, "≥ 65"))


@dataclass(frozen=True, slots=True)
class WayLine:
    """What a simpler way comes to: value in fen, customers."""

    way: str
    value: float
    customers: int


@dataclass(frozen=True, slots=True)
class NextLine:
    """One customer next in line for a resource: what he would get, what it is worth, what is missing; fen."""

    resource: str
    customer_no: str
    campaign: str
    action: str
    value: float
    missing: float


@dataclass(frozen=True, slots=True)
class LostLine:
    """How many customers of a campaign went to another, and what they would have been worth to it, fen."""

    campaign: str
    winner: str
    customers: int
    value: float


@dataclass(frozen=True, slots=True)
class FairLine:
    """How many of a group there are, how many could be offered anything, and how many are reached."""

    kind: str
    group: str
    customers: int
    eligible: int
    reached: int


@dataclass(frozen=True, slots=True)
class LeverLine:
    """What closing a campaign or a channel by fiat costs: the change of value in fen and of customers reached."""

    kind: str
    key: str
    value: float
    customers: int


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it; empty for plans that were kept before."""

    ways: tuple[WayLine, ...] = ()
    next_in_line: tuple[NextLine, ...] = ()
    lost: tuple[LostLine, ...] = ()
    fair: tuple[FairLine, ...] = ()
    levers: tuple[LeverLine, ...] = ()
    truth: tuple[TruthLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    swings: tuple[SwingLine, ...] = ()
    beliefs: tuple[BeliefLine, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Beside:
        """Return it from plain values."""
        kinds = {
            "ways": WayLine,
            "next_in_line": NextLine,
            "lost": LostLine,
            "fair": FairLine,
            "levers": LeverLine,
            "truth": TruthLine,
            "rules": RuleLine,
            "swings": SwingLine,
            "beliefs": BeliefLine,
        }
        return Beside(**{name: tuple(kind(**one) for one in plain.get(name, ())) for name, kind in kinds.items()})


def beside(window: Window, share: reach.PlanShare, truth: Floats | None = None) -> Beside:
    """Return what stands beside a planned window; with ``truth`` (n, K) in fen also what the simulator knows.

    ``share`` is the plan's own: levers are asked of it, as their cost is a difference and no certificate.
    """
    columns = window.members.column_names
    balance = np.nan_to_num(numbers(window.members["aum"])) if "aum" in columns else None
    ways = reach.compare_ways(window.plan, balance, window.round)
    return Beside(
        tuple(WayLine(one.way.value, one.value, one.customers) for one in ways),
        _next_in_line(window), _lost(window), _fair(window), _levers(window, share),
        () if truth is None else truth_lines(window, truth, ways),
        rules_beside(window, rule_choices(window)), swings(window), beliefs(window),
    )  # fmt: skip


def _next_in_line(window: Window) -> tuple[NextLine, ...]:
    plan, found = window.plan, window.plan.candidates
    lines = {line.name: line for line in plan.resources if line.price > 1e-9}
    places = {
        family.named(pool): (index, pool)
        for index, family in enumerate(plan.problem.families)
        for pool in range(len(family.limit))
    }
    dearest = sorted(lines.values(), key=lambda line: -line.price * line.limit)[:MOST_LINES]
    return tuple(
        NextLine(
            line.name, str(found.customer_no[one.row].as_py()), found.actions[one.column].campaign,
            found.actions[one.column].key, one.value, one.missing,
        )
        for line in dearest
        for one in reach.waiting_for(plan, *places[line.name], NEXT_IN_LINE)
    )  # fmt: skip


def _lost(window: Window) -> tuple[LostLine, ...]:
    plan, found = window.plan, window.plan.candidates
    lines = []
    for index, name in enumerate(window.locks):
        lost = reach.why_left_out(plan, index) == LeftOut.OTHER_CAMPAIGN.value
        mine = np.where(found.column_campaign[None, :] == index, found.value, -np.inf)
        worth = np.maximum(mine.max(axis=1, initial=0.0), 0.0)
        for other, winner in enumerate(window.locks):
            rows = lost & (plan.issued[:, other] != NONE)
            if other != index and rows.any():
                lines.append(LostLine(name, winner, int(rows.sum()), float(worth[rows].sum())))
    return tuple(lines)


def _fair(window: Window) -> tuple[FairLine, ...]:
    """Count by age band, gender and region; groups too small to be named are left out."""
    found = window.plan.candidates
    eligible = (np.isfinite(found.value) & (found.value > 0.0)).any(axis=1)
    reached = (window.plan.issued != NONE).any(axis=1)
    lines = []
    for kind, groups in _groups(window.members).items():
        known = [name for _, name in _BANDS] if kind == "age" else sorted(set(groups.tolist()))
        for group in known:
            mine = groups == group
            if int(mine.sum()) >= MIN_CELL:
                lines.append(FairLine(kind, group, int(mine.sum()), int((mine & eligible).sum()), int((mine & reached).sum())))  # fmt: skip
    return tuple(lines)


def _groups(members: pa.Table) -> dict[str, NDArray[np.str_]]:
    found: dict[str, NDArray[np.str_]] = {}
    if "age" in members.column_names:
        age = np.nan_to_num(numbers(members["age"]), nan=-1.0)
        at = np.searchsorted([start for start, _ in _BANDS], age, side="right") - 1
        names = np.array([name for _, name in _BANDS])
        found["age"] = np.where(age < 0, "—", names[np.maximum(at, 0)])
    for name in ("gender", "region"):
        if name in members.column_names:
            found[name] = np.array([one or "—" for one in members[name].to_pylist()])
    return found


def _levers(window: Window, share: reach.PlanShare) -> tuple[LeverLine, ...]:
    """What each campaign and each channel is worth to the whole: closed one at a time, everything solved again."""
    plan, found = window.plan, window.plan.candidates
    some, now = share.problem, share.solution
    times = len(plan.problem.value) / max(1, len(some.value))
    levers = [("campaign", name) for name in window.locks if len(window.locks) > 1]
    levers += [("channel", name) for name in dict.fromkeys(action.channel for action in found.actions)]
    lines = []
    for kind, key in levers:
        closed = np.array([(a.campaign if kind == "campaign" else a.channel) == key for a in found.actions])
        again = reach.assign(without(some, closed), plan.rules, now.price)
        change = times * (again.objective - now.objective)
        people = round(times * (len(np.unique(again.pairs[0])) - len(np.unique(now.pairs[0]))))
        lines.append(LeverLine(kind, key, change, people))
    return tuple(lines)


def without(problem: Problem, closed: NDArray[np.bool_]) -> Problem:
    """Return a problem in which some actions (k,) are open to nobody."""
    return replace(problem, value=np.where(closed[None, :], -np.inf, problem.value))
