"""The amount of a success given who succeeds: expected money, by trees on its logarithm, set to scale on rows held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model import cards
from bankloop.loop.model.contracts import CalibrationBin, Floats, Labelled, ModelCard
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.learners import HOLD_OUT, fitted
from bankloop.loop.model.steps import Steps

# With fewer successes trees would invent differences: the amount is the mean.
LEAST_ROWS = 200
# Of so few amounts in a step the largest would speak alone.
_LEVELS = 10


@dataclass(frozen=True, slots=True)
class Amount:
    """Expected fen of a success (n,) of features (n, f): a rising line over what the trees say of its logarithm."""

    trees: Scorer | None
    steps: Steps
    features: tuple[str, ...]

    def predict(self, x: Floats) -> Floats:
        """Return the expected amount (n,), fen."""
        score = np.zeros(len(x)) if self.trees is None else self.trees.batch(x)[:, 0]
        return self.steps.predict(score)


def train_amount(data: Labelled, seed: int) -> tuple[Amount, NDArray[np.bool_]]:
    """Train on successes, ``y`` (n,) fen above 0; return it with the mask of rows that it never saw, for the card."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # here and not above: it takes a second to import

    draw = np.random.default_rng(seed).random(len(data.y))
    train, test = draw >= HOLD_OUT, draw < HOLD_OUT / 2
    if len(data.y) < LEAST_ROWS:
        mean = float(data.y.mean()) if len(data.y) else 0.0
        return Amount(None, Steps(np.zeros(1), np.full(1, mean)), tuple(data.features)), test
    trees = HistGradientBoostingRegressor(
        max_iter=60, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=30, l2_regularization=10.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    with threadpool_limits(1, user_api="openmp"):
        fitted(trees, data.x[train], np.log(data.y[train]))
    flat = Scorer.plain(trees, data.x.shape[1])
    seen = ~train & ~test
    return Amount(flat, _to_scale(flat.batch(data.x[seen])[:, 0], data.y[seen]), tuple(data.features)), test


def _to_scale(score: Floats, y: Floats) -> Steps:
    """Return mean amounts by tenths of the score, made rising: a mean of logarithms is not the logarithm of a mean."""
    from sklearn.isotonic import isotonic_regression

    parts = [part for part in np.array_split(np.argsort(score, kind="stable"), _LEVELS) if len(part)]
    at = np.array([score[part].mean() for part in parts])
    rate = isotonic_regression([y[part].mean() for part in parts], sample_weight=[len(part) for part in parts])
    apart = np.r_[True, np.diff(at) > 0]
    return Steps(at[apart], np.asarray(rate, np.float64)[apart])


def amount_card(
    card: ModelCard, found: Amount, data: Labelled, test: NDArray[np.bool_], now: Floats, seed: int
) -> ModelCard:
    """Return ``card`` with what an amount can be judged by on rows held out.

    ``auc`` and ``ks`` are of amounts above the median against those below, ``lift_at_10`` is the mean amount of the top tenth
    over the mean, ``calibration`` is in fen with bootstrap intervals, ``positives`` are the successes.
    """
    said, y = found.predict(data.x[test]), data.y[test]
    above = (y > np.median(y)).astype(np.float64) if len(y) else y
    spans = cards.intervals(said, above, seed)
    edges, shares = cards.tenths(found.predict(data.x))
    return replace(
        card,
        positives=len(data.y),
        auc=cards.auc(said, above),
        ks=cards.ks(said, above),
        lift_at_10=cards.lift_at(said, y),
        psi=cards.index_of(shares, cards.shares_between(found.predict(now), edges)) if len(now) else 0.0,
        calibration=_tenths(said, y, seed),
        edges=tuple(edges.tolist()),
        shares=tuple(shares.tolist()),
        intervals={**spans, "lift_at_10": _lift(said, y, seed)} if spans else {},
    )


def _tenths(said: Floats, y: Floats, seed: int) -> tuple[CalibrationBin, ...]:
    rng, found = np.random.default_rng(seed), []
    for part in np.array_split(np.argsort(said, kind="stable"), _LEVELS):
        if len(part):
            draws = y[part][rng.integers(0, len(part), (cards.DRAWS, len(part)))].mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            found.append(CalibrationBin(len(part), float(said[part].mean()), float(y[part].mean()), float(low), float(high)))  # fmt: skip
    return tuple(found)


def _lift(said: Floats, y: Floats, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    picks = (rng.integers(0, len(y), len(y)) for _ in range(cards.DRAWS))
    low, high = np.quantile([cards.lift_at(said[rows], y[rows]) for rows in picks], [0.025, 0.975])
    return float(low), float(high)
