"""The prices of scarce resources: the Lagrangian dual of the assignment, minimised by cutting planes in a trust box.

Of the resources that are kept in pools, one per branch say, those of one family are priced exactly inside every
evaluation (``kernels.settle``), so that hundreds of branches cost the cutting planes nothing. (Fisher 1981, "The
Lagrangian relaxation method"; Kelley 1960 for the cuts.)
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from bankloop.loop.reach import kernels
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.flat import (
    CHUNK,
    Flat,
    amounts_of,
    charges,
    limits_worth,
    net_of,
    own_use_of,
    pooled,
    rates_of,
    used_by,
)
from bankloop.loop.reach.kernels import Floats, Homes, Integers

MAX_CUTS, MORE_CUTS = 120, 30
# Below this relative distance between the dual and its cutting-plane model more cuts change nothing a person could see.
# With hundreds of pools what each leaves unused outweighs ten times as much.
TOLERANCE, TOLERANCE_IN_POOLS = 4e-7, 4e-6
# A sample's prices are a first guess: its own scatter is larger than this.
SAMPLE_TOLERANCE = 3e-5
SAMPLE = 20_000
SAMPLE_PER_POOL = 100
LEVEL = 8
# Cuts are asked for between the best prices and the model's least point: at the point itself they swing (Ben-Ameur and
# Neto 2007).
INWARD = 0.5
_PARALLEL = 100_000
# A box as wide as this share of each price: at first, from another day's plan, from a sample of the same customers.
_FIRST_RADIUS, _WARM_RADIUS, _SAMPLED_RADIUS, _WIDEST = 1.0, 0.03, 0.008, 1e6


@dataclass(frozen=True, slots=True)
class Priced:
    """Prices (R,) with the dual there, and how many passes over the values it took to find them."""

    price: Floats
    dual: float
    passes: int


# What the cutting planes ask: (dual without the outer limits, use (R,), prices (R,) with the inner ones exact).
Asked = Callable[[Flat, Floats], tuple[float, Floats, Floats]]


def choose(flat: Flat, price: Floats) -> tuple[float, Floats, Integers]:
    """Return (dual, use (R,), choice (n,)) where everybody takes their best action at the prices."""
    choice = np.empty(len(flat.value), np.int64)
    total, used = _evaluated(flat, price, choice)
    return total + limits_worth(flat, price), used, choice


def _evaluated(flat: Flat, price: Floats, choice: Integers) -> tuple[float, Floats]:
    """Return (sum of everybody's best at the prices, use (R,)); ``choice`` (n,) unless empty gets who takes what."""
    charge = charges(flat, price)
    parts = _parts(len(flat.value), flat.homes * flat.use.shape[1])
    counts = np.zeros((len(parts), *charge.shape), np.int64)
    own = np.zeros((len(parts), flat.own.size, flat.homes))

    def one(index: int) -> tuple[float, float]:
        first, last = parts[index]
        if flat.own.size:
            return _evaluated_net(flat, price, charge, first, last, counts[index], own[index], choice), 0.0
        found: tuple[float, float] = kernels.evaluate(flat.value, flat.home, charge, first, last, counts[index], choice)
        return found

    sums = _all(one, len(parts))
    used = used_by(flat, counts.sum(axis=0).astype(np.float64))
    total = math.fsum(part for pair in sums for part in pair)
    return total, used + pooled(flat, own.sum(axis=0)) if flat.own.size else used


def _evaluated_net(
    flat: Flat, price: Floats, charge: Floats, first: int, last: int, counts: Integers, own: Floats, choice: Integers
) -> float:
    """Evaluate rows whose use differs, a few thousand at a time: net values are made and looked at in the cache."""
    rate, net = rates_of(flat, price), np.empty((min(CHUNK, max(1, last - first)), flat.value.shape[1]))
    mine, sums = np.empty(len(net), np.int64), list[float]()
    for at in range(first, last, CHUNK):
        to = min(at + CHUNK, last)
        home, picks = flat.home[at:to] if flat.home.size else flat.home, choice[at:to] if choice.size else mine
        kernels.netted(flat.value, flat.home, rate, flat.takes, at, to, net)
        sums += kernels.evaluate(net, home, charge, 0, to - at, counts, picks)
        kernels.taken(home, flat.takes[at:to], picks[: to - at], own)
    return math.fsum(sums)


def _parts(rows: int, cells: int) -> list[tuple[int, int]]:
    """Split rows in as many parts as there are cores, unless they are few or counting them apart would cost more."""
    many = len(os.sched_getaffinity(0)) if rows >= _PARALLEL and cells < rows else 1
    edges = [rows * part // many for part in range(many + 1)]
    return list(itertools.pairwise(edges))


def _all(one: Callable[[int], tuple[float, float]], parts: int) -> list[tuple[float, float]]:
    if parts == 1:
        return [one(0)]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(one, range(parts)))


@dataclass(frozen=True, slots=True)
class PoolMembers:
    """The customers by pool of the inner family: pool g is ``rows``[start[g]:start[g + 1]]."""

    rows: Homes
    start: Integers
    order: Integers

    @staticmethod
    def of(flat: Flat) -> PoolMembers:
        """Sort the customers of ``flat`` by their pool of the inner family."""
        span = flat.span(flat.inner)
        pool = (flat.pool[flat.inner] - span.start).astype(np.int32)
        mine = pool[flat.home] if flat.home.size else np.zeros(len(flat.value), np.int32)
        sizes = np.bincount(mine, minlength=span.stop - span.start)
        rows = np.argsort(mine, kind="stable").astype(np.int32)
        return PoolMembers(rows, np.r_[0, np.cumsum(sizes)], np.argsort(flat.use[flat.inner], kind="stable"))


def settled(flat: Flat, members: PoolMembers, price: Floats, choice: Integers) -> tuple[float, Floats, Floats]:
    """Return (value left to the customers and the inner limits, use (R,), prices (R,)) with the inner prices exact.

    ``choice`` (n,), unless empty, gets a whole choice that breaks no inner limit.
    """
    span = flat.span(flat.inner)
    outer = price.copy()
    outer[span] = 0.0
    charge, counts = charges(flat, outer), np.zeros((flat.homes, flat.use.shape[1]))
    inner = np.maximum(price[span], 0.0)  # what they were is a guess of what they will be
    limit, floor = flat.limit[span], flat.floor[span]
    lowest = float(flat.lowest[span].min(initial=0.0))
    net, edge = net_of(flat, outer), PoolEdges.of(len(limit) if flat.own.size else 0)
    if flat.own.size and not choice.size:
        choice = np.empty(len(flat.value), np.int64)
    parts = _pool_parts(members, len(flat.value))

    def one(index: int) -> tuple[float, float]:
        first, last = parts[index]
        found: tuple[float, float] = kernels.settle(
            net, flat.home, charge, members.rows, members.start, first, last, members.order,
            flat.use[flat.inner], limit, floor, lowest, counts, inner, choice, edge.row, edge.column, edge.part,
        )  # fmt: skip
        return found

    total = math.fsum(part for pair in _all(one, len(parts)) for part in pair)
    outer[span] = inner
    used = used_by(flat, counts)
    return total, used + own_use_of(flat, choice) + edge.use_of(flat, choice) if flat.own.size else used, outer


@dataclass(frozen=True, slots=True)
class PoolEdges:
    """Where the exact price of a pool parts a customer: ``row`` (g,) or −1 goes to ``column`` by ``part`` 0 … 1."""

    row: Integers
    column: Integers
    part: Floats

    @staticmethod
    def of(pools: int) -> PoolEdges:
        """Return those of pools that are not walked yet."""
        return PoolEdges(np.full(pools, -1), np.zeros(pools, np.int64), np.zeros(pools))

    def use_of(self, flat: Flat, choice: Integers) -> Floats:
        """Return (R,) what the parts use beyond a whole ``choice`` of the families of own use."""
        here = np.flatnonzero(self.row >= 0)
        rows, before = self.row[here], choice[self.row[here]]
        more = amounts_of(flat, rows, self.column[here]) - np.where(before >= 0, amounts_of(flat, rows, before), 0.0)
        own, home = np.zeros((flat.own.size, flat.homes)), flat.home[rows] if flat.home.size else np.zeros_like(rows)
        for at, amount in enumerate(more * self.part[here]):
            np.add.at(own[at], home, amount)
        return pooled(flat, own)


def _pool_parts(members: PoolMembers, rows: int) -> list[tuple[int, int]]:
    many = len(_parts(rows, 0))
    edges = np.searchsorted(members.start, [rows * part // many for part in range(many + 1)])
    edges[0], edges[-1] = 0, len(members.start) - 1
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def minimise(
    flat: Flat,
    price: Floats | None,
    ask: Asked | None = None,
    *,
    closely: bool = True,
    cuts: Cuts | None = None,
) -> Priced:
    """Return the prices of least dual; ``price`` starts from another plan's. Where there are many customers samples come first.

    Another plan's prices may be far from these, and a sample finds that out at a hundredth of the cost. ``ask`` says what
    customers take at given prices; without it each takes the best action. Not ``closely``, prices are a sample's.
    ``cuts`` are those of the same customers and values under other limits of what is not kept in pools, and of this
    question when it is answered: where there are some, no sample is asked.
    """
    if flat.inner >= 0 and len(flat.value) > SAMPLE:  # pools are walked many times: let each lie in one place
        flat = flat.at(PoolMembers.of(flat).rows.astype(np.int64))
    passes = 0
    levels = [] if cuts else _levels(flat)
    radius = _FIRST_RADIUS if price is None or levels or cuts else _WARM_RADIUS
    price = np.zeros(flat.limit.size) if price is None else price
    for size in levels:
        found = _cutting_planes(flat.rows(sample_of(flat, size)), price, radius, SAMPLE_TOLERANCE, ask=ask)
        price, radius = found.price, _SAMPLED_RADIUS
        passes += found.passes
    fine = TOLERANCE if flat.inner < 0 else TOLERANCE_IN_POOLS
    found = _cutting_planes(flat, price, radius, fine if closely else SAMPLE_TOLERANCE, ask=ask, cuts=cuts)
    return replace(found, passes=found.passes + passes)


def refined(flat: Flat, price: Floats, tolerance: float, cuts: Cuts) -> Priced:
    """Return better prices near good ones: what the dual no longer shows, a whole plan still may."""
    return _cutting_planes(flat, price, _SAMPLED_RADIUS, tolerance, most=MORE_CUTS, cuts=cuts)


def _levels(flat: Flat) -> list[int]:
    pools = flat.limit.size if flat.inner >= 0 else 0
    size = SAMPLE + SAMPLE_PER_POOL * pools
    sizes: list[int] = []
    while size * (4 if sizes else 2) < len(flat.value):
        sizes.append(size)
        size *= LEVEL
    return sizes


def sample_of(flat: Flat, size: int) -> Integers:
    """Return about ``size`` rows, drawn by what is in them and not by where they stand."""
    rows = np.arange(len(flat.value))
    if size >= len(rows):
        return rows
    hashed = kernels.hashes(flat.value, flat.home, rows)
    return np.flatnonzero(hashed < np.uint64(int(size / len(rows) * 2.0**64)))


def falls_below(flat: Flat, least: float) -> bool:
    """Return whether the dual falls below a number (below zero, in units of the dual) anywhere."""
    return _cutting_planes(flat, np.zeros(flat.limit.size), _FIRST_RADIUS, abs(least) / 2.0, least).dual < least


def _cutting_planes(
    flat: Flat,
    price: Floats,
    radius: float,
    tolerance: float,
    enough: float = -np.inf,
    ask: Asked | None = None,
    most: int = MAX_CUTS,
    cuts: Cuts | None = None,
) -> Priced:
    """Ask the dual near the least point of its cutting-plane model within a box around the best prices so far.

    Ends when the model says that little is left to win, or when the dual is below ``enough``. ``cuts`` are known of the
    same customers, and more are added.
    """
    outer, ask = flat.outer, ask or _asking(flat)
    scale = _typical(flat)[outer]
    worth, used, price = ask(flat, price)
    best, best_price = worth + limits_worth_of(flat, outer, price), price
    cuts = Cuts() if cuts is None else cuts
    cuts.begin(scale, max(1.0, abs(best)))
    cuts.aim(flat.limit[outer], flat.floor[outer])
    cuts.add(worth + float(used[outer] @ price[outer]), used[outer])
    widest = _WIDEST if radius > _SAMPLED_RADIUS else 3.0 * radius
    passes = 1
    while passes < most and outer.size and best >= enough:
        width = radius * np.maximum(np.abs(best_price[outer]), 0.05 * scale)
        candidate, least, inside = _least_point(cuts, flat, outer, best_price[outer], width)
        if best - least <= tolerance * max(1.0, abs(best)):
            if inside or radius >= widest:
                break
            radius *= 4.0
            continue
        asked = best_price.copy()
        candidate = best_price[outer] + INWARD * (candidate - best_price[outer])
        asked[outer] = candidate
        worth, used, asked = ask(flat, asked)
        passes += 1
        dual = worth + limits_worth_of(flat, outer, asked)
        cuts.add(worth + float(used[outer] @ candidate), used[outer])
        if dual < best:
            # Half of the way wins half of what the model said at most: measured by that, the box would never grow.
            radius *= 2.0 if best - dual > 0.5 * INWARD * (best - least) else 1.0
            best, best_price = dual, asked
        else:
            radius *= 0.7
    return Priced(best_price, best, passes)


def limits_worth_of(flat: Flat, some: Integers, price: Floats) -> float:
    """Return what some of the limits are worth at the prices."""
    up, down = np.maximum(price[some], 0.0), np.minimum(price[some], 0.0)
    return float(up @ flat.limit[some] + down @ flat.floor[some])


def _asking(flat: Flat) -> Asked:
    """Each takes the best action; where pools are priced exactly, at the exact prices."""
    nothing = np.empty(0, np.int64)
    members = PoolMembers.of(flat) if flat.inner >= 0 else None

    def ask(flat: Flat, price: Floats) -> tuple[float, Floats, Floats]:
        if members is not None:
            return settled(flat, members, price, nothing)
        return *_evaluated(flat, price, nothing), price

    return ask


def _typical(flat: Flat) -> Floats:
    """Return (R,) the size of a price: the mean of the better values that a unit of the resource could earn."""
    shown = flat.value[:: max(1, len(flat.value) // SAMPLE)]
    open_values = np.where(np.isfinite(shown) & (shown > 0), shown, 0.0).astype(np.float64)
    top = np.sqrt((open_values**2).mean(axis=0)) if len(open_values) else np.zeros(flat.use.shape[1])
    found = np.zeros(flat.limit.size)
    own = dict(zip(flat.own.tolist(), np.moveaxis(flat.takes[:: max(1, len(flat.value) // SAMPLE)], 2, 0), strict=True))
    for family, alike in enumerate(flat.use):
        use = _mean_of_some(own[family]) if family in own else alike
        each = np.divide(top, use, out=np.zeros_like(top), where=use > 0)
        found[flat.span(family)] = each.max(initial=0.0)
    found = np.where(found > 0, found, max(1e-6, float(found.max(initial=0.0))))
    return np.asarray(2.0 ** np.round(np.log2(found)))  # the order of customers shows in no more than the last bits


def _mean_of_some(takes: Floats) -> Floats:
    """Return (k,) what those take who take anything."""
    some = np.maximum((takes > 0).sum(axis=0), 1)
    return np.asarray(takes.sum(axis=0, dtype=np.float64) / some)


def _least_point(cuts: Cuts, flat: Flat, outer: Integers, centre: Floats, width: Floats) -> tuple[Floats, float, bool]:
    """Return (prices, the model's value there, whether the box did not hold them back)."""
    low, high = np.maximum(centre - width, flat.lowest[outer]), centre + width
    found = cuts.least(low, high)
    if found is None:
        return centre, -np.inf, False
    price, least = found
    edge = 1e-6 * width
    free = ((price > low + edge) | (low <= flat.lowest[outer])) & (price < high - edge)
    return price, least, bool(free.all())
