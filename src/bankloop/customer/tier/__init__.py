"""Tiers (智慧分层): monthly-average assets, up at once, down after warning, as a dated and approved rule.

A month is closed once for everybody and kept in the lake. This room says where customers stand, not what they are offered.
"""

from bankloop.customer.tier.contracts import Closing, Standings, Tier, TierMonth, TierRule
from bankloop.customer.tier.counts import TierCount, tier_counts
from bankloop.customer.tier.queries import (
    ASSETS,
    SnapshotSpan,
    averages,
    last_month,
    months_of,
    next_month,
    spans,
    standings_after,
)
from bankloop.customer.tier.rules import begin, moves, read_tier_rules, rule_on, step, tiers_of, weigh
from bankloop.customer.tier.service import ask_rules, close_month

__all__ = [
    "ASSETS",
    "Closing",
    "SnapshotSpan",
    "Standings",
    "Tier",
    "TierCount",
    "TierMonth",
    "TierRule",
    "ask_rules",
    "averages",
    "begin",
    "close_month",
    "last_month",
    "months_of",
    "moves",
    "next_month",
    "read_tier_rules",
    "rule_on",
    "spans",
    "standings_after",
    "step",
    "tier_counts",
    "tiers_of",
    "weigh",
]
