"""What was taken in, and what came of what was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from bankloop.customer.event.contracts import AMOUNT, SeenEvent, Traffic
from bankloop.store.database import bank_wide
from bankloop.store.history import events_after, events_numbered

_TRAFFIC = text(
    "SELECT type, source, sum(taken)::bigint AS taken, sum(late)::bigint AS late, sum(known)::bigint AS known, "
    "jsonb_agg(refused) FILTER (WHERE refused <> '{}') AS refused, max(received_at) AS last_at "
    "FROM event_receipt WHERE received_at >= :since GROUP BY type, source ORDER BY taken DESC, type, source"
)


def events_since(
    connection: Connection, customers: Sequence[str], types: Sequence[str], since: datetime
) -> list[SeenEvent]:
    """Return the events of types that customers had after a moment, the oldest first; bank-wide, for the program."""
    with bank_wide(connection):
        return [seen_event(row) for row in events_after(connection, customers, types, since)]


def kept_events(connection: Connection, customers: Sequence[str], source: str, ids: Sequence[int]) -> list[SeenEvent]:
    """Return the events kept under a source's numbers, as far as they are of these customers."""
    return [seen_event(row) for row in events_numbered(connection, customers, source, ids)]


def traffic_of(connection: Connection, since: datetime) -> list[Traffic]:
    """Return what came of what was told since a moment, by type and source, most events first."""
    found = []
    for row in connection.execute(_TRAFFIC, {"since": since}).mappings():
        refused: Counter[str] = Counter()
        for told in row["refused"] or ():
            refused.update(told)
        found.append(Traffic(**{**row, "refused": dict(refused.most_common())}))
    return found


def seen_event(row: Any) -> SeenEvent:
    """Return a row of the ledger as an event with its fields, the money among them."""
    fields = dict(row["properties"]) | ({} if row["amount_fen"] is None else {AMOUNT: row["amount_fen"]})
    return SeenEvent(
        row["source"],
        row["event_id"],
        row["type"],
        row["customer_no"],
        row["unit_id"],
        row["occurred_at"],
        row["recorded_at"],
        row["channel"],
        fields,
    )
