"""What crosses the door of the daily report: figures that add up, a unit's report, to whom it goes, how it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, Self

# The roles that lead a unit: the whole bank, a branch with what is below it, a sub-branch.
LEADERS = ("hq_strategist", "hq_approver", "branch_commander", "sub_branch_head")


@dataclass(frozen=True, slots=True)
class Balance:
    """One kind of balance in fen: at the day's end (时点), its averages (日均), and since the year's start (较年初).

    ``since_year_start`` is None where the year's start is not known.
    """

    point: int = 0
    month_average: int = 0
    year_average: int = 0
    since_year_start: int | None = 0

    def plus(self, other: Balance) -> Balance:
        """Return the sum; what one of the two does not know, the sum does not."""
        return Balance(
            self.point + other.point,
            self.month_average + other.month_average,
            self.year_average + other.year_average,
            _sum(self.since_year_start, other.since_year_start),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What one unit did, as whole numbers that add up over units: balances by kind, customers, fees in fen, tasks.

    Tasks are those due in the month up to the day; fees (中收) are accrued at the bank's rates.
    """

    balances: Mapping[str, Balance] = field(default_factory=dict)
    customers: int = 0
    effective: int = 0
    effective_since: int | None = 0
    fees_month: int = 0
    fees_year: int = 0
    instructed: int = 0
    on_time: int = 0
    done: int = 0
    overdue: int = 0
    open: int = 0

    def plus(self, other: Figures) -> Figures:
        """Return the sum of two units."""
        kinds = [*self.balances, *(kind for kind in other.balances if kind not in self.balances)]
        summed = {name: getattr(self, name) + getattr(other, name) for name in _WHOLE}
        return Figures(
            {kind: self.balances.get(kind, Balance()).plus(other.balances.get(kind, Balance())) for kind in kinds},
            effective_since=_sum(self.effective_since, other.effective_since),
            **summed,
        )

    def plain(self) -> dict[str, Any]:
        """Return the figures as the store keeps them."""
        balances = {
            kind: {name: getattr(one, name) for name in Balance.__dataclass_fields__}
            for kind, one in self.balances.items()
        }
        return {
            "balances": balances,
            "effective_since": self.effective_since,
            **{name: getattr(self, name) for name in _WHOLE},
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return figures as the store kept them."""
        balances = {kind: Balance(**one) for kind, one in plain["balances"].items()}
        return cls(**{**plain, "balances": balances})


_WHOLE = tuple(name for name in Figures.__dataclass_fields__ if name not in ("balances", "effective_since"))


@dataclass(frozen=True, slots=True)
class DailyReport:
    """One unit's report of a day: its own figures with those of all units below, and theirs one level down.

    ``direct`` is what belongs to the unit itself and to none below; ``data_on`` the day of the newest balances,
    ``known_from`` the first day of this year of which there are balances.
    """

    day: date
    unit_id: str
    whole: Figures
    below: Mapping[str, Figures]
    direct: Figures
    data_on: date
    known_from: date
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who leads a unit and is told of it."""

    person: str
    unit_id: str


@dataclass(frozen=True, slots=True)
class DailyDelivery:
    """A report that was handed to a leader."""

    day: date
    unit_id: str
    person: str
    delivered_at: datetime


class Press(Protocol):
    """Makes the pages of a report: file ending → content."""

    def __call__(self, report: DailyReport) -> Mapping[str, bytes]:
        """Return the pages of one report."""
        ...


class Post(Protocol):
    """Hands pages to a leader. Given the same key twice, it must not hand them twice."""

    def hand_over(self, key: str, pages: Mapping[str, bytes]) -> None:
        """Hand the pages over."""
        ...


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
