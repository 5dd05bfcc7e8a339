"""Points of customers (积分): earned by rules of a file, spent those first that end first, all of it on the ledger."""

from bankloop.benefit.points.contracts import (
    EarnRule,
    Expiry,
    LotState,
    Night,
    Owed,
    PointsLot,
    PointsProgramme,
    Spend,
    Wallet,
)
from bankloop.benefit.points.night import work_night
from bankloop.benefit.points.reading import last_owed, owed, wallet
from bankloop.benefit.points.rules import ends_on, points_of, read_number, read_points
from bankloop.benefit.points.service import earn_points, give_back, spend_points, take_back

__all__ = [
    "EarnRule",
    "Expiry",
    "LotState",
    "Night",
    "Owed",
    "PointsLot",
    "PointsProgramme",
    "Spend",
    "Wallet",
    "earn_points",
    "ends_on",
    "give_back",
    "last_owed",
    "owed",
    "points_of",
    "read_number",
    "read_points",
    "spend_points",
    "take_back",
    "wallet",
    "work_night",
]
