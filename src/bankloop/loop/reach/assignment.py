"""The assignment: who gets which action when budgets, stock, channels and people are scarce.

max Σ v_ik x_ik, at most one action per customer, floor ≤ Σ use ≤ limit for every resource. Solved by the prices of the
resources (``prices``), then made whole (``rounding``). The answer carries its certificate: dual bound, objective, gap, use
and price of every resource.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bankloop.loop.reach import errors
from bankloop.loop.reach.core import MOST_PRICED, MOST_WHOLE, Core, core_of, prices_of, whole_of
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.flat import Flat, use_of
from bankloop.loop.reach.kernels import NONE, Floats, Integers, Values
from bankloop.loop.reach.paths import path_of
from bankloop.loop.reach.prices import Priced, choose, minimise, refined, sample_of
from bankloop.loop.reach.rounding import filled, whole_plan

# Above this a float no longer tells two fen apart.
LARGEST = 2.0**53
# A floor may cost this many times the largest difference one unit of it could make; dearer ones are called out of reach.
_FLOOR_AT_ANY_PRICE = 8.0
# A gap of four customers' worth is what whole actions cost anyway; above it prices are sought more finely.
_GOOD_FOR, _FEWEST = 4.0, 20_000
_FINER = (1.5e-7, 5e-8)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of scarce resource: a single pool, or one pool per group (branch, segment).

    ``use`` (k,) is what one action takes, or (n, k) what it takes for each customer (a loan's amount), whole units
    where none may be exceeded; ``limit`` (groups,) what there is, infinite where there is enough; ``group`` (n,) the pool
    of each customer, None when there is one pool for all; ``floor`` (groups,) what must be used, None for 0; ``pools``
    names the groups, an empty name being whoever belongs to none.
    """

    name: str
    use: NDArray[np.floating]
    limit: Floats
    group: NDArray[np.integer] | None = None
    floor: Floats | None = None
    pools: tuple[str, ...] = ()

    def takes(self, rows: Integers, columns: Integers) -> Floats:
        """Return (m,) what some customers' actions take."""
        return np.asarray(self.use[columns] if self.use.ndim == 1 else self.use[rows, columns], np.float64)

    def uses(self, rows: Integers) -> NDArray[np.floating]:
        """Return (k,) what the actions take, or (m, k) of some customers where it differs by customer."""
        return self.use if self.use.ndim == 1 else self.use[rows]

    def of(self, rows: Integers) -> Family:
        """Return the resource for some customers alone, with all there is."""
        return replace(self, use=self.uses(rows), group=None if self.group is None else self.group[rows])

    def named(self, pool: int) -> str:
        """Return how one pool of it is called: by itself where no other pool has a limit or a floor."""
        if self.group is None or sum(bool(one) for one in self.pools) == 1:
            return self.name
        return f"{self.name}:{self.pools[pool] if self.pools else pool}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Values (n, k) in fen, float32 or float64, −inf where an action is not open to a customer, and the resources."""

    value: NDArray[np.floating]
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class PlanSolution:
    """An integral plan with its certificate.

    ``choice`` (n,) column or −1; ``unrepaired`` the choice at the prices alone; ``price``, ``used`` and ``short`` (what is
    missing to a floor) per family; ``bound`` ≥ optimum ≥ ``objective``, all in fen; ``gap`` = (bound − objective) / bound.
    Where a floor is missed the bound holds for all plans that miss no more.
    """

    choice: Integers
    unrepaired: Integers
    price: tuple[Floats, ...]
    used: tuple[Floats, ...]
    short: tuple[Floats, ...]
    objective: float
    bound: float
    passes: int

    @property
    def gap(self) -> float:
        """Return the certified relative distance from the optimum."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.objective) / self.bound)

    @property
    def feasible(self) -> bool:
        """Return whether every floor is reached; limits always hold."""
        return not any(missing.any() for missing in self.short)

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """Return who gets what as (rows, columns)."""
        rows = np.flatnonzero(self.choice != NONE)
        return rows, self.choice[rows]


def solve(
    problem: Problem,
    start_price: Sequence[Floats] | None = None,
    seed: int = 0,
    *,
    closely: bool = True,
    cuts: Cuts | None = None,
) -> PlanSolution:
    """Return an integral plan within every limit, with its certificate; deterministic, blind to the order of customers.

    ``start_price`` (one array per family) warm-starts the prices, for example from yesterday's plan. ``seed`` is kept for
    callers: nothing is drawn. What is read off and not carried out need not be solved ``closely``: that plan breaks
    nothing either, and lies a few hundred-thousandths below the best. ``cuts`` as ``minimise`` takes them. Floors that
    cannot be reached are approached as far as limits allow and reported in ``short``. Raises ``InputError`` for values,
    uses, limits, floors, groups and prices that make no sense.
    """
    del seed
    flat, cuts = flatten(problem), Cuts() if cuts is None else cuts
    begin = None if start_price is None else start_price_of(flat, start_price)
    priced = minimise(flat, begin, closely=closely, cuts=cuts)
    found = _made_whole(problem, flat, priced)
    if not closely:
        return found
    passes = found.passes
    for tolerance in _FINER:
        if flat.inner >= 0 or found.gap * max(len(flat.value), _FEWEST) <= _GOOD_FOR:
            break
        priced = refined(flat, priced.price, tolerance, cuts)
        again = _made_whole(problem, flat, priced)
        passes += again.passes
        better = again if again.objective > found.objective else found
        found = replace(better, bound=min(found.bound, again.bound)) if found.feasible and again.feasible else found
    if found.gap * max(len(flat.value), _FEWEST) > _GOOD_FOR:
        found = _or_along_the_path(problem, flat, priced, found)
    if found.gap * max(len(flat.value), _FEWEST) > _GOOD_FOR and found.feasible and flat.inner < 0:
        found = _by_its_core(problem, flat, found)
    return replace(found, passes=passes)


def _by_its_core(problem: Problem, flat: Flat, found: PlanSolution) -> PlanSolution:
    """Return the plan settled among the moves that a better one could still hold: by better prices, then exactly."""
    if core := _core(flat, found, MOST_PRICED, exact=False):
        price = prices_of(flat, core)
        again = None if price is None else _made_whole(problem, flat, Priced(price, np.inf, 0))
        if again is not None and again.feasible:
            better = again if again.objective >= found.objective else found
            found = replace(better, bound=min(found.bound, again.bound))
    if found.gap * max(len(flat.value), _FEWEST) <= _GOOD_FOR:
        return found
    core = _core(flat, found, MOST_WHOLE, exact=True)
    whole = whole_of(flat, core) if core else None
    if whole is None:
        return found
    choice, most = whole
    objective = objective_of(problem.value, choice)
    bound = min(found.bound, max(most, found.objective))
    if objective <= found.objective:
        return replace(found, bound=bound)
    used = tuple(np.split(use_of(flat, choice), flat.start[1:]))
    return replace(found, choice=choice, used=used, objective=objective, bound=bound)


def _core(flat: Flat, found: PlanSolution, most: int, *, exact: bool) -> Core | None:
    """Return the core around a plan: all that could be better where ``exact``, else what the best bound leaves open."""
    price = np.concatenate([*found.price, np.zeros(0)])
    dual, _, best = choose(flat, price)
    return core_of(flat, price, best, (dual if exact else found.bound) - found.objective, most)


def _or_along_the_path(problem: Problem, flat: Flat, priced: Priced, found: PlanSolution) -> PlanSolution:
    """Return the better of a plan and, where one limit is all there is, of what its exact path reaches."""
    if flat.limit.size != 1 or flat.floor.any() or not flat.value.shape[1] or flat.own.size:
        return found
    choice = filled(flat, priced.price, path_of(flat).choice(float(flat.limit[0])))
    objective = objective_of(problem.value, choice)
    if objective <= found.objective:
        return found
    return replace(found, choice=choice, used=(use_of(flat, choice),), objective=objective)


def _made_whole(problem: Problem, flat: Flat, found: Priced) -> PlanSolution:
    dual, _, unrepaired = choose(flat, found.price)
    choice = whole_plan(flat, found.price, unrepaired)
    used = use_of(flat, choice)
    wanted = floors_of(problem)
    short = np.where(used < wanted - 1e-6, wanted - used, 0.0)
    attained = np.maximum(flat.floor - used, 0.0)
    return PlanSolution(
        choice=choice,
        unrepaired=unrepaired,
        price=tuple(np.split(found.price, flat.start[1:])),
        used=tuple(np.split(used, flat.start[1:])),
        short=tuple(np.split(short, flat.start[1:])),
        objective=objective_of(problem.value, choice),
        bound=min(dual, found.dual) - float(flat.lowest @ attained),
        passes=found.passes + 1,
    )


def chosen_at(problem: Problem, prices: Sequence[Floats]) -> Integers:
    """Return (n,) everybody's best action at the prices, before any repair."""
    flat = flatten(problem)
    return choose(flat, start_price_of(flat, prices))[2]


