"""Single rows of the ledgers by their ids, for tracing what led to what; row-level security decides who sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.store.questions import Question

_DECISION = """
SELECT decision_id, campaign, round, customer_no, unit_id, placement, window_start, window_end, lock_digest, plan_id, as_of,
    state_digest, cell, intended_action, issued_action, propensities, model_versions, value_fen, reasons, due_on, recorded_at
FROM decision
"""
_OF_WINDOW = (
    *(
        "decision_id",
        "campaign",
        "round",
        "placement",
        "window_start",
        "window_end",
        "cell",
        "issued_action",
        "reasons",
    ),
    "part",
)
_IN_WINDOWS = (
    f"SELECT {', '.join(_OF_WINDOW[:-1])}, attributes -> %(part)s FROM decision WHERE lock_digest <> '' "
    "AND customer_no = %(customer)s AND window_start = ANY (%(starts)s) ORDER BY campaign, placement"
).encode()
_EVENT = text(
    "SELECT source, event_id, customer_no, type, channel, scene, occurred_on, occurred_at, recorded_at FROM event "
    "WHERE source = :source AND event_id = :id"
)
_LATER = text(
    "SELECT source, event_id, customer_no, type, channel, scene, occurred_on, occurred_at, recorded_at FROM event "
    "WHERE customer_no = :customer AND occurred_on BETWEEN :since AND :until ORDER BY occurred_at, source, event_id"
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the ledger."""

    source: str
    event_id: int
    customer_no: str
    type: str
    channel: str
    scene: str
    occurred_on: date
    occurred_at: datetime
    recorded_at: datetime


def decision_row(connection: Connection, decision_id: UUID) -> Mapping[str, Any] | None:
    """Return a decision by its id; None where there is none that the principal sees."""
    found = connection.execute(text(_DECISION + "WHERE decision_id = :id"), {"id": decision_id}).mappings().first()
    return None if found is None else dict(found)


def windows_asked(customer_no: str, starts: Sequence[date], part: str) -> Question[list[Mapping[str, Any]]]:
    """Return the question for campaigns' decisions about a customer in the windows that began on ``starts``.

    ``part`` is one of what each decision read, as its row's ``part``.
    """
    values = {"customer": customer_no, "starts": list(starts), "part": part}
    return Question(_IN_WINDOWS, lambda rows: [dict(zip(_OF_WINDOW, row, strict=True)) for row in rows], values)


def decisions_before(connection: Connection, event: EventRow) -> list[Mapping[str, Any]]:
    """Return the campaigns' decisions about an event's customer in whose window it fell, the latest first."""
    query = text(
        _DECISION
        + "WHERE lock_digest <> '' AND customer_no = :customer AND window_start <= :day AND coalesce(due_on, window_end) > :day "
        "ORDER BY window_start DESC, recorded_at DESC, campaign"
    )
    rows = connection.execute(query, {"customer": event.customer_no, "day": event.occurred_on}).mappings()
    return [dict(row) for row in rows]


def event_row(connection: Connection, source: str, event_id: int) -> EventRow | None:
    """Return an event by its source and number; None where there is none that the principal sees."""
    found = connection.execute(_EVENT, {"source": source, "id": event_id}).first()
    return None if found is None else EventRow(*found)


def events_about(connection: Connection, customer_no: str, since: date, until: date) -> list[EventRow]:
    """Return a customer's events from ``since`` to ``until``, both inclusive."""
    values = {"customer": customer_no, "since": since, "until": until}
    return [EventRow(*row) for row in connection.execute(_LATER, values)]


def decided_at_places(connection: Connection, prefix: str, since: date) -> list[tuple[str, int, int]]:
    """Return (placement, customers, those with an issued action) decided since a day for campaigns with ``prefix``."""
    query = text(
        "SELECT placement, count(DISTINCT customer_no), count(DISTINCT customer_no) FILTER (WHERE issued_action <> '') "
        "FROM decision WHERE starts_with(campaign, :prefix) AND recorded_at >= :since GROUP BY 1 ORDER BY 1"
    )
    return [tuple(row) for row in connection.execute(query, {"prefix": prefix, "since": since})]


def events_by_source(connection: Connection, since: date) -> list[tuple[str, int, int]]:
    """Return (source, events, events with an amount) told or loaded into the store since a day."""
    query = text(
        "SELECT source, count(*), count(amount_fen) FROM event WHERE occurred_on >= :since GROUP BY 1 ORDER BY 1"
    )
    return [tuple(row) for row in connection.execute(query, {"since": since})]


def events_counted(connection: Connection, source: str, since: date) -> list[tuple[str, str, int]]:
    """Return (channel, type, events) that a source told since a day."""
    query = text(
        "SELECT channel, type, count(*) FROM event WHERE source = :source AND occurred_on >= :since "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [tuple(row) for row in connection.execute(query, {"source": source, "since": since})]
