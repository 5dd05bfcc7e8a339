"""The verbs of tasks: made, given, accepted, logged, done, rejected, recalled, expired; each leaves what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, text, update

from bankloop.kit.clock import local_day
from bankloop.kit.ids import uuid7
from bankloop.kit.later import later
from bankloop.kit.worktime import WorkTime
from bankloop.organization import errors
from bankloop.organization.people import backups_of, licences_of, may_take, person_of
from bankloop.organization.people import errors as people_errors
from bankloop.organization.rights.catalogue import SYSTEM
from bankloop.organization.rights.existing import check_named
from bankloop.organization.tables import staff_task as table
from bankloop.organization.task.appointments import appointment
from bankloop.organization.task.contracts import (
    TASK_DEFAULTS,
    Logged,
    NewTask,
    Spoken,
    Task,
    TaskKind,
    TaskReport,
    TaskState,
    task_schema,
)
from bankloop.organization.task.repository import add, by_key, change, locked, note, noted, task_of
from bankloop.organization.task.rules import MARKETING, MOST_ATTEMPTS, OPEN, SERVICE, UNTOUCHED, outcome_of
from bankloop.organization.task.telling import channel_of, tell
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.copying import copy_in, fitted
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = later("pyarrow")

# The day's worthiest come first; what is already there counts against the day, expired tasks apart. What a decision has
# already is one probe by key: as NOT EXISTS, the cost that the policy states leads the planner into a nested loop.
_PLACE = """
CREATE TEMPORARY TABLE {placed} ON COMMIT DROP AS
SELECT i.*, row_number() OVER (PARTITION BY unit_id, due_on ORDER BY value_fen DESC, decision_id)
    + coalesce(d.made, 0) AS place, c.room
FROM (SELECT DISTINCT ON (decision_id) * FROM {name}) i
JOIN {room} c USING (unit_id)
LEFT JOIN (SELECT unit_id, due_on, count(*) AS made FROM staff_task WHERE state <> 'EXPIRED' GROUP BY 1, 2) d
    USING (unit_id, due_on)
WHERE (SELECT true FROM staff_task t WHERE t.task_id = i.decision_id::uuid LIMIT 1) IS NULL
"""
_INSERT = """
INSERT INTO staff_task (task_id, list_id, {columns}, state, state_reason, updated_at, start_at, due_at)
SELECT decision_id::uuid, list_id::uuid, {columns}, 'CREATED', '', :now, d.start_at, d.due_at
FROM {placed} p JOIN {days} d USING (due_on) WHERE place <= room
"""
# Columns that the database keeps as ids.
_IDS = ("decision_id", "list_id")


@verb("task.create")
def create_tasks(
    connection: Connection, tasks: pa.Table, capacity: Mapping[str, int], hours: WorkTime | None = None
) -> TaskReport:
    """Make tasks (``task_schema``) where the unit's day has room, the most valuable first, and report what became.

    ``capacity`` is tasks a day by unit, ``NO_LIMIT`` where others hold the day already; a unit that it does not name has
    none. A decision has one task, however often it is given. The clock of a task runs from the beginning to the end of work on its day.
    """
    made = place_tasks(connection, tasks, capacity, hours)
    if made.created:
        campaigns = sorted(set(tasks.column("campaign").unique().to_pylist()))
        after = {"created": made.created, "refused": len(made.refused), "asked": tasks.num_rows}
        record_audit(connection, "task.create", "campaign", ",".join(campaigns), None, after)
    return made


def place_tasks(
    connection: Connection, tasks: pa.Table, capacity: Mapping[str, int], hours: WorkTime | None = None
) -> TaskReport:
    """Make tasks as ``create_tasks`` does; the caller's verb answers for them and records it."""
    rows = fitted("tasks", tasks, task_schema(), TASK_DEFAULTS)
    if not rows.num_rows:
        return TaskReport(0, 0, ())
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('staff_task'))"))
    name, room = copy_in(connection, rows), copy_in(connection, _room(rows, capacity))
    days = copy_in(connection, _days(rows, hours or WorkTime()))
    placed = f"placed_{name}"
    connection.execute(text(_PLACE.format(placed=placed, name=name, room=room)))
    plain = ", ".join(column for column in task_schema().names if column not in _IDS)
    statement = text(_INSERT.format(columns=plain, placed=placed, days=days))
    created = connection.execute(statement, {"now": now_of(connection)}).rowcount
    refused = tuple(
        connection.scalars(text(f"SELECT decision_id FROM {placed} WHERE place > room ORDER BY decision_id"))
    )
    return TaskReport(created, rows.num_rows - created - len(refused), refused)


