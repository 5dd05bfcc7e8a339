"""What crosses the door: types of events, an event as its source tells it, what became of those given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bankloop.customer.consent import Purpose
from bankloop.kit.expression import Type
from bankloop.kit.text import Text
from bankloop.lake.contracts import DataClass

# Of all fields this one stands in the event's own column of money.
AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class EventField:
    """One field of a type of events: money is written in yuan and kept in fen, a day as 2026-06-30."""

    name: str
    title: Text
    type: Type
    data_class: DataClass
    required: bool


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of events: who may tell it, what it says, which consent it needs, and how many days back it may lie."""

    name: str
    title: Text
    sources: tuple[str, ...]
    fields: Mapping[str, EventField]
    scene: str = ""
    consent: Purpose | None = None
    days: int = 400


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """One event as its source tells it: ``number`` is the source's own for it, by which it is taken in once."""

    number: str
    type: str
    customer_no: str
    occurred_at: datetime
    channel: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


class EventState(StrEnum):
    """What became of an event that was given."""

    TAKEN = "taken"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """What became of one event: where it stood among those given, and why it was refused."""

    at: int
    number: str
    type: str
    state: EventState
    code: str = ""
    reason: Text | None = None
    late: bool = False


def refusals_of(verdicts: Iterable[EventVerdict]) -> dict[str, int]:
    """Return how many were refused, by reason."""
    return dict(sorted(Counter(one.code for one in verdicts if one.state is EventState.REFUSED).items()))


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event as it is kept, with its fields in the smallest unit."""

    source: str
    event_id: int
    type: str
    customer_no: str
    unit_id: str
    occurred_at: datetime
    recorded_at: datetime
    channel: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventsTaken:
    """What became of all that were given, in their order, and those that are new as they are kept."""

    verdicts: tuple[EventVerdict, ...]
    fresh: tuple[SeenEvent, ...]

    def count(self, state: EventState) -> int:
        """Return how many came to ``state``."""
        return sum(one.state is state for one in self.verdicts)

    @property
    def refused(self) -> dict[str, int]:
        """Return how many were refused, by reason."""
        return refusals_of(self.verdicts)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came of a type's events since some moment: taken in, of them late, known already, refused by reason."""

    type: str
    source: str
    taken: int
    late: int
    known: int
    refused: Mapping[str, int]
    last_at: datetime
