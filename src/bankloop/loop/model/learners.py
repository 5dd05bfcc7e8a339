"""A calibrated propensity by gradient boosting: trained on seven tenths, calibrated on half of the rest, judged on the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Floats, Labelled
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.steps import NO_STEPS, Steps, centred_steps

HOLD_OUT = 0.3


@dataclass(frozen=True, slots=True)
class Propensity:
    """P(success without contact | x): boosted trees, calibrated by an isotonic step on rows held out."""

    trees: Scorer
    isotonic: Steps
    features: tuple[str, ...]

    def predict(self, x: Floats) -> Floats:
        """Return probabilities (n,)."""
        if not len(x):
            return np.zeros(0)
        return self.isotonic.predict(self.trees.batch(x)[:, 0])


def train_propensity(data: Labelled, seed: int) -> tuple[Propensity, NDArray[np.bool_]]:
    """Train on seven tenths, calibrate on half of the rest; return it with the mask of rows never seen (for the card).

    With fewer than 20 positives the propensity is the plain rate: trees would invent differences.
    """
    rng = np.random.default_rng(seed)
    draw = rng.random(len(data.y))
    train, test = draw >= HOLD_OUT, draw < HOLD_OUT / 2
    calibrate = ~train & ~test
    if not data.x.shape[1] or data.y[train].sum() < 20 or data.y[calibrate].sum() < 5 or data.y.min() == data.y.max():
        rate = float(data.y.mean()) if len(data.y) else 0.0
        return Propensity(Scorer.constant(rate, data.x.shape[1]), NO_STEPS, tuple(data.features)), test
    trees = fitted_trees(data.x[train], data.y[train], seed)
    flat = Scorer.plain(trees, data.x.shape[1])
    steps = centred_steps(flat.batch(data.x[calibrate])[:, 0], data.y[calibrate])
    return Propensity(flat, steps, tuple(data.features)), test


def fitted_trees(x: Floats, y: Floats, seed: int) -> Any:
    """Return the library's own trees of a propensity, fitted; what is kept of them is their arrays."""
    # Here and not above: commands that train nothing start seconds sooner.
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.12,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    # One thread: the trees are small, the sums then have one order, and threads that wait for each other on a busy
    # machine made this nine times slower.
    with threadpool_limits(1, user_api="openmp"):
        return fitted(trees, x, y)


def fitted(trees: Any, x: Floats, y: Floats) -> Any:
    """Return the library's trees fitted to rows of which a column may hold nothing.

    The library cannot part such a one.
    """
    empty = np.isnan(x).all(axis=0)
    return trees.fit(np.where(empty, 0.0, x) if empty.any() else x, y)


def without_empty(data: Labelled, now: Floats) -> tuple[Labelled, Floats, tuple[str, ...]]:
    """Return the rows, and ``now`` (m, f), without the features that hold one value or none in all rows.

    And their names.
    """
    seen = ~np.isnan(data.x)
    low, high = np.where(seen, data.x, np.inf), np.where(seen, data.x, -np.inf)
    # Known of some and not of others tells them apart, be it always the same value.
    told = (low.min(axis=0, initial=np.inf) < high.max(axis=0, initial=-np.inf)) | (
        seen.any(axis=0) & ~seen.all(axis=0)
    )
    kept = tuple(name for name, tells in zip(data.features, told, strict=True) if tells)
    dropped = tuple(name for name in data.features if name not in kept)
    return replace(data, x=data.x[:, told], features=kept), now[:, told], dropped
