"""Step 8, 优模型: labels when due, a challenger beside the champion, drift. It promotes nothing.

Promotion is an approval by a second person, proposed only where the comparison supports it, and can be undone.
"""

from bankloop.loop.optimize.comparison import Comparison, GuardMetric, Tried, Valued, compare, guards_of
from bankloop.loop.optimize.drift import Drift, calibration, population_drift, stability
from bankloop.loop.optimize.service import Challenger, labels_due, train_challenger

__all__ = [
    "Challenger",
    "Comparison",
    "Drift",
    "GuardMetric",
    "Tried",
    "Valued",
    "calibration",
    "compare",
    "guards_of",
    "labels_due",
    "population_drift",
    "stability",
    "train_challenger",
]
