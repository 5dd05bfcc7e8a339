"""Pacing: the plan's prices, corrected through the day toward what is left of every resource."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bankloop.loop.reach.kernels import Floats

# A resource that is a tenth behind or ahead of the plan has its price moved by three tenths: strong enough to close the
# distance within the day, weak enough not to swing.
STRENGTH = 3.0
# What a price may become within a day, as a multiple of the plan's.
_LEAST, _MOST = 0.25, 4.0
# A resource that the plan found plentiful costs this share of a typical price once it runs ahead.
_FROM_NOTHING = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the day stands: ``planned`` and ``typical`` prices, ``limit`` and what is ``left`` (r,) of each resource.

    ``ahead`` is the share of the day's customers still to come, as forecast.
    """

    planned: Floats
    typical: Floats
    limit: Floats
    left: Floats
    ahead: float

    def after(self, left: Floats, ahead: float) -> Pace:
        """Return the same day at a later moment."""
        return replace(self, left=left, ahead=ahead)


def paced(pace: Pace) -> Floats:
    """Return (r,) the prices of now: dearer where less is left than planned for the rest of the day, cheaper where more."""
    planned_left = pace.limit * pace.ahead
    # Near the end both are small; a hundredth of the limit keeps their ratio from swinging.
    calm = 0.01 * np.maximum(pace.limit, 1e-9)
    ratio = (planned_left + calm) / (np.maximum(pace.left, 0.0) + calm)
    base = np.where((pace.planned <= 0.0) & (ratio > 1.0), _FROM_NOTHING * pace.typical * (ratio - 1.0), pace.planned)
    return np.asarray(base * np.clip(ratio**STRENGTH, _LEAST, _MOST))
