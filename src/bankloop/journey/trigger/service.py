"""Triggers at work: what is heard is queued with the event that was taken in, and acted on from the queue, once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, select, text

from bankloop.customer.event import SeenEvent, events_since, read_event_types
from bankloop.journey.trigger import acting
from bankloop.journey.trigger.acting import Occasion
from bankloop.journey.trigger.contracts import TriggerSpec, WhenKind
from bankloop.journey.trigger.reader import AVERAGE, BIRTHDAY, Vocabulary, read_triggers, trigger_of
from bankloop.journey.trigger.rules import Meets, came_since, completed, row_of
from bankloop.journey.trigger.tables import trigger_rule
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.errors import BankloopError
from bankloop.kit.expression import to_function
from bankloop.kit.ids import canonical_json, digest
from bankloop.lake.contracts import Scope
from bankloop.loop.bank import Bank
from bankloop.organization.people import keeper_of
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES
from bankloop.store.contracts import EVERY_UNIT, Message
from bankloop.store.database import bank_wide, now_of
from bankloop.store.outbox import Drained, drain, enqueue_table

TOPIC = "trigger"
_WHO = system("trigger")
_LOG = logging.getLogger(__name__)
# Triggers in force as they were read: the same content is the same trigger, and every event asks for all.
_READ: dict[tuple[Path, str], TriggerSpec] = {}
_MOST_READ = 500
_EVER_SO_LITTLE = timedelta(microseconds=1)
_LISTENING = text("SELECT DISTINCT unnest(reads) FROM trigger_rule WHERE stopped_at IS NULL")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('trigger:' || :customer, 0))")
_DUE = text(
    "SELECT name, event_key, customer_no, unit_id, digest, code, occurred_at, accepted_at, due_at FROM trigger_firing "
    "WHERE state = 'waiting' AND due_at <= :now AND NOT (name || '/' || event_key || '/' || customer_no) = ANY (:but) "
    "ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"
)


def vocabulary_of(bank: Bank) -> Vocabulary:
    """Return what the bank's triggers may name."""
    spec = bank.spec
    scripts = {
        name: frozenset(channel for one in script.versions if one.state == "approved" for channel in one.bodies)
        for name, script in spec.scripts.items()
    }
    return Vocabulary(read_event_types(bank.folder), bank.catalogue.open_types, scripts, tuple(ROLES))


def triggers_of(bank: Bank) -> dict[str, TriggerSpec]:
    """Return the triggers of the bank's file; ``SpecError`` names file and line."""
    return read_triggers(bank.folder, vocabulary_of(bank))


def hear_events(connection: Connection, fresh: Sequence[SeenEvent]) -> None:
    """Queue what some trigger in force waits for, in the transaction that takes it in: a customer's events together."""
    with bank_wide(connection):
        listening = set(connection.scalars(_LISTENING))
        mine: dict[str, list[SeenEvent]] = {}
        for event in fresh:
            if event.type in listening:
                mine.setdefault(event.customer_no, []).append(event)
        rows = [_message(customer, events) for customer, events in sorted(mine.items())]
        if rows:
            enqueue_table(connection, pa.Table.from_pylist(rows))


def _message(customer: str, events: Sequence[SeenEvent]) -> dict[str, str]:
    numbers = [[one.source, one.event_id] for one in events]
    since = min(one.occurred_at for one in events)
    body = {"customer": customer, "events": numbers, "since": since.isoformat()}
    return {"topic": TOPIC, "key": digest([customer, numbers]), "unit_id": EVERY_UNIT, "payload": canonical_json(body)}


def work_triggers(bank: Bank) -> Drained:
    """Act on everything that was heard and on what is due, each customer's events in a transaction of their own."""
    heard = drain(bank.store, _WHO, TOPIC, lambda connection, message: _handle(bank, connection, message), patient=True)
    return Drained(heard.done + _work_due(bank), heard.failures)


