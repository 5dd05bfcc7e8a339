"""Step 6, first half: today's plan over all running campaigns. It changes nothing; ``issue`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow.compute as pc

from bankloop.kit.ids import digest_bytes
from bankloop.loop.reach import errors
from bankloop.loop.reach.assignment import Family, Problem, glimpsed_rows
from bankloop.loop.reach.conflicts import conflict
from bankloop.loop.reach.contracts import (
    ActionLine,
    Candidates,
    DatedPlan,
    ExperimentCell,
    Floats,
    Integers,
    ResourceLine,
    by_campaign,
)
from bankloop.loop.reach.explore import Lot, draw_lot
from bankloop.loop.reach.kernels import NONE
from bankloop.loop.reach.resources import describe, families_of, rules_of, window_days
from bankloop.loop.reach.several import assign, wished_at
from bankloop.loop.reach.share import PlanShare, holds
from bankloop.loop.spec import Lock, Policies

# What is asked by solving again many times is asked of this many customers, with their share of everything.
RANGE_CUSTOMERS = 40_000


def plan_window(
    candidates: Candidates,
    locks: Mapping[str, Lock],
    policies: Policies,
    window_start: date,
    as_of: date,
    seed: int,
    spent: Mapping[str, float] | None = None,
    warm: Sequence[Floats] | None = None,
) -> tuple[DatedPlan, Lot]:
    """Return the window's plan and explore's lot: the lot first, then the assignment of the rest, then ghosts."""
    _each_once(candidates)
    days = window_days(window_start, policies.plan.window)
    families = families_of(candidates, locks, policies, days, spent)
    rules = rules_of(candidates.actions, locks, policies)
    if rules is not None and any(f.floor is not None for f in families):
        raise errors.floors_and_several()
    lot = draw_lot(candidates, families, policies.experiment.explore / 1_000_000, seed)
    rest = tuple(_left(f, used) for f, used in zip(families, lot.used, strict=True))
    problem = Problem(_plannable(candidates), rest)
    solution = assign(problem, rules, warm, seed)
    issued = by_campaign(candidates, *solution.pairs)
    drawn = lot.choice != NONE
    issued[lot.rows] = NONE
    issued[lot.rows[drawn], candidates.column_campaign[lot.choice[drawn]]] = lot.choice[drawn]
    intended = by_campaign(candidates, *wished_at(Problem(candidates.value, rest), rules, solution.price))
    plan = DatedPlan(
        plan_id=digest_bytes([_fingerprint(candidates, locks, window_start, as_of, seed)])[:32],
        window_start=window_start,
        window_end=window_start + timedelta(days=policies.plan.window - 1),
        as_of=as_of,
        candidates=candidates,
        problem=problem,
        solution=solution,
        issued=issued,
        intended=intended,
        propensity=_propensity(lot, len(issued)),
        explored=candidates.cell == ExperimentCell.EXPLORE.value,
        resources=(),
        lines=_lines(candidates, issued),
        digest=digest_bytes([issued.tobytes(), *(price.tobytes() for price in solution.price)]),
        rules=rules,
        conflict=() if solution.feasible else conflict(problem),
    )
    plan = replace(plan, share=share_of(plan))
    return replace(plan, resources=_resources(plan, families, lot, locks, policies)), lot


def _left(family: Family, used: Floats) -> Family:
    """Return what explore leaves of a resource, and of its floor."""
    floor = None if family.floor is None else np.maximum(family.floor - used, 0.0)
    return replace(family, limit=np.maximum(family.limit - used, 0.0), floor=floor)


def _each_once(candidates: Candidates) -> None:
    twice = pc.value_counts(candidates.customer_no).field("counts")
    if len(twice) < len(candidates.customer_no):
        raise errors.customer_twice(len(candidates.customer_no) - len(twice))


def _plannable(candidates: Candidates) -> Floats:
    """Values the plan may use: not for holdout and explore, nor a campaign's control for that campaign."""
    apart = (candidates.cell == ExperimentCell.HOLDOUT.value) | (candidates.cell == ExperimentCell.EXPLORE.value)
    closed = apart[:, None] | candidates.control[:, candidates.column_campaign]
    return np.where(closed, -np.inf, candidates.value)


def _propensity(lot: Lot, n: int) -> Floats:
    propensity = np.ones(n)
    propensity[lot.rows] = lot.probability
    return propensity


def _fingerprint(candidates: Candidates, locks: Mapping[str, Lock], start: date, as_of: date, seed: int) -> bytes:
    parts = [start.isoformat(), as_of.isoformat(), str(seed), *(lock.digest for lock in locks.values())]
    return "|".join(parts).encode() + np.ascontiguousarray(np.nan_to_num(candidates.value, neginf=-1e18)).tobytes()


def _lines(candidates: Candidates, issued: Integers) -> tuple[ActionLine, ...]:
    found = []
    for column, action in enumerate(candidates.actions):
        rows = np.flatnonzero(issued[:, candidates.column_campaign[column]] == column)
        success = np.clip(candidates.base[rows, column] + candidates.uplift[rows, column], 0.0, 1.0)
        cost = len(rows) * action.contact_cost + float(success.sum()) * action.face
        value = float(candidates.value[rows, column].sum())
        found.append(ActionLine(action.campaign, action.key, action.channel, action.benefit, len(rows), cost, value))
    return tuple(found)


def _resources(
    plan: DatedPlan, families: Sequence[Family], lot: Lot, locks: Mapping[str, Lock], policies: Policies
) -> tuple[ResourceLine, ...]:
    lines = []
    share = share_of(plan)
    free = [np.zeros_like(price) for price in plan.solution.price]
    wishing, wished = wished_at(plan.problem, plan.rules, free)
    for index, family in enumerate(families):
        group = np.zeros(len(wishing), np.int64) if family.group is None else family.group[wishing].astype(np.int64)
        wanted = np.bincount(group, family.takes(wishing, wished), minlength=len(family.limit))
        floor = np.zeros(len(family.limit)) if family.floor is None else family.floor
        for pool in range(len(family.limit)):
            if np.isinf(family.limit[pool]) and floor[pool] <= 0:
                continue
            name = family.named(pool)
            title, unit = describe(name, locks, policies)
            limit = float(plan.problem.families[index].limit[pool])
            alone = family.group is None and np.isfinite(limit)
            low, high = holds(share, index, limit) if alone else (None, None)
            explored = float(lot.used[index][pool])
            lines.append(
                ResourceLine(
                    name, title, unit, float(family.limit[pool]), float(plan.solution.used[index][pool]) + explored, explored,
                    float(plan.solution.price[index][pool]), low, high, float(floor[pool]), float(plan.solution.short[index][pool]),
                    float(wanted[pool]) + explored,
                )
            )  # fmt: skip
    return tuple(lines)


def share_of(plan: DatedPlan, drawn_from: Problem | None = None) -> PlanShare:
    """Return the share of a plan that is solved again, about ``RANGE_CUSTOMERS`` of it, drawn by what is in them.

    ``drawn_from`` are other values of the same customers: who gets nothing in the plan is all alike there.
    """
    if drawn_from is None and plan.share is not None:
        return plan.share
    rows = glimpsed_rows(drawn_from or plan.problem, RANGE_CUSTOMERS)
    return PlanShare(plan.problem, plan.rules, plan.solution, rows, closely=drawn_from is None)
