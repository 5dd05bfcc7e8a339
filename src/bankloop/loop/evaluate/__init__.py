"""Step 7, 评结果: lift against the random control with its interval, the checks that may forbid reading it, the money.

It reads and never changes a campaign. "Inconclusive" is an answer.
"""

from bankloop.loop.evaluate.contracts import FunnelStep, Money, Reading, Verdict
from bankloop.loop.evaluate.off_policy import UnsupportedPolicy
from bankloop.loop.evaluate.outcomes import event_types, outcomes_of, population
from bankloop.loop.evaluate.policy import PolicyValuation, value_policy
from bankloop.loop.evaluate.service import FUNNEL, Outcomes, judge, points, read
from bankloop.loop.evaluate.statistics import (
    SRM_ALARM,
    Z95,
    Arm,
    Estimate,
    difference,
    minimum_detectable,
    sample_ratio_p,
)

__all__ = [
    "FUNNEL",
    "SRM_ALARM",
    "Z95",
    "Arm",
    "Estimate",
    "FunnelStep",
    "Money",
    "Outcomes",
    "PolicyValuation",
    "Reading",
    "UnsupportedPolicy",
    "Verdict",
    "difference",
    "event_types",
    "judge",
    "minimum_detectable",
    "outcomes_of",
    "points",
    "population",
    "read",
    "sample_ratio_p",
    "value_policy",
]
