"""What is read off a plan solved again under other limits: where its prices hold, what more of a resource brings.

Asked of a share of the customers. What they were found to take at prices is kept: another limit changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from bankloop.loop.reach.assignment import PlanSolution, Problem, part_of
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.kernels import Integers
from bankloop.loop.reach.sets import Rules
from bankloop.loop.reach.several import SeveralSolution, assign, repriced

# A price "holds" between the limits at which it has moved by a tenth.
HOLDS_WITHIN = 0.10
_STEPS_DOWN = (0.95, 0.85, 0.7, 0.5)
_STEPS_UP = (1.05, 1.15, 1.35, 1.7, 2.5)


@dataclass(frozen=True)
class PlanShare:
    """A share of a plan's customers, ``rows``, with their share of everything; ``whole`` and ``plan`` are of them all.

    Not ``closely``, its own plan says in which proportion the whole stands to it, and no more.
    """

    whole: Problem
    rules: Rules | None
    plan: PlanSolution | SeveralSolution
    rows: Integers
    closely: bool = True
    cuts: Cuts = field(default_factory=Cuts, repr=False, compare=False)

    @cached_property
    def problem(self) -> Problem:
        """Return the plan's problem of these customers; the whole where they are all."""
        return self.whole if self._all else part_of(self.whole, self.rows)

    @cached_property
    def solution(self) -> PlanSolution | SeveralSolution:
        """Return the plan of these customers alone."""
        if self._all:
            return self.plan
        return assign(self.problem, self.rules, self.plan.price, closely=self.closely, cuts=self.cuts)

    @cached_property
    def scale(self) -> float:
        """Return how many times what they bring the whole plan brings: 1 where they are all."""
        if self._all:
            return 1.0
        part = self.solution.objective
        return self.plan.objective / part if part > 0 else len(self.whole.value) / max(len(self.rows), 1)

    def solved(self) -> PlanShare:
        """Return itself, solved: from now on several may ask it at once, of whom one changes limits."""
        assert self.solution.passes >= 0
        return self

    @property
    def _all(self) -> bool:
        return len(self.rows) == len(self.whole.value)


def with_limit(problem: Problem, index: int, factor: float) -> Problem:
    """Return the problem with one family's limits multiplied: the question "what if"."""
    families = list(problem.families)
    families[index] = replace(families[index], limit=families[index].limit * factor)
    return replace(problem, families=tuple(families))


def holds(share: PlanShare, index: int, limit: float) -> tuple[float | None, float | None]:
    """Return the limits between which a price stays within a tenth, on a grid; None for a resource that is free."""
    if float(share.solution.price[index][0]) <= 1e-9:
        return None, None
    return limit * _reach(share, index, _STEPS_DOWN), limit * _reach(share, index, _STEPS_UP)


def _reach(share: PlanShare, index: int, steps: Sequence[float]) -> float:
    prices = share.solution.price
    good, price = 1.0, float(prices[index][0])
    for factor in steps:
        again = repriced(with_limit(share.problem, index, factor), share.rules, prices, share.cuts)
        if abs(float(again[index][0]) - price) > HOLDS_WITHIN * price:
            break
        good = factor
    return good


def budget_curve(share: PlanShare, name: str, factors: Sequence[float]) -> list[tuple[float, float, float]]:
    """Return (limit, value, price) of re-solved plans for each factor of a resource's limit; money in fen.

    Of a large plan its share is solved, and told in proportion to the plan's own value. Factors rise: what is possible
    within a limit is possible within a larger one.
    """
    index = next(i for i, family in enumerate(share.whole.families) if family.name == name)
    limit, points = float(share.whole.families[index].limit[0]), list[tuple[float, float, float]]()
    for factor in factors:
        found = share.solution
        if factor != 1.0:
            other = with_limit(share.problem, index, factor)
            found = assign(other, share.rules, share.solution.price, closely=False, cuts=share.cuts)
        least = points[-1][1] if points else 0.0
        points.append((limit * factor, max(least, found.objective * share.scale), float(found.price[index][0])))
    return points
