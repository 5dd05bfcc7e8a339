"""Who reaches the goal by themselves: at most four segments of natural history, by a tree whose leaves can be said.

A single customer's chance is noisy, and multiplied by a balance it picks its own errors; a segment's rate is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Floats
from bankloop.loop.model.forest import Scorer

# Few enough to be read and signed; each large enough for a round to learn something about it.
MOST, LEAST_SHARE = 4, 0.05
_LEAST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """One side of a question that leads to a segment: feature (its place) up to ``threshold``, or above it."""

    feature: int
    threshold: float
    above: bool
    unknown: bool


@dataclass(frozen=True, slots=True)
class Segments:
    """The leaves: ``tree`` says whose a customer is, ``rate`` (s,) who reached the goal unasked, ``share`` (s,) of rows."""

    tree: Scorer
    rate: Floats
    share: Floats

    def __post_init__(self) -> None:
        """Refuse a tree that leads to a segment that there is not."""
        leaf = self.tree.left < 0
        known = self.tree.value[leaf] if leaf.any() else np.zeros(1)
        numbers = np.arange(self.rate.size)
        if self.share.size != self.rate.size or sorted(set(known.tolist())) != numbers.tolist():
            raise ValueError("these are no segments")

    @property
    def count(self) -> int:
        """Return the number of segments."""
        return len(self.rate)

    def of(self, x: Floats) -> NDArray[np.int64]:
        """Return the segment (n,) of each customer's features (n, f)."""
        return self.tree.batch(x)[:, 0].astype(np.int64)

    def bounds(self) -> tuple[tuple[Turn, ...], ...]:
        """Return what leads to each segment, in order of their numbers."""
        found: dict[int, tuple[Turn, ...]] = {}
        waiting: list[tuple[int, tuple[Turn, ...]]] = [(0, ())] if self.tree.root.size else []
        while waiting:
            at, so_far = waiting.pop()
            if self.tree.left[at] < 0:
                found[int(self.tree.value[at])] = so_far
                continue
            feature, threshold = int(self.tree.feature[at]), float(self.tree.threshold[at])
            low = bool(self.tree.unknown_left[at])
            waiting.append((int(self.tree.left[at]), (*so_far, Turn(feature, threshold, above=False, unknown=low))))
            waiting.append((int(self.tree.right[at]), (*so_far, Turn(feature, threshold, above=True, unknown=not low))))
        return tuple(found.get(number, ()) for number in range(self.count))


def grow_segments(x: Floats, y: Floats, seed: int) -> Segments:
    """Return the segments of natural history ``x`` (n, f), ``y`` (n,) who reached the goal with nobody asking."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # here and not above: it takes a second to import

    least = max(_LEAST_ROWS, int(np.ceil(LEAST_SHARE * len(y))))
    if len(y) < 2 * least or not y.any() or y.all():
        return _measured(Scorer.constant(0.0, x.shape[1]), np.zeros(len(y), np.int64), y, 1)
    trees = HistGradientBoostingRegressor(
        max_iter=1,
        learning_rate=1.0,
        max_leaf_nodes=MOST,
        min_samples_leaf=least,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1, user_api="openmp"):
        grown = Scorer.plain(trees.fit(x, y), x.shape[1])
    leaf = grown.left < 0
    numbered = np.where(leaf, np.cumsum(leaf) - 1.0, 0.0)
    tree = replace(grown, value=numbered, baseline=np.zeros(1))
    return _measured(tree, tree.batch(x)[:, 0].astype(np.int64), y, max(int(leaf.sum()), 1))


def _measured(tree: Scorer, of: NDArray[np.int64], y: Floats, count: int) -> Segments:
    rows, hits = np.bincount(of, minlength=count), np.bincount(of, y, minlength=count)
    return Segments(tree, (hits + 1.0) / (rows + 2.0), rows / max(len(y), 1))
