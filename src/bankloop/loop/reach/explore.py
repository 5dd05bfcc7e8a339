"""Explore: a small bank-wide share drawn by lot, with probabilities known beforehand, before the plan takes the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bankloop.loop.reach.assignment import Family
from bankloop.loop.reach.contracts import Bools, Candidates, Cell, Floats, Integers
from bankloop.loop.reach.kernels import NONE

# The lot aims below its reserved share, so that its scatter stays inside the share.
HEADROOM = 0.8


@dataclass(frozen=True, slots=True)
class Lot:
    """The draw: ``rows`` (e,) explored customers, ``choice`` (e,) column or −1, ``probability`` (e,) of that choice.

    ``marginal`` (e, K + 1) holds the probability of every action, the last column that of none; ``used`` is per family.
    """

    rows: Integers
    choice: Integers
    probability: Floats
    marginal: Floats
    used: tuple[Floats, ...]


def draw_lot(candidates: Candidates, families: Sequence[Family], share: float, seed: int) -> Lot:
    """Draw explore's actions: uniform over what is open and none, scarce actions thinned to the reserved ``share``.

    Staff actions take part only where their campaign opted in. Probabilities are marginal over the whole draw.
    """
    rows = np.flatnonzero(candidates.cell == Cell.EXPLORE.value)
    eligible = np.isfinite(candidates.value[rows]) & _may_explore(candidates)[None, :] & ~_controlled(candidates)[rows]
    ways = eligible.sum(axis=1) + 1
    wish = eligible / ways[:, None]
    marginal = wish * _thinning(candidates, families, rows, wish, share)
    marginal = (
        np.column_stack([marginal, 1.0 - marginal.sum(axis=1)]) if len(rows) else np.zeros((0, eligible.shape[1] + 1))
    )
    draw = np.random.default_rng(seed).random(len(rows))
    column = (marginal.cumsum(axis=1) < draw[:, None]).sum(axis=1) if len(rows) else np.zeros(0, np.int64)
    column = np.minimum(column, candidates.width)
    probability = marginal[np.arange(len(rows)), column]
    choice = np.where(column == candidates.width, NONE, column).astype(np.int64)
    return Lot(rows, choice, probability, marginal, tuple(_used(f, rows, choice) for f in families))


def _may_explore(candidates: Candidates) -> Bools:
    opted = {c.campaign for c in candidates.campaigns if c.explore_staff}
    return np.array([not a.staff or a.campaign in opted for a in candidates.actions], dtype=bool)


def _controlled(candidates: Candidates) -> Bools:
    return candidates.control[:, candidates.column_campaign]


def _thinning(candidates: Candidates, families: Sequence[Family], rows: Integers, wish: Floats, share: float) -> Floats:
    """Return (K,) by how much wishes are thinned so that no resource gives more than explore's share."""
    keep = np.ones(candidates.width)
    expected = wish.sum(axis=0)
    for family in families:
        if family.group is not None:
            continue
        demand = float((expected * family.use).sum())
        if demand > 0:
            fits = min(1.0, HEADROOM * share * float(family.limit[0]) / demand)
            keep = np.where(family.use > 0, np.minimum(keep, fits), keep)
    return keep


def _used(family: Family, rows: Integers, choice: Integers) -> Floats:
    used = np.zeros(len(family.limit))
    taken = choice != NONE
    group = np.zeros(len(rows), np.int64) if family.group is None else family.group[rows]
    np.add.at(used, group[taken], family.use[choice[taken]])
    return used
