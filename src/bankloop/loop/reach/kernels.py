"""The inner loops of the assignment, compiled by Numba: one pass over customers × actions, and the greedy moves.

Shapes: ``value`` (n, k) float64 in fen with −inf where an action is not open; ``use`` (f, k) of each family by each
action; ``group`` (f, n) the customer's group within a family; ``start`` (f,) where a family's resources begin in the
flat vector of prices and limits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NONE = -1


def _evaluate(value: Floats, use: Floats, group: Integers, start: Integers, price: Floats) -> Any:
    """Return (sum of best reduced values, use per resource, choice per customer) at ``price``; ties go to none, then low k."""
    n, k = value.shape
    families = use.shape[0]
    total = 0.0
    used = np.zeros(price.shape[0])
    choice = np.full(n, NONE, np.int64)
    for i in range(n):
        best = 0.0
        pick = NONE
        for j in range(k):
            reduced = value[i, j]
            if reduced <= best:
                continue
            for f in range(families):
                if use[f, j] != 0.0:
                    reduced -= use[f, j] * price[start[f] + group[f, i]]
            if reduced > best:
                best = reduced
                pick = j
        choice[i] = pick
        if pick != NONE:
            total += best
            for f in range(families):
                used[start[f] + group[f, i]] += use[f, pick]
    return total, used, choice


def _reduced(value: Floats, use: Floats, group: Integers, start: Integers, price: Floats) -> Any:
    """Return value minus the priced use, (n, k)."""
    n, k = value.shape
    out = value.copy()
    for i in range(n):
        for j in range(k):
            for f in range(use.shape[0]):
                if use[f, j] != 0.0:
                    out[i, j] -= use[f, j] * price[start[f] + group[f, i]]
    return out


def _fits(j: int, old: int, i: int, use: Floats, group: Integers, start: Integers, used: Floats, limit: Floats) -> bool:
    """Return whether moving customer i from ``old`` to ``j`` breaks no limit that it does not already relieve."""
    for f in range(use.shape[0]):
        r = start[f] + group[f, i]
        change = (use[f, j] if j >= 0 else 0.0) - (use[f, old] if old >= 0 else 0.0)
        if change > 0.0 and used[r] + change > limit[r] + 1e-9:
            return False
    return True


def _move(j: int, old: int, i: int, use: Floats, group: Integers, start: Integers, used: Floats) -> None:
    for f in range(use.shape[0]):
        r = start[f] + group[f, i]
        used[r] += (use[f, j] if j >= 0 else 0.0) - (use[f, old] if old >= 0 else 0.0)


def _repair(
    order: Integers, reduced: Floats, choice: Integers, use: Floats, group: Integers, start: Integers, used: Floats,
    limit: Floats,
) -> None:  # fmt: skip
    """Walk customers by rising loss; while a limit they touch is broken, move them to their best action that fits."""
    k = reduced.shape[1]
    for position in range(order.shape[0]):
        i = order[position]
        old = choice[i]
        if old == NONE:
            continue
        broken = False
        for f in range(use.shape[0]):
            r = start[f] + group[f, i]
            if use[f, old] > 0.0 and used[r] > limit[r] + 1e-9:
                broken = True
        if not broken:
            continue
        pick = NONE
        best = 0.0
        for j in range(k):
            if j == old or reduced[i, j] <= best:
                continue
            if _fits(j, old, i, use, group, start, used, limit) and _relieves(
                j, old, i, use, group, start, used, limit
            ):
                best = reduced[i, j]
                pick = j
        _move(pick, old, i, use, group, start, used)
        choice[i] = pick


def _relieves(
    j: int, old: int, i: int, use: Floats, group: Integers, start: Integers, used: Floats, limit: Floats
) -> bool:
    """Return whether ``j`` uses less than ``old`` of some broken resource and no more of any broken one."""
    less = False
    for f in range(use.shape[0]):
        r = start[f] + group[f, i]
        if used[r] > limit[r] + 1e-9:
            if use[f, j] > use[f, old]:
                return False
            if use[f, j] < use[f, old]:
                less = True
    return less


def _fill(
    rows: Integers, columns: Integers, value: Floats, choice: Integers, use: Floats, group: Integers, start: Integers,
    used: Floats, limit: Floats,
) -> Any:  # fmt: skip
    """Try moves in the given order; take each that raises value and fits; return how many were taken."""
    taken = 0
    for position in range(rows.shape[0]):
        i, j = rows[position], columns[position]
        old = choice[i]
        if j == old:
            continue
        gain = value[i, j] - (value[i, old] if old >= 0 else 0.0)
        if gain > 1e-9 and _fits(j, old, i, use, group, start, used, limit):
            _move(j, old, i, use, group, start, used)
            choice[i] = j
            taken += 1
    return taken


_compiled = njit(cache=True, nogil=True)
_fits = _compiled(_fits)
_move = _compiled(_move)
_relieves = _compiled(_relieves)
evaluate = _compiled(_evaluate)
reduced_values = _compiled(_reduced)
repair = _compiled(_repair)
fill = _compiled(_fill)
