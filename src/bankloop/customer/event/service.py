"""Takes events in: each once by its source's number, what fits beside what does not; tells whoever waits for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, insert

from bankloop.customer.consent import standing_among
from bankloop.customer.event import errors
from bankloop.customer.event.contracts import (
    AMOUNT,
    EventsTaken,
    EventState,
    EventType,
    EventVerdict,
    GivenEvent,
    SeenEvent,
    refusals_of,
)
from bankloop.customer.event.queries import kept_events, seen_event
from bankloop.customer.event.rules import fitted_fields, may_take, own_number
from bankloop.customer.event.tables import event_receipt
from bankloop.kit.clock import local_day
from bankloop.kit.errors import InputError
from bankloop.organization.people import keeper_of
from bankloop.organization.rights import require
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.hearings import tell_taken
from bankloop.store.history import append_fresh_events
from bankloop.store.schemas import EVENT_SCHEMA
from bankloop.store.verbs import verb

# A number that is not made of digits is kept beside its digest: two of one digest are told apart.
_NUMBER = "_number"


@verb("event.append")
def take_events(
    connection: Connection, types: Mapping[str, EventType], source: str, given: Sequence[GivenEvent], zone: str
) -> EventsTaken:
    """Take in what fits and return what became of each; ``DeniedError`` without the right.

    An event is refused alone: of a type or field that there is not, of a source that does not tell it, without what it
    needs, in the future, of nobody the bank knows, without its consent, or with a number known for something else.
    """
    require(principal_of(connection), "event.append")
    now = now_of(connection)
    with bank_wide(connection):
        refusals, rows = _judged(connection, types, source, given, zone, now)
        first = {rows[at]["event_id"]: at for at in sorted(rows, reverse=True)}
        fresh = _appended(connection, [rows[at] for at in first.values()])
        kept = _kept(connection, source, [rows[at] for key, at in first.items() if key not in fresh])
    kept |= {key: _as_seen(rows[first[key]]) for key in fresh}
    verdicts = tuple(
        EventVerdict(at, one.number, one.type, EventState.REFUSED, refusals[at].code, refusals[at].message)
        if at in refusals
        else _verdict(at, one, rows[at], kept, new=rows[at]["event_id"] in fresh and first[rows[at]["event_id"]] == at)
        for at, one in enumerate(given)
    )
    done = EventsTaken(verdicts, tuple(kept[key] for key in sorted(fresh, key=lambda key: first[key])))
    _note(connection, types, source, done)
    tell_taken(connection, done.fresh)
    return done


def _judged(
    connection: Connection,
    types: Mapping[str, EventType],
    source: str,
    given: Sequence[GivenEvent],
    zone: str,
    now: datetime,
) -> tuple[dict[int, InputError], dict[int, dict[str, Any]]]:
    """Return why events are refused, and the others as rows of the ledger, both by where they stand."""
    numbers = sorted({one.customer_no for one in given})
    unit = {row.customer_no: row.unit_id for row in keeper_of(connection, *numbers)}
    asking = {one.customer_no for one in given if (kind := types.get(one.type)) and kind.consent is not None}
    words = standing_among(connection, sorted(asking & set(unit))) if asking else {}
    refusals: dict[int, InputError] = {}
    rows: dict[int, dict[str, Any]] = {}
    for at, one in enumerate(given):
        try:
            if (kind := types.get(one.type)) is None:
                raise errors.unknown_type(one.type, types)
            fields = fitted_fields(kind, one, source, now)
            if one.customer_no not in unit:
                raise errors.unknown_customer(one.customer_no)
            said = words.get(one.customer_no, ())
            if kind.consent is not None and not may_take(said, kind.consent, one.channel, one.occurred_at):
                raise errors.no_consent(kind.name)
        except InputError as refusal:
            refusals[at] = refusal
            continue
        amount = fields.pop(AMOUNT, None)
        key = own_number(one.number)
        own = fields if str(key) == one.number else {**fields, _NUMBER: one.number}
        rows[at] = {
            "recorded_on": local_day(now, zone),
            "source": source,
            "event_id": key,
            "customer_no": one.customer_no,
            "unit_id": unit[one.customer_no],
            "type": kind.name,
            "occurred_on": local_day(one.occurred_at, zone),
            "occurred_at": one.occurred_at,
            "recorded_at": now,
            "channel": one.channel,
            "scene": kind.scene,
            "amount_fen": amount,
            "fields": own,
            "properties": json.dumps(own, ensure_ascii=False, sort_keys=True),
        }
    return refusals, rows


def _appended(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Store rows of one source and return the numbers of those that are new."""
    if not rows:
        return set()
    return {number for _, number in append_fresh_events(connection, pa.Table.from_pylist(list(rows), EVENT_SCHEMA))}


def _kept(connection: Connection, source: str, rows: Sequence[Mapping[str, Any]]) -> dict[int, SeenEvent]:
    """Return what is kept under the numbers of rows that are not new."""
    if not rows:
        return {}
    customers = sorted({row["customer_no"] for row in rows})
    return {one.event_id: one for one in kept_events(connection, customers, source, [row["event_id"] for row in rows])}


def _verdict(
    at: int, given: GivenEvent, row: Mapping[str, Any], kept: Mapping[int, SeenEvent], *, new: bool
) -> EventVerdict:
    if new:
        late = bool(row["occurred_on"] < row["recorded_on"])
        return EventVerdict(at, given.number, given.type, EventState.TAKEN, late=late)
    found, told = kept.get(row["event_id"]), _as_seen(row)
    if found is not None and replace(found, recorded_at=told.recorded_at, unit_id=told.unit_id) == told:
        return EventVerdict(at, given.number, given.type, EventState.KNOWN)
    refusal = errors.contradicts(given.number)
    return EventVerdict(at, given.number, given.type, EventState.REFUSED, refusal.code, refusal.message)


def _as_seen(row: Mapping[str, Any]) -> SeenEvent:
    return seen_event({**row, "properties": row["fields"]})


def _note(connection: Connection, types: Mapping[str, EventType], source: str, done: EventsTaken) -> None:
    """Keep a count by type, and one line in the trail: of what is refused nothing else is kept."""
    named: dict[str, list[EventVerdict]] = {}
    for one in done.verdicts:
        # A type that there is not is counted without its name: whoever sends names is not kept by them.
        named.setdefault(one.type if one.type in types else "", []).append(one)
    rows: list[dict[str, Any]] = [
        {
            "source": source,
            "type": name,
            "taken": sum(one.state is EventState.TAKEN for one in found),
            "late": sum(one.late for one in found),
            "known": sum(one.state is EventState.KNOWN for one in found),
            "refused": refusals_of(found),
        }
        for name, found in sorted(named.items())
    ]
    with bank_wide(connection):
        connection.execute(insert(event_receipt), rows)
    after = {name: sum(row[name] for row in rows) for name in ("taken", "late", "known")}
    record_audit(connection, "event.append", "event", source, None, {**after, "refused": refusals_of(done.verdicts)})
