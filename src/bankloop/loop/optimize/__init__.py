"""Step 8, 优模型: labels when due, a challenger beside the champion, drift. It promotes nothing.

Promotion is an approval by a second person, proposed where the new plan surely brings more, and can be undone.
"""

from bankloop.loop.optimize.comparison import Comparison, GuardMetric, Tried, Valued, compare, guards_of
from bankloop.loop.optimize.drift import Drift, calibration, population_drift, stability
from bankloop.loop.optimize.gain import (
    SURE,
    PlanGain,
    Setting,
    believing,
    difference_of,
    gain_of,
    plan_by,
    unsure_share,
)
from bankloop.loop.optimize.service import Challenger, labels_due, train_challenger

__all__ = [
    "SURE",
    "Challenger",
    "Comparison",
    "Drift",
    "GuardMetric",
    "PlanGain",
    "Setting",
    "Tried",
    "Valued",
    "believing",
    "calibration",
    "compare",
    "difference_of",
    "gain_of",
    "guards_of",
    "labels_due",
    "plan_by",
    "population_drift",
    "stability",
    "train_challenger",
    "unsure_share",
]
