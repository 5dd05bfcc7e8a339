"""Walks along the upper hulls of (cost, value): what one budget buys as it grows, customer by customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bankloop.loop.reach import kernels
from bankloop.loop.reach.flat import Flat
from bankloop.loop.reach.kernels import NONE, Floats, Integers


@dataclass(frozen=True, slots=True)
class BudgetPath:
    """Steps in the order in which money reaches them: customer ``row`` (s,) moves to action ``column`` (s,).

    ``price`` (s,) is the value of one more unit there, falling; ``spent`` and ``earned`` (s,) what is spent and earned with
    this step taken; ``free`` what is earned by what costs nothing, and ``actions`` (n,) the actions that cost nothing.
    """

    row: Integers
    column: Integers
    price: Floats
    spent: Floats
    earned: Floats
    free: float
    actions: Integers

    def at(self, budget: float) -> tuple[float, float]:
        """Return (value, price): the best whole value that the path reaches within a budget, and what one more earns."""
        taken = int(np.searchsorted(self.spent, budget * (1.0 + 1e-12), side="right"))
        value = float(self.earned[taken - 1]) if taken else self.free
        return value, float(self.price[taken]) if taken < len(self.price) else 0.0

    def choice(self, budget: float) -> Integers:
        """Return (n,) the action of every customer at a budget."""
        taken = int(np.searchsorted(self.spent, budget * (1.0 + 1e-12), side="right"))
        choice = self.actions.copy()
        choice[self.row[:taken]] = self.column[:taken]
        return choice


def path_of(flat: Flat) -> BudgetPath:
    """Return the path of a problem's first resource, whatever its limit."""
    order = np.argsort(flat.use[0], kind="stable")
    sizes = kernels.hull_sizes(flat.value, flat.use[0], order)
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    row, column, before = (np.empty(total, np.int64) for _ in range(3))
    price, free = np.empty(total), np.full(len(flat.value), NONE, np.int64)
    earned = kernels.hull_steps(flat.value, flat.use[0], order, ends - sizes, row, column, before, price, free)
    ranked = np.lexsort((column, kernels.hashes(flat.value, flat.home, row), -price))
    row, column, before, price = row[ranked], column[ranked], before[ranked], price[ranked]
    more = flat.use[0][column] - np.where(before >= 0, flat.use[0][before], 0.0)
    return BudgetPath(row, column, price, np.cumsum(more), earned + np.cumsum(more * price), earned, free)
