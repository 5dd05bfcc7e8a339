"""Targets (目标分解): what head office wants, split by weights down to people; sums exact, capacity respected.

This room splits and compares with what tasks did; what balances did is measured above and passed in.
"""

from bankloop.performance.target.contracts import MEASURES, Holder, Target, TargetMeasure, TargetPart, TargetUnit
from bankloop.performance.target.errors import bad_target, no_such_target
from bankloop.performance.target.progress import Achieved, done_by_tasks, gone, rolled_up
from bankloop.performance.target.rules import read_weights
from bankloop.performance.target.service import (
    capacities,
    end_target,
    holders_below,
    part_of,
    parts_below,
    set_target,
    split_target,
    target_of,
    targets,
)

__all__ = [
    "MEASURES",
    "Achieved",
    "Holder",
    "Target",
    "TargetMeasure",
    "TargetPart",
    "TargetUnit",
    "bad_target",
    "capacities",
    "done_by_tasks",
    "end_target",
    "gone",
    "holders_below",
    "no_such_target",
    "part_of",
    "parts_below",
    "read_weights",
    "rolled_up",
    "set_target",
    "split_target",
    "target_of",
    "targets",
]
