"""The inner loops of the assignment, compiled by Numba: passes over customers × actions.

Customers of one *home* belong to the same pool of every grouped resource, so they see the same prices. Shapes: ``value``
(n, k) float32 or float64 in fen, −inf where an action is not open; ``home`` (n,), empty when there is one home; ``charge``
(h, k) what the prices take from each action; ``counts`` (h, k) how many chose it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Homes = NDArray[np.int32]
Values = NDArray[np.floating]

NONE = -1
# Steps whose price is this many times above or below the last one of their pool need no sorting.
_NEAR = 1.2
# So many of a customer's values tell them from others.
_HASHED = 6


def _evaluate(
    value: Values, home: Homes, charge: Floats, first: int, last: int, counts: Integers, choice: Integers
) -> Any:
    """Add the choices of rows first..last to ``counts`` and, unless it is empty, to ``choice``; return the sum and its rest.

    Each takes its best value less charge; ties go to none, then to the lowest column. The sum is compensated (Neumaier),
    so that the order of customers does not show in it.
    """
    k = value.shape[1]
    single = home.shape[0] == 0
    keep = choice.shape[0] > 0
    total = 0.0
    rest = 0.0
    for i in range(first, last):
        h = 0 if single else home[i]
        best = 0.0
        pick = NONE
        for j in range(k):
            reduced = np.float64(value[i, j]) - charge[h, j]
            if reduced > best:
                best = reduced
                pick = j
        if keep:
            choice[i] = pick
        if pick != NONE:
            counts[h, pick] += 1
            whole = total + best
            rest += (total - whole) + best if total >= best else (best - whole) + total
            total = whole
    return total, rest


def _netted(value: Values, home: Homes, rate: Floats, takes: Values, first: int, last: int, net: Floats) -> None:
    """Write to ``net``, from row 0 on, rows first..last of ``value`` less what ``rate`` (v, h) takes of own use."""
    single = home.shape[0] == 0
    for i in range(first, last):
        h = 0 if single else home[i]
        for j in range(value.shape[1]):
            left = np.float64(value[i, j])
            if left != -np.inf:
                for f in range(takes.shape[2]):
                    left -= rate[f, h] * np.float64(takes[i, j, f])
            net[i - first, j] = left


def _taken(home: Homes, takes: Values, choice: Integers, own: Floats) -> None:
    """Add to ``own`` (v, h) what everybody's own use of their choice is."""
    single = home.shape[0] == 0
    for i in range(choice.shape[0]):
        j = choice[i]
        if j != NONE:
            for f in range(takes.shape[2]):
                own[f, 0 if single else home[i]] += np.float64(takes[i, j, f])


def _count_zeros(use: Floats, order: Integers) -> int:
    zeros = 0
    while zeros < order.shape[0] and use[order[zeros]] == 0.0:
        zeros += 1
    return zeros


def _hull(
    value: Values, i: int, charge: Floats, h: int, order: Integers, zeros: int, use: Floats, lowest: float,
    hull: Integers, hull_use: Floats, hull_value: Floats, hull_price: Floats,
) -> int:  # fmt: skip
    """Write customer i's upper hull of (use, value less charge) above the price ``lowest``; return its last index.

    Entry 0 is the best that uses nothing; ``hull_price`` is the price at which each next entry begins to be the best.
    """
    free = NONE
    best = 0.0
    for index in range(zeros):
        j = order[index]
        v = np.float64(value[i, j]) - charge[h, j]
        if v > best:
            best = v
            free = j
    top = 0
    hull[0] = free
    hull_use[0] = 0.0
    hull_value[0] = best
    hull_price[0] = np.inf
    for index in range(zeros, order.shape[0]):
        j = order[index]
        u = use[j]
        v = np.float64(value[i, j]) - charge[h, j]
        # What does not beat the end of the hull even at the lowest price is no part of it.
        if v - lowest * u <= hull_value[top] - lowest * hull_use[top]:
            continue
        if u == hull_use[top]:
            top -= 1
        p = (v - hull_value[top]) / (u - hull_use[top])
        while p >= hull_price[top]:
            top -= 1
            p = (v - hull_value[top]) / (u - hull_use[top])
        top += 1
        hull[top] = j
        hull_use[top] = u
        hull_value[top] = v
        hull_price[top] = p
    return top


