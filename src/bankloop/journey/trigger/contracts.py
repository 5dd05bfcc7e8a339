"""What crosses the door of triggers: when one fires and what it then does, what became of it, how fast it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bankloop.kit.expression import Expression
from bankloop.kit.text import Text


class WhenKind(StrEnum):
    """How a trigger looks at what happens: one event, so many in a window, one after others, none since, or a day."""

    EVENT = "event"
    COUNT = "count"
    SEQUENCE = "sequence"
    ABSENCE = "absence"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class When:
    """When a trigger fires: on ``events`` that meet ``where``; what else is said depends on its kind.

    ``within`` is the window of a count or a sequence and the time of an absence; ``without`` are the events that keep a
    count from being one, or end an absence.
    """

    kind: WhenKind
    events: tuple[str, ...] = ()
    where: Expression | None = None
    times: int = 1
    within: timedelta = timedelta(0)
    without: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Return every type of events that it looks at, sorted."""
        return tuple(sorted({*self.events, *self.without}))


@dataclass(frozen=True, slots=True)
class ContactEffect:
    """One contact asked of the gate: an approved script over the first channel that is open, to sell or to serve."""

    script: str
    channels: tuple[str, ...]
    marketing: bool


@dataclass(frozen=True, slots=True)
class TaskEffect:
    """A task for the customer's keeper: what it says, and within how much working time it is to be done."""

    title: Text
    within: timedelta


@dataclass(frozen=True, slots=True)
class NoticeEffect:
    """A notice to whoever has a role where the customer is kept."""

    role: str
    title: Text


Effect = ContactEffect | TaskEffect | NoticeEffect


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """One trigger as a bank's file has it; ``digest`` is what an approval of it is of.

    ``rest`` is how long it leaves a customer alone after it fired, ``fresh`` how late it still takes an event.
    """

    name: str
    title: Text
    when: When
    effects: tuple[Effect, ...]
    rest: timedelta
    fresh: timedelta
    content: Mapping[str, object]
    digest: str

    @property
    def contacts(self) -> bool:
        """Return whether it asks for a contact, which waits while customers are left alone."""
        return any(isinstance(one, ContactEffect) for one in self.effects)


class FiringState(StrEnum):
    """What became of a trigger and an event: done, held back, waiting for its moment, or over before it."""

    FIRED = "fired"
    SUPPRESSED = "suppressed"
    WAITING = "waiting"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Firing:
    """What became of one trigger at one event: taken in at ``accepted_at``, its effect made at ``fired_at``."""

    trigger: str
    event_key: str
    customer_no: str
    unit_id: str
    state: FiringState
    code: str
    reason: Text
    effects: tuple[str, ...]
    occurred_at: datetime
    accepted_at: datetime
    fired_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often a trigger fired and was held back on a day, and how fast it was in ms; None where it never fired."""

    trigger: str
    day: date
    fired: int
    suppressed: int
    p50_ms: int | None
    p99_ms: int | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How often a trigger was held back for a reason."""

    trigger: str
    code: str
    reason: Text
    count: int


@dataclass(frozen=True, slots=True)
class TriggerNotice:
    """A notice: of what, about whom, for which role of which unit."""

    notice_id: int
    trigger: str
    role: str
    unit_id: str
    customer_no: str
    title: Text
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a trigger would have done with stored events: how many it looked at, fired, and held back by reason."""

    trigger: str
    events: int
    firings: tuple[Firing, ...]
