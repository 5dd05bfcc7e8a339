"""What crosses the door of servicing: the policy of each tier, who keeps a customer, what an assignment and a round of care did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bankloop.kit import Text


class Mode(StrEnum):
    """Who keeps a customer: exactly one of these does."""

    MANAGER = "manager"
    REMOTE = "remote"
    DIGITAL = "digital"


MODES: Mapping[Mode, Text] = {
    Mode.MANAGER: Text("客户经理", "manager"),
    Mode.REMOTE: Text("远程银行", "remote centre"),
    Mode.DIGITAL: Text("数字化", "digital"),
}


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """How a tier is served: by whom, after how many days without a contact care is due (None: never), what it gets."""

    tier: int
    mode: Mode
    contact_days: int | None
    benefits: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """The policy of every tier, and in how many days a care task is due."""

    care_due_days: int
    tiers: Mapping[int, TierPolicy]

    def of(self, tier: int) -> TierPolicy:
        """Return the policy of a tier: its own, or that of the nearest one below."""
        return self.tiers[max(number for number in self.tiers if number <= max(tier, min(self.tiers)))]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps a customer now, and who stands in for them."""

    mode: Mode
    owner: str
    backup: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an assignment left: customers by mode, managers newly given, and how many have nobody: none."""

    as_of: date
    modes: Mapping[Mode, int]
    given: int
    unassigned: int


@dataclass(frozen=True, slots=True)
class Care:
    """What a round of care found: customers without a contact for too long, and the tasks that were made."""

    due: int
    tasks: int
