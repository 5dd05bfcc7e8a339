"""Sufficient aggregates of one arm: what an engine sums over rows, and all that inference needs to know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Counts, sums, squares and cross products of an outcome ``y`` and, where given, a second quantity ``x``.

    ``x`` is a covariate known before assignment, the denominator of a ratio, or a cluster's size. Products of three say
    how skewed the arm is, not-a-number where nobody summed them. All products are of distances from the origin (``y0``,
    ``x0``): squares of what lies far from nought would cancel to noise. The fields are numbers or arrays of one shape:
    thousands of metrics and cells at once, strata along the last axis.
    """

    n: ArrayLike
    y: ArrayLike
    yy: ArrayLike
    x: ArrayLike = 0.0
    xx: ArrayLike = 0.0
    xy: ArrayLike = 0.0
    yyy: ArrayLike = np.nan
    yyx: ArrayLike = np.nan
    yxx: ArrayLike = np.nan
    xxx: ArrayLike = np.nan
    y0: ArrayLike = 0.0
    x0: ArrayLike = 0.0

    @classmethod
    def of(cls, outcome: ArrayLike, other: ArrayLike | None = None, count: ArrayLike | None = None) -> ArmSums:
        """Return the aggregates of outcomes (n,) and, where given, of a second quantity (n,).

        ``count`` (…, n) says how many customers each row stands for, by draw along the leading axes: thousands of drawn
        rounds are summed at once.
        """
        y, x = _pair(outcome, other)
        w = np.ones(len(y)) if count is None else np.asarray(count, np.float64)
        y0, x0 = (_origin(v) for v in (y, x))
        return cls._summed(y, x, y0, x0, lambda values: np.asarray(w @ values))

    @classmethod
    def by_stratum(cls, outcome: ArrayLike, stratum: ArrayLike, strata: int, other: ArrayLike | None = None) -> ArmSums:
        """Return the aggregates of each stratum 0 … ``strata`` − 1, as arrays (strata,)."""
        (y, x), place = _pair(outcome, other), np.asarray(stratum)
        y0, x0 = (_origins(v, place, strata) for v in (y, x))

        def summed(values: Floats) -> Floats:
            return np.asarray(np.bincount(place, values, strata), np.float64)

        return cls._summed(y, x, y0, x0, summed, place)

    @classmethod
    def _summed(
        cls,
        outcome: Floats,
        other: Floats,
        y0: ArrayLike,
        x0: ArrayLike,
        summed: Callable[[Floats], Floats],
        place: Integers | EllipsisType = ...,
    ) -> ArmSums:
        y, x = outcome - np.asarray(y0)[place], other - np.asarray(x0)[place]
        n, sum_y, sum_x = (summed(one) for one in (np.ones(len(y)), outcome, other))
        yy, xx, xy = (summed(one) for one in (y * y, x * x, x * y))
        cubes = (summed(one) for one in (y * y * y, y * y * x, y * x * x, x * x * x))
        return cls(*(n, sum_y, yy, sum_x, xx, xy, *cubes, y0, x0))

    def __add__(self, other: ArmSums) -> ArmSums:
        """Return the aggregates of both together: rounds, or strata, pool by adding."""
        moved = other.about(self.y0, self.x0)
        added = (np.add(a, b) for a, b in zip(self._sums(), moved._sums(), strict=True))
        return ArmSums(*(*added, self.y0, self.x0))

    def total(self) -> ArmSums:
        """Return the aggregates over the last axis: all strata together."""
        size = np.asarray(self.n, np.float64)
        rows = np.maximum(size.sum(axis=-1), 1.0)
        y0, x0 = ((size * mean).sum(axis=-1) / rows for mean in (self.mean, self.mean_x))
        moved = self.about(np.asarray(y0)[..., None], np.asarray(x0)[..., None])
        sums = (np.sum(np.broadcast_to(v, np.shape(self.n)), axis=-1) for v in moved._sums())
        return ArmSums(*(*sums, y0, x0))

    def taken(self, which: NDArray[np.bool_]) -> ArmSums:
        """Return the aggregates of some entries of the last axis."""
        return ArmSums(*(np.broadcast_to(v, np.shape(self.n))[..., which] for v in (*self._sums(), self.y0, self.x0)))

    def laid_out(self) -> ArmSums:
        """Return the arm with strata along the last axis: one where it had none."""
        return self if np.ndim(self.n) else ArmSums(*(np.atleast_1d(v) for v in (*self._sums(), self.y0, self.x0)))

    def each(self) -> ArmSums:
        """Return every entry as an arm of one stratum: groups that are read side by side."""
        return ArmSums(*(np.asarray(v)[..., None] for v in (*self._sums(), self.y0, self.x0)))

    def beside(self, other: ArmSums) -> ArmSums:
        """Return both along the last axis, ``other`` (without that axis) as its last entry."""

        def joined(a: ArrayLike, b: ArrayLike) -> Floats:
            mine = np.broadcast_to(np.asarray(a, np.float64), np.shape(self.n))
            last = np.broadcast_to(np.asarray(b, np.float64), np.shape(other.n))
            return np.concatenate([mine, last[..., None]], axis=-1)

        pairs = zip((*self._sums(), self.y0, self.x0), (*other._sums(), other.y0, other.x0), strict=True)
        return ArmSums(*(joined(a, b) for a, b in pairs))

    def about(self, y0: ArrayLike, x0: ArrayLike) -> ArmSums:
        """Return the same rows with products about another origin."""
        a, b = np.subtract(y0, self.y0), np.subtract(x0, self.x0)
        n, sum_y, yy, sum_x, xx, xy, yyy, yyx, yxx, xxx = (np.asarray(v, np.float64) for v in self._sums())
        y, x = self._y, self._x
        return ArmSums(
            n,
            sum_y,
            yy - 2 * a * y + a * a * n,
            sum_x,
            xx - 2 * b * x + b * b * n,
            xy - a * x - b * y + a * b * n,
            yyy - 3 * a * yy + 3 * a * a * y - a**3 * n,
            yyx - 2 * a * xy + a * a * x - b * (yy - 2 * a * y + a * a * n),
            yxx - 2 * b * xy + b * b * y - a * (xx - 2 * b * x + b * b * n),
            xxx - 3 * b * xx + 3 * b * b * x - b**3 * n,
            y0,
            x0,
        )

    def _sums(self) -> tuple[ArrayLike, ...]:
        return (self.n, self.y, self.yy, self.x, self.xx, self.xy, self.yyy, self.yyx, self.yxx, self.xxx)

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
        return np.maximum(self._spread(self._y, self._y, self.yy), 0.0)

    @property
    def var_x(self) -> Floats:
        """Return the sample variance of x."""
        return np.maximum(self._spread(self._x, self._x, self.xx), 0.0)

    @property
    def cov(self) -> Floats:
        """Return the sample covariance of x and y."""
        return self._spread(self._x, self._y, self.xy)

    def third(self, slope: ArrayLike = 0.0) -> Floats:
        """Return Σ(e − ē)³ of e = y − ``slope`` × x; not a number where products of three were not summed."""
        own = self.about(self.mean, self.mean_x)
        s = np.asarray(slope, np.float64)
        with_x = s * (3.0 * s * np.asarray(own.yxx) - 3.0 * np.asarray(own.yyx) - s * s * np.asarray(own.xxx))
        return np.asarray(np.asarray(own.yyy) + np.where(s == 0.0, 0.0, with_x))

    @property
    def _y(self) -> Floats:
        return np.asarray(self.y, np.float64) - np.multiply(self.n, self.y0)

    @property
    def _x(self) -> Floats:
        return np.asarray(self.x, np.float64) - np.multiply(self.n, self.x0)

    def _spread(self, a: Floats, b: Floats, ab: ArrayLike) -> Floats:
        count = np.asarray(self.n, np.float64)
        centred = np.asarray(ab, np.float64) - a * b / np.maximum(count, 1.0)
        return np.where(count > 1, centred / np.maximum(count - 1.0, 1.0), 0.0)


def _pair(outcome: ArrayLike, other: ArrayLike | None) -> tuple[Floats, Floats]:
    y = np.asarray(outcome, np.float64)
    return y, np.zeros(len(y)) if other is None else np.asarray(other, np.float64)


def _over(above: ArrayLike, below: ArrayLike) -> Floats:
    b = np.asarray(below, np.float64)
    return np.asarray(above, np.float64) / np.where(b > 0, b, 1.0) * (b > 0)


def _origin(values: Floats) -> float:
    """Return where distances are measured from: the mean, or the value itself where all have the same.

    A mean is rounded: from it, a value that never varies would seem to vary by a rounding error, and anything at all
    would be significant against that.
    """
    if not len(values):
        return 0.0
    least = float(values.min())
    return least if least == float(values.max()) else float(values.mean())


def _origins(values: Floats, place: Integers, strata: int) -> Floats:
    """Return where distances are measured from, by stratum."""
    size = np.bincount(place, minlength=strata)
    mean = np.bincount(place, values, strata) / np.maximum(size, 1)
    least, most = np.full(strata, np.inf), np.full(strata, -np.inf)
    np.minimum.at(least, place, values)
    np.maximum.at(most, place, values)
    return np.where((size > 0) & (least == most), least, mean)