@verb("task.open")
def open_task(connection: Connection, asked: NewTask, zone: str = "Asia/Shanghai") -> Task:
    """Make a task that no plan makes, once for its key, and return it.

    Raises ``NotFoundError`` for a customer, a unit or a person that nobody knows.
    """
    known = by_key(connection, asked.key)
    if known is not None:
        return known
    check_named(connection, customer_no=asked.customer_no, unit_id=asked.unit_id, staff_id=asked.staff_id)
    return opened(connection, asked, zone)


@verb("task.assign")
def assign_task(connection: Connection, task_id: UUID, staff_id: str, reason: str = "") -> None:
    """Give an open task to a member of staff who is at work on its day and licensed for its risk.

    Raises ``ConflictError`` for who is on leave, naming the backup, ``DeniedError`` for who lacks the licence or works
    outside of the units that the acting person answers for.
    """
    task = _open(connection, task_id)
    day = task.due_on
    if person_of(connection, staff_id, day).absent:
        raise people_errors.absent(staff_id, day, ", ".join(backups_of(connection, staff_id)) or "—")
    _within_units(connection, staff_id)
    may_take(staff_id, task.risk, task.licence, licences_of(connection, staff_id), day)
    change(connection, task_id, state=TaskState.ASSIGNED, state_reason=reason, staff_id=staff_id)
    note(connection, task_id, "assigned" if task.staff_id is None else "reassigned", words=staff_id)
    after = {"state": TaskState.ASSIGNED, "staff": staff_id}
    record_audit(connection, "task.assign", "task", str(task_id), {"staff": task.staff_id}, after, reason)


@verb("task.accept")
def accept_task(connection: Connection, task_id: UUID) -> Task:
    """Take a task on: the clock of the first response stops."""
    task = _open(connection, task_id)
    if task.state not in UNTOUCHED:
        return task
    _licensed(connection, task)
    person = principal_of(connection).id
    answered = task.responded_at or now_of(connection)
    change(
        connection, task_id, state=TaskState.ACCEPTED, state_reason="", staff_id=task.staff_id or person,
        responded_at=answered,
    )  # fmt: skip
    note(connection, task_id, "accepted")
    record_audit(connection, "task.accept", "task", str(task_id), {"state": task.state}, {"state": TaskState.ACCEPTED})
    return task_of(connection, task_id)


@verb("task.log")
def log_outcome(
    connection: Connection,
    task_id: UUID,
    outcome: str,
    words: str = "",
    *,
    next_at: datetime | None = None,
    happened_at: datetime | None = None,
    client_key: str | None = None,
    human: bool = True,
    zone: str = "Asia/Shanghai",
) -> Logged:
    """Log what came of a contact and do what follows: a follow-up where a time was agreed, the end where there is one.

    A note of a client's own ``client_key`` counts once, however often it is sent; one that comes when the task is over
    is kept beside it. Only a human's answer stops the clocks. Raises ``ConflictError`` for a task that is over,
    ``InputError`` for an outcome that there is not or an appointment in the past.
    """
    spec, now = outcome_of(outcome), now_of(connection)
    task = locked(connection, task_id)
    if client_key is not None and noted(connection, task_id, client_key):
        return Logged(task, by_key(connection, _follow_key(task_id, client_key)), known=True)
    said_at = min(happened_at or now, now)
    agreed = next_at or (None if spec.closes else appointment(words, said_at, zone))
    if agreed is not None and agreed <= said_at:
        raise errors.past_appointment(agreed.isoformat())
    if task.state not in OPEN:
        return _late(connection, task, outcome, words, said_at, client_key)
    _licensed(connection, task)
    tries = task.attempts + (not spec.reached)
    ends = spec.closes or agreed is not None or tries >= MOST_ATTEMPTS
    noted_as = note(
        connection, task_id, "logged", human=human, outcome=outcome, words=words, next_at=agreed,
        happened_at=said_at, client_key=client_key,
    )  # fmt: skip
    tell(connection, task, noted_as, spec, said_at, zone, ends=ends, human=human)
    _after_log(connection, task, outcome, said_at, tries, ends=ends, human=human)
    follow = None
    if agreed is not None:
        follow = opened(
            connection, _follow_up(task, agreed, _follow_key(task_id, client_key or agreed.isoformat())), zone
        )
    after = {"outcome": outcome, "next": agreed, "ends": ends}
    record_audit(connection, "task.log", "task", str(task_id), {"state": task.state}, after)
    spoken = Spoken(channel_of(task), task.kind in MARKETING, said_at) if human and spec.reached else None
    return Logged(task_of(connection, task_id), follow, spoken=spoken)