def _hull_sizes(value: Values, use: Floats, order: Integers) -> Any:
    """Return (n,) how many steps each customer's hull has."""
    n, k = value.shape
    sizes = np.empty(n, np.int64)
    charge = np.zeros((1, k))
    hull, a, b, c = np.empty(k + 1, np.int64), np.empty(k + 1), np.empty(k + 1), np.empty(k + 1)
    zeros = _count_zeros(use, order)
    for i in range(n):
        sizes[i] = _hull(value, i, charge, 0, order, zeros, use, 0.0, hull, a, b, c)
    return sizes


def _hull_steps(
    value: Values, use: Floats, order: Integers, start: Integers, row: Integers, column: Integers, before: Integers,
    price: Floats, free: Integers,
) -> Any:  # fmt: skip
    """Write every customer's steps from ``start``; return what is earned for nothing, ``free`` (n,) by which action."""
    n, k = value.shape
    charge = np.zeros((1, k))
    hull, a, b, prices = np.empty(k + 1, np.int64), np.empty(k + 1), np.empty(k + 1), np.empty(k + 1)
    zeros = _count_zeros(use, order)
    earned = 0.0
    for i in range(n):
        top = _hull(value, i, charge, 0, order, zeros, use, 0.0, hull, a, b, prices)
        earned += b[0]
        free[i] = hull[0]
        for index in range(1, top + 1):
            at = start[i] + index - 1
            row[at] = i
            column[at] = hull[index]
            before[at] = hull[index - 1]
            price[at] = prices[index]
    return earned


def _ranked(price: Floats, before: Integers, after: Integers, use: Floats, limit: float, guess: float) -> Any:
    """Return (how many steps come first in any order, the steps by falling price as far as they matter).

    Near a guess of the price sorted out, most steps are surely taken or surely not; where the guess is bad all are sorted.
    """
    count = price.shape[0]
    high, low = guess * _NEAR, guess / _NEAR
    above = 0.0
    near = 0.0
    sure = 0
    middle = 0
    for s in range(count):
        if price[s] > low:
            more = use[after[s]] - (use[before[s]] if before[s] >= 0 else 0.0)
            if price[s] > high:
                above += more
                sure += 1
            else:
                near += more
                middle += 1
    if guess <= 0.0 or above > limit or above + near <= limit + 1e-6:
        return 0, np.argsort(-price)
    ranked = np.empty(sure + middle, np.int64)
    between = np.empty(middle, np.int64)
    at = 0
    among = 0
    for s in range(count):
        if price[s] > high:
            ranked[at] = s
            at += 1
        elif price[s] > low:
            between[among] = s
            among += 1
    ranked[sure:] = between[np.argsort(-price[between])]
    return sure, ranked


