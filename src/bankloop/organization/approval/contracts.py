"""What crosses the door of approvals: requests, what they ask for, their route, who acted, what a page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from bankloop.kit.text import Text
from bankloop.store.contracts import EVERY_UNIT


class ApprovalState(StrEnum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CONSUMER_OK = "consumer_ok"
    COMPLIANCE_OK = "compliance_ok"
    FIRST_OK = "first_ok"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"
    KILLED = "killed"
    EXPIRED = "expired"
    VOID = "void"


class Stage(StrEnum):
    """A consent that a request needs, each from another person."""

    CONSUMER = "consumer"
    COMPLIANCE = "compliance"
    FIRST = "first"
    SECOND = "second"


class Lane(StrEnum):
    """How fast a change goes: stable needs two approvals, agile one while it stays within the limits."""

    STABLE = "stable"
    AGILE = "agile"


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to where one approval will do, and for how long a request and an approval are good.

    ``branches`` narrows or widens customers and money for a unit (授权额度); above ``customers``, ``money_fen`` or from
    ``risk`` on, head office decides and two approve.
    """

    customers: int = 10_000
    money_fen: int = 5_000_000
    risk: int = 3
    branches: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    decide_days: int = 14
    start_days: int = 30
    emergency_hours: int = 72

    def of(self, unit_id: str) -> tuple[int, int]:
        """Return customers and money in fen that a unit may approve by itself."""
        return self.branches.get(unit_id, (self.customers, self.money_fen))


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks for, as far as the route depends on it; None is unknown and counts as beyond every limit.

    ``risk`` is the highest R level of the products, 0 for none; ``unit_id`` the branch it is for, ``*`` head office;
    ``parties`` are the people whom it is about: none of them consents.
    """

    customers: int | None = 0
    money_fen: int | None = 0
    risk: int = 0
    lane: Lane | None = None
    emergency: bool = False
    unit_id: str = EVERY_UNIT
    limits: Limits = Limits()
    parties: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return what is stored of it; the limits by which the route was made belong to it."""
        own, money = self.limits.of(self.unit_id)
        return {
            "customers": self.customers,
            "money_fen": self.money_fen,
            "risk": self.risk,
            "limit_customers": own,
            "limit_money_fen": money,
            "limit_risk": self.limits.risk,
            "decide_days": self.limits.decide_days,
            "start_days": self.limits.start_days,
            "emergency_hours": self.limits.emergency_hours,
            "parties": list(self.parties),
        }


@dataclass(frozen=True, slots=True)
class Route:
    """The stages of a request in their order, its lane, whether head office decides, and why."""

    stages: tuple[Stage, ...]
    lane: Lane
    head_office: bool
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ConsentVerdict:
    """Whether somebody may, and the reason."""

    allowed: bool
    reason: Text


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document beside an opinion: its name and the sha256 of its bytes; the bytes stay where the bank keeps them."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody did with a request: submit, pass, return, recall, schedule, start, pause and so on."""

    number: int
    act: str
    stage: Stage | None
    person: str
    acting_for: str | None
    comment: str
    attachments: tuple[Attachment, ...]
    state: ApprovalState
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One request about an object as its digest says it is."""

    approval_id: UUID
    kind: str
    object_id: str
    digest: str
    maker: str
    checker: str | None
    state: ApprovalState
    reason: str
    submitted_at: datetime
    decided_at: datetime | None
    unit_id: str = EVERY_UNIT
    lane: Lane = Lane.AGILE
    emergency: bool = False
    demand: Mapping[str, Any] = field(default_factory=dict)
    effect: Mapping[str, Any] = field(default_factory=dict)
    route: tuple[Stage, ...] = (Stage.FIRST,)
    passed: int = 0
    base_digest: str | None = None
    starts_on: date | None = None
    expires_at: datetime | None = None
    content: Mapping[str, Any] | None = None

    @property
    def open(self) -> bool:
        """Return whether it waits for a consent."""
        return self.state in OPEN

    @property
    def granted(self) -> bool:
        """Return whether it has every consent and nothing has stopped it."""
        return self.state in GRANTED


OPEN = (ApprovalState.SUBMITTED, ApprovalState.CONSUMER_OK, ApprovalState.COMPLIANCE_OK, ApprovalState.FIRST_OK)
GRANTED = (ApprovalState.APPROVED, ApprovalState.SCHEDULED, ApprovalState.RUNNING)
LIVE = (*OPEN, *GRANTED, ApprovalState.PAUSED)
OVER = (ApprovalState.CLOSED, ApprovalState.KILLED, ApprovalState.EXPIRED, ApprovalState.VOID)


@dataclass(frozen=True, slots=True)
class Term:
    """How long an approval was good: from its last consent until it ended or ends; None where nothing ends it."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """One place where what is asked for differs from what was last approved; None where it was or is not."""

    place: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PredictedFact:
    """One predicted effect: its name, the value as people read it."""

    title: Text
    value: Text


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage on the line: done by whom and when, waiting now, or still to come."""

    stage: Stage
    title: Text
    done: bool
    now: bool
    person: str | None
    acting_for: str | None
    at: datetime | None
    comment: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request as page and command line show it, for one person: what changes, what it does, who acted, what I may."""

    approval: Approval
    title: Text
    state: Text
    lane: Text
    why: tuple[Text, ...]
    stages: tuple[StageView, ...]
    changes: tuple[Change, ...]
    effect: tuple[PredictedFact, ...]
    acts: tuple[Act, ...]
    may: tuple[str, ...]
    verdict: ConsentVerdict
