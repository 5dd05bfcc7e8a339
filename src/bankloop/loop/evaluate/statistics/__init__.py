"""The arithmetic of honest readings. An engine aggregates, these functions infer; they know no campaign and no event."""

from bankloop.loop.evaluate.statistics.aggregates import Arm
from bankloop.loop.evaluate.statistics.checks import (
    SRM_ALARM,
    RatioCheck,
    Winsorised,
    false_discovery,
    heterogeneity_p,
    pre_period_p,
    sample_ratio_family,
    sample_ratio_p,
    winsorised,
)
from bankloop.loop.evaluate.statistics.effects import (
    Z95,
    Effect,
    Estimate,
    clustered_difference,
    cuped,
    difference,
    ratio_difference,
    relative,
    stratified,
    together,
)
from bankloop.loop.evaluate.statistics.power import (
    Design,
    design,
    designs,
    detectable_mean,
    minimum_detectable,
    rounds_for,
    rounds_to_find,
)
from bankloop.loop.evaluate.statistics.sequences import boundary, while_running

__all__ = [
    "SRM_ALARM",
    "Z95",
    "Arm",
    "Design",
    "Effect",
    "Estimate",
    "RatioCheck",
    "Winsorised",
    "boundary",
    "clustered_difference",
    "cuped",
    "design",
    "designs",
    "detectable_mean",
    "difference",
    "false_discovery",
    "heterogeneity_p",
    "minimum_detectable",
    "pre_period_p",
    "ratio_difference",
    "relative",
    "rounds_for",
    "rounds_to_find",
    "sample_ratio_family",
    "sample_ratio_p",
    "stratified",
    "together",
    "while_running",
    "winsorised",
]
