"""Effects of treated over control, from sufficient aggregates alone, with the standard error that each one deserves.

Difference of means with unpooled variance; relative lift and ratios by the delta method; covariate adjustment (CUPED,
Deng et al. 2013), post-stratification (Miratrix et al. 2013) and both together; clusters as units. Every function takes
numbers or arrays, and answers not-a-number where nothing can be read: an arm with fewer than two rows, a denominator of
nought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from bankloop.kit.later import later
from bankloop.loop.evaluate.statistics.aggregates import ArmSums, Floats

if TYPE_CHECKING:
    from scipy import special
else:
    special = later("scipy.special")

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def se(self) -> float:
        """Return the standard error that the interval stands for."""
        return (self.high - self.low) / 2.0 / Z95

    def scaled(self, factor: float, shift: float = 0.0) -> Estimate:
        """Return factor × estimate + shift; the factor is not negative."""
        return Estimate(self.value * factor + shift, self.low * factor + shift, self.high * factor + shift)


@dataclass(frozen=True, slots=True)
class Effect:
    """Effects with their standard errors, arrays of one shape; ``df`` are Student's degrees of freedom, infinite for z."""

    value: Floats
    se: Floats
    df: ArrayLike = np.inf

    @property
    def critical(self) -> Floats:
        """Return how many standard errors a two-sided 95 % interval reaches."""
        df = np.asarray(self.df, np.float64)
        return np.asarray(
            np.where(np.isinf(df), Z95, special.stdtrit(np.where(np.isinf(df), 1.0, df), 0.975)), np.float64
        )

    @property
    def low(self) -> Floats:
        """Return the lower ends of the 95 % intervals."""
        return np.asarray(self.value - self.critical * self.se)

    @property
    def high(self) -> Floats:
        """Return the upper ends of the 95 % intervals."""
        return np.asarray(self.value + self.critical * self.se)

    @property
    def p(self) -> Floats:
        """Return two-sided p-values against no effect."""
        df = np.asarray(self.df, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = -np.abs(self.value) / self.se
        tail = np.where(np.isinf(df), special.ndtr(score), special.stdtr(np.where(np.isinf(df), 1.0, df), score))
        return np.asarray(2.0 * tail, np.float64)

    def estimate(self) -> Estimate | None:
        """Return one effect as value and interval; None where nothing can be read."""
        if not np.isfinite(self.value) or not np.isfinite(self.se):
            return None
        return Estimate(float(self.value), float(self.low), float(self.high))


def difference(treated: ArmSums, control: ArmSums) -> Effect:
    """Return mean(treated) − mean(control), Welch's variance. For rates this is Wald's interval.

    Checked by hand easily, and too sure of few successes: verdicts are read from ``scores``.
    """
    return _readable(treated, control, treated.mean - control.mean, _var(treated) + _var(control))


def relative(treated: ArmSums, control: ArmSums) -> Effect:
    """Return mean(treated) / mean(control) − 1 by the delta method; nothing where the control's mean is not above 0."""
    below = np.where(control.mean > 0, control.mean, np.nan)
    variance = _var(treated) / below**2 + treated.mean**2 * _var(control) / below**4
    return _readable(treated, control, treated.mean / below - 1.0, variance)


def ratio_difference(treated: ArmSums, control: ArmSums) -> Effect:
    """Return Σy/Σx of the treated − of the control, by the delta method: fees per order, calls per success."""
    (t, vt), (c, vc) = _ratio(treated), _ratio(control)
    return _readable(treated, control, t - c, vt + vc)


def clustered_difference(treated: ArmSums, control: ArmSums) -> Effect:
    """Return the difference of means per customer where whole clusters were randomised, a row of the arms a cluster.

    ``y`` is a cluster's total and ``x`` its size: a ratio of cluster totals, whose variance is the cluster-robust one,
    read by Student's t on clusters − 2 degrees of freedom.
    """
    found = ratio_difference(treated, control)
    df = np.asarray(treated.n, np.float64) + np.asarray(control.n, np.float64) - 2.0
    return Effect(found.value, found.se, np.where(df > 0, df, np.nan))


def cuped(treated: ArmSums, control: ArmSums) -> Effect:
    """Return the difference of means adjusted by the covariate ``x``, which must be known before assignment."""
    return _adjusted(treated, control, _slope(treated, control))


def stratified(treated: ArmSums, control: ArmSums, *, adjust: bool = False) -> Effect:
    """Return the difference post-stratified over the last axis, weighted by the strata's sizes in both arms.

    Strata too thin to be read in one of the arms are pooled with each other. With ``adjust`` CUPED's one slope, over all
    strata, is used inside each of them: the two cuts of variance together.
    """
    t, c = without_thin(treated, control)
    slope = common_slope(t, c) if adjust else np.zeros(np.shape(t.n))
    each = _adjusted(t, c, slope)
    size = np.asarray(t.n, np.float64) + np.asarray(c.n, np.float64)
    share = size / size.sum(axis=-1, keepdims=True)
    return Effect((share * each.value).sum(axis=-1), np.sqrt((share**2 * each.se**2).sum(axis=-1)))


def together(effects: Effect) -> Effect:
    """Return effects of unlike populations read as one, each weighted by how well it was measured (1 / se²)."""
    value, se = np.asarray(effects.value, np.float64), np.asarray(effects.se, np.float64)
    known = np.isfinite(value) & np.isfinite(se) & (se > 0)
    if not known.any():
        return Effect(np.asarray(np.nan), np.asarray(np.nan))
    weight = 1.0 / se[known] ** 2
    return Effect(np.asarray((weight * value[known]).sum() / weight.sum()), np.asarray(weight.sum() ** -0.5))


# A stratum with fewer rows than this in an arm tells nothing of its own spread.
_THIN = 10


def without_thin(treated: ArmSums, control: ArmSums) -> tuple[ArmSums, ArmSums]:
    """Return arms whose strata of too few rows in either are one stratum, the last."""
    least = np.atleast_1d(np.minimum(treated.n, control.n))
    thin = np.asarray((least < _THIN).reshape(-1, least.shape[-1]).any(axis=0))
    return _pooled(treated, thin), _pooled(control, thin)


def common_slope(treated: ArmSums, control: ArmSums) -> Floats:
    """Return the least-squares slope of y on x within arms and strata (…, 1), one for all strata."""
    weight = _slope_weight(treated, control)
    total = weight.sum(axis=-1, keepdims=True)
    above = (_slope(treated, control) * weight).sum(axis=-1, keepdims=True)
    return np.asarray(above / np.where(total > 0, total, 1.0))


def _pooled(arm: ArmSums, thin: np.ndarray) -> ArmSums:
    return arm.taken(~thin).beside(arm.taken(thin).total()) if thin.any() else arm


def _adjusted(t: ArmSums, c: ArmSums, slope: Floats) -> Effect:
    value = (t.mean - c.mean) - slope * (t.mean_x - c.mean_x)
    return _readable(t, c, value, residual_var(t, slope) + residual_var(c, slope))


def residual_var(arm: ArmSums, slope: ArrayLike) -> Floats:
    """Return the variance of the mean of y − slope × x."""
    s = np.asarray(slope, np.float64)
    spread = arm.var_y - 2.0 * s * arm.cov + s**2 * arm.var_x
    return np.asarray(np.maximum(spread, 0.0) / np.maximum(arm.n, 1.0))


def _slope(t: ArmSums, c: ArmSums) -> Floats:
    """Return the least-squares slope of y on x within the arms."""
    below = _slope_weight(t, c)
    above = t.cov * np.maximum(np.subtract(t.n, 1), 0) + c.cov * np.maximum(np.subtract(c.n, 1), 0)
    return np.asarray(above / np.where(below > 0, below, 1.0) * (below > 0))


def _slope_weight(t: ArmSums, c: ArmSums) -> Floats:
    return np.asarray(
        t.var_x * np.maximum(np.subtract(t.n, 1), 0) + c.var_x * np.maximum(np.subtract(c.n, 1), 0), np.float64
    )


def _ratio(arm: ArmSums) -> tuple[Floats, Floats]:
    """Return Σy/Σx and the delta method's variance; not a number without a denominator."""
    below = np.where(arm.mean_x != 0, arm.mean_x, np.nan)
    ratio = arm.mean / below
    spread = arm.var_y - 2.0 * ratio * arm.cov + ratio**2 * arm.var_x
    return np.asarray(ratio), np.asarray(np.maximum(spread, 0.0) / (np.maximum(arm.n, 1.0) * below**2))


def _var(arm: ArmSums) -> Floats:
    return np.asarray(arm.var_y / np.maximum(arm.n, 1.0))


def _readable(t: ArmSums, c: ArmSums, value: ArrayLike, variance: ArrayLike) -> Effect:
    enough = (np.asarray(t.n) >= 2) & (np.asarray(c.n) >= 2)
    return Effect(np.where(enough, value, np.nan), np.where(enough, np.sqrt(variance), np.nan))
