"""The measures on a model card. Plain definitions, so that a second computation can check them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bankloop.loop.model.contracts import CalibrationBin, Floats

# The usual alarm of the field: above a quarter the scored population is another one than the training rows.
PSI_ALARM = 0.25
DRAWS = 200
_Z95 = 1.959963984540054


def auc(score: Floats, y: Floats) -> float:
    """Return the probability that a positive scores above a negative, ties counting half; 0.5 without both classes."""
    from scipy.stats import rankdata  # here and not above: it takes seconds to import

    positives = float(y.sum())
    negatives = len(y) - positives
    if positives == 0 or negatives == 0:
        return 0.5
    return float((rankdata(score)[y > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def ks(score: Floats, y: Floats) -> float:
    """Return the largest distance between the score distributions of positives and negatives (Kolmogorov–Smirnov)."""
    if not len(y) or y.min() == y.max():
        return 0.0
    order = np.argsort(score, kind="stable")
    s, positive = score[order], y[order] > 0
    tp, fp = np.cumsum(positive) / positive.sum(), np.cumsum(~positive) / (~positive).sum()
    last = np.r_[s[1:] != s[:-1], True]
    return float(np.abs(tp - fp)[last].max())


def lift_at(score: Floats, y: Floats, share: float = 0.1) -> float:
    """Return the positive share in the top ``share`` of rows over the overall share; 0 without positives."""
    top = max(1, round(len(y) * share))
    if not len(y) or y.mean() == 0:
        return 0.0
    return float(y[np.argsort(-score, kind="stable")[:top]].mean() / y.mean())


def calibration(score: Floats, y: Floats, bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Return mean score against observed rate by tenths of the score, each rate with its interval."""
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    return tuple(
        CalibrationBin(len(p), float(score[p].mean()), float(y[p].mean()), *wilson(float(y[p].sum()), len(p)))
        for p in parts
        if len(p)
    )


def wilson(hits: float, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate by Wilson (1927)."""
    z2 = _Z95**2
    middle = (hits + z2 / 2.0) / (rows + z2)
    half = _Z95 / (rows + z2) * (hits * (rows - hits) / rows + z2 / 4.0) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def intervals(score: Floats, y: Floats, seed: int, draws: int = DRAWS) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of AUC, KS and lift@10% over resamples of the rows; none without both classes.

    A resample gives each row a Poisson weight of mean 1, which is what drawing with replacement comes to for many rows; the
    rows are sorted once. (Hanley and MacGibbon 2006.)
    """
    if not len(y) or y.min() == y.max():
        return {}
    order = np.argsort(score, kind="stable")
    last = np.r_[score[order][1:] != score[order][:-1], True]
    best = np.argsort(-score, kind="stable")
    measures: dict[str, Callable[[Floats], float]] = {
        "auc": lambda w: _weighted_auc(w[order], y[order], last),
        "ks": lambda w: _weighted_ks(w[order], y[order], last),
        "lift_at_10": lambda w: _weighted_lift(w[best], y[best]),
    }
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(draws):
        weight = rng.poisson(1.0, len(y)).astype(np.float64)
        if 0.0 < float(weight @ y) < float(weight.sum()):
            for name, measure in measures.items():
                found[name].append(measure(weight))
    return {name: _span(values) for name, values in found.items() if values}


def _span(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _weighted_auc(weight: Floats, y: Floats, last: Floats) -> float:
    positive, negative = (np.diff(np.cumsum(weight * side)[last], prepend=0.0) for side in (y, 1.0 - y))
    below = np.cumsum(negative) - negative / 2.0
    return float(positive @ below / (positive.sum() * negative.sum()))


def _weighted_ks(weight: Floats, y: Floats, last: Floats) -> float:
    positive, negative = (np.cumsum(weight * side)[last] for side in (y, 1.0 - y))
    return float(np.abs(positive / positive[-1] - negative / negative[-1]).max())


def _weighted_lift(weight: Floats, y: Floats, share: float = 0.1) -> float:
    """Rows best first; the row at the edge of the top counts with what of it is inside."""
    total = float(weight.sum())
    inside = np.clip(share * total - (np.cumsum(weight) - weight), 0.0, weight)
    return float(inside @ y / inside.sum() / (weight @ y / total))


def tenths(score: Floats, bins: int = 10) -> tuple[Floats, Floats]:
    """Return the edges between tenths of the scores, and the share of the scores between them."""
    if not len(score):
        return np.zeros(0), np.ones(1)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
    return edges, shares_between(score, edges)


def shares_between(score: Floats, edges: Floats) -> Floats:
    """Return the share of the scores below, between and above edges."""
    return np.bincount(np.searchsorted(edges, score, side="right"), minlength=len(edges) + 1) / max(len(score), 1)


def index_of(expected: Floats, actual: Floats) -> float:
    """Return the population stability index of two distributions over the same parts."""
    e, a = np.maximum(expected, 1e-6), np.maximum(actual, 1e-6)
    return float(((a - e) * np.log(a / e)).sum())


def psi(expected: Floats, actual: Floats, bins: int = 10) -> float:
    """Return the population stability index over tenths of the expected scores."""
    if not len(expected) or not len(actual):
        return 0.0
    edges, shares = tenths(expected, bins)
    return index_of(shares, shares_between(actual, edges))
