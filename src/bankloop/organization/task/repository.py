"""The only SQL of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text, update

from bankloop.kit.ids import uuid7
from bankloop.organization import errors
from bankloop.organization.tables import staff_task as table
from bankloop.organization.tables import task_event as event_table
from bankloop.organization.task.contracts import Task, TaskEvent, TaskKind, TaskState
from bankloop.organization.task.rules import OPEN
from bankloop.store.database import now_of, principal_of

_NAMES = tuple(Task.__dataclass_fields__)
FIELDS = ", ".join(f"t.{name}" for name in _NAMES)
_COLUMNS = tuple(table.c[name] for name in _NAMES)
_FOR = text(
    f"SELECT {FIELDS} FROM customer_book b JOIN staff_task t ON t.customer_no = b.customer_no "
    "WHERE b.staff_id = :staff AND b.valid_from <= :now AND (b.valid_to IS NULL OR b.valid_to > :now) "
    "AND (t.staff_id IS NULL OR t.staff_id = :staff) AND t.due_on BETWEEN :since AND :until "
    f"UNION SELECT {FIELDS} FROM staff_task t WHERE t.staff_id = :staff AND t.due_on BETWEEN :since AND :until "
    "ORDER BY due_on, value_fen DESC, task_id"
)
_FURTHER = "SELECT * FROM ({tasks}) AS t WHERE CAST(:value AS bigint) IS NULL OR (-value_fen, task_id) > (-CAST(:value AS bigint), :task) ORDER BY value_fen DESC, task_id LIMIT :limit"
_PAGE_OF = text(
    _FURTHER.format(tasks=f"SELECT {FIELDS} FROM staff_task t WHERE t.unit_id = ANY (:units) AND t.due_on = :since")
)
_PAGE_FOR = text(_FURTHER.format(tasks=_FOR.text.partition("ORDER BY")[0]))


def tasks_of(connection: Connection, unit_id: str, since: date, until: date) -> list[Task]:
    """Return a unit's tasks due from ``since`` to ``until``, both inclusive: by day, the most valuable first."""
    t = table.c
    query = (
        select(*_COLUMNS)
        .where(t.unit_id == unit_id, t.due_on.between(since, until))
        .order_by(t.due_on, t.value_fen.desc(), t.task_id)
    )
    return [as_task(row) for row in connection.execute(query).mappings()]


def tasks_for(connection: Connection, staff_id: str, since: date, until: date) -> list[Task]:
    """Return what a member of staff has to do due from ``since`` to ``until``: for the customers of their book, and given.

    By day, the most valuable first. It starts from the book, so that it costs what the person has, not what the bank has.
    """
    values = {"staff": staff_id, "since": since, "until": until, "now": now_of(connection)}
    return [as_task(row) for row in connection.execute(_FOR, values).mappings()]


def day_page(
    connection: Connection, day: date, units: Sequence[str], staff_id: str, after: tuple[int, UUID] | None, limit: int
) -> list[Task]:
    """Return a page of the tasks due on a day, the most valuable first: a person's where one is named, else those of units.

    ``after`` is the value in fen and the id of the last task of the page before.
    """
    value, task = after or (None, None)
    values: dict[str, Any] = {"since": day, "until": day, "value": value, "task": task, "limit": limit}
    if staff_id:
        rows = connection.execute(_PAGE_FOR, {**values, "staff": staff_id, "now": now_of(connection)})
    else:
        rows = connection.execute(_PAGE_OF, {**values, "units": list(units)})
    return [as_task(row) for row in rows.mappings()]


def open_tasks_of(connection: Connection, unit_id: str, until: date, limit: int) -> tuple[list[Task], int]:
    """Return a unit's tasks that are not over and were due by ``until``, the most valuable first, and how many there are."""
    t = table.c
    which = (t.unit_id == unit_id, t.state.in_(OPEN), t.due_on <= until)
    query = select(*_COLUMNS).where(*which).order_by(t.value_fen.desc(), t.task_id).limit(limit)
    found = [as_task(row) for row in connection.execute(query).mappings()]
    return found, connection.scalar(select(func.count()).select_from(table).where(*which)) or 0


