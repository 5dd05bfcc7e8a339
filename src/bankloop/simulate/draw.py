"""Vectorised draws with exact shares: marking, quotas, sizes and choices. Nothing here knows a bank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def mark(score: Floats, count: int, among: Bools | None = None) -> Bools:
    """Return the mask of the ``count`` highest scores, of those ``among`` if given."""
    marked = np.zeros(len(score), dtype=bool)
    pool = np.arange(len(score)) if among is None else np.flatnonzero(among)
    count = min(max(count, 0), len(pool))
    if count == len(pool):
        marked[pool] = True
    elif count:
        marked[pool[np.argpartition(-score[pool], count - 1)[:count]]] = True
    return marked


def mark_share(score: Floats, share: float, among: Bools | None = None) -> Bools:
    """Return the mask of the highest scores whose number is ``share`` of the pool, rounded."""
    pool = len(score) if among is None else int(among.sum())
    return mark(score, round(share * pool), among)


def ranked_quota(score: Floats, shares: Sequence[float]) -> Ints:
    """Return a class 0 … k−1 for each row: the lowest scores in class 0, sizes exactly the rounded shares."""
    bounds = np.rint(np.cumsum(shares)[:-1] * len(score)).astype(np.int64)
    classes = np.empty(len(score), dtype=np.int64)
    classes[np.argsort(score, kind="stable")] = np.searchsorted(bounds, np.arange(len(score)), side="right")
    return classes


def unit_lognormal(rng: np.random.Generator, sigma: float, count: int) -> Floats:
    """Return lognormal factors of mean 1."""
    return np.exp(rng.standard_normal(count) * sigma - sigma * sigma / 2)


def lognormal(rng: np.random.Generator, median: float, sigma: float, count: int) -> Floats:
    """Return lognormal amounts of the given median."""
    return median * np.exp(rng.standard_normal(count) * sigma)


def choose(rng: np.random.Generator, shares: Sequence[float], count: int) -> Ints:
    """Return independent choices 0 … k−1 with the given shares."""
    edges = np.cumsum(shares)
    return np.minimum(np.searchsorted(edges / edges[-1], rng.random(count), side="right"), len(shares) - 1)


def scaled_to_mean(raw: Floats, mean: float, low: Floats | float, high: Floats | float, over: Bools) -> Floats:
    """Return ``raw`` times one factor, clipped into [low, high], whose mean ``over`` the mask is ``mean``.

    A mean that the clipping cannot reach leaves the nearest one.
    """
    if not over.any() or mean == 0.0:
        return np.zeros_like(raw)
    floor, ceiling = 0.0, 1.0
    while _mean(raw, ceiling, low, high, over) * np.sign(mean) < abs(mean) and ceiling < 1e6:
        ceiling *= 2
    for _ in range(60):
        middle = (floor + ceiling) / 2
        if _mean(raw, middle, low, high, over) * np.sign(mean) < abs(mean):
            floor = middle
        else:
            ceiling = middle
    return np.clip(raw * ceiling, low, high)


def _mean(raw: Floats, factor: float, low: Floats | float, high: Floats | float, over: Bools) -> float:
    return float(np.clip(raw * factor, low, high)[over].mean())
