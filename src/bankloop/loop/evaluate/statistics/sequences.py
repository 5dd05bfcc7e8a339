"""Looking every day without lying: intervals that hold at all looks at once.

Robbins' normal-mixture boundary (Howard et al. 2021; asymptotic form of Waudby-Smith et al. 2024). A campaign's audience
is drawn at once and its successes arrive day by day, so the clock is the variance that the difference has gathered so
far; at the planned end the interval is about one and a half times the fixed one, which is the price of looking.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import ArrayLike

from bankloop.loop.evaluate.statistics.aggregates import Floats
from bankloop.loop.evaluate.statistics.effects import Z95, Effect, Estimate

ALPHA = 0.05
# A look on the first day plans the end from at least this share of the window.
_FIRST_LOOK = 0.01


def boundary(variance: ArrayLike, planned_variance: float, alpha: float = ALPHA) -> Floats:
    """Return how far a sum of centred increments may stray while its variance is ``variance``, at any look.

    ``planned_variance`` is where the boundary is narrowest: the variance expected at the planned end.
    """
    width = -2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)
    tau = max(planned_variance, 1e-300) / width
    v = np.asarray(variance, np.float64) + tau
    return np.asarray(np.sqrt(v * (np.log(v / tau) - 2.0 * log(alpha))))


def reach_at(elapsed: float, alpha: float = ALPHA) -> float:
    """Return how many standard errors an interval reaches when ``elapsed`` of its window has passed: Z95 at its end.

    Successes arrive evenly enough to say what the variance will be when the window closes.
    """
    return Z95 if elapsed >= 1.0 else float(boundary(1.0, 1.0 / max(elapsed, _FIRST_LOOK), alpha))


def while_running(effect: Effect, planned_se: float, alpha: float = ALPHA) -> Estimate | None:
    """Return the effect so far with an interval that holds however often one looks; None where nothing can be read."""
    if not np.isfinite(effect.value) or not np.isfinite(effect.se):
        return None
    reach = float(boundary(effect.se**2, planned_se**2, alpha))
    return Estimate(float(effect.value), float(effect.value) - reach, float(effect.value) + reach)
