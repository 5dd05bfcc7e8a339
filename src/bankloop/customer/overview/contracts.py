"""What crosses the door: one customer at a glance; money is None while it is masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bankloop.customer.contribution import Moved, Statement
from bankloop.customer.servicing import Keeper, TierPolicy
from bankloop.customer.tier import Tier, TierMonth
from bankloop.kit import Text


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the relationship score with its points."""

    name: str
    title: Text
    points: int


@dataclass(frozen=True, slots=True)
class Overview:
    """One customer at a glance as of a day.

    ``tier`` is of the last closed month, None before one was closed; ``months`` the latest first. While ``masked``, no
    amount is shown: ``averages``, ``statement`` and ``moved`` are None, and points that would tell a balance are left out.
    """

    customer_no: str
    as_of: date
    masked: bool
    keeper: Keeper | None
    tier: Tier | None
    watched: bool
    policy: TierPolicy
    months: tuple[TierMonth, ...]
    averages: Mapping[date, int] | None
    attributes: Mapping[str, Any]
    factors: tuple[Factor, ...]
    statement: Statement | None
    moved: Moved | None

    @property
    def score(self) -> int:
        """Return the points shown, added up."""
        return sum(one.points for one in self.factors)
