"""Contribution (价值贡献度): what a customer brings in a year after funding, fees, cost, expected loss and capital; new money.

Rates are a dated file. This room measures; it says nothing of what to offer.
"""

from bankloop.customer.contribution.contracts import Line, Moved, RateCard, Rates, Statement
from bankloop.customer.contribution.queries import YEAR, money_moved, statements
from bankloop.customer.contribution.rules import card_on, line_of, moved, read_cards, share

__all__ = [
    "YEAR",
    "Line",
    "Moved",
    "RateCard",
    "Rates",
    "Statement",
    "card_on",
    "line_of",
    "money_moved",
    "moved",
    "read_cards",
    "share",
    "statements",
]
