"""Explore: a small bank-wide share drawn by lot, with probabilities known beforehand, before the plan takes the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bankloop.loop.reach.assignment import Family
from bankloop.loop.reach.contracts import Bools, Candidates, ExperimentCell, Floats, Integers
from bankloop.loop.reach.kernels import NONE

# The lot aims below its reserved share, so that its scatter stays inside the share.
HEADROOM = 0.8
# Where a pool's draw takes more than there is, that pool's is drawn anew: rare, and ever rarer the oftener.
_DRAWS = 200


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

    Of what only campaigns with a wider lot of their own use, that lot's share is reserved. Staff actions take part
    only where their campaign opted in. Probabilities are marginal over the whole draw.
    """
    rows = np.flatnonzero(candidates.cell == ExperimentCell.EXPLORE.value)
    eligible = np.isfinite(candidates.value[rows]) & _may_explore(candidates)[None, :] & ~_controlled(candidates)[rows]
    ways = eligible.sum(axis=1) + 1
    wish = eligible / ways[:, None]
    marginal = wish * _thinning(candidates, families, rows, wish, share)
    marginal = (
        np.column_stack([marginal, 1.0 - marginal.sum(axis=1)]) if len(rows) else np.zeros((0, eligible.shape[1] + 1))
    )
    column, used = _drawn(families, rows, marginal, candidates.width, seed)
    probability = marginal[np.arange(len(rows)), column]
    return Lot(rows, _choice(column, candidates.width), probability, marginal, used)


def _drawn(
    families: Sequence[Family], rows: Integers, marginal: Floats, width: int, seed: int
) -> tuple[Integers, tuple[Floats, ...]]:
    """Return a draw (e,) within every limit, and what it uses of each family."""
    rng = np.random.default_rng(seed)
    column, again = np.full(len(rows), width, np.int64), np.ones(len(rows), bool)
    cumulated = marginal.cumsum(axis=1)
    for _ in range(_DRAWS):
        draw = rng.random(int(again.sum()))
        column[again] = np.minimum((cumulated[again] < draw[:, None]).sum(axis=1), width)
        used = tuple(_used(f, rows, _choice(column, width)) for f in families)
        again = np.zeros(len(rows), bool)
        for family, taken in zip(families, used, strict=True):
            again |= (taken > family.limit + 1e-9)[_group(family, rows)]
        if not again.any():
            return column, used
    raise AssertionError("a lot thinned to a part of every limit does not fit it")


def _group(family: Family, rows: Integers) -> Integers:
    return np.zeros(len(rows), np.int64) if family.group is None else family.group[rows].astype(np.int64)


def _choice(column: Integers, width: int) -> Integers:
    return np.where(column == width, NONE, column).astype(np.int64)


def _may_explore(candidates: Candidates) -> Bools:
    opted = {c.campaign for c in candidates.campaigns if c.explore_staff}
    return np.array([not a.staff or a.campaign in opted for a in candidates.actions], dtype=bool)


def _controlled(candidates: Candidates) -> Bools:
    return candidates.control[:, candidates.column_campaign]


def _thinning(candidates: Candidates, families: Sequence[Family], rows: Integers, wish: Floats, share: float) -> Floats:
    """Return (e, K) by how much wishes are thinned so that no pool of a resource gives more than explore's share."""
    keep = np.ones((len(rows), candidates.width))
    own = np.array([max(share, campaign.lot / 1_000_000) for campaign in candidates.campaigns])
    for family in families:
        group = _group(family, rows)
        use = np.atleast_2d(family.uses(rows))
        demand = np.bincount(group, (wish * use).sum(axis=1), minlength=len(family.limit))
        users = np.unique(candidates.column_campaign[(use > 0).any(axis=0)])
        reserved = float(own[users].min()) if len(users) else share
        most = HEADROOM * reserved * family.limit
        fits = np.where(demand > most, most / np.where(demand > 0, demand, 1.0), 1.0)
        part = np.where(use <= family.limit[group][:, None], fits[group][:, None], 0.0)
        keep = np.where(use > 0, np.minimum(keep, part), keep)
    return keep


def _used(family: Family, rows: Integers, choice: Integers) -> Floats:
    used = np.zeros(len(family.limit))
    taken = choice != NONE
    group = _group(family, rows)
    np.add.at(used, group[taken], family.takes(rows[taken], choice[taken]))
    return used
