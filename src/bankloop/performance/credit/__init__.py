"""Credit for what was sold (业绩归属): split over the people and lines that brought it, never above the whole, each with evidence."""

from bankloop.performance.credit.contracts import WHOLE, Credited, Deal, Share
from bankloop.performance.credit.errors import bad_deal
from bankloop.performance.credit.rules import credited_fen, even_shares, read_shares
from bankloop.performance.credit.service import credits_of, deals_of, deals_since, record_deal, scorecards

__all__ = [
    "WHOLE",
    "Credited",
    "Deal",
    "Share",
    "bad_deal",
    "credited_fen",
    "credits_of",
    "deals_of",
    "deals_since",
    "even_shares",
    "read_shares",
    "record_deal",
    "scorecards",
]
