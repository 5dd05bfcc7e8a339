"""The two appended ledgers: everything that happened, and everything we did. Each row is stored once, for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, RowMapping, text

from bankloop.store.contracts import DecisionBatch
from bankloop.store.copying import bring_in, copy_out, fitted, found_rows, sole
from bankloop.store.schemas import DECISION_DEFAULTS, DECISION_SCHEMA, EVENT_DEFAULTS, EVENT_SCHEMA

_KEY = "campaign, round, customer_no, placement, window_start"
_PARTITION = text("SELECT bankloop_partition(:parent, :month)")
_AFTER = text(
    f"SELECT {', '.join(EVENT_SCHEMA.names)} FROM event WHERE customer_no = ANY (:customers) AND type = ANY (:types) "
    "AND occurred_at > :since AND occurred_on >= CAST(:since AS date) - 1 ORDER BY occurred_at, event_id"
)
_NUMBERED = text(
    f"SELECT {', '.join(EVENT_SCHEMA.names)} FROM event "
    "WHERE customer_no = ANY (:customers) AND source = :source AND event_id = ANY (:ids)"
)
_CASTS = {
    "decision_id": "::uuid",
    "plan_id": "::uuid",
    "propensities": "::jsonb",
    "attributes": "::jsonb",
    "model_versions": "::jsonb",
    "properties": "::jsonb",
}


def append_events(connection: Connection, table: pa.Table) -> int:
    """Store events (columns of ``EVENT_SCHEMA``) and return how many were new; (source, event_id) is stored once."""
    rows = fitted("events", table, EVENT_SCHEMA, EVENT_DEFAULTS)
    return sole(connection, *_appending(connection, rows)) if rows.num_rows else 0


def append_fresh_events(connection: Connection, table: pa.Table) -> set[tuple[str, int]]:
    """Store events as ``append_events`` does and return the (source, event_id) of those that are new."""
    rows = fitted("events", table, EVENT_SCHEMA, EVENT_DEFAULTS)
    statement, values = _appending(connection, rows)
    return {
        (source, number) for source, number in found_rows(connection, f"{statement} RETURNING source, event_id", values)
    }


def _appending(connection: Connection, rows: pa.Table) -> tuple[str, Mapping[str, Any] | None]:
    """Bring events in and return the statement that stores those that are new, and its values."""
    _ensure_months(connection, "event", rows.column("occurred_on"))
    given = bring_in(connection, rows)
    statement = (
        f"WITH {given.head}once AS (SELECT DISTINCT ON (source, event_id) * FROM {given.name} "
        f"ORDER BY source, event_id), "
        f"fresh AS (INSERT INTO event_key SELECT source, event_id FROM once ORDER BY source, event_id "
        f"ON CONFLICT DO NOTHING RETURNING source, event_id) "
        f"INSERT INTO event ({_names(EVENT_SCHEMA)}) SELECT {_cast(EVENT_SCHEMA)} "
        f"FROM once i JOIN fresh USING (source, event_id)"
    )
    return statement, given.values


def append_decisions(connection: Connection, batch: DecisionBatch) -> int:
    """Store decisions and return how many were new.

    A decision already issued for (campaign, round, customer, placement, window) stays as it is; the batch's row for it
    is left out.
    """
    rows = fitted("decisions", batch.table, DECISION_SCHEMA, DECISION_DEFAULTS)
    if not rows.num_rows:
        return 0
    _ensure_months(connection, "decision", rows.column("window_start"))
    given = bring_in(connection, rows)
    return sole(
        connection,
        f"WITH {given.head}fresh AS (INSERT INTO decision_key ({_KEY}, decision_id, unit_id) "
        f"SELECT {_KEY}, decision_id::uuid, unit_id FROM {given.name} ORDER BY {_KEY} "
        f"ON CONFLICT DO NOTHING RETURNING decision_id) "
        f"INSERT INTO decision ({_names(DECISION_SCHEMA)}) SELECT {_cast(DECISION_SCHEMA)} "
        f"FROM {given.name} i JOIN fresh f ON f.decision_id = i.decision_id::uuid",
        given.values,
    )


def read_decisions(
    connection: Connection,
    campaigns: Sequence[str],
    round_: int | None = None,
    window_start: date | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Return the decisions of campaigns, of one round and one window where given.

    All columns of ``DECISION_SCHEMA``, or only ``columns`` of it: a decision is wide, and each reader needs little.
    """
    schema = DECISION_SCHEMA if columns is None else pa.schema([DECISION_SCHEMA.field(name) for name in columns])
    return copy_out(
        connection,
        f"SELECT {_plain(schema)} FROM decision WHERE campaign = ANY (%(campaigns)s)"
        + (" AND round = %(round)s" if round_ is not None else "")
        + (" AND window_start = %(window)s" if window_start is not None else "")
        + " ORDER BY campaign, round, window_start, customer_no, placement",
        schema,
        {"campaigns": list(campaigns), "round": round_, "window": window_start},
    )