@verb("task.finish")
def finish_task(connection: Connection, task_id: UUID, reason: str) -> None:
    """Close a task as done, with what came of it."""
    task, now = _open(connection, task_id), now_of(connection)
    note(connection, task_id, "logged", outcome="done", words=reason)
    change(
        connection, task_id, state=TaskState.DONE, state_reason=reason, outcome="done", done_at=now,
        responded_at=task.responded_at or now,
    )  # fmt: skip
    before, after = {"state": task.state}, {"state": TaskState.DONE}
    record_audit(connection, "task.finish", "task", str(task_id), before, after, reason)


@verb("task.reject")
def reject_task(connection: Connection, task_id: UUID, reason: str) -> None:
    """Give a task back with the reason why it cannot be done here."""
    task = _open(connection, task_id)
    if not reason.strip():
        raise errors.needs_reason()
    now = now_of(connection)
    note(connection, task_id, "rejected", words=reason)
    change(
        connection, task_id, state=TaskState.REJECTED, state_reason=reason, done_at=now,
        responded_at=task.responded_at or now,
    )  # fmt: skip
    before, after = {"state": task.state}, {"state": TaskState.REJECTED}
    record_audit(connection, "task.reject", "task", str(task_id), before, after, reason)


@verb("task.recall")
def recall_tasks(connection: Connection, list_id: UUID, reason: str) -> int:
    """Take back the tasks of a list that nobody has touched, and return how many; what is under way goes on."""
    if not reason.strip():
        raise errors.needs_reason()
    t = table.c
    done = connection.execute(
        update(table)
        .where(t.list_id == list_id, t.state.in_(UNTOUCHED), t.responded_at.is_(None))
        .values(state=TaskState.RECALLED, state_reason=reason, updated_at=now_of(connection))
    )
    record_audit(connection, "task.recall", "list", str(list_id), None, {"recalled": done.rowcount}, reason)
    return done.rowcount


@verb("task.expire")
def expire_tasks(connection: Connection, today: date) -> int:
    """Close the open tasks that were due before ``today`` and return how many."""
    gone = _ended(connection, "past due", table.c.due_on < today)
    if gone:
        record_audit(connection, "task.expire", "task", today.isoformat(), None, {"expired": gone}, "past due")
    return gone


@verb("task.withdraw")
def withdraw_tasks(connection: Connection, task_ids: Sequence[UUID], reason: str) -> int:
    """Close open tasks that may not be done any more, such as those of a product that left the shelf; return how many."""
    gone = _ended(connection, reason, table.c.task_id.in_(task_ids))
    if gone:
        record_audit(connection, "task.withdraw", "task", reason, None, {"withdrawn": gone}, reason)
    return gone


def _licensed(connection: Connection, task: Task) -> None:
    """Raise ``DeniedError`` where who acts may not take a task of this risk; the program itself sells nothing."""
    person = principal_of(connection)
    if SYSTEM not in person.roles:
        may_take(person.id, task.risk, task.licence, licences_of(connection, person.id), task.due_on)


def _within_units(connection: Connection, staff_id: str) -> None:
    person, unit = principal_of(connection), person_of(connection, staff_id).unit_id
    if EVERY_UNIT not in person.units and unit not in person.units:
        raise people_errors.out_of_scope(person.id, unit or "—")


