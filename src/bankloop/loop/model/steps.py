"""Isotonic calibration: what share of customers with about such a score succeeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bankloop.loop.model.contracts import Floats


@dataclass(frozen=True, slots=True)
class Steps:
    """A rising line through the points (``at``, ``rate``), level beyond its ends; without points scores stay as they are."""

    at: Floats
    rate: Floats

    def predict(self, scores: Floats) -> Floats:
        """Return the rate at each score."""
        return np.interp(scores, self.at, self.rate) if len(self.at) else scores


NO_STEPS = Steps(np.zeros(0), np.zeros(0))


def centred_steps(score: Floats, y: Floats) -> Steps:
    """Return the isotonic rates of y by score, each level drawn through its centre.

    Plain isotonic steps tie customers whom the trees tell apart, and lose up to half a point of AUC by it. (Oron and
    Flournoy 2017, centred isotonic regression.)
    """
    from sklearn.isotonic import isotonic_regression  # here and not above: it takes a second to import

    # Customers of one score have one rate: taken row by row, the order in which they stand would give them a rise.
    scores, place, rows = np.unique(score, return_inverse=True, return_counts=True)
    share = np.bincount(place, y) / rows
    rate = np.asarray(isotonic_regression(share, sample_weight=rows, y_min=0.0, y_max=1.0), np.float64)
    level = np.r_[0, np.cumsum(np.diff(rate) != 0)]
    size = np.bincount(level, rows)
    return Steps(np.bincount(level, scores * rows) / size, np.bincount(level, rate * rows) / size)
