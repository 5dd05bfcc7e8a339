"""The arithmetic of honest readings, from sufficient aggregates: n, Σ, Σ². Two-sided intervals at 95 %.

Difference of means with unpooled (Welch) variance; for rates this is Wald's interval, the same that a marketer checks by
hand. Sample ratio by a χ² test with one degree of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
# A sample ratio this improbable means that assignment or logging is broken: no lift is read then.
SRM_ALARM = 0.001


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm's sufficient aggregates of an outcome."""

    n: int
    total: float
    squares: float

    @classmethod
    def of(cls, outcome: NDArray[np.float64]) -> Arm:
        """Return the aggregates of outcomes (n,)."""
        return cls(len(outcome), float(outcome.sum()), float((outcome**2).sum()))

    @property
    def mean(self) -> float:
        """Return the mean; 0 for an empty arm."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance_of_mean(self) -> float:
        """Return the variance of the mean with the population form Σ²/n − mean², as for rates p(1 − p)/n."""
        return max(self.squares / self.n - self.mean**2, 0.0) / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float, shift: float = 0.0) -> Estimate:
        """Return factor × estimate + shift; the factor is not negative."""
        return Estimate(self.value * factor + shift, self.low * factor + shift, self.high * factor + shift)


def difference(treated: Arm, control: Arm) -> Estimate | None:
    """Return treated − control; None where an arm is empty, because then nothing can be read."""
    if not treated.n or not control.n:
        return None
    value = treated.mean - control.mean
    half = Z95 * sqrt(treated.variance_of_mean + control.variance_of_mean)
    return Estimate(value, value - half, value + half)


def sample_ratio_p(treated: int, control: int, control_share: float) -> float:
    """Return the p-value of the arms' sizes against the planned control share (χ², one degree of freedom)."""
    n = treated + control
    expected = n * control_share
    if n == 0 or expected <= 0 or expected >= n:
        return 1.0
    chi2 = (control - expected) ** 2 / expected + (treated - (n - expected)) ** 2 / (n - expected)
    return erfc(sqrt(chi2 / 2.0))


def minimum_detectable(base: float, treated: int, control: int) -> float:
    """Return the lift that 80 % of such rounds would find at 95 %: 2.80 standard errors of the difference."""
    if not treated or not control:
        return float("inf")
    return (Z95 + 0.8416212335729143) * sqrt(base * (1 - base) * (1 / treated + 1 / control))
