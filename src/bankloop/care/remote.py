"""The remote centre (远程运维): whom no manager keeps is kept in touch with in batches, the worthiest one by one.

A round looks at everybody kept remotely or digitally whom nobody was in touch with for as long as the policy allows. Grade A
is called by a seat of the centre; all others get one message by the best way open. Both are marketing: the contact gate asks
consent and caps of each, and what it refuses is counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.contact.contracts import CONTACT_SCHEMA, Cap, Capacity
from bankloop.contact.gate import reserve_contacts
from bankloop.customer.consent import permits
from bankloop.customer.servicing import (
    KEEPERS,
    RemoteCare,
    RemotePolicy,
    RemoteRound,
    SeatQueue,
    last_touched,
    not_assigned,
    read_policy,
    share_out,
)
from bankloop.customer.tier import averages
from bankloop.kit.ids import digest
from bankloop.kit.worktime import WorkTime
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.copying import copy_out
from bankloop.store.database import bank_wide
from bankloop.store.outbox import enqueue
from bankloop.store.verbs import verb

REMOTE = "remote_care"
CALL = "rm_call"
MARKETING = "marketing"
_DUE = timedelta(days=2)
_PART = 5_000
_BOOK = pa.schema([("customer_no", pa.string()), ("unit_id", pa.string())])
_UNITS = (
    "SELECT customer_no, unit_id FROM customer_book WHERE line = 'retail' AND valid_from <= bankloop_now() "
    "AND (valid_to IS NULL OR valid_to > bankloop_now())"
)
_SEATS = text(
    "SELECT s.staff_id, p.unit_id FROM staff s JOIN staff_post p USING (staff_id) WHERE p.post = 'remote_seat' "
    "AND p.valid_from <= bankloop_now() AND (p.valid_to IS NULL OR p.valid_to > bankloop_now()) AND NOT s.on_leave "
    "AND NOT EXISTS (SELECT FROM staff_leave l WHERE l.staff_id = s.staff_id AND :day BETWEEN l.since AND l.until) ORDER BY 1"
)
_LONG_TAIL = """
SELECT k.customer_no, coalesce(u.unit_id, '*') AS unit_id, coalesce(a.balance, 0) AS balance_fen,
    coalesce(c.push_allowed, false) AS push, coalesce(c.phone_valid, false) AS phone
FROM kept k JOIN customer c USING (customer_no) LEFT JOIN units u USING (customer_no) LEFT JOIN assets a USING (customer_no)
ANTI JOIN (SELECT customer_no FROM touched WHERE touched > $since) USING (customer_no)
ORDER BY balance_fen DESC, customer_no
"""

_QUEUES = text(
    "SELECT staff_id, count(*) FILTER (WHERE state NOT IN ('DONE', 'REJECTED', 'RECALLED', 'EXPIRED')) AS open, "
    "count(*) FILTER (WHERE state NOT IN ('DONE', 'REJECTED', 'RECALLED', 'EXPIRED') AND due_at < bankloop_now()) AS overdue, "
    "count(*) FILTER (WHERE state = 'DONE') AS done FROM staff_task WHERE campaign = :care AND staff_id IS NOT NULL GROUP BY 1 ORDER BY 1"
)
_ROUNDS = text(
    "SELECT due_day, channel, count(*) FILTER (WHERE accepted) AS passed, count(*) FILTER (WHERE NOT accepted) AS refused "
    "FROM contact WHERE campaign = :care GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT :most"
)


@verb("servicing.maintain")
def maintain_remote(
    connection: Connection,
    lake: Lake,
    today: date,
    script: str,
    channels: Sequence[str],
    caps: Sequence[Cap] = (),
    capacities: Sequence[Capacity] = (),
    hours: WorkTime | None = None,
) -> RemoteCare:
    """Keep in touch with whom no manager keeps: a seat calls grade A, one message goes to each of the others.

    ``script`` names the approved text, ``channels`` those that it has a body for. Grade A beyond what the seats at work can
    call waits for the next round. Asked again the same day, nothing is new. Raises ``ConflictError`` before keepers were
    assigned.
    """
    policy, clock = read_policy(lake.folder).remote, hours or WorkTime(lake.zone)
    rows = _quiet(connection, lake, policy, today)
    listed = _listed(connection, rows)
    open_ = [row for row in rows if row["customer_no"] not in listed]
    with bank_wide(connection):
        seats = {row.staff_id: row.unit_id for row in connection.execute(_SEATS, {"day": today})}
    worthy = [row for row in open_ if row["balance_fen"] >= policy.grade_a_fen]
    single = worthy[: policy.calls_a_seat * len(seats)]
    refused: Counter[str] = Counter({"do_not_contact": len(listed)} if listed else {})
    calls = _calls(connection, single, seats, today, caps, capacities, clock, refused)
    messages: dict[str, list[dict[str, Any]]] = {}
    for row in (row for row in open_ if row["balance_fen"] < policy.grade_a_fen):
        way = next((name for name, able in (("app_push", row["push"]), ("sms", row["phone"])) if able and name in channels), "")  # fmt: skip
        if way:
            messages.setdefault(way, []).append(row)
        else:
            refused["no_channel"] += 1
    sent = {
        way: _messages(connection, people, way, script, today, caps, capacities, clock, refused)
        for way, people in sorted(messages.items())
    }
    done = RemoteCare(len(rows), calls, sent, len(worthy) - len(single), dict(sorted(refused.items())))
    after = {"due": done.due, "calls": calls, "messages": sent, "waiting": done.waiting, "refused": dict(done.refused)}
    record_audit(connection, "servicing.maintain", "servicing", today.isoformat(), None, after)
    return done


def seat_queues(connection: Connection) -> list[SeatQueue]:
    """Return the queue of every seat that has calls of the remote centre, as far as who acts sees them."""
    return [SeatQueue(*row) for row in connection.execute(_QUEUES, {"care": REMOTE})]


def remote_rounds(connection: Connection, most: int = 30) -> list[RemoteRound]:
    """Return what the centre's rounds did by day and channel, the latest first."""
    return [RemoteRound(*row) for row in connection.execute(_ROUNDS, {"care": REMOTE, "most": most})]


