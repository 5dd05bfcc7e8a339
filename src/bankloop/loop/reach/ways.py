"""Simple ways to give the same things out, under the same limits: what a plan is measured against; and who is next in line.

A way walks customers in an order and gives each the action it likes best of those that fit and pay. None of them looks
ahead; the plan does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.compiled import compiled
from bankloop.kit.text import Text
from bankloop.loop.reach import kernels
from bankloop.loop.reach.assignment import Problem, flatten, start_price_of
from bankloop.loop.reach.contracts import DatedPlan
from bankloop.loop.reach.flat import charges, net_of
from bankloop.loop.reach.kernels import NONE, Floats, Integers


class Way(StrEnum):
    """A way to hand actions out."""

    BEST_PRODUCT = "best_product"
    PROPENSITY_FIRST = "propensity_first"
    BALANCE_FIRST = "balance_first"
    RANDOM = "random"


WAYS = {
    Way.BEST_PRODUCT: Text("人人给最好的产品", "The best product for everyone"),
    Way.PROPENSITY_FIRST: Text("意愿高的先给", "Propensity first"),
    Way.BALANCE_FIRST: Text("资产高的先给", "Balance first"),
    Way.RANDOM: Text("随机", "At random"),
}


@dataclass(frozen=True, slots=True)
class WayOutcome:
    """What a way comes to: value in fen by the plan's own model, how many customers; ``choice`` (n,) column or −1."""

    way: Way
    value: float
    customers: int
    choice: Integers = field(compare=False, repr=False)

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """Return who gets what as (rows, columns)."""
        rows = np.flatnonzero(self.choice != NONE)
        return rows, self.choice[rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One customer whom the next unit of a resource would reach: row, column, value, and what is missing in fen."""

    row: int
    column: int
    value: float
    missing: float


def compare_ways(plan: DatedPlan, balance: Floats | None, seed: int) -> tuple[WayOutcome, ...]:
    """Return what the simple ways come to with the plan's customers, values and limits, one action a customer.

    ``balance`` (n,) orders customers by what they hold; without it that way is left out.
    """
    found, problem = plan.candidates, plan.problem
    n, k = problem.value.shape
    rng = np.random.default_rng(seed)
    lots, tastes = rng.random(n), rng.random((n, k))
    likely = np.clip(found.base + found.uplift, 0.0, 1.0)
    pays = problem.value > 0.0
    orders = {
        Way.BEST_PRODUCT: (lots, problem.value),
        Way.PROPENSITY_FIRST: (-np.where(pays, likely, 0.0).max(axis=1, initial=0.0), likely),
        Way.RANDOM: (lots, tastes),
    }
    if balance is not None:
        orders[Way.BALANCE_FIRST] = (-balance, problem.value)
    return tuple(
        _outcome(way, problem, np.lexsort((lots, orders[way][0])), orders[way][1]) for way in Way if way in orders
    )


def _outcome(way: Way, problem: Problem, order: Integers, score: NDArray[np.floating]) -> WayOutcome:
    flat = flatten(problem)
    choice = np.full(len(flat.value), NONE, np.int64)
    _in_order(
        order, np.ascontiguousarray(score, np.float64), flat.value, flat.home, flat.use, flat.pool,
        np.zeros(flat.limit.size), flat.limit, choice, flat.own, flat.takes,
    )  # fmt: skip
    rows = np.flatnonzero(choice != NONE)
    value = float(flat.value[rows, choice[rows]].astype(np.float64).sum())
    return WayOutcome(way, value, len(rows), choice)


def waiting_for(plan: DatedPlan, index: int, pool: int, most: int) -> tuple[Waiting, ...]:
    """Return who is next in line for a resource's pool: those who get nothing and lack least at the prices.

    At the plan's prices they are the next whom one more unit, and then another, would reach.
    """
    family = plan.problem.families[index]
    flat = flatten(plan.problem)
    price = start_price_of(flat, plan.solution.price)
    charge, net = charges(flat, price), net_of(flat, price)
    idle = (plan.issued == NONE).all(axis=1)
    if family.group is not None:
        idle &= family.group == pool
    rows, columns = np.flatnonzero(idle), np.flatnonzero(np.atleast_2d(family.use > 0).any(axis=0))
    if not rows.size or not columns.size:
        return ()
    home = flat.home[rows].astype(np.int64) if flat.home.size else np.zeros(rows.size, np.int64)
    value = flat.value[np.ix_(rows, columns)].astype(np.float64)
    use = np.broadcast_to(np.atleast_2d(family.uses(rows))[:, columns], value.shape)
    left = net[np.ix_(rows, columns)].astype(np.float64) - charge[np.ix_(home, columns)]
    reduced = np.where(use > 0, left / np.where(use > 0, use, 1.0), -np.inf)
    best = reduced.argmax(axis=1)
    score = np.where(value[np.arange(rows.size), best] > 0.0, reduced[np.arange(rows.size), best], -np.inf)
    order = np.lexsort((kernels.hashes(flat.value, flat.home, rows), -score))[:most]
    return tuple(
        Waiting(int(rows[at]), int(columns[best[at]]), float(value[at, best[at]]), float(max(0.0, -left[at, best[at]])))
        for at in order
        if np.isfinite(score[at])
    )  # fmt: skip


def _give(
    order: Any, score: Any, value: Any, home: Any, use: Any, pool: Any, used: Any, limit: Any, choice: Any,
    own: Any, takes: Any,
) -> None:  # fmt: skip
    for position in range(order.shape[0]):
        i = order[position]
        h = 0 if home.shape[0] == 0 else home[i]
        pick = -1
        for j in range(value.shape[1]):
            if not value[i, j] > 0.0 or (pick >= 0 and score[i, j] <= score[i, pick]):
                continue
            fits = True
            for f in range(use.shape[0]):
                if use[f, j] > 0.0 and used[pool[f, h]] + use[f, j] > limit[pool[f, h]] + 1e-9:
                    fits = False
            for v in range(own.shape[0]):
                r = pool[own[v], h]
                if takes[i, j, v] > 0.0 and used[r] + takes[i, j, v] > limit[r] + 1e-9:
                    fits = False
            if fits:
                pick = j
        if pick >= 0:
            choice[i] = pick
            for f in range(use.shape[0]):
                used[pool[f, h]] += use[f, pick]
            for v in range(own.shape[0]):
                used[pool[own[v], h]] += takes[i, pick, v]


_in_order: Any = compiled()(_give)
