"""The problem as the kernels want it, and what prices take: alike from all in a home, and from each by own use.

Where a family's use differs by customer, a price takes another amount from each. ``net_of`` takes these off the values,
so that whatever looks at a value less its charge sees one more array and no second rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bankloop.loop.reach import kernels
from bankloop.loop.reach.kernels import NONE, Floats, Homes, Integers, Values

# So many customers' net values stay in the processor's cache between being made and being looked at.
CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class Flat:
    """The problem as the kernels want it: R resources of F families over H homes.

    ``use`` (F, k); ``limit`` and ``floor`` (R,); ``pool`` (F, H) the resource that a family is for a home; ``lowest``
    (R,) how far a price may fall below zero to reach its floor; ``inner`` the family that is priced exactly, or −1. Of
    ``own`` (v,), the families whose use differs by customer, ``takes`` (n, k, v) says what each takes; their ``use`` is
    nought.
    """

    value: Values
    home: Homes
    use: Floats
    pool: Integers
    limit: Floats
    floor: Floats
    lowest: Floats
    start: Integers
    inner: int
    own: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    takes: Values = field(default_factory=lambda: np.zeros((0, 0, 0)))

    @property
    def homes(self) -> int:
        """Return H."""
        return int(self.pool.shape[1])

    def span(self, family: int) -> slice:
        """Return where a family's resources lie."""
        ends = [*self.start[1:], self.limit.size]
        return slice(int(self.start[family]), int(ends[family]))

    @property
    def outer(self) -> Integers:
        """Return the resources whose prices the cutting planes look for."""
        all_of_them = np.arange(self.limit.size)
        if self.inner < 0:
            return all_of_them
        span = self.span(self.inner)
        return np.delete(all_of_them, all_of_them[span])

    def at(self, chosen: Integers) -> Flat:
        """Return the problem of some customers, in this order, with all there is."""
        home = self.home[chosen] if self.home.size else self.home
        takes = self.takes[chosen] if self.own.size else self.takes
        return replace(self, value=np.ascontiguousarray(self.value[chosen]), home=home, takes=takes)

    def rows(self, chosen: Integers) -> Flat:
        """Return the problem of some customers, with their share of everything."""
        share = len(chosen) / max(1, len(self.value))
        return replace(self.at(chosen), limit=self.limit * share, floor=self.floor * share)


def charges(flat: Flat, price: Floats) -> Floats:
    """Return (H, k): what the prices take from each action in each home."""
    found = np.zeros((flat.homes, flat.use.shape[1]))
    # In this order, for one customer in real time adds up so too.
    for use, pool in zip(flat.use, flat.pool, strict=True):
        found += price[pool][:, None] * use[None, :]
    return found


def used_by(flat: Flat, counts: Floats) -> Floats:
    """Return (R,) what ``counts`` (H, k) of chosen actions use."""
    each = (counts @ flat.use.T).T
    return np.asarray(np.bincount(flat.pool.ravel(), weights=each.ravel(), minlength=flat.limit.size), np.float64)


def limits_worth(flat: Flat, price: Floats) -> float:
    """Return what the limits are worth at the prices; below zero a price pays for its floor."""
    return float(np.maximum(price, 0.0) @ flat.limit + np.minimum(price, 0.0) @ flat.floor)


def rates_of(flat: Flat, price: Floats) -> Floats:
    """Return (v, H) the price of each family of own use in each home."""
    return np.asarray(price[flat.pool[flat.own]])


def net_of(flat: Flat, price: Floats) -> Values:
    """Return (n, k) values less what the prices take of own use; the values themselves where nobody's differs."""
    if not flat.own.size:
        return flat.value
    net = np.empty(flat.value.shape)
    kernels.netted(flat.value, flat.home, rates_of(flat, price), flat.takes, 0, len(net), net)
    return net


def pooled(flat: Flat, own: Floats) -> Floats:
    """Return (R,) what ``own`` (v, H) used of the families of own use."""
    return np.asarray(np.bincount(flat.pool[flat.own].ravel(), own.ravel(), minlength=flat.limit.size), np.float64)


def use_of(flat: Flat, choice: Integers) -> Floats:
    """Return (R,) what a whole plan uses."""
    chosen = choice != NONE
    home = flat.home[chosen].astype(np.int64) if flat.home.size else np.zeros(int(chosen.sum()), np.int64)
    cells = np.bincount(home * flat.use.shape[1] + choice[chosen], minlength=flat.homes * flat.use.shape[1])
    used = used_by(flat, cells.reshape(flat.homes, -1).astype(np.float64))
    return used + own_use_of(flat, choice) if flat.own.size else used


def own_use_of(flat: Flat, choice: Integers) -> Floats:
    """Return (R,) what a whole plan uses of the families of own use."""
    own = np.zeros((flat.own.size, flat.homes))
    kernels.taken(flat.home, flat.takes, choice, own)
    return pooled(flat, own)


def amounts_of(flat: Flat, rows: Integers, columns: Integers) -> Floats:
    """Return (v, m) what each of some moves takes of the families of own use."""
    if not flat.own.size:
        return np.zeros((0, len(rows)))
    return np.asarray(flat.takes[rows, columns].T, np.float64)