def _ended(connection: Connection, reason: str, *which: ColumnElement[bool]) -> int:
    ended = {"state": TaskState.EXPIRED, "state_reason": reason, "updated_at": now_of(connection)}
    return connection.execute(update(table).where(table.c.state.in_(OPEN), *which).values(**ended)).rowcount


def opened(connection: Connection, asked: NewTask, zone: str) -> Task:
    """Make a task that no plan makes; the caller's verb looked for its key."""
    now = now_of(connection)
    made = asked.decision_id or uuid7(int(now.timestamp() * 1000))
    given = asked.staff_id is not None
    add(
        connection,
        {
            "task_id": made, "kind": asked.kind, "source_key": asked.key, "campaign": asked.campaign, "round": 0,
            "customer_no": asked.customer_no, "unit_id": asked.unit_id, "staff_id": asked.staff_id,
            "due_on": local_day(asked.due_at, zone), "action": asked.action, "value_fen": asked.value_fen,
            "script_version": asked.script_version, "reason": asked.reason, "risk": asked.risk, "licence": asked.licence,
            "state": TaskState.ASSIGNED if given else TaskState.ALLOTTED, "state_reason": "", "start_at": asked.start_at,
            "due_at": asked.due_at, "parent_id": asked.parent_id, "list_id": asked.list_id, "updated_at": now,
        },
    )  # fmt: skip
    after = {"kind": asked.kind, "staff": asked.staff_id, "due": asked.due_at}
    record_audit(connection, "task.open", "task", str(made), None, after, asked.reason)
    return task_of(connection, made)


def _follow_up(task: Task, agreed: datetime, key: str) -> NewTask:
    # What follows a service task is service: a stop of marketing does not cancel it.
    kind = TaskKind.FOLLOW_UP if task.kind in MARKETING else task.kind
    return NewTask(
        key, kind, task.customer_no, task.unit_id, task.reason, agreed,
        agreed + SERVICE[TaskKind.FOLLOW_UP].resolution, task.staff_id, task.action, task.value_fen, task.campaign,
        task.script_version, task.risk, task.licence, task.task_id,
    )  # fmt: skip


def _follow_key(task_id: UUID, what: str) -> str:
    return f"follow/{task_id}/{what}"


def _after_log(
    connection: Connection, task: Task, outcome: str, at: datetime, tries: int, *, ends: bool, human: bool
) -> None:
    values: dict[str, Any] = {"outcome": outcome, "attempts": tries}
    if human:
        values |= {"state": TaskState.DONE if ends else TaskState.IN_PROGRESS, "responded_at": task.responded_at or at}
        values |= {"staff_id": task.staff_id or principal_of(connection).id}
        if ends:
            values["done_at"] = at
    change(connection, task.task_id, **values)


def _late(connection: Connection, task: Task, outcome: str, words: str, at: datetime, client_key: str | None) -> Logged:
    """Keep a note that was written offline and came when the task was over; refuse what is written now."""
    if client_key is None:
        raise errors.task_closed(str(task.task_id), task.state)
    note(connection, task.task_id, "late", outcome=outcome, words=words, happened_at=at, client_key=client_key)
    record_audit(connection, "task.log", "task", str(task.task_id), None, {"outcome": outcome, "late": True})
    return Logged(replace(task), None)


def _room(rows: pa.Table, capacity: Mapping[str, int]) -> pa.Table:
    units = sorted(set(rows.column("unit_id").unique().to_pylist()))
    return pa.table({"unit_id": units, "room": pa.array([capacity.get(unit, 0) for unit in units], pa.int64())})


def _days(rows: pa.Table, hours: WorkTime) -> pa.Table:
    days = sorted(set(rows.column("due_on").unique().to_pylist()))
    moment = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "due_on": pa.array(days, pa.date32()),
            "start_at": pa.array([hours.begin_of(day) for day in days], moment),
            "due_at": pa.array([hours.end_of(day) for day in days], moment),
        }
    )


def _open(connection: Connection, task_id: UUID) -> Task:
    task = locked(connection, task_id)
    if task.state not in OPEN:
        raise errors.task_closed(str(task_id), task.state)
    return task
