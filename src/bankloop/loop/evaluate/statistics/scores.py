"""Differences whose interval keeps its promise with few successes and with money that few pay: what verdicts are read from.

An arm's own variance is small just when chance gave it few successes, so that Wald's and Welch's intervals call chance
certain. Here the variance is that of both arms together at the difference in question: for rates Miettinen and Nurminen's
score interval (1985), stratified as theirs is; for money the pooled variance with its quantiles corrected for skewness by
Cornish and Fisher's first term (Johnson 1978; Hall 1992). A covariate known beforehand takes the same share of variance
away at every difference. Arms are of one stratum, or have strata along the last axis, each weighted by its customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bankloop.kit.later import later
from bankloop.loop.evaluate.statistics.aggregates import ArmSums, Floats
from bankloop.loop.evaluate.statistics.effects import Z95, Estimate, common_slope, residual_var, without_thin

if TYPE_CHECKING:
    from scipy import special
else:
    special = later("scipy.special")

Bools = NDArray[np.bool_]

# Of the smaller arm as many successes, and as many failures, must be expected were both arms alike. At five the score
# interval claims a loss of nothing in 3.5 of 100 rounds at most (controls of 5 to 50 %), below it in up to 5.
FEWEST = 5.0
# The skewness of a difference that is still read: that of a rate at ``FEWEST``. Corrected intervals claim a gain of
# nothing in 2.5 rounds of 100 and a loss in 2.9 up to it, whether payers pay alike, lognormally (σ up to 2) or as a power
# law of 2.2; Welch's claimed a gain in 9.
MOST_SKEW = FEWEST**-0.5
# A mean of fewer rows in an arm is not read, however even they look.
FEWEST_ROWS = 10
# The first term of the correction holds up to so many deviations; further out it is not let grow.
_FAR = 4.0
# Halvings of [−1, 1] until the end of an interval is known to thirteen digits.
_HALVINGS = 44


@dataclass(frozen=True, slots=True)
class Read:
    """A difference of treated over control as it may be told, arrays of one shape; ends are infinite where nothing is known.

    ``se`` is the standard error were there no difference. ``successes`` and ``failures`` are those expected of the smaller
    arm were both alike, not-a-number for a mean; ``skew`` is the standardised third moment of the difference of means,
    ``readable`` whether the interval keeps its promise at all.
    """

    value: Floats
    low: Floats
    high: Floats
    p: Floats
    se: Floats
    readable: Bools
    successes: Floats
    failures: Floats
    skew: Floats

    @property
    def gain(self) -> Bools:
        """Return where the whole interval of a readable difference lies above 0."""
        return np.asarray(self.readable & (self.low > 0))

    @property
    def harm(self) -> Bools:
        """Return where the whole interval of a readable difference lies below 0."""
        return np.asarray(self.readable & (self.high < 0))

    def estimate(self) -> Estimate | None:
        """Return one difference as value and interval; None where it is not to be read."""
        return self.at(())

    def at(self, place: int | tuple[()]) -> Estimate | None:
        """Return the difference of one place as value and interval; None where it is not to be read."""
        if not self.readable[place]:
            return None
        return Estimate(float(self.value[place]), float(self.low[place]), float(self.high[place]))


def read_rate(treated: ArmSums, control: ArmSums, *, adjust: bool = False, critical: ArrayLike = Z95) -> Read:
    """Return the difference of two rates, of outcomes 0 and 1, with its score interval of ``critical`` deviations.

    With ``adjust`` the covariate ``x`` of the arms moves the difference and takes its share of the variance away.
    """
    t, c = _laid_out(treated, control)
    weight, slope = _weights(t, c), common_slope(t, c) if adjust else np.zeros(1)
    value = np.where(_rows(t, c) > 0, (weight * _difference(t, c, slope)).sum(axis=-1), np.nan)
    left = _share_left(t, c, weight, slope)
    successes, failures = _expected(t, c)
    enough = _rows(t, c) >= 2
    # Five expected are five, also where a division left a last digit.
    readable = np.asarray(enough & (np.round(np.minimum(successes, failures), 9) >= FEWEST))

    def variance(d: Floats) -> Floats:
        each = _score_variance(t, c, d[..., None])
        return np.asarray((weight**2 * each).sum(axis=-1) * left)

    def end(side: float) -> Floats:
        inside, outside = value, np.full(np.shape(value), side)
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2.0
            within = (value - middle) ** 2 <= np.square(critical) * variance(middle)
            inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
        return np.asarray(inside)

    null = np.sqrt(variance(np.zeros(np.shape(value))))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2.0 * special.ndtr(-np.abs(value) / null)
    nothing = np.full(np.shape(value), np.nan)
    return _read(value, (end(-1.0), end(1.0)), p, null, readable, successes, failures, nothing)


def read_mean(treated: ArmSums, control: ArmSums, *, adjust: bool = False, critical: ArrayLike = Z95) -> Read:
    """Return the difference of two means, of money or anything else that is not a rate, corrected for its skewness.

    The variance is that of both arms together, or each arm's own where these are further apart than so skewed an outcome
    makes them by chance. The arms need products of three.
    """
    t, c = _laid_out(treated, control)
    weight, slope = _weights(t, c), common_slope(t, c) if adjust else np.zeros(1)
    value = np.where(_rows(t, c) > 0, (weight * _difference(t, c, slope)).sum(axis=-1), np.nan)
    n, m = (np.maximum(np.asarray(arm.n, np.float64), 1.0) for arm in (t, c))
    pooled = (weight**2 * _pooled_var(t, c, slope) * (1.0 / n + 1.0 / m)).sum(axis=-1)
    own = (weight**2 * (residual_var(t, slope) + residual_var(c, slope))).sum(axis=-1)
    third = (t.third(slope) + c.third(slope)) / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = (weight**3 * third * (1.0 / n**2 - 1.0 / m**2)).sum(axis=-1) / pooled**1.5
        df = (n + m).sum(axis=-1) - 2.0 * n.shape[-1]
        # From the tail: of nine deviations, an early look's, one less the tail is 1.
        reach = -special.stdtrit(np.maximum(df, 1.0), special.ndtr(-np.asarray(critical, np.float64)))
        # Of a rare outcome the arms' variances differ by about the skewness of the difference, relatively.
        deviation = np.sqrt(np.maximum(pooled, own / (1.0 + 2.0 * np.abs(skew))))
        bend = skew * (np.minimum(reach, _FAR) ** 2 - 1.0) / 6.0
        ends = value - (reach + bend) * deviation, value + (reach - bend) * deviation
        p = 2.0 * special.ndtr(-np.abs(_straightened(value / deviation, skew)))
    least = _rows(t, c)
    readable = np.asarray((least >= FEWEST_ROWS) & (pooled > 0) & (np.abs(skew) <= MOST_SKEW))
    nothing = np.full(np.shape(value), np.nan)
    return _read(value, ends, p, deviation, readable, nothing, nothing, skew)


def exact_p(treated: ArmSums, control: ArmSums) -> Floats:
    """Return Fisher's exact p-value of two rates whose successes are whole numbers, doubled from the smaller tail.

    For many thin groups at once, whose smallest p-values are what is looked at: there an approximation is worst.
    """
    from scipy.stats import hypergeom

    n, m, s, c = np.broadcast_arrays(
        *(np.rint(v) for v in (treated.n, control.n, np.add(treated.y, control.y), control.y))
    )
    whole = np.add(n, m)
    below, above = hypergeom.cdf(c, whole, s, m), hypergeom.sf(c - 1, whole, s, m)
    return np.asarray(np.minimum(2.0 * np.minimum(below, above), 1.0), np.float64)


def _laid_out(treated: ArmSums, control: ArmSums) -> tuple[ArmSums, ArmSums]:
    """Return the arms with strata along the last axis, thin ones pooled, and all together where one is still empty."""
    t, c = without_thin(*(arm.laid_out() for arm in (treated, control)))
    if (np.minimum(t.n, c.n) < 2).any() and np.shape(t.n)[-1] > 1:
        return t.total().laid_out(), c.total().laid_out()
    return t, c


def _rows(t: ArmSums, c: ArmSums) -> Floats:
    """Return how many customers the smaller arm has."""
    return np.asarray(np.minimum(np.asarray(t.n).sum(axis=-1), np.asarray(c.n).sum(axis=-1)), np.float64)


def _weights(t: ArmSums, c: ArmSums) -> Floats:
    size = np.add(t.n, c.n).astype(np.float64)
    return np.asarray(size / np.maximum(size.sum(axis=-1, keepdims=True), 1.0))


def _difference(t: ArmSums, c: ArmSums, slope: Floats) -> Floats:
    return np.asarray(t.mean - c.mean - slope * (t.mean_x - c.mean_x))


def _pooled_var(t: ArmSums, c: ArmSums, slope: ArrayLike) -> Floats:
    """Return the variance of one customer's y − slope × x within the arms, both together."""
    n, m = np.asarray(t.n, np.float64), np.asarray(c.n, np.float64)
    spread = residual_var(t, slope) * n * np.maximum(n - 1, 0) + residual_var(c, slope) * m * np.maximum(m - 1, 0)
    return np.asarray(spread / np.maximum(n + m - 2.0, 1.0))


