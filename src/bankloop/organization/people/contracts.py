"""What crosses the door of people: units in time, staff with posts, licences, leave; books and their transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from bankloop.kit.text import Text


class BusinessLine(StrEnum):
    """The business lines: whose customer it is."""

    RETAIL = "retail"
    CORPORATE = "corporate"
    INTERBANK = "interbank"
    SUBSIDIARY = "subsidiary"


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """A place of the bank as it was at a moment: under which parent, in which line (``*``: all), since and until."""

    unit_id: str
    parent_id: str | None
    kind: str
    line: str
    name: Text
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff at a moment: post, unit and line valid then, and whether at work on that day."""

    staff_id: str
    name: str
    unit_id: str | None
    post: str
    line: str
    minutes_per_day: int
    absent: bool


@dataclass(frozen=True, slots=True)
class Licence:
    """A qualification to sell: of a kind (fund, wealth, insurance, …), until the day before which it must be renewed."""

    staff_id: str
    kind: str
    issued_on: date
    expires_on: date

    def covers(self, day: date) -> bool:
        """Return whether it is valid on a day."""
        return self.issued_on <= day < self.expires_on


@dataclass(frozen=True, slots=True)
class BookRow:
    """A customer as the book has it: unit and, where there is one, the member of staff."""

    customer_no: str
    line: str
    unit_id: str
    staff_id: str | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A book, or named customers of it, on the way from one member of staff to another."""

    transfer_id: UUID
    from_staff: str
    to_staff: str
    to_unit: str
    unit_id: str
    line: str
    customers: tuple[str, ...]
    effective_at: datetime
    state: str
    reason: str
    made_by: str
    decided_by: str | None
    moved: int | None


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What a load changed: units, posts and customers whose unit or manager the source changed."""

    units: int
    staff: int
    customers: int
