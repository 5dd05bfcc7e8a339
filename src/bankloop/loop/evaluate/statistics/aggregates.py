"""Sufficient aggregates of one arm: what an engine sums over rows, and all that inference needs to know of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arm:
    """Counts, sums, squares and cross products of an outcome ``y`` and, where given, a second quantity ``x``.

    ``x`` is a covariate known before assignment, the denominator of a ratio, or a cluster's size. The fields are numbers
    or arrays of one shape: thousands of metrics and cells at once, strata along the last axis.
    """

    n: ArrayLike
    y: ArrayLike
    yy: ArrayLike
    x: ArrayLike = 0.0
    xx: ArrayLike = 0.0
    xy: ArrayLike = 0.0

    @classmethod
    def of(cls, outcome: ArrayLike, other: ArrayLike | None = None) -> Arm:
        """Return the aggregates of outcomes (n,) and, where given, of a second quantity (n,)."""
        y = np.asarray(outcome, np.float64)
        x = np.zeros(len(y)) if other is None else np.asarray(other, np.float64)
        return cls(len(y), float(y.sum()), float(y @ y), float(x.sum()), float(x @ x), float(x @ y))

    @classmethod
    def by_stratum(cls, outcome: ArrayLike, stratum: ArrayLike, strata: int, other: ArrayLike | None = None) -> Arm:
        """Return the aggregates of each stratum 0 … ``strata`` − 1, as arrays (strata,)."""
        y, place = np.asarray(outcome, np.float64), np.asarray(stratum)
        x = np.zeros(len(y)) if other is None else np.asarray(other, np.float64)

        def summed(values: Floats) -> Floats:
            return np.asarray(np.bincount(place, values, strata), np.float64)

        return cls(summed(np.ones(len(y))), summed(y), summed(y * y), summed(x), summed(x * x), summed(x * y))

    def __add__(self, other: Arm) -> Arm:
        """Return the aggregates of both together: rounds, or strata, pool by adding."""
        return Arm(*(np.add(a, b) for a, b in zip(astuple(self), astuple(other), strict=True)))

    def total(self) -> Arm:
        """Return the aggregates over the last axis: all strata together."""
        return Arm(*(np.sum(np.broadcast_to(v, np.shape(self.n)), axis=-1) for v in astuple(self)))

    def taken(self, which: NDArray[np.bool_]) -> Arm:
        """Return the aggregates of some entries of the last axis."""
        return Arm(*(np.broadcast_to(v, np.shape(self.n))[..., which] for v in astuple(self)))

    @property
    def mean(self) -> Floats:
        """Return ȳ; 0 for an empty arm."""
        return _over(self.y, self.n)

    @property
    def mean_x(self) -> Floats:
        """Return x̄; 0 for an empty arm."""
        return _over(self.x, self.n)

    @property
    def var_y(self) -> Floats:
        """Return the sample variance of y, n − 1 below the line; 0 below two rows."""
        return np.maximum(_spread(self.n, self.y, self.y, self.yy), 0.0)

    @property
    def var_x(self) -> Floats:
        """Return the sample variance of x."""
        return np.maximum(_spread(self.n, self.x, self.x, self.xx), 0.0)

    @property
    def cov(self) -> Floats:
        """Return the sample covariance of x and y."""
        return _spread(self.n, self.x, self.y, self.xy)


def _over(above: ArrayLike, below: ArrayLike) -> Floats:
    b = np.asarray(below, np.float64)
    return np.asarray(above, np.float64) / np.where(b > 0, b, 1.0) * (b > 0)


def _spread(n: ArrayLike, a: ArrayLike, b: ArrayLike, ab: ArrayLike) -> Floats:
    count = np.asarray(n, np.float64)
    rows = np.maximum(count, 1.0)
    centred = np.asarray(ab, np.float64) - np.asarray(a, np.float64) * np.asarray(b, np.float64) / rows
    return np.where(count > 1, centred / np.maximum(count - 1.0, 1.0), 0.0)
