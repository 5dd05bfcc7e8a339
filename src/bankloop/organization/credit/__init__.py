"""Credit for what was sold (业绩归属): split over the people and lines that brought it, never above the whole, each with evidence."""

from bankloop.organization.credit.contracts import WHOLE, Credited, Deal, Share
from bankloop.organization.credit.errors import bad_deal
from bankloop.organization.credit.rules import credited_fen, even_shares, read_shares
from bankloop.organization.credit.service import credits_of, deals_of, deals_since, record_deal, scorecards

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
