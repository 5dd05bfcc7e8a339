"""Step 7, 评结果: lift against the random control with its interval, the checks that may forbid reading it, the money.

It reads and never changes a campaign. "Inconclusive" is an answer.
"""

from bankloop.loop.evaluate.contracts import FunnelStep, Money, Reading, Verdict
from bankloop.loop.evaluate.off_policy import UnsupportedPolicy
from bankloop.loop.evaluate.outcomes import event_types, outcomes_of, population
from bankloop.loop.evaluate.policy import PolicyValuation, value_policy
from bankloop.loop.evaluate.queries import arm_sums, arms_of
from bankloop.loop.evaluate.service import FUNNEL, Outcomes, judge, points, read
from bankloop.loop.evaluate.statistics import (
    SRM_ALARM,
    Z95,
    Arm,
    Effect,
    Estimate,
    RatioCheck,
    Winsorised,
    boundary,
    clustered_difference,
    cuped,
    difference,
    false_discovery,
    minimum_detectable,
    pre_period_p,
    ratio_difference,
    relative,
    rounds_to_find,
    sample_ratio_family,
    sample_ratio_p,
    stratified,
    while_running,
    winsorised,
)

__all__ = [
    "FUNNEL",
    "SRM_ALARM",
    "Z95",
    "Arm",
    "Effect",
    "Estimate",
    "FunnelStep",
    "Money",
    "Outcomes",
    "PolicyValuation",
    "RatioCheck",
    "Reading",
    "UnsupportedPolicy",
    "Verdict",
    "Winsorised",
    "arm_sums",
    "arms_of",
    "boundary",
    "clustered_difference",
    "cuped",
    "difference",
    "event_types",
    "false_discovery",
    "judge",
    "minimum_detectable",
    "outcomes_of",
    "points",
    "population",
    "pre_period_p",
    "ratio_difference",
    "read",
    "relative",
    "rounds_to_find",
    "sample_ratio_family",
    "sample_ratio_p",
    "stratified",
    "value_policy",
    "while_running",
    "winsorised",
]
