"""Which floors and limits cannot stand together: an irreducible set, found on the plan's own dual with all values at zero.

With values of zero the dual is the least sum of what floors miss, negated; its prices name who takes part. One floor after
another is then let in until the missing returns, and whatever can go without curing it goes. (Chinneck 2008.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from bankloop.loop.reach.assignment import Problem, flatten, floors_of
from bankloop.loop.reach.flat import Flat
from bankloop.loop.reach.kernels import Floats
from bankloop.loop.reach.prices import falls_below, minimise

# What a floor misses below this is the solver's own accuracy.
_MISSES = 1e-3


class Side(StrEnum):
    """Which of a resource's two bounds is meant."""

    FLOOR = "floor"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound that takes part in a conflict: of the resource ``name``, of its pool ``group``, at ``amount``."""

    name: str
    group: int
    side: Side
    amount: float


def conflict(problem: Problem) -> tuple[Bound, ...]:
    """Return an irreducible set of bounds that no plan can meet; empty when all can be met together.

    Without any one of them the others can be met. That a customer gets at most one action always holds.
    """
    flat = _without_values(flatten(problem))
    asked = floors_of(problem)
    above = np.flatnonzero(asked > flat.limit)
    if above.size:
        return _above_its_limit(problem, flat, asked, int(above[0]))
    if not _impossible(flat):
        return ()
    price = minimise(flat, None).price
    floors = [int(r) for r in np.argsort(price, kind="stable") if flat.floor[r] > 0]
    limits = [int(r) for r in np.flatnonzero(flat.limit < np.inf)]
    kept: list[int] = []
    for resource in floors:
        kept.append(resource)
        if _impossible(_only(flat, kept, limits)):
            break
    priced = minimise(_only(flat, kept, limits), None).price
    costly = [r for r in limits if priced[r] > _MISSES]
    limits = costly if _impossible(_only(flat, kept, costly)) else limits
    for resource in list(limits):
        if _impossible(_only(flat, kept, [r for r in limits if r != resource])):
            limits.remove(resource)
    for resource in list(kept):
        if _impossible(_only(flat, [r for r in kept if r != resource], limits)):
            kept.remove(resource)
    floors_kept = [_bound(problem, r, Side.FLOOR, float(flat.floor[r])) for r in kept]
    return (*floors_kept, *(_bound(problem, r, Side.LIMIT, float(flat.limit[r])) for r in limits))


def _above_its_limit(problem: Problem, flat: Flat, asked: Floats, resource: int) -> tuple[Bound, ...]:
    """Return a floor with its own limit, or alone when without the limit too few could have anything."""
    alone = replace(_only(flat, [resource], []), floor=np.where(np.arange(asked.size) == resource, asked, 0.0))
    floor = _bound(problem, resource, Side.FLOOR, float(asked[resource]))
    if _impossible(alone):
        return (floor,)
    return (floor, _bound(problem, resource, Side.LIMIT, float(flat.limit[resource])))


def _without_values(flat: Flat) -> Flat:
    value = np.where(np.isfinite(flat.value), 0.0, -np.inf)
    return replace(flat, value=value, lowest=np.where(flat.floor > 0, -1.0, 0.0))


def _only(flat: Flat, floors: Iterable[int], limits: Iterable[int]) -> Flat:
    """Return the problem with no other floors and limits than these."""
    floor, limit = np.zeros_like(flat.floor), np.full_like(flat.limit, _plenty(flat))
    for resource in floors:
        floor[resource] = flat.floor[resource]
    for resource in limits:
        limit[resource] = flat.limit[resource]
    return replace(flat, floor=floor, limit=limit, lowest=np.where(floor > 0, -1.0, 0.0))


def _plenty(flat: Flat) -> float:
    most = max(float(flat.use.max(initial=1.0)), float(flat.takes.max(initial=0.0)))
    return float(most * (len(flat.value) + 1) + flat.floor.max(initial=0.0))


def _impossible(flat: Flat) -> bool:
    return falls_below(flat, -_MISSES)


def _bound(problem: Problem, resource: int, side: Side, amount: float) -> Bound:
    for family in problem.families:
        if resource < len(family.limit):
            return Bound(family.name, resource, side, amount)
        resource -= len(family.limit)
    raise AssertionError("a resource of no family")
