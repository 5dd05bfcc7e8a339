"""What crosses the door: one customer at a glance; money is None while it is masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bankloop.customer.contribution import Moved, Statement
from bankloop.customer.servicing import Keeper, TierPolicy
from bankloop.customer.tier import Tier, TierMonth
from bankloop.kit.text import Text


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the relationship score with its points."""

    name: str
    title: Text
    points: int


@dataclass(frozen=True, slots=True)
class Known:
    """One attribute with its origin: its value is None while it is masked, or not known.

    ``version`` is the model's for a score, else the first digits of the definition's digest. ``valid_until`` is the last
    day on which it may be relied on: as the model said, else as fresh as the catalogue asks. ``made_of`` are the
    attributes that it was computed from.
    """

    name: str
    title: Text
    value: Any
    masked: bool
    kind: str
    owner: str
    as_of: date
    type: str
    version: str = ""
    model: str = ""
    valid_until: date | None = None
    made_of: tuple[str, ...] = ()

    @property
    def money(self) -> bool:
        """Return whether the value is fen."""
        return self.type == "money"


@dataclass(frozen=True, slots=True)
class Held:
    """What a customer holds of one class: how many, and the sum of the balances in fen."""

    product_class: str
    holdings: int
    balance_fen: int | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is expected of the next thirty days: a maturity that is certain, a payday that is usual."""

    day: date
    kind: str
    product_class: str
    amount_fen: int | None
    certain: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the time line: an event, a contact, a decision or a task."""

    at: datetime
    kind: str
    what: str
    channel: str
    state: str
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided about a customer in one round, and why or why not."""

    campaign: str
    round: int
    window_start: date
    action: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """One customer at a glance as of a day.

    ``numbers`` are all of the person's. ``tier`` is of the last closed month, None before one was closed; ``months`` the
    latest first. While ``masked``, no amount is shown: balances, ``averages``, ``assets_fen``, ``statement`` and ``moved``
    are None, and what would tell a balance is left out. ``assets_fen`` is the sum of the holdings that count as assets.
    """

    customer_no: str
    numbers: tuple[str, ...]
    as_of: date
    masked: bool
    keeper: Keeper | None
    tier: Tier | None
    watched: bool
    policy: TierPolicy
    months: tuple[TierMonth, ...]
    averages: Mapping[date, int] | None
    attributes: tuple[Known, ...]
    factors: tuple[Factor, ...]
    holdings: tuple[Held, ...]
    assets_fen: int | None
    statement: Statement | None
    moved: Moved | None
    ahead: tuple[Ahead, ...]
    timeline: tuple[Entry, ...]
    decided: tuple[PastDecision, ...]

    @property
    def score(self) -> int:
        """Return the points shown, added up."""
        return sum(one.points for one in self.factors)

    def value(self, name: str) -> Any:
        """Return an attribute's value as it is shown; None where it is not."""
        return next((one.value for one in self.attributes if one.name == name), None)
