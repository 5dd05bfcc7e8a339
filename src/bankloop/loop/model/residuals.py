"""What a contact is read from: outcomes less what was expected of everybody, on the rows where chance decided.

``m`` predicts the outcome of everybody, each row's learned without it: residuals of a model that saw the row are too
small where nobody was treated, which reads as an effect. (Nie and Wager 2021, the R-learner.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Floats, Labelled
from bankloop.loop.model.forest import scores_of

FOLDS = 5
LEARNT_ROWS = 30_000
_EDGE = 0.002
_LEAST_VARIANCE = 1.0 / 3.0
_FEW = 10


def cross_fitted_rates(
    x: Floats, y: Floats, prior: Floats, seed: int, wanted: NDArray[np.bool_] | None = None
) -> Floats:
    """Return P(success | x) (n,) of everybody, treated or not, each row's learned without it; ``prior`` (n,) is a feature.

    Where only the rows ``wanted`` (n,) are asked for, the others keep their prior. A fold learns from at most
    ``LEARNT_ROWS`` of the other folds' rows, and there are no more folds than it takes to leave it that many: so few small
    trees have no use for more, and what they leave unexplained costs a little precision and no bias.
    """
    rng = np.random.default_rng(seed)
    folds = next((k for k in range(2, FOLDS) if len(y) * (k - 1) // k >= LEARNT_ROWS), FOLDS)
    fold = rng.integers(0, folds, len(y))
    rests = [_some(np.flatnonzero(fold != number), rng) for number in range(folds)]
    asked = np.ones(len(y), bool) if wanted is None else wanted

    def both(rows: NDArray[np.int64]) -> Floats:
        return np.column_stack([prior[rows], x[rows]])

    def rate_of(number: int) -> tuple[NDArray[np.int64], Floats]:
        rest, out = rests[number], np.flatnonzero(asked & (fold == number))
        # A fold is one thread: threads within a fold would wait for each other. Each thread has a limit of its own.
        with threadpool_limits(1, user_api="openmp"):
            return out, _rate(both(rest), y[rest], both(out), seed)

    rate = np.array(prior, np.float64)
    with ThreadPoolExecutor(min(folds, os.cpu_count() or 1)) as pool:
        for out, found in pool.map(rate_of, range(folds)):
            rate[out] = found
    return np.clip(rate, _EDGE, 1.0 - _EDGE)


def _some(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= LEARNT_ROWS else np.sort(rng.choice(rows, LEARNT_ROWS, replace=False))


def _rate(known: Floats, y: Floats, asked: Floats, seed: int) -> Floats:
    """Return the rate of the rows ``asked``, learned from the rows ``known`` and their outcomes ``y``."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # here and not above: it takes a second to import

    hits = float(y.sum())
    if not len(asked) or min(hits, len(y) - hits) < _FEW:
        return np.full(len(asked), (hits + 1.0) / (len(y) + 2.0))
    trees = HistGradientBoostingClassifier(
        max_iter=30, learning_rate=0.15, max_leaf_nodes=8, min_samples_leaf=50, l2_regularization=20.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return scores_of(trees.fit(known, y), asked)


def variance_of(rate: Floats) -> Floats:
    """Return the variance (n,) of outcomes at their rates, none below a third of the mean: a rate near 0 is never that sure."""
    variance = rate * (1.0 - rate)
    return np.maximum(variance, _LEAST_VARIANCE * float(variance.mean()))


def squared_errors(data: Labelled, rate: Floats, effects: Mapping[str, Floats]) -> tuple[NDArray[np.int64], Floats]:
    """Return (rows (m,), error (m,)) of effects (n,) by action on the rows where chance decided: smaller is nearer the truth.

    In expectation it is least for the true effect. (The R-loss of Nie and Wager, each row by 1 / its variance.)
    """
    rows, errors = [], []
    for action in sorted(data.arms):
        arm = data.arms[action]
        residual = data.y[arm.rows] - rate[arm.rows]
        residual = residual - (arm.treated - arm.probability) * effects[action][arm.rows]
        rows.append(arm.rows)
        errors.append(residual**2 / variance_of(rate)[arm.rows])
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(rows), np.concatenate(errors)