def _quiet(connection: Connection, lake: Lake, policy: RemotePolicy, today: date) -> list[dict[str, Any]]:
    """Return whom no manager keeps and nobody was in touch with, the worthiest first."""
    version = lake.manifest.current(KEEPERS)
    if version is None:
        raise not_assigned()
    with bank_wide(connection), lake.engine() as engine:
        kept = engine.sql(f"SELECT customer_no FROM {lake.reading(version)} WHERE mode <> 'manager'").to_arrow_table()
        touched = last_touched(connection, lake, kept["customer_no"], today)
        units = copy_out(connection, _UNITS, _BOOK)
    found = averages(lake, today, today + timedelta(days=1))
    numbers, balance = found if found is not None else (pa.array([], pa.string()), pa.array([], pa.int64()))
    with lake.connection(Scope.whole_bank("servicing")) as engine:
        for name, table in (("kept", kept), ("touched", touched), ("units", units)):
            engine.register(name, table)
        engine.register("assets", pa.table({"customer_no": numbers, "balance": balance}))
        since = today - timedelta(days=policy.every_days)
        rows: list[dict[str, Any]] = engine.sql(_LONG_TAIL, params={"since": since}).to_arrow_table().to_pylist()
    return rows


def _listed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    numbers = [row["customer_no"] for row in rows]
    if not numbers:
        return set()
    stops = permits(connection, pa.array(numbers, pa.string())).listed
    return {number for number, stop in zip(numbers, stops, strict=True) if stop}


def _calls(
    connection: Connection,
    rows: Sequence[Mapping[str, Any]],
    seats: Mapping[str, str],
    today: date,
    caps: Sequence[Cap],
    capacities: Sequence[Capacity],
    hours: WorkTime,
    refused: Counter[str],
) -> int:
    """Reserve and open one call each, shared out evenly over the seats; return how many."""
    going = _passed(connection, rows, CALL, today, caps, capacities, hours, refused)
    given = share_out([row["customer_no"] for row in going], dict.fromkeys(seats, 0))
    start = datetime.combine(today, time(9), ZoneInfo(hours.zone))
    for row in going:
        seat = given[row["customer_no"]]
        asked = NewTask(
            _id(row["customer_no"], today), TaskKind.CARE, row["customer_no"], seats[seat], REMOTE, start, start + _DUE, seat,
            action=REMOTE, value_fen=row["balance_fen"], campaign=REMOTE,
        )  # fmt: skip
        open_task(connection, asked, hours.zone)
    return len(going)


def _messages(
    connection: Connection,
    rows: Sequence[Mapping[str, Any]],
    channel: str,
    script: str,
    today: date,
    caps: Sequence[Cap],
    capacities: Sequence[Capacity],
    hours: WorkTime,
    refused: Counter[str],
) -> int:
    """Reserve a channel's messages and queue the new ones in parts; return how many."""
    going = [
        {"contact": _id(row["customer_no"], today), "campaign": REMOTE, "customer_no": row["customer_no"], "action": f"{REMOTE}|none|{channel}", "script": script}
        for row in _passed(connection, rows, channel, today, caps, capacities, hours, refused)
    ]  # fmt: skip
    for at in range(0, len(going), _PART):
        part = going[at : at + _PART]
        body = {"channel": channel, "due_on": today.isoformat(), "campaign": REMOTE, "contacts": part}
        enqueue(connection, "delivery", f"{REMOTE}/{today}/{channel}/{digest(body)[:16]}", EVERY_UNIT, body)
    return len(going)


def _passed(
    connection: Connection,
    rows: Sequence[Mapping[str, Any]],
    channel: str,
    today: date,
    caps: Sequence[Cap],
    capacities: Sequence[Capacity],
    hours: WorkTime,
    refused: Counter[str],
) -> list[Mapping[str, Any]]:
    """Return those whom the gate lets be contacted by a channel, each new; count what it refuses."""
    if not rows:
        return []
    due = datetime.combine(today, time(12), ZoneInfo(hours.zone))
    asked = [
        {"decision_id": _id(row["customer_no"], today), "customer_no": row["customer_no"], "unit_id": row["unit_id"], "channel": channel, "campaign": REMOTE, "contact_class": MARKETING, "due_at": due}
        for row in rows
    ]  # fmt: skip
    with bank_wide(connection):
        outcomes = reserve_contacts(
            connection, pa.Table.from_pylist(asked, CONTACT_SCHEMA), caps, capacities, hours.zone
        )
    told = {row["decision_id"]: row for row in outcomes.to_pylist()}
    passed = []
    for row in rows:
        outcome = told[_id(row["customer_no"], today)]
        if not outcome["accepted"]:
            refused[outcome["refused_by"]] += 1
        elif outcome["new"]:
            passed.append(row)
    return passed


def _id(customer_no: str, today: date) -> str:
    return str(UUID(digest([REMOTE, customer_no, today.isoformat()])[:32]))
