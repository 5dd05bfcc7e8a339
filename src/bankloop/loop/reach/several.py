"""Several actions per customer and window: one per placement, some that exclude and some that need each other.

The same dual as for one action; only what a customer takes at given prices is now the best allowed set (``sets``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bankloop.loop.reach import errors, kernels
from bankloop.loop.reach.assignment import PlanSolution, Problem, chosen_at, flatten, solve, start_price_of
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.flat import Flat, charges, limits_worth, used_by
from bankloop.loop.reach.kernels import Floats, Integers
from bankloop.loop.reach.prices import Asked, minimise
from bankloop.loop.reach.sets import Rules, Tree, best_sets, drop, refit, tree_of, wants_of

# Sets are refitted at the plan's prices first, then at lower ones, at last by value alone.
_WEIGHTS = (1.0, 1.0, 0.9, 0.5, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class SeveralSolution:
    """A plan with up to m actions each: ``chosen`` (n, k); the rest as in ``Solution``."""

    chosen: NDArray[np.bool_]
    unrepaired: NDArray[np.bool_]
    price: tuple[Floats, ...]
    used: tuple[Floats, ...]
    objective: float
    bound: float
    passes: int

    @property
    def gap(self) -> float:
        """Return the certified relative distance from the optimum."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.objective) / self.bound)

    @property
    def short(self) -> tuple[Floats, ...]:
        """Return what floors miss: there are none here."""
        return tuple(np.zeros(len(used)) for used in self.used)

    @property
    def feasible(self) -> bool:
        """Return whether every floor is reached: there are none here."""
        return True

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """Return who gets what as (rows, columns)."""
        rows, columns = np.nonzero(self.chosen)
        return rows, columns


def assign(
    problem: Problem,
    rules: Rules | None,
    start_price: Sequence[Floats] | None = None,
    seed: int = 0,
    *,
    closely: bool = True,
    cuts: Cuts | None = None,
) -> PlanSolution | SeveralSolution:
    """Return the plan of a problem: with ``rules`` several actions a customer, else one; the rest as in ``solve``."""
    if rules is None:
        return solve(problem, start_price, seed, closely=closely, cuts=cuts)
    return solve_several(problem, rules, start_price, closely=closely, cuts=cuts)


def repriced(problem: Problem, rules: Rules | None, start_price: Sequence[Floats], cuts: Cuts) -> tuple[Floats, ...]:
    """Return the prices of a problem alone, by family."""
    flat = flatten(problem)
    if rules is None:
        found = minimise(flat, start_price_of(flat, start_price), cuts=cuts)
    else:
        flat = replace(flat, inner=-1)
        found = minimise(flat, start_price_of(flat, start_price), _asking(tree_of(rules)), cuts=cuts)
    return tuple(np.split(found.price, flat.start[1:]))


def wished_at(problem: Problem, rules: Rules | None, prices: Sequence[Floats]) -> tuple[Integers, Integers]:
    """Return as (rows, columns) what everybody would get at the prices, before any repair."""
    if rules is None:
        choice = chosen_at(problem, prices)
        rows = np.flatnonzero(choice != kernels.NONE)
        return rows, choice[rows]
    flat, tree = replace(flatten(problem), inner=-1), tree_of(rules)
    node = _at(flat, tree, start_price_of(flat, prices))[2]
    rows, columns = np.nonzero(np.where(node[:, None] >= 0, tree.member[node], False))
    return rows, columns


def solve_several(
    problem: Problem,
    rules: Rules,
    start_price: Sequence[Floats] | None = None,
    *,
    closely: bool = True,
    cuts: Cuts | None = None,
) -> SeveralSolution:
    """Return an integral plan under limits and rules, with its certificate.

    Floors are not taken here. Raises ``InputError`` as ``solve`` does, and for rules that do not fit the actions.
    """
    if len(rules.placement) != problem.value.shape[-1] or any(f.floor is not None for f in problem.families):
        raise errors.bad_rules()
    flat, tree = replace(flatten(problem), inner=-1), tree_of(rules)
    if flat.own.size:
        raise errors.own_use_and_several(problem.families[int(flat.own[0])].name)
    begin = None if start_price is None else start_price_of(flat, start_price)
    found = minimise(flat, begin, _asking(tree), closely=closely, cuts=cuts)
    total, used, choice = _at(flat, tree, found.price)
    unrepaired = np.where(choice[:, None] >= 0, tree.member[choice], False)
    chosen = unrepaired.copy()
    _make_whole(flat, rules, tree, found.price, chosen, used)
    value = np.where(chosen, flat.value, 0.0)
    return SeveralSolution(
        chosen=chosen,
        unrepaired=unrepaired,
        price=tuple(np.split(found.price, flat.start[1:])),
        used=tuple(np.split(used, flat.start[1:])),
        objective=float(value.astype(np.float64).sum()),
        bound=min(found.dual, total + limits_worth(flat, found.price)),
        passes=found.passes + 1,
    )


def _asking(tree: Tree) -> Asked:
    def ask(flat: Flat, price: Floats) -> tuple[float, Floats, Floats]:
        total, used, _ = _at(flat, tree, price)
        return total, used, price

    return ask


def _at(flat: Flat, tree: Tree, price: Floats) -> tuple[float, Floats, Integers]:
    """Return (sum of what the best sets are worth at the prices, use (R,), node (n,))."""
    choice = np.empty(len(flat.value), np.int64)
    counts = np.zeros((flat.homes, len(tree.column)), np.int64)
    sums = best_sets(
        flat.value, flat.home, charges(flat, price), 0, len(flat.value), tree.column, tree.depth, tree.skip,
        tree.allowed, tree.helps, counts, choice,
    )  # fmt: skip
    return math.fsum(sums), used_by(flat, counts.astype(np.float64) @ tree.member), choice


def _make_whole(flat: Flat, rules: Rules, tree: Tree, price: Floats, chosen: NDArray[np.bool_], used: Floats) -> None:
    """Take away what is over, the least regretted first; then give everybody the best set that fits, the likeliest first."""
    needed, follows = wants_of(rules)
    charge = charges(flat, price)
    rows, columns = np.nonzero(chosen)
    home = flat.home[rows] if flat.home.size else np.zeros(rows.size, np.int64)
    reduced = np.zeros(chosen.shape)
    reduced[rows, columns] = flat.value[rows, columns].astype(np.float64) - charge[home, columns]
    # With an action goes what needs it.
    loss = (reduced + reduced @ (needed | follows))[rows, columns]
    order = np.lexsort((columns, kernels.hashes(flat.value, flat.home, rows), loss))
    drop(rows[order], columns[order], flat.home, chosen, needed, follows, flat.use, flat.pool, used, flat.limit)
    everybody = np.arange(len(flat.value))
    ties = kernels.hashes(flat.value, flat.home, everybody)
    for weight in _WEIGHTS:
        weighed = charge * weight
        taken = weighed[flat.home if flat.home.size else np.zeros(len(everybody), np.int64)]
        potential = np.maximum(flat.value.astype(np.float64) - taken, 0.0)
        missing = potential.sum(axis=1) - np.where(chosen, potential, 0.0).sum(axis=1)
        refit(
            np.lexsort((ties, -missing)), flat.value, flat.home, weighed, tree.column, tree.depth, tree.skip,
            tree.allowed, tree.member, chosen, flat.use, flat.pool, used, flat.limit,
        )  # fmt: skip