def glimpse(problem: Problem, customers: int) -> Problem:
    """Return the problem of about so many customers with their share of everything; the whole where it is no larger."""
    return problem if len(problem.value) <= customers else part_of(problem, glimpsed_rows(problem, customers))


def glimpsed_rows(problem: Problem, customers: int) -> Integers:
    """Return the rows of about so many customers, drawn by what is in them; all where there are no more."""
    return sample_of(flatten(problem), customers)


def part_of(problem: Problem, rows: Integers) -> Problem:
    """Return the problem of these rows with their share of every limit and floor."""
    share = len(rows) / max(len(problem.value), 1)
    families = (
        replace(f.of(rows), limit=f.limit * share, floor=None if f.floor is None else f.floor * share)
        for f in problem.families
    )
    return Problem(np.ascontiguousarray(problem.value[rows]), tuple(families))


def objective_of(value: Values, choice: Integers) -> float:
    """Return the sum of the chosen values, fen."""
    chosen = np.flatnonzero(choice != NONE)
    return float(value[chosen, choice[chosen]].astype(np.float64).sum())


def start_price_of(flat: Flat, prices: Sequence[Floats]) -> Floats:
    """Return prices by family as one (R,), checked."""
    price = np.concatenate([*(np.asarray(p, np.float64) for p in prices), np.zeros(0)])
    if price.shape != flat.limit.shape or not np.isfinite(price).all():
        raise errors.bad_prices()
    return np.asarray(np.maximum(price, flat.lowest))


