"""The only SQL of collaboration: requests as the database shows them, each with its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, text, update

from bankloop.organization.collaboration import errors
from bankloop.organization.collaboration.contracts import Collaboration, RequestKind
from bankloop.organization.collaboration.rules import TOPICS
from bankloop.organization.tables import collaboration as table
from bankloop.organization.tables import staff_task
from bankloop.organization.task import OPEN, Task, as_task
from bankloop.store.database import bank_wide, now_of

_OWN = tuple(name for name in Collaboration.__dataclass_fields__ if name != "task")
_COLUMNS = (*(table.c[name] for name in _OWN), table.c.task_id)
# Who of a line is at work at a unit, the one with the fewest open tasks first.
_HANDS = text(
    "SELECT s.staff_id FROM staff s JOIN staff_post p ON p.staff_id = s.staff_id AND p.valid_from <= :now "
    "AND (p.valid_to IS NULL OR p.valid_to > :now) WHERE p.unit_id = :unit AND p.line = :line AND NOT s.on_leave "
    "AND NOT EXISTS (SELECT FROM staff_leave l WHERE l.staff_id = s.staff_id AND CAST(:day AS date) BETWEEN l.since AND l.until) "
    "ORDER BY (SELECT count(*) FROM staff_task t WHERE t.staff_id = s.staff_id AND t.state = ANY (:open)), s.staff_id LIMIT 1"
)


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a request in the name of who acts."""
    connection.execute(insert(table).values(**values))


def move(connection: Connection, request_id: UUID, **values: Any) -> None:
    """Change where a request goes."""
    connection.execute(update(table).where(table.c.request_id == request_id).values(**values))


def request_of(connection: Connection, request_id: UUID) -> Collaboration:
    """Return a request that the principal may see; raise ``NotFoundError`` otherwise."""
    found = _read(connection, table.c.request_id == request_id)
    if not found:
        raise errors.no_such(str(request_id))
    return found[0]


def of_task(connection: Connection, task_id: UUID) -> Collaboration | None:
    """Return the request of a task, where there is one that the principal may see."""
    return next(iter(_read(connection, table.c.task_id == task_id)), None)


def seen(connection: Connection, limit: int) -> list[Collaboration]:
    """Return the requests that the principal may see, the latest first."""
    return _read(connection, limit=limit)


def hands(connection: Connection, unit_id: str, line: str, day: Any) -> str | None:
    """Return who of a line at a unit takes the next request; None where nobody is at work."""
    values = {"unit": unit_id, "line": line, "day": day, "now": now_of(connection), "open": list(OPEN)}
    found: str | None = connection.scalar(_HANDS, values)
    return found


def _read(connection: Connection, *which: ColumnElement[bool], limit: int = 1) -> list[Collaboration]:
    """What may be seen is the request's own row; its task is read for it, whoever's customer that is about."""
    query = select(*_COLUMNS).where(*which).order_by(table.c.made_at.desc(), table.c.request_id.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    tasks = _tasks(connection, [row["task_id"] for row in rows]) if rows else {}
    return [_one(row, tasks[row["task_id"]]) for row in rows]


def _tasks(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Task]:
    columns = tuple(staff_task.c[name] for name in Task.__dataclass_fields__)
    with bank_wide(connection):
        rows = connection.execute(select(*columns).where(staff_task.c.task_id.in_(list(ids)))).mappings().all()
    return {row["task_id"]: as_task(row) for row in rows}


def _one(row: Mapping[Any, Any], task: Task) -> Collaboration:
    own = {name: row[name] for name in _OWN}
    return Collaboration(**{**own, "kind": RequestKind(own["kind"]), "topic": TOPICS[own["topic"]]}, task=task)
