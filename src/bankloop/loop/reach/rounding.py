"""From prices to a plan that breaks nothing: repair what is overrun, lift what is short of a floor, fill what is left."""

from __future__ import annotations

from typing import Any

import numpy as np

from bankloop.loop.reach import kernels, moves
from bankloop.loop.reach.flat import Flat, charges, net_of, use_of
from bankloop.loop.reach.kernels import Floats, Integers, Values
from bankloop.loop.reach.prices import PoolMembers, sample_of, settled

REPAIR_AT_ONCE = 50_000
# Pairs to try when filling: a few for every resource, for each has but a little left.
FILL_CANDIDATES, FILL_PER_RESOURCE = 30_000, 1_000
FILL_ROUNDS = 6
_SHOWN = 4_000


def whole_plan(flat: Flat, price: Floats, unrepaired: Integers) -> Integers:
    """Return (n,) a choice within every limit, near the optimum when the prices are."""
    charge, net = charges(flat, price), net_of(flat, price)
    choice = unrepaired.copy()
    if flat.inner >= 0:
        settled(flat, PoolMembers.of(flat), price, choice)
    used = use_of(flat, choice)
    args = (net, flat.home, charge, choice, flat.use, flat.pool, used, flat.limit, flat.own, flat.takes)
    while (used > flat.limit + moves.SLACK).any():
        rows, losses = moves.losses(*args)
        if not rows.size:
            break
        if rows.size > REPAIR_AT_ONCE:
            dear = losses > np.partition(losses, REPAIR_AT_ONCE)[REPAIR_AT_ONCE]
            rows, losses = rows[~dear], losses[~dear]
        order = _ordered(flat, rows, losses)
        moves.repair(order, net, flat.home, charge, choice, *_bounds(flat, used))
    if (used < flat.floor - moves.SLACK).any():
        _lift(flat, net, charge, choice, used)
    _fill(flat, net, charge, choice, used)
    return choice


def filled(flat: Flat, price: Floats, choice: Integers) -> Integers:
    """Return (n,) a choice that breaks nothing, with what is left given out."""
    full = choice.copy()
    _fill(flat, net_of(flat, price), charges(flat, price), full, use_of(flat, full))
    return full


def _bounds(flat: Flat, used: Floats) -> tuple[Any, ...]:
    """Return what every move that must fit is told: uses, what is used, and the bounds."""
    return flat.use, flat.pool, used, flat.limit, flat.floor, flat.own, flat.takes


def _ordered(flat: Flat, rows: Integers, by: Floats, columns: Integers | None = None) -> Integers:
    """Return the order of ``rows`` by ``by``, what is in a row deciding between equals."""
    ties = kernels.hashes(flat.value, flat.home, rows)
    keys = (ties, by) if columns is None else (columns, ties, by)
    order = np.lexsort(keys)
    return rows[order] if columns is None else order


def _pairs(flat: Flat, net: Values, charge: Floats, choice: Integers, any_value: bool) -> tuple[Integers, Integers]:
    """Return pairs (row, column) worth trying, the least regretted at the prices first."""
    most, room = _regret_for(flat, net, charge, choice, any_value), 2 * _candidates(flat)
    seen = (flat.value, net, flat.home, charge)
    while True:
        rows, columns, regret, found = moves.better(*seen, choice, most, room, any_value, not flat.own.size)
        if found <= room:
            break
        # Some of the rows may show few pairs where all have many: then half of what was found says where to cut.
        most = float(np.median(regret)) if np.isinf(most) else most / 2.0 if most > moves.SLACK else -1.0
        room = found if most < 0 else room
    order = _ordered(flat, rows, regret, columns)
    return rows[order], columns[order]


def _candidates(flat: Flat) -> int:
    return FILL_CANDIDATES + FILL_PER_RESOURCE * flat.limit.size


def _regret_for(flat: Flat, net: Values, charge: Floats, choice: Integers, any_value: bool) -> float:
    """Return the regret below which there are about as many pairs as shall be tried, seen on some of the rows."""
    n, k = flat.value.shape
    if n * k <= _candidates(flat):
        return np.inf
    shown = sample_of(flat, min(n, _SHOWN))
    home = flat.home[shown] if flat.home.size else flat.home
    values = np.ascontiguousarray(flat.value[shown])
    netted = values if net is flat.value else np.ascontiguousarray(net[shown])
    seen = (values, netted, home, charge, choice[shown])
    *_, regret, _ = moves.better(*seen, np.inf, shown.size * k, any_value, not flat.own.size)
    share = _candidates(flat) / n * shown.size / max(1, regret.size)
    return float(np.quantile(regret, share)) if share < 1 else np.inf


def _lift(flat: Flat, net: Values, charge: Floats, choice: Integers, used: Floats) -> None:
    """Give what is short of a floor to those who lose least by it; what cannot be reached stays short."""
    rows, columns, regret, _ = moves.better(
        flat.value,
        net,
        flat.home,
        charge,
        choice,
        np.inf,
        int(np.isfinite(flat.value).sum()),
        True,
        not flat.own.size,
    )
    order = _ordered(flat, rows, regret, columns)
    while moves.lift(rows[order], columns[order], flat.home, choice, *_bounds(flat, used)):
        pass


def _fill(flat: Flat, net: Values, charge: Floats, choice: Integers, used: Floats) -> None:
    for _ in range(FILL_ROUNDS):
        rows, columns = _pairs(flat, net, charge, choice, any_value=False)
        if not moves.fill(rows, columns, flat.value, flat.home, choice, *_bounds(flat, used)):
            break