def open_tasks_for(connection: Connection, staff_id: str, until: date) -> list[Task]:
    """Return a person's tasks that are not over and were due by ``until``, overdue ones included."""
    t = table.c
    query = select(*_COLUMNS).where(t.staff_id == staff_id, t.state.in_(OPEN), t.due_on <= until)
    return [as_task(row) for row in connection.execute(query.order_by(t.due_on, t.value_fen.desc())).mappings()]


def open_tasks(connection: Connection, product: str) -> list[Task]:
    """Return the open tasks whose action speaks for a product."""
    t = table.c
    query = select(*_COLUMNS).where(t.state.in_(OPEN), t.action.startswith(f"{product}|", autoescape=True))
    return [as_task(row) for row in connection.execute(query.order_by(t.task_id)).mappings()]


def tasks_of_customer(connection: Connection, customer_no: str, limit: int = 100) -> list[Task]:
    """Return a customer's tasks, the latest first."""
    t = table.c
    query = select(*_COLUMNS).where(t.customer_no == customer_no).order_by(t.due_on.desc(), t.task_id).limit(limit)
    return [as_task(row) for row in connection.execute(query).mappings()]


def task_counts(connection: Connection, campaign: str, round_: int) -> dict[str, int]:
    """Return how many tasks of a campaign's round are in each state."""
    t = table.c
    query = select(t.state, func.count()).where(t.campaign == campaign, t.round == round_).group_by(t.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in TaskState}


def task_of(connection: Connection, task_id: UUID) -> Task:
    """Return a task; raise ``NotFoundError`` where there is none that the principal may see."""
    row = connection.execute(select(*_COLUMNS).where(table.c.task_id == task_id)).mappings().first()
    if row is None:
        raise errors.no_such("task", str(task_id))
    return as_task(row)


def locked(connection: Connection, task_id: UUID) -> Task:
    """Return a task that nobody else changes until this transaction ends."""
    query = select(*_COLUMNS).where(table.c.task_id == task_id)
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise errors.no_such("task", str(task_id))
    return as_task(row)


def by_key(connection: Connection, key: str) -> Task | None:
    """Return the task that a key asked for."""
    row = connection.execute(select(*_COLUMNS).where(table.c.source_key == key)).mappings().first()
    return None if row is None else as_task(row)


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a task."""
    connection.execute(insert(table).values(**values))


def change(connection: Connection, task_id: UUID, **values: Any) -> None:
    """Change where a task stands."""
    connection.execute(update(table).where(table.c.task_id == task_id).values(**values, updated_at=now_of(connection)))


def note(
    connection: Connection,
    task_id: UUID,
    act: str,
    *,
    human: bool = True,
    outcome: str = "",
    words: str = "",
    next_at: datetime | None = None,
    happened_at: datetime | None = None,
    client_key: str | None = None,
) -> UUID:
    """Append what the principal did with a task, and return the note's id."""
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        insert(event_table).values(
            event_id=made, task_id=task_id, act=act, person=principal_of(connection).id,
            human=human, outcome=outcome, note=words, next_at=next_at, client_key=client_key,
            happened_at=happened_at or now,
        )
    )  # fmt: skip
    return made


def events_of(connection: Connection, task_ids: Sequence[UUID]) -> list[TaskEvent]:
    """Return what was done with tasks, in order."""
    t = event_table.c
    query = select(*(t[name] for name in TaskEvent.__dataclass_fields__)).where(t.task_id.in_(list(task_ids)))
    return [TaskEvent(**row) for row in connection.execute(query.order_by(t.happened_at, t.event_id)).mappings()]


def noted(connection: Connection, task_id: UUID, client_key: str) -> bool:
    """Return whether a note of a client's own key is on record already."""
    t = event_table.c
    query = select(t.event_id).where(t.task_id == task_id, t.client_key == client_key)
    return connection.execute(query).first() is not None


def as_task(row: Mapping[Any, Any]) -> Task:
    """Return a row as a task."""
    return Task(**{**row, "state": TaskState(row["state"]), "kind": TaskKind(row["kind"])})
