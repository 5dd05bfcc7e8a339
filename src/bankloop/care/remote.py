"""The remote centre (远程运维): whom no manager keeps is kept in touch with in batches, the worthiest one by one.

A round looks at everybody kept remotely or digitally whom nobody was in touch with for as long as the policy allows. Grade A
is called by a seat of the centre; all others get one message by the best way open. Both are marketing: the contact gate asks
consent and caps of each, and what it refuses is counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.contact.asking import AskedContacts, Asker, DecisionClass, GiveOut, Intent, ask
from bankloop.contact.contracts import Cap, Capacity
from bankloop.contact.queries import contacts_by_day
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
from bankloop.loop.offering.shelf import gate
from bankloop.organization.task import NewTask, TaskKind, open_task, queues_of
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_out
from bankloop.store.database import bank_wide
from bankloop.store.verbs import verb

REMOTE = "remote_care"
CALL = "rm_call"
_DUE = timedelta(days=2)
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
    asking = RemoteAsking(today, caps, capacities, clock.zone)
    # A seat's calls are the centre's own: what managers' calls may be in a day neither holds them back nor counts them.
    by_seats = replace(asking, capacities=[one for one in capacities if one.channel != CALL])
    called = _calls(connection, single, seats, by_seats)
    refused.update(called.refused)
    messages: dict[str, list[Intent]] = {}
    for row in (row for row in open_ if row["balance_fen"] < policy.grade_a_fen):
        able = (("app_push", row["push"]), ("sms", row["phone"]))
        way = next((name for name, open_to in able if open_to and name in channels), "")
        if way:
            messages.setdefault(way, []).append(_intent(row, way, today, script))
        else:
            refused["no_channel"] += 1
    calls, sent = len(called.passed), {}
    for way, intents in sorted(messages.items()):
        told = asking.ask(connection, intents)
        refused.update(told.refused)
        sent[way] = len(told.passed)
    done = RemoteCare(len(rows), calls, sent, len(worthy) - len(single), dict(sorted(refused.items())))
    after = {"due": done.due, "calls": calls, "messages": sent, "waiting": done.waiting, "refused": dict(done.refused)}
    record_audit(connection, "servicing.maintain", "servicing", today.isoformat(), None, after)
    return done


def seat_queues(connection: Connection) -> list[SeatQueue]:
    """Return the queue of every seat that has calls of the remote centre, as far as who acts sees them."""
    return [SeatQueue(*row) for row in queues_of(connection, REMOTE)]


def remote_rounds(connection: Connection, most: int = 30) -> list[RemoteRound]:
    """Return what the centre's rounds did by day and channel, the latest first."""
    return [RemoteRound(*row) for row in contacts_by_day(connection, REMOTE, most)]


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
    connection: Connection, rows: Sequence[Mapping[str, Any]], seats: Mapping[str, str], asking: RemoteAsking
) -> AskedContacts:
    """Ask for one call each; those that pass are shared out evenly over the seats."""
    start = datetime.combine(asking.today, time(9), ZoneInfo(asking.zone))

    def give_out(connection: Connection, passed: Sequence[Intent]) -> None:
        given = share_out([one.customer_no for one in passed], dict.fromkeys(seats, 0))
        for one in passed:
            seat = given[one.customer_no]
            asked = NewTask(
                one.decision_id, TaskKind.CARE, one.customer_no, seats[seat], REMOTE, start, start + _DUE, seat,
                action=REMOTE, value_fen=one.value_fen, campaign=REMOTE, decision_id=UUID(one.decision_id),
            )  # fmt: skip
            open_task(connection, asked, asking.zone)

    return asking.ask(connection, [_intent(row, CALL, asking.today) for row in rows], give_out)


@dataclass(frozen=True, slots=True)
class RemoteAsking:
    """What all contacts of a round ask with: its day, the gate's limits, the screen."""

    today: date
    caps: Sequence[Cap]
    capacities: Sequence[Capacity]
    zone: str

    def ask(self, connection: Connection, intents: Sequence[Intent], give_out: GiveOut | None = None) -> AskedContacts:
        """Ask for contacts as the programme does; see ``contact.asking.ask``."""
        programme = Asker(f"care:{REMOTE}", DecisionClass.MARKETING, REMOTE, self.zone)
        return ask(connection, programme, intents, gate, self.caps, self.capacities, give_out)


def _intent(row: Mapping[str, Any], channel: str, today: date, script: str = "") -> Intent:
    number = str(UUID(digest([REMOTE, row["customer_no"], today.isoformat()])[:32]))
    read = {"balance_fen": row["balance_fen"]}
    action = f"{REMOTE}|none|{channel}"
    return Intent(
        number, row["customer_no"], row["unit_id"], channel, action, today, REMOTE, row["balance_fen"], script, read
    )
