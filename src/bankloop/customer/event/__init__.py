"""Events: what happens to customers, told as it happens. Types are a file; there is one door for all of them.

An event is taken in once by its source's own number, in whatever order it arrives. What does not fit its type is refused
with its reason, and what stands beside it is not lost. Types that need a consent are taken in only where it
stands, and stood when the event happened.
"""

from bankloop.customer.event.bringing import bring_events
from bankloop.customer.event.contracts import (
    EventField,
    EventsTaken,
    EventState,
    EventType,
    EventVerdict,
    GivenEvent,
    SeenEvent,
    Traffic,
)
from bankloop.customer.event.errors import bad_event_lines, unreadable_events
from bankloop.customer.event.queries import events_since, traffic_of
from bankloop.customer.event.rules import may_take, own_number, read_event_types
from bankloop.customer.event.service import take_events

__all__ = [
    "EventField",
    "EventState",
    "EventType",
    "EventVerdict",
    "EventsTaken",
    "GivenEvent",
    "SeenEvent",
    "Traffic",
    "bad_event_lines",
    "bring_events",
    "events_since",
    "may_take",
    "own_number",
    "read_event_types",
    "take_events",
    "traffic_of",
    "unreadable_events",
]