def read_recorded(
    connection: Connection, campaigns: Sequence[str], rounds: Sequence[int], names: Sequence[str]
) -> pa.Table:
    """Return what decisions of campaigns' rounds recorded of the attributes ``names``: (decision_id, attributes as JSON).

    A name that a decision did not record is null there.
    """
    return copy_out(
        connection,
        "SELECT decision_id, (SELECT jsonb_object_agg(n.name, attributes -> n.name) "
        "FROM unnest(%(names)s::text[]) AS n (name)) FROM decision "
        "WHERE campaign = ANY (%(campaigns)s) AND round = ANY (%(rounds)s)",
        pa.schema([DECISION_SCHEMA.field(name) for name in ("decision_id", "attributes")]),
        {"campaigns": list(campaigns), "rounds": list(rounds), "names": list(names)},
    )


def read_reasons(connection: Connection, decision_ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Return what explains each decision that may be seen: the attributes it read, its lock and its reasons."""
    query = text("SELECT decision_id, lock_digest, attributes, reasons FROM decision WHERE decision_id = ANY (:ids)")
    rows = connection.execute(query, {"ids": list(decision_ids)}).mappings()
    return {row["decision_id"]: dict(row) for row in rows}


def read_events(connection: Connection, types: Sequence[str], since: date, until: date) -> pa.Table:
    """Return the events of ``types`` that occurred from ``since`` to ``until``, both inclusive (``EVENT_SCHEMA``)."""
    return copy_out(
        connection,
        f"SELECT {_plain(EVENT_SCHEMA)} FROM event WHERE type = ANY (%(types)s) "
        "AND occurred_on BETWEEN %(since)s AND %(until)s ORDER BY occurred_at, source, event_id",
        EVENT_SCHEMA,
        {"types": list(types), "since": since, "until": until},
    )


def read_events_told(
    connection: Connection, types: Sequence[str], sources: Sequence[str], since: datetime | None
) -> pa.Table:
    """Return the events of types from sources that became known since a moment (``EVENT_SCHEMA``), in order of their ids."""
    return copy_out(
        connection,
        f"SELECT {_plain(EVENT_SCHEMA)} FROM event WHERE (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s) "
        "AND type = ANY (%(types)s) AND source = ANY (%(sources)s) ORDER BY source, event_id",
        EVENT_SCHEMA,
        {"since": since, "types": list(types), "sources": list(sources)},
    )


def events_after(
    connection: Connection, customers: Sequence[str], types: Sequence[str], since: datetime
) -> list[RowMapping]:
    """Return the events of types that customers had after a moment, the oldest first; few, as rows of the ledger."""
    values = {"customers": list(customers), "types": list(types), "since": since}
    return list(connection.execute(_AFTER, values).mappings())


def events_numbered(
    connection: Connection, customers: Sequence[str], source: str, ids: Sequence[int]
) -> list[RowMapping]:
    """Return the events kept under a source's numbers, as far as they are of these customers, as rows of the ledger."""
    values = {"customers": list(customers), "source": source, "ids": list(ids)}
    return list(connection.execute(_NUMBERED, values).mappings())


def _ensure_months(connection: Connection, parent: str, days: pa.ChunkedArray) -> None:
    months: set[Any] = set(pc.unique(pc.floor_temporal(days, unit="month")).to_pylist())
    for month in sorted(months):
        connection.execute(_PARTITION, {"parent": parent, "month": month})


def _names(schema: pa.Schema) -> str:
    return ", ".join(schema.names)


def _cast(schema: pa.Schema) -> str:
    return ", ".join(f"i.{name}{_CASTS.get(name, '')}" for name in schema.names)


def _plain(schema: pa.Schema) -> str:
    """Return the columns as the CSV reader takes them: lists as JSON."""
    return ", ".join(f"array_to_json({f.name})" if pa.types.is_list(f.type) else f.name for f in schema)
