"""The clock is passed in: nothing below the edge asks the machine what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clock; made at the edge only."""

    def now(self) -> datetime:
        """Return the machine's present moment in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for tests, replays and the simulated bank."""

    at: datetime

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at


def local_day(moment: datetime, zone: str) -> date:
    """Return the bank-local calendar day of an aware moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def local_moment(day: date, hour: int, minute: int, zone: str) -> datetime:
    """Return the UTC moment of a bank-local wall-clock time."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)
