"""What crosses the door of tasks: a task and what was done with it, outcomes, clocks, figures by person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from bankloop.kit.later import later
from bankloop.kit.text import Text

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = later("pyarrow")

TASK_DEFAULTS: Mapping[str, object] = {"risk": 0, "licence": "", "kind": "campaign", "list_id": None}


@cache
def task_schema() -> pa.Schema:
    """Return the columns of tasks that are made by the table."""
    return pa.schema(
        [
            pa.field("decision_id", pa.string(), nullable=False),
            pa.field("campaign", pa.string(), nullable=False),
            pa.field("round", pa.int32(), nullable=False),
            pa.field("customer_no", pa.string(), nullable=False),
            pa.field("unit_id", pa.string(), nullable=False),
            pa.field("due_on", pa.date32(), nullable=False),
            pa.field("action", pa.string(), nullable=False),
            pa.field("value_fen", pa.int64(), nullable=False),
            pa.field("script_version", pa.string(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("risk", pa.int32(), nullable=False),  # the product's rating, 1 to 5; 0 where it has none
            pa.field("licence", pa.string(), nullable=False),  # the kind that selling it needs; '' for any
            pa.field("kind", pa.string(), nullable=False),
            pa.field("list_id", pa.string()),  # the list that asked for it, if any
        ]
    )


class TaskState(StrEnum):
    """Where a staff task stands (practice: 下发、分配、接单、办理、办结)."""

    CREATED = "CREATED"
    ALLOTTED = "ALLOTTED"
    ASSIGNED = "ASSIGNED"
    ACCEPTED = "ACCEPTED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    REJECTED = "REJECTED"
    RECALLED = "RECALLED"
    EXPIRED = "EXPIRED"


class TaskKind(StrEnum):
    """Why there is a task: a plan's decision, a customer's appointment, care, an alert, a referral, a list, support."""

    CAMPAIGN = "campaign"
    FOLLOW_UP = "follow_up"
    CARE = "care"
    ALERT = "alert"
    REFERRAL = "referral"
    LIST = "list"
    SUPPORT = "support"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Service:
    """How soon a kind of task is answered first and done, in working time."""

    response: timedelta
    resolution: timedelta


@dataclass(frozen=True, slots=True)
class OutcomeSpec:
    """What may come of a contact: its name, whether the customer was reached, whether the task ends, what follows."""

    code: str
    title: Text
    reached: bool
    closes: bool
    next_step: Text


@dataclass(frozen=True, slots=True)
class Task:
    """One thing for one member of staff to do with one customer, by when, and why."""

    task_id: UUID
    kind: TaskKind
    campaign: str
    round: int
    customer_no: str
    unit_id: str
    staff_id: str | None
    due_on: date
    action: str
    value_fen: int
    script_version: str
    reason: str
    state: TaskState
    state_reason: str
    risk: int = 0
    licence: str = ""
    made_at: datetime | None = None
    start_at: datetime | None = None
    due_at: datetime | None = None
    responded_at: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""
    attempts: int = 0
    escalated: int = 0
    parent_id: UUID | None = None
    list_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that no plan's decision makes; ``key`` says what asked for it, and there is one task a key.

    ``decision_id`` is the decision whose contact it is to make, and becomes its own id: one contact, counted once.
    """

    key: str
    kind: TaskKind
    customer_no: str
    unit_id: str
    reason: str
    start_at: datetime
    due_at: datetime
    staff_id: str | None = None
    action: str = ""
    value_fen: int = 0
    campaign: str = ""
    script_version: str = ""
    risk: int = 0
    licence: str = ""
    parent_id: UUID | None = None
    list_id: UUID | None = None
    decision_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One thing that was done with a task, by whom, and what came of it."""

    event_id: UUID
    task_id: UUID
    act: str
    person: str
    human: bool
    outcome: str
    note: str
    next_at: datetime | None
    happened_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class TaskClock:
    """One clock of a task: when it runs out and was stopped, the working time left (below nought: over), if missed."""

    due_at: datetime
    met_at: datetime | None
    left: timedelta
    missed: bool


@dataclass(frozen=True, slots=True)
class TaskClocks:
    """The clocks of a task: the first answer, the next one while it is under way, its end; None where there is none."""

    first_response: TaskClock | None
    next_response: TaskClock | None
    resolution: TaskClock | None


@dataclass(frozen=True, slots=True)
class Escalation:
    """An open task that was escalated: when it last was, and whether anybody has touched it since."""

    task: Task
    since: datetime
    touched: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """The form of a visit: at which kind of place, whom one met, what it was about."""

    place: str
    met: str
    matter: str

    @property
    def words(self) -> str:
        """Return the visit as a task keeps it."""
        return " · ".join(part for part in (self.place, self.met.strip(), self.matter.strip()) if part)


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What became of a batch: tasks made, already known, and the decisions for which the unit's day was full."""

    created: int
    known: int
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of tasks sent down: given to the customer's manager, to a backup, to the pool, and left without hands."""

    keeper: int
    backup: int
    pool: int
    left: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """That a person reached the customer: over which channel and when, and whether it was to sell something."""

    channel: str
    marketing: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Logged:
    """A task after something was logged, the follow-up that it led to, and the contact that was made."""

    task: Task
    follow_up: Task | None
    known: bool = False
    spoken: Spoken | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """How a person or a unit did what was instructed: ``on_time`` of ``instructed``, and how fast the first answer came."""

    who: str
    instructed: int
    on_time: int
    done: int
    overdue: int
    open: int
    response_median: timedelta | None
    response_p95: timedelta | None

    @property
    def execution_rate(self) -> float | None:
        """Return the share done on time (营销指令落实率); None where nothing was instructed."""
        return self.on_time / self.instructed if self.instructed else None