def in_force(connection: Connection, bank: Bank) -> dict[str, TriggerSpec]:
    """Return the triggers in force as they were approved; one whose names are gone is left out and said in the log."""
    found: dict[str, TriggerSpec] = {}
    columns = (trigger_rule.c.name, trigger_rule.c.digest, trigger_rule.c.content)
    query = select(*columns).where(trigger_rule.c.stopped_at.is_(None)).order_by(trigger_rule.c.name)
    for name, made_of, content in connection.execute(query):
        key = (bank.folder, made_of)
        if key not in _READ:
            try:
                one = trigger_of(content, vocabulary_of(bank))
            except BankloopError as error:
                _LOG.error("trigger %s cannot act: %s", name, error)
                continue
            while len(_READ) >= _MOST_READ:
                _READ.pop(next(iter(_READ)))
            _READ[key] = one
        found[name] = _READ[key]
    return found


def _handle(bank: Bank, connection: Connection, message: Message) -> int:
    """Act on one message: a customer's events as they were taken in, or a day that a trigger looks at."""
    body, now = message.payload, now_of(connection)
    connection.execute(_ONE_AT_A_TIME, {"customer": body["customer"]})
    triggers = in_force(connection, bank)
    state = state_of(bank, connection, body["customer"])
    if "day" in body:
        one = triggers.get(body["trigger"])
        row = next(iter(keeper_of(connection, body["customer"])), None)
        if one is None or row is None:
            return 0
        at, asked = datetime.fromisoformat(body["at"]), datetime.fromisoformat(body["asked"])
        what = Occasion(f"day/{body['day']}", row.customer_no, row.unit_id, at, asked, state)
        return int(acting.fire(connection, bank, one, what, now))
    mine = {(source, number) for source, number in body["events"]}
    return handle_events(
        bank, connection, triggers.values(), body["customer"], mine, datetime.fromisoformat(body["since"]), state
    )


def handle_events(
    bank: Bank,
    connection: Connection,
    triggers: Any,
    customer: str,
    mine: set[tuple[str, int]],
    since: datetime,
    state: Mapping[str, Any],
    at_the_time: bool = False,
) -> int:
    """Let triggers act at a customer's events; ``at_the_time`` as it was when each became known; return how many."""
    now, done = now_of(connection), 0
    for trigger in triggers:
        when = trigger.when
        if when.kind is WhenKind.DAY:
            continue
        history = events_since(connection, [customer], when.reads, since - when.within - _EVER_SO_LITTLE)
        meets = meets_of(trigger, state, bank.lake.zone)
        for event in (one for one in history if (one.source, one.event_id) in mine):
            known = [one for one in history if one.recorded_at <= event.recorded_at] if at_the_time else history
            for last in completed(when, event, known, meets):
                moment = event.recorded_at if at_the_time else now
                done += acting.fire(connection, bank, trigger, Occasion.of(last, state), moment)
    return done


def meets_of(trigger: TriggerSpec, state: Mapping[str, Any], zone: str) -> Meets:
    """Return whether an event meets a trigger's condition, of what is known of the customer; unknown is no."""
    where = trigger.when.where
    if where is None:
        return lambda _: True
    holds, names = to_function(where), where.names
    return lambda event: holds(row_of(event, state, names, local_day(event.occurred_at, zone))) is True


def state_of(bank: Bank, connection: Connection, customer: str) -> Mapping[str, Any]:
    """Return what is known of a customer: yesterday's attributes, and the average of the last month that is closed.

    Where no month is closed yet the average is what the customer has.
    """
    if bank.lake.manifest.current("customer") is None:
        return {}
    profiles = bank.profiles(connection)
    known = dict(profiles.attributes([bank.lead_of(customer), customer]))
    month = next(iter(profiles.rows("tier_month", [customer], 1)), None)
    return known | {AVERAGE: month["average_fen"] if month else known.get("aum")}


