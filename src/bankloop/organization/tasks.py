"""Staff tasks: made in bulk from decisions, once each, within what a unit can do in a day; assigned, done or expired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, func, select, text, update

from bankloop.organization import errors
from bankloop.organization.contracts import TASK_DEFAULTS, TASK_SCHEMA, Task, TaskReport, TaskState
from bankloop.organization.people import backups_of, licences_of, may_take, person_of
from bankloop.organization.people import errors as people_errors
from bankloop.organization.tables import staff_task as table
from bankloop.store import copy_in, fitted, now_of, record_audit, verb

_OPEN = (TaskState.CREATED, TaskState.ASSIGNED)
_COLUMNS = ", ".join(TASK_SCHEMA.names)

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
WHERE (SELECT true FROM staff_task t WHERE t.decision_id = i.decision_id::uuid LIMIT 1) IS NULL
"""
_FIELDS = ", ".join(f"t.{name}" for name in Task.__dataclass_fields__)
_FOR = text(
    f"SELECT {_FIELDS} FROM customer_book b JOIN staff_task t ON t.customer_no = b.customer_no "
    "WHERE b.staff_id = :staff AND b.valid_from <= :now AND (b.valid_to IS NULL OR b.valid_to > :now) "
    "AND (t.staff_id IS NULL OR t.staff_id = :staff) AND t.due_on BETWEEN :since AND :until "
    f"UNION SELECT {_FIELDS} FROM staff_task t WHERE t.staff_id = :staff AND t.due_on BETWEEN :since AND :until "
    "ORDER BY due_on, value_fen DESC, decision_id"
)
_INSERT = """
INSERT INTO staff_task ({columns}, state, state_reason, updated_at)
SELECT {values}, 'CREATED', '', :now FROM {placed} WHERE place <= room
"""


@verb("task.create")
def create_tasks(connection: Connection, tasks: pa.Table, capacity: Mapping[str, int]) -> TaskReport:
    """Make tasks (``TASK_SCHEMA``) where the unit's day has room, the most valuable first, and report what became.

    ``capacity`` is tasks a day by unit; a unit that it does not name has none. A decision has one task, however often
    it is given.
    """
    rows = fitted("tasks", tasks, TASK_SCHEMA, TASK_DEFAULTS)
    if not rows.num_rows:
        return TaskReport(0, 0, ())
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('staff_task'))"))
    name, room = copy_in(connection, rows), copy_in(connection, _room(rows, capacity))
    placed = f"placed_{name}"
    connection.execute(text(_PLACE.format(placed=placed, name=name, room=room)))
    values = ", ".join("decision_id::uuid" if column == "decision_id" else column for column in TASK_SCHEMA.names)
    statement = text(_INSERT.format(columns=_COLUMNS, values=values, placed=placed))
    created = connection.execute(statement, {"now": now_of(connection)}).rowcount
    refused = tuple(
        connection.scalars(text(f"SELECT decision_id FROM {placed} WHERE place > room ORDER BY decision_id"))
    )
    _audit_created(connection, rows, created, len(refused))
    return TaskReport(created, rows.num_rows - created - len(refused), refused)


@verb("task.assign")
def assign_task(connection: Connection, decision_id: UUID, staff_id: str, reason: str = "") -> None:
    """Give an open task to a member of staff who is at work on its day and licensed for its risk.

    Raises ``ConflictError`` for who is on leave, naming the backup, ``DeniedError`` for who lacks the licence.
    """
    task = _open(connection, decision_id)
    day = task.due_on
    if person_of(connection, staff_id, day).absent:
        raise people_errors.absent(staff_id, day, ", ".join(backups_of(connection, staff_id)) or "—")
    may_take(staff_id, task.risk, task.licence, licences_of(connection, staff_id), day)
    _move(connection, task, TaskState.ASSIGNED, reason, staff_id)
    after = {"state": TaskState.ASSIGNED, "staff": staff_id}
    record_audit(connection, "task.assign", "task", str(decision_id), {"staff": task.staff_id}, after, reason)


@verb("task.finish")
def finish_task(connection: Connection, decision_id: UUID, reason: str) -> None:
    """Close a task as done, with what came of it."""
    task = _open(connection, decision_id)
    _move(connection, task, TaskState.DONE, reason, task.staff_id)
    before, after = {"state": task.state}, {"state": TaskState.DONE}
    record_audit(connection, "task.finish", "task", str(decision_id), before, after, reason)


