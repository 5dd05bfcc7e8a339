"""Contribution (价值贡献度): what a customer brings in a year after funding, fees, cost, expected loss and capital; new money.

Rates are a dated file. This room measures; it says nothing of what to offer.
"""

from bankloop.customer.contribution.contracts import Moved, RateCard, Rates, Statement, StatementLine
from bankloop.customer.contribution.queries import YEAR, money_moved, statements
from bankloop.customer.contribution.rules import card_on, line_of, moved, read_cards, share

__all__ = [
    "YEAR",
    "Moved",
    "RateCard",
    "Rates",
    "Statement",
    "StatementLine",
    "card_on",
    "line_of",
    "money_moved",
    "moved",
    "read_cards",
    "share",
    "statements",
]