def _work_due(bank: Bank) -> int:
    """Settle what waited and has become due, one in a transaction; what fails is left for the next time."""
    done, tried = 0, [""]
    while True:
        row = None
        try:
            with bank.store.begin(_WHO) as connection:
                row = connection.execute(_DUE, {"now": now_of(connection), "but": tried}).mappings().first()
                if row is None:
                    return done
                _settle_due(bank, connection, row)
            done += 1
        except Exception as error:
            if row is None:
                raise
            _LOG.error("trigger %s: %s", row["name"], type(error).__name__)
            tried.append("/".join((row["name"], row["event_key"], row["customer_no"])))


def _settle_due(bank: Bank, connection: Connection, row: Mapping[Any, Any]) -> None:
    customer, now = row["customer_no"], now_of(connection)
    connection.execute(_ONE_AT_A_TIME, {"customer": customer})
    state = state_of(bank, connection, customer)
    what = Occasion(
        row["event_key"], customer, row["unit_id"], row["occurred_at"], row["accepted_at"], state, row["due_at"]
    )
    trigger = in_force(connection, bank).get(row["name"])
    if trigger is None or trigger.digest != row["digest"]:
        acting.end(connection, row["name"], what, "trigger.withdrawn")
    elif row["code"] == "trigger.absence" and _came(connection, trigger, what):
        acting.end(connection, trigger.name, what, "trigger.came")
    else:
        acting.settle(connection, bank, trigger, what, now)


def _came(connection: Connection, trigger: TriggerSpec, what: Occasion) -> bool:
    return came_since(
        trigger.when,
        what.occurred_at,
        events_since(connection, [what.customer_no], trigger.when.without, what.occurred_at),
    )


def ask_day(bank: Bank, today: date) -> int:
    """Queue the customers whom the day's triggers mean, each once a day and trigger, and return how many are new."""
    with bank.store.begin(_WHO) as connection:
        wanted = [one for one in in_force(connection, bank).values() if one.when.kind is WhenKind.DAY]
    if not wanted or bank.lake.manifest.current("customer") is None:
        return 0
    rows = list(_meant(bank, wanted, today))
    with bank.store.begin(_WHO) as connection:
        return enqueue_table(connection, pa.Table.from_pylist(rows)) if rows else 0


def _meant(bank: Bank, wanted: Sequence[TriggerSpec], today: date) -> Iterator[dict[str, str]]:
    names = sorted({name for one in wanted if one.when.where for name in one.when.where.names} - {BIRTHDAY, AVERAGE})
    table = bank.state(today - timedelta(days=1)).table.select(["customer_no", *names])
    born = _born_on(bank, today) if any(BIRTHDAY in one.when.where.names for one in wanted if one.when.where) else set()
    holds = [(one, to_function(one.when.where)) for one in wanted if one.when.where is not None]
    at, asked = local_moment(today, 0, 0, bank.lake.zone).isoformat(), bank.store.clock.now().isoformat()
    for row in table.to_pylist():
        known = {**row, BIRTHDAY: row["customer_no"] in born, AVERAGE: row.get("aum"), "today": today}
        for trigger, meets in holds:
            if meets(known) is True:
                number = row["customer_no"]
                body = {"day": today.isoformat(), "at": at, "asked": asked, "trigger": trigger.name, "customer": number}
                key = f"{trigger.name}/{today}/{number}"
                yield {"topic": TOPIC, "key": key, "unit_id": EVERY_UNIT, "payload": canonical_json(body)}


def _born_on(bank: Bank, today: date) -> set[str]:
    """Return whose birthday a day is; who was born on 29 February has it on the 28th where there is no 29th."""
    short = (today.month, today.day) == (2, 28) and (today + timedelta(days=1)).day == 1
    with bank.lake.connection(Scope.whole_bank("trigger")) as engine:
        found = engine.sql(
            "SELECT customer_no FROM customer WHERE month(birth_date) = $month AND day(birth_date) IN ($day, $also)",
            params={"month": today.month, "day": today.day, "also": 29 if short else today.day},
        ).fetchall()
    return {number for (number,) in found}