@verb("task.expire")
def expire_tasks(connection: Connection, today: date) -> int:
    """Close the open tasks that were due before ``today`` and return how many."""
    done = connection.execute(
        update(table)
        .where(table.c.state.in_(_OPEN), table.c.due_on < today)
        .values(state=TaskState.EXPIRED, state_reason="past due", updated_at=now_of(connection))
    )
    if done.rowcount:
        record_audit(connection, "task.expire", "task", today.isoformat(), None, {"expired": done.rowcount}, "past due")
    return done.rowcount


@verb("task.withdraw")
def withdraw_tasks(connection: Connection, decision_ids: Sequence[UUID], reason: str) -> int:
    """Close open tasks that may not be done any more, such as those of a product that left the shelf; return how many."""
    done = connection.execute(
        update(table)
        .where(table.c.state.in_(_OPEN), table.c.decision_id.in_(decision_ids))
        .values(state=TaskState.EXPIRED, state_reason=reason, updated_at=now_of(connection))
    )
    if done.rowcount:
        record_audit(connection, "task.withdraw", "task", reason, None, {"withdrawn": done.rowcount}, reason)
    return done.rowcount


def open_tasks(connection: Connection, product: str) -> list[Task]:
    """Return the open tasks whose action speaks for a product."""
    query = (
        select(*(table.c[name] for name in Task.__dataclass_fields__))
        .where(table.c.state.in_(_OPEN), table.c.action.startswith(f"{product}|", autoescape=True))
        .order_by(table.c.decision_id)
    )
    return [_task(row) for row in connection.execute(query).mappings()]


def call_off_tasks(connection: Connection, customers: Sequence[str], reason: str) -> int:
    """Close the open tasks about customers who may no longer be contacted and return how many; the caller's verb records it."""
    done = connection.execute(
        update(table)
        .where(table.c.state.in_(_OPEN), table.c.customer_no.in_(list(customers)))
        .values(state=TaskState.EXPIRED, state_reason=reason, updated_at=now_of(connection))
    )
    return done.rowcount


def tasks_of(connection: Connection, unit_id: str, since: date, until: date) -> list[Task]:
    """Return a unit's tasks due from ``since`` to ``until``, both inclusive: by day, the most valuable first."""
    t = table.c
    query = (
        select(*(t[name] for name in Task.__dataclass_fields__))
        .where(t.unit_id == unit_id, t.due_on.between(since, until))
        .order_by(t.due_on, t.value_fen.desc(), t.decision_id)
    )
    return [_task(row) for row in connection.execute(query).mappings()]


def tasks_for(connection: Connection, staff_id: str, since: date, until: date) -> list[Task]:
    """Return what a member of staff has to do due from ``since`` to ``until``: for the customers of their book, and given.

    By day, the most valuable first. It starts from the book, so that it costs what the person has, not what the bank has.
    """
    values = {"staff": staff_id, "since": since, "until": until, "now": now_of(connection)}
    return [_task(row) for row in connection.execute(_FOR, values).mappings()]


def task_counts(connection: Connection, campaign: str, round_: int) -> dict[str, int]:
    """Return how many tasks of a campaign's round are in each state."""
    t = table.c
    query = select(t.state, func.count()).where(t.campaign == campaign, t.round == round_).group_by(t.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in TaskState}


def _room(rows: pa.Table, capacity: Mapping[str, int]) -> pa.Table:
    units = sorted(set(rows.column("unit_id").unique().to_pylist()))
    return pa.table({"unit_id": units, "room": pa.array([capacity.get(unit, 0) for unit in units], pa.int64())})


def _audit_created(connection: Connection, rows: pa.Table, created: int, refused: int) -> None:
    if not created:
        return
    campaigns = sorted(set(rows.column("campaign").unique().to_pylist()))
    after = {"created": created, "refused": refused, "asked": rows.num_rows}
    record_audit(connection, "task.create", "campaign", ",".join(campaigns), None, after)


def _open(connection: Connection, decision_id: UUID) -> Task:
    query = select(*(table.c[name] for name in Task.__dataclass_fields__)).where(table.c.decision_id == decision_id)
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise errors.no_such("task", str(decision_id))
    task = _task(row)
    if task.state not in _OPEN:
        raise errors.task_closed(str(decision_id), task.state)
    return task


def _move(connection: Connection, task: Task, state: TaskState, reason: str, staff_id: str | None) -> None:
    connection.execute(
        update(table)
        .where(table.c.decision_id == task.decision_id)
        .values(state=state, state_reason=reason, staff_id=staff_id, updated_at=now_of(connection))
    )


def _task(row: Any) -> Task:
    return Task(**{**row, "state": TaskState(row["state"])})
