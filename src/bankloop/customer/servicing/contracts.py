"""What crosses the door of servicing: the policy of each tier, who keeps a customer, what an assignment and a round of care did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bankloop.kit.text import Text


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
class RemotePolicy:
    """Whom no manager keeps is kept in touch with every so many days; from ``grade_a_fen`` on a seat calls, so many each."""

    every_days: int
    grade_a_fen: int
    calls_a_seat: int


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """The policy of every tier, in how many days a care task is due, and what the remote centre does."""

    care_due_days: int
    tiers: Mapping[int, TierPolicy]
    remote: RemotePolicy

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


@dataclass(frozen=True, slots=True)
class RemoteCare:
    """A round of the remote centre: whom it was due with, calls given to seats, messages by channel, who waits, who was refused."""

    due: int
    calls: int
    messages: Mapping[str, int]
    waiting: int
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeatQueue:
    """One seat's calls: open, of them overdue, and done."""

    staff_id: str
    open: int
    overdue: int
    done: int


@dataclass(frozen=True, slots=True)
class RemoteRound:
    """One day's contacts by one channel: how many passed the gate, how many it refused."""

    day: date
    channel: str
    passed: int
    refused: int
