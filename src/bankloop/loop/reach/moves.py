"""The greedy moves that make a plan whole, compiled by Numba: what each costs at the prices, and whether it fits.

Shapes as in ``kernels``; besides, ``use`` (f, k) of each resource family by each action, ``pool`` (f, h) the resource that
a family is for a home, ``used``, ``limit`` and ``floor`` by resource; of the families ``own`` (v,), whose ``use`` is
nought, ``takes`` (n, k, v) is what each customer takes. ``net`` (n, k) is the value less what the prices take of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bankloop.kit.compiled import compiled
from bankloop.loop.reach.kernels import NONE, Floats, Homes, Integers, Values

SLACK = 1e-9


def _more(i: int, j: int, old: int, v: int, takes: Values) -> float:
    """Return how much more of the v-th family of own use a customer takes with ``j`` than with ``old``."""
    more = np.float64(takes[i, j, v]) if j >= 0 else 0.0
    return more - (np.float64(takes[i, old, v]) if old >= 0 else 0.0)


def _fits(j: int, old: int, h: int, use: Floats, pool: Integers, used: Floats, limit: Floats, floor: Floats) -> bool:
    """Return whether a move from ``old`` to ``j`` breaks no limit and no floor more than it is broken."""
    for f in range(use.shape[0]):
        change = (use[f, j] if j >= 0 else 0.0) - (use[f, old] if old >= 0 else 0.0)
        r = pool[f, h]
        if change > 0.0 and used[r] + change > limit[r] + SLACK:
            return False
        if change < 0.0 and used[r] + change < floor[r] - SLACK:
            return False
    return True


def _fits_own(
    i: int, j: int, old: int, h: int, pool: Integers, used: Floats, limit: Floats, floor: Floats, own: Integers,
    takes: Values,
) -> bool:  # fmt: skip
    """Return the same of the families of own use."""
    for v in range(own.shape[0]):
        change = _more(i, j, old, v, takes)
        r = pool[own[v], h]
        if change > 0.0 and used[r] + change > limit[r] + SLACK:
            return False
        if change < 0.0 and used[r] + change < floor[r] - SLACK:
            return False
    return True


def _move(j: int, old: int, h: int, use: Floats, pool: Integers, used: Floats) -> None:
    for f in range(use.shape[0]):
        used[pool[f, h]] += (use[f, j] if j >= 0 else 0.0) - (use[f, old] if old >= 0 else 0.0)


def _move_own(i: int, j: int, old: int, h: int, pool: Integers, used: Floats, own: Integers, takes: Values) -> None:
    for v in range(own.shape[0]):
        used[pool[own[v], h]] += _more(i, j, old, v, takes)


def _losses(
    net: Values,
    home: Homes,
    charge: Floats,
    choice: Integers,
    use: Floats,
    pool: Integers,
    used: Floats,
    limit: Floats,
    own: Integers,
    takes: Values,
) -> Any:
    """Return rows that use a broken limit, and what giving up their choice costs them at the prices."""
    rows = np.empty(net.shape[0], np.int64)
    losses = np.empty(net.shape[0])
    found = 0
    for i in range(net.shape[0]):
        old = choice[i]
        if old == NONE:
            continue
        h = 0 if home.shape[0] == 0 else home[i]
        broken = False
        for f in range(use.shape[0]):
            if use[f, old] > 0.0 and used[pool[f, h]] > limit[pool[f, h]] + SLACK:
                broken = True
        for v in range(own.shape[0]):
            if takes[i, old, v] > 0.0 and used[pool[own[v], h]] > limit[pool[own[v], h]] + SLACK:
                broken = True
        if not broken:
            continue
        best = 0.0
        for j in range(net.shape[1]):
            if j != old:
                best = max(best, np.float64(net[i, j]) - charge[h, j])
        rows[found] = i
        losses[found] = np.float64(net[i, old]) - charge[h, old] - best
        found += 1
    return rows[:found], losses[:found]


def _repair(
    order: Integers, net: Values, home: Homes, charge: Floats, choice: Integers, use: Floats, pool: Integers,
    used: Floats, limit: Floats, floor: Floats, own: Integers, takes: Values,
) -> None:  # fmt: skip
    """Walk customers in order; while a limit they touch is broken, move them to their best action that relieves it."""
    for position in range(order.shape[0]):
        i = order[position]
        old = choice[i]
        h = 0 if home.shape[0] == 0 else home[i]
        if old == NONE or not _relieves(i, NONE, old, h, use, pool, used, limit, own, takes):
            continue
        pick = NONE
        best = 0.0
        for j in range(net.shape[1]):
            reduced = np.float64(net[i, j]) - charge[h, j]
            if j == old or reduced <= best:
                continue
            fits = _fits(j, old, h, use, pool, used, limit, floor)
            if fits and own.shape[0] > 0:
                fits = _fits_own(i, j, old, h, pool, used, limit, floor, own, takes)
            if fits and _relieves(i, j, old, h, use, pool, used, limit, own, takes):
                best = reduced
                pick = j
        _move(pick, old, h, use, pool, used)
        _move_own(i, pick, old, h, pool, used, own, takes)
        choice[i] = pick


def _relieves(
    i: int,
    j: int,
    old: int,
    h: int,
    use: Floats,
    pool: Integers,
    used: Floats,
    limit: Floats,
    own: Integers,
    takes: Values,
) -> bool:
    """Return whether ``j`` uses less than ``old`` of some broken resource and no more of any broken one."""
    less = False
    for f in range(use.shape[0]):
        r = pool[f, h]
        if used[r] > limit[r] + SLACK:
            now = use[f, j] if j >= 0 else 0.0
            if now > use[f, old]:
                return False
            if now < use[f, old]:
                less = True
    for v in range(own.shape[0]):
        r = pool[own[v], h]
        if used[r] > limit[r] + SLACK:
            change = _more(i, j, old, v, takes)
            if change > 0.0:
                return False
            if change < 0.0:
                less = True
    return less


def _better(
    value: Values,
    net: Values,
    home: Homes,
    charge: Floats,
    choice: Integers,
    most: float,
    room: int,
    any_value: bool,
    alike: bool,
) -> Any:
    """Return pairs (row, column) worth more than the row's choice, or all, with regret at the prices ≤ ``most``.

    ``regret`` is what the move loses at the prices; where all use is ``alike`` they take nothing off the values.
    At most ``room`` pairs; the last number says how many there were.
    """
    rows = np.empty(room, np.int64)
    columns = np.empty(room, np.int64)
    regret = np.empty(room)
    found = 0
    for i in range(value.shape[0]):
        h = 0 if home.shape[0] == 0 else home[i]
        old = choice[i]
        now = 0.0
        priced = 0.0
        if old >= 0:
            now = np.float64(value[i, old])
            priced = (now if alike else np.float64(net[i, old])) - charge[h, old]
        for j in range(value.shape[1]):
            v = np.float64(value[i, j])
            if j == old or v == -np.inf or not (any_value or v > now + SLACK):
                continue
            loss = priced - ((v if alike else np.float64(net[i, j])) - charge[h, j])
            if loss <= most:
                if found < room:
                    rows[found] = i
                    columns[found] = j
                    regret[found] = loss
                found += 1
    kept = min(found, room)
    return rows[:kept], columns[:kept], regret[:kept], found


def _fill(
    rows: Integers, columns: Integers, value: Values, home: Homes, choice: Integers, use: Floats, pool: Integers,
    used: Floats, limit: Floats, floor: Floats, own: Integers, takes: Values,
) -> Any:  # fmt: skip
    """Try moves in the given order; take each that raises value and fits; return how many were taken."""
    taken = 0
    for position in range(rows.shape[0]):
        i, j = rows[position], columns[position]
        old = choice[i]
        if j == old:
            continue
        h = 0 if home.shape[0] == 0 else home[i]
        gain = np.float64(value[i, j]) - (np.float64(value[i, old]) if old >= 0 else 0.0)
        if gain > SLACK and _fits(j, old, h, use, pool, used, limit, floor):
            if own.shape[0] > 0:
                if not _fits_own(i, j, old, h, pool, used, limit, floor, own, takes):
                    continue
                _move_own(i, j, old, h, pool, used, own, takes)
            _move(j, old, h, use, pool, used)
            choice[i] = j
            taken += 1
    return taken


def _lift(
    rows: Integers, columns: Integers, home: Homes, choice: Integers, use: Floats, pool: Integers, used: Floats,
    limit: Floats, floor: Floats, own: Integers, takes: Values,
) -> Any:  # fmt: skip
    """Try moves in the given order; take each that brings a missed floor nearer and fits; return how many were taken."""
    taken = 0
    for position in range(rows.shape[0]):
        i, j = rows[position], columns[position]
        old = choice[i]
        if j == old:
            continue
        h = 0 if home.shape[0] == 0 else home[i]
        nearer = False
        for f in range(use.shape[0]):
            r = pool[f, h]
            if used[r] < floor[r] - SLACK and use[f, j] > (use[f, old] if old >= 0 else 0.0):
                nearer = True
        for v in range(own.shape[0]):
            r = pool[own[v], h]
            if used[r] < floor[r] - SLACK and _more(i, j, old, v, takes) > 0.0:
                nearer = True
        if nearer and _fits(j, old, h, use, pool, used, limit, floor):
            if not _fits_own(i, j, old, h, pool, used, limit, floor, own, takes):
                continue
            _move_own(i, j, old, h, pool, used, own, takes)
            _move(j, old, h, use, pool, used)
            choice[i] = j
            taken += 1
    return taken


_compiled = compiled()
_more = _compiled(_more)
_fits = _compiled(_fits)
_fits_own = _compiled(_fits_own)
_move = _compiled(_move)
_move_own = _compiled(_move_own)
_relieves = _compiled(_relieves)
losses = _compiled(_losses)
repair = _compiled(_repair)
better = _compiled(_better)
fill = _compiled(_fill)
lift = _compiled(_lift)