def flatten(problem: Problem) -> Flat:
    """Return the problem as the kernels want it, checked."""
    value = _checked_values(problem.value)
    n, k = value.shape
    for family in problem.families:
        _check(family, n, k)
    home, pools = _homes([f for f in problem.families if f.group is not None], n)
    sizes = [len(f.limit) for f in problem.families]
    start = np.cumsum([0, *sizes])[:-1].astype(np.int64)
    grouped = iter(pools)
    pool = np.array(
        [at + (0 if f.group is None else next(grouped)) + np.zeros(pools.shape[1], np.int64)
         for at, f in zip(start, problem.families, strict=True)], np.int64,
    ).reshape(len(problem.families), pools.shape[1])  # fmt: skip
    alike = [f.use if f.use.ndim == 1 else np.zeros(k) for f in problem.families]
    use = np.array(alike, np.float64).reshape(len(problem.families), k)
    own = np.array([at for at, f in enumerate(problem.families) if f.use.ndim == 2], np.int64)
    takes = _takes([problem.families[at].use for at in own])
    limit = np.concatenate([np.asarray(f.limit, np.float64) for f in problem.families] or [np.zeros(0)])
    floor = np.minimum(floors_of(problem), limit)  # above its own limit no floor is ever reached
    each = use.max(axis=1, initial=0.0) * n
    each[own] = [float(takes[:, :, at].max(axis=1, initial=0.0).sum(dtype=np.float64)) for at in range(own.size)]
    lowest = (
        np.where(floor > 0, -np.repeat(_penalties(value, problem.families), sizes), 0.0)
        if floor.any()
        else np.zeros(floor.size)
    )
    limit = np.minimum(limit, np.repeat(each, sizes))
    return Flat(value, home, use, pool, limit, floor, lowest, start, _inner(problem.families), own, takes)


