"""Values a policy on logged data: planned on one part of a randomised experiment, valued on the other.

Two files say what: bank.yaml (the file and its columns) and policy.yaml (reward, actions, design, limit, comparisons).
Nothing here sends, stores or approves, and no price is ever made per person.
"""

from bankloop.loop.evaluate.off_policy import UnsupportedPolicy
from bankloop.loop.evaluate.policy.contracts import LoggedBank, PolicySpec
from bankloop.loop.evaluate.policy.results import PolicyValuation, RewardReading, ValuedPolicy, valuation_rows
from bankloop.loop.evaluate.policy.service import value_policy

__all__ = [
    "LoggedBank",
    "PolicySpec",
    "PolicyValuation",
    "RewardReading",
    "UnsupportedPolicy",
    "ValuedPolicy",
    "valuation_rows",
    "value_policy",
]