def _share_left(t: ArmSums, c: ArmSums, weight: Floats, slope: Floats) -> Floats:
    """Return the share of the variance that is left of the difference when the covariate has taken its own."""
    part = weight**2 * (1.0 / np.maximum(t.n, 1) + 1.0 / np.maximum(c.n, 1))
    whole, left = ((part * _pooled_var(t, c, s)).sum(axis=-1) for s in (0.0, slope))
    return np.asarray(np.where(whole > 0, left / np.where(whole > 0, whole, 1.0), 1.0))


def _expected(t: ArmSums, c: ArmSums) -> tuple[Floats, Floats]:
    """Return how many successes and failures the smaller arm expects were both alike."""
    n, m, s = (np.asarray(v, np.float64) for v in (t.n, c.n, np.add(t.y, c.y)))
    both = np.maximum(n + m, 1.0)
    found = [np.minimum((some * n / both).sum(axis=-1), (some * m / both).sum(axis=-1)) for some in (s, n + m - s)]
    return np.asarray(found[0]), np.asarray(found[1])


def _score_variance(t: ArmSums, c: ArmSums, d: Floats) -> Floats:
    """Return the variance of the difference of rates were it ``d``, by Miettinen and Nurminen's closed form."""
    n, m = np.maximum(np.asarray(t.n, np.float64), 1.0), np.maximum(np.asarray(c.n, np.float64), 1.0)
    p, q, ratio = np.asarray(t.y) / n, np.asarray(c.y) / m, m / n
    a = 1.0 + ratio
    b = -(a + p + ratio * q + d * (ratio + 2.0))
    e = d * d + d * (2.0 * p + a) + p + ratio * q
    f = -p * d * (1.0 + d)
    v = (b / (3 * a)) ** 3 - b * e / (6 * a * a) + f / (2 * a)
    size = np.sqrt(np.maximum((b / (3 * a)) ** 2 - e / (3 * a), 0.0))
    u = np.where(v < 0, -size, size)
    cosine = np.where(size > 0, v / np.where(size > 0, u, 1.0) ** 3, 0.0)
    angle = (np.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3.0
    first = np.clip(2.0 * u * np.cos(angle) - b / (3 * a), 0.0, 1.0)
    second = np.clip(first - d, 0.0, 1.0)
    both = n + m
    return np.asarray((first * (1 - first) / n + second * (1 - second) / m) * both / np.maximum(both - 1.0, 1.0))


def _straightened(z: Floats, skew: Floats) -> Floats:
    """Return the normal deviate of a skewed one: z = u + skew × (u² − 1) / 6 solved for u."""
    bend = skew / 6.0
    root = np.sqrt(np.maximum(1.0 + 4.0 * bend * (z + bend), 0.0))
    return np.asarray(np.where(np.abs(bend) > 1e-9, (root - 1.0) / np.where(bend == 0.0, 1.0, 2.0 * bend), z))


def _read(
    value: Floats,
    ends: tuple[Floats, Floats],
    p: Floats,
    se: Floats,
    readable: Bools,
    successes: Floats,
    failures: Floats,
    skew: Floats,
) -> Read:
    low, high = np.where(readable, ends[0], -np.inf), np.where(readable, ends[1], np.inf)
    told = np.where(readable, p, np.nan)
    return Read(np.asarray(value), low, high, told, np.asarray(se), readable, successes, failures, np.asarray(skew))
