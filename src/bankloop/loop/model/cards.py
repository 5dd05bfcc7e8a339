"""The measures on a model card. Plain definitions, so that a second computation can check them."""

from __future__ import annotations

import numpy as np

from bankloop.loop.model.contracts import CalibrationBin, Floats

# The usual alarm of the field: above a quarter the scored population is another one than the training rows.
PSI_ALARM = 0.25


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
    """Return mean score against observed rate by tenths of the score."""
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    return tuple(CalibrationBin(len(p), float(score[p].mean()), float(y[p].mean())) for p in parts if len(p))


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
