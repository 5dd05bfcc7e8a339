"""What crosses the door of points: the programme of a file, a lot of points, what a customer has, what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from bankloop.kit.text import Text
from bankloop.ledger.contracts import LedgerFault

ASSET = "points"
PPM = 1_000_000
MAX_POINTS = 1_000_000_000
# The bank's own accounts; a partner who issues has one of its own, which clears with it.
ISSUED, REDEEMED, EXPIRED = "points/issued", "points/redeemed", "points/expired"
PARTNERS = "points/partner/"
# Of each customer: what may be spent, what may be spent later, what is owed.
WALLETS, PENDINGS, DEBTS = "points/wallet/", "points/pending/", "points/debt/"


class LotState(StrEnum):
    """Where a lot stands: not yet to be spent, to be spent, past its day, taken back."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class Expiry:
    """When points end: never, so many months after they may be spent and rounded up, or at days of the year."""

    kind: str
    months: int = 0
    round_up: str = ""
    days: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class EarnRule:
    """What an event earns: ``points`` each ``each_fen`` of it, or ``points`` as they are where that is 0."""

    rule_id: str
    title: Text
    event: str
    points: int
    each_fen: int = 0
    tiers: Mapping[int, int] | None = None
    cap_per: str = ""
    cap_points: int = 0


@dataclass(frozen=True, slots=True)
class PointsProgramme:
    """A bank's ``points.yaml``; shares in millionths, money in fen."""

    title: Text
    begins: date
    pending_days: int
    expiry: Expiry
    debts: bool
    grace_days: int
    worth_fen: int
    breakage_ppm: int
    rules: tuple[EarnRule, ...]


@dataclass(frozen=True, slots=True)
class PointsLot:
    """Points earned at once: how many, how many are left, from when and until before when they may be spent."""

    lot: str
    customer_no: str
    points: int
    remaining: int
    state: LotState
    rule: str
    reason: str
    issuer: str
    earned_at: datetime
    active_from: date
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Spend:
    """Points spent at once, and how many of them were given back."""

    spend: str
    customer_no: str
    points: int
    returned: int
    reason: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a customer has: to be spent now, not yet, owed, and what ends within thirty days."""

    customer_no: str
    available: int
    pending: int
    debt: int
    ending: int
    lots: tuple[PointsLot, ...]
    spends: tuple[Spend, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """What moved in a month of all wallets."""

    month: date
    earned: int
    spent: int
    expired: int


@dataclass(frozen=True, slots=True)
class Owed:
    """What the bank owes its customers in points, what it sets aside for that, and whether the books are right."""

    outstanding: int
    pending: int
    debt: int
    set_aside_fen: int
    ending: int
    wallets: int
    months: tuple[Month, ...]
    issued_by: Mapping[str, int]
    wrong: tuple[LedgerFault, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """What a night did: lots that became active, expired, were earned from events, and debts that were settled."""

    activated: int
    expired: int
    earned: int
    settled: int