def _settle(
    value: Values, home: Homes, charge: Floats, members: Homes, start: Integers, first: int, last: int, order: Integers,
    use: Floats, limit: Floats, floor: Floats, lowest: float, counts: Floats, price: Floats, choice: Integers,
    edge_row: Integers, edge_column: Integers, edge_part: Floats,
) -> Any:  # fmt: skip
    """Find for pools first..last of one resource the exact best price, given all other charges; return the value.

    Each customer's best action as the price falls is a walk along the upper hull of (use, value); the walks of a pool,
    merged by price, are taken until its limit is met, and below a price of zero while its floor is not. ``members`` lists
    the customers by pool, pool g at start[g]..start[g+1]; ``order`` the columns by rising use; ``counts`` (h, k) gets the
    fractional choices, ``price`` (g,) the prices, ``choice`` unless empty the whole steps,
    ``edge_`` the step that is taken in part. (Sinha and Zoltners 1979.)
    """
    width = order.shape[0]
    keep = choice.shape[0] > 0
    single = home.shape[0] == 0
    total = 0.0
    rest = 0.0
    zeros = _count_zeros(use, order)
    hull = np.empty(width + 1, np.int64)
    hull_use = np.empty(width + 1)
    hull_value = np.empty(width + 1)
    hull_price = np.empty(width + 1)
    for g in range(first, last):
        size = start[g + 1] - start[g]
        room = max(1, size * (width - zeros))
        step_price = np.empty(room)
        step_from = np.empty(room, np.int64)
        step_to = np.empty(room, np.int64)
        step_row = np.empty(room, np.int64)
        steps = 0
        earned = 0.0
        left = 0.0
        for position in range(start[g], start[g + 1]):
            i = members[position]
            h = 0 if single else home[i]
            top = _hull(value, i, charge, h, order, zeros, use, lowest, hull, hull_use, hull_value, hull_price)
            gain = hull_value[0]
            whole = earned + gain
            left += (earned - whole) + gain if earned >= gain else (gain - whole) + earned
            earned = whole
            if hull[0] != NONE:
                counts[h, hull[0]] += 1.0
            if keep:
                choice[i] = hull[0]
            for index in range(1, top + 1):
                step_price[steps] = hull_price[index]
                step_from[steps] = hull[index - 1]
                step_to[steps] = hull[index]
                step_row[steps] = i
                steps += 1
        taken = 0.0
        found = 0.0
        met = False
        sure, ranked = _ranked(step_price[:steps], step_from, step_to, use, limit[g], price[g])
        for index in range(ranked.shape[0]):
            s = ranked[index]
            p = step_price[s]
            a = step_from[s]
            b = step_to[s]
            more = use[b] - (use[a] if a >= 0 else 0.0)
            aim = limit[g] if p > 0.0 else floor[g]
            if p <= 0.0 and taken >= aim - 1e-9:
                met = True
                break
            found = min(p, 0.0)
            part = 1.0 if index < sure or taken + more <= aim + 1e-9 else max(0.0, (aim - taken) / more)
            h = 0 if single else home[step_row[s]]
            counts[h, b] += part
            if a >= 0:
                counts[h, a] -= part
            gain = part * p * more
            whole = earned + gain
            left += (earned - whole) + gain if abs(earned) >= abs(gain) else (gain - whole) + earned
            earned = whole
            taken += part * more
            if part < 1.0:
                if edge_row.shape[0] > 0:
                    edge_row[g] = step_row[s]
                    edge_column[g] = b
                    edge_part[g] = part
                found = p
                met = True
                break
            if keep:
                choice[step_row[s]] = b
        if not met and taken < floor[g] - 1e-9:
            found = lowest
            earned += lowest * (floor[g] - taken)
        price[g] = found
        whole = total + earned
        rest += left + ((total - whole) + earned if abs(total) >= abs(earned) else (earned - whole) + total)
        total = whole
    return total, rest


def _hashes(value: Values, home: Homes, rows: Integers) -> Any:
    """Return a number per row made from its first values and home alone, so that no answer depends on the order of customers."""
    out = np.empty(rows.shape[0], np.uint64)
    for position in range(rows.shape[0]):
        i = rows[position]
        mixed = np.uint64(0x9E3779B97F4A7C15)
        if home.shape[0] > 0:
            mixed ^= np.uint64(home[i] + 1)
        for j in range(min(_HASHED, value.shape[1])):
            v = np.float64(value[i, j])
            # Two products of a number with irrational constants tell apart what differs in the last bits.
            part = (
                np.uint64(0)
                if v == -np.inf
                else np.uint64(
                    np.int64((v * 0.6180339887498949 - np.floor(v * 0.6180339887498949)) * 4503599627370496.0)
                )
            )
            mixed = (mixed ^ (part + np.uint64(j))) * np.uint64(0xFF51AFD7ED558CCD)
            mixed ^= mixed >> np.uint64(33)
        out[position] = mixed
    return out


_compiled = compiled()
_count_zeros = _compiled(_count_zeros)
_hull = _compiled(_hull)
_ranked = _compiled(_ranked)
evaluate = _compiled(_evaluate)
settle = _compiled(_settle)
hull_sizes = _compiled(_hull_sizes)
hull_steps = _compiled(_hull_steps)
hashes = _compiled(_hashes)
netted = _compiled(_netted)
taken = _compiled(_taken)
