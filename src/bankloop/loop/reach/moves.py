"""The greedy moves that make a plan whole, compiled by Numba: what each costs at the prices, and whether it fits.

Shapes as in ``kernels``; besides, ``use`` (f, k) of each resource family by each action, ``pool`` (f, h) the resource that
a family is for a home, ``used``, ``limit`` and ``floor`` by resource.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bankloop.kit.compiled import compiled
from bankloop.loop.reach.kernels import NONE, Floats, Homes, Integers, Values

SLACK = 1e-9


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


def _move(j: int, old: int, h: int, use: Floats, pool: Integers, used: Floats) -> None:
    for f in range(use.shape[0]):
        used[pool[f, h]] += (use[f, j] if j >= 0 else 0.0) - (use[f, old] if old >= 0 else 0.0)


def _losses(
    value: Values,
    home: Homes,
    charge: Floats,
    choice: Integers,
    use: Floats,
    pool: Integers,
    used: Floats,
    limit: Floats,
) -> Any:
    """Return rows that use a broken limit, and what giving up their choice costs them at the prices."""
    rows = np.empty(value.shape[0], np.int64)
    losses = np.empty(value.shape[0])
    found = 0
    for i in range(value.shape[0]):
        old = choice[i]
        if old == NONE:
            continue
        h = 0 if home.shape[0] == 0 else home[i]
        broken = False
        for f in range(use.shape[0]):
            if use[f, old] > 0.0 and used[pool[f, h]] > limit[pool[f, h]] + SLACK:
                broken = True
        if not broken:
            continue
        best = 0.0
        for j in range(value.shape[1]):
            if j != old:
                best = max(best, np.float64(value[i, j]) - charge[h, j])
        rows[found] = i
        losses[found] = np.float64(value[i, old]) - charge[h, old] - best
        found += 1
    return rows[:found], losses[:found]


def _repair(
    order: Integers, value: Values, home: Homes, charge: Floats, choice: Integers, use: Floats, pool: Integers,
    used: Floats, limit: Floats, floor: Floats,
) -> None:  # fmt: skip
    """Walk customers in order; while a limit they touch is broken, move them to their best action that relieves it."""
    for position in range(order.shape[0]):
        i = order[position]
        old = choice[i]
        h = 0 if home.shape[0] == 0 else home[i]
        if old == NONE or not _relieves(NONE, old, h, use, pool, used, limit):
            continue
        pick = NONE
        best = 0.0
        for j in range(value.shape[1]):
            reduced = np.float64(value[i, j]) - charge[h, j]
            if j == old or reduced <= best:
                continue
            if _fits(j, old, h, use, pool, used, limit, floor) and _relieves(j, old, h, use, pool, used, limit):
                best = reduced
                pick = j
        _move(pick, old, h, use, pool, used)
        choice[i] = pick


def _relieves(j: int, old: int, h: int, use: Floats, pool: Integers, used: Floats, limit: Floats) -> bool:
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
    return less


def _better(
    value: Values, home: Homes, charge: Floats, choice: Integers, most: float, room: int, any_value: bool
) -> Any:
    """Return pairs (row, column) worth more than the row's choice, or all, with regret at the prices ≤ ``most``.

    ``regret`` is what the move loses at the prices. At most ``room`` pairs; the last number says how many there were.
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
            priced = now - charge[h, old]
        for j in range(value.shape[1]):
            v = np.float64(value[i, j])
            if j == old or v == -np.inf or not (any_value or v > now + SLACK):
                continue
            loss = priced - (v - charge[h, j])
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
    used: Floats, limit: Floats, floor: Floats,
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
            _move(j, old, h, use, pool, used)
            choice[i] = j
            taken += 1
    return taken


def _lift(
    rows: Integers, columns: Integers, home: Homes, choice: Integers, use: Floats, pool: Integers, used: Floats,
    limit: Floats, floor: Floats,
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
        if nearer and _fits(j, old, h, use, pool, used, limit, floor):
            _move(j, old, h, use, pool, used)
            choice[i] = j
            taken += 1
    return taken


_compiled = compiled()
_fits = _compiled(_fits)
_move = _compiled(_move)
_relieves = _compiled(_relieves)
losses = _compiled(_losses)
repair = _compiled(_repair)
better = _compiled(_better)
fill = _compiled(_fill)
lift = _compiled(_lift)
