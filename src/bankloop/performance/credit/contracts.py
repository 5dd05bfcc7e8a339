"""What crosses the door of credit: a deal, who brought which share of it, and what each person has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

# Shares are whole millionths: a whole deal is this many, and no more are ever given.
WHOLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Deal:
    """Something sold: of which customer, in which unit, worth how many fen, and by which task it is shown."""

    deal_id: UUID
    source_key: str
    customer_no: str
    unit_id: str
    what: str
    amount_fen: int
    happened_on: date
    task_id: UUID | None
    credited_ppm: int
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """One person's share of a deal, for their line, in millionths, and their own task that shows it where there is one."""

    staff_id: str
    line: str
    share_ppm: int
    task_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Credited:
    """What a person was credited with in a time: deals touched, shares of deals in millionths, and fen."""

    staff_id: str
    unit_id: str
    deals: int
    share_ppm: int
    amount_fen: int