def _takes(uses: Sequence[NDArray[np.floating]]) -> Values:
    """Return (n, k, v) the uses that differ by customer side by side, float32 where all are."""
    if not uses:
        return np.zeros((0, 0, 0))
    return np.ascontiguousarray(
        np.stack([use if use.dtype == np.float32 else use.astype(np.float64) for use in uses], axis=-1)
    )


def floors_of(problem: Problem) -> Floats:
    """Return (R,) the floors as they are asked for, 0 where there is none."""
    floors = [np.zeros(len(f.limit)) if f.floor is None else f.floor for f in problem.families]
    return np.concatenate([*(np.asarray(floor, np.float64) for floor in floors), np.zeros(0)])


def _inner(families: Sequence[Family]) -> int:
    """Return the family with the most pools, alike from everybody in one; −1 when none has more than one."""
    sizes = [len(f.limit) if f.group is not None and f.use.ndim == 1 else 0 for f in families]
    return int(np.argmax(sizes)) if max(sizes, default=0) > 1 else -1


def _checked_values(given: NDArray[np.floating]) -> Values:
    if given.ndim != 2:
        raise errors.bad_shape()
    value = np.ascontiguousarray(given, dtype=given.dtype if given.dtype == np.float32 else np.float64)
    # One number tells almost always: only a sum that is not finite, or too large, has a value that is to blame.
    top = float(np.max(value, initial=0.0))
    if not top <= LARGEST:
        bad = np.argwhere(~(value <= LARGEST))[0]
        raise errors.bad_value(int(bad[0]), int(bad[1]))
    return value


def _check(family: Family, n: int, k: int) -> None:
    use, limit = np.asarray(family.use), np.asarray(family.limit, np.float64)
    floor = np.zeros(limit.shape) if family.floor is None else np.asarray(family.floor, np.float64)
    numbers = np.isfinite(use).all() and not np.isnan(limit).any() and np.isfinite(floor).all()
    if use.shape not in ((k,), (n, k)) or limit.ndim != 1 or floor.shape != limit.shape or not numbers:
        raise errors.bad_resource(family.name)
    if (use < 0).any() or (limit < 0).any() or (floor < 0).any():
        raise errors.bad_resource(family.name)
    if family.group is None:
        if limit.size != 1:
            raise errors.bad_group(family.name)
    elif family.group.shape != (n,) or (n and (family.group.min() < 0 or family.group.max() >= limit.size)):
        raise errors.bad_group(family.name)


def _homes(grouped: Sequence[Family], n: int) -> tuple[NDArray[np.int32], Integers]:
    """Return each customer's home, and per grouped family the pool of each home (families, homes)."""
    match grouped:
        case []:
            return np.zeros(0, np.int32), np.zeros((0, 1), np.int64)
        case [only]:
            assert only.group is not None
            return only.group.astype(np.int32), np.arange(max(1, len(only.limit)))[None, :]
    code = np.zeros(n, np.int64)
    for family in grouped:
        assert family.group is not None
        code = code * len(family.limit) + family.group
    known, home = np.unique(code, return_inverse=True)
    pools = np.zeros((len(grouped), max(1, known.size)), np.int64)
    for index in range(len(grouped) - 1, -1, -1):
        known, pools[index, : known.size] = np.divmod(known, len(grouped[index].limit))
    return home.astype(np.int32), pools


def _penalties(value: Values, families: Sequence[Family]) -> Floats:
    """Return per family the price below zero at which a floor counts as out of reach."""
    bottom = (
        np.where(np.isfinite(value), value, 0).min(initial=0.0) if np.isneginf(value).any() else value.min(initial=0.0)
    )
    swing = float(value.max(initial=0.0)) - float(bottom) + 1.0
    least = np.array([np.where(f.use > 0, f.use, np.inf).min(initial=np.inf) for f in families], np.float64)
    return _FLOOR_AT_ANY_PRICE * swing / np.where(np.isfinite(least), least, 1.0)
