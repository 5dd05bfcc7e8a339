"""What was escalated, as who it went to sees it: open tasks, what nobody touched since, a leader's word."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.organization import errors
from bankloop.organization.task.contracts import Escalation
from bankloop.organization.task.delegated import still_open
from bankloop.organization.task.repository import FIELDS, as_task, note
from bankloop.organization.task.rules import OPEN, Notified, told_at
from bankloop.store.audit import record_audit
from bankloop.store.database import principal_of
from bankloop.store.verbs import verb

_OPEN = ", ".join(f"'{state}'" for state in OPEN)
# What a desk owes goes along the desk's own line: whoever leads its unit hears of it from the first reminder on.
_TOLD = (
    f"t.state IN ({_OPEN}) AND t.escalated > 0 AND (t.escalated >= :level OR (t.kind = 'support' AND :leads)) "
    "AND (CAST(:staff AS text) IS NULL OR t.staff_id = :staff) "
    "AND (CAST(:units AS text[]) IS NULL OR t.unit_id = ANY (:units))"
)
_SINCE = "(SELECT max(e.happened_at) FROM task_event e WHERE e.task_id = t.task_id AND e.act = 'escalated')"
_TOUCHED = f"EXISTS (SELECT FROM task_event e WHERE e.task_id = t.task_id AND e.human AND e.recorded_at >= {_SINCE})"
_LISTED = text(
    f"SELECT {FIELDS}, {_SINCE} AS since, {_TOUCHED} AS touched FROM staff_task t WHERE {_TOLD} "
    "ORDER BY touched, t.escalated DESC, t.due_at, t.task_id LIMIT :limit"
)
_COUNT = text(f"SELECT count(*) FROM (SELECT FROM staff_task t WHERE {_TOLD} AND NOT {_TOUCHED} LIMIT :limit) waits")


def escalations(connection: Connection, limit: int = 200) -> list[Escalation]:
    """Return the open tasks escalated to who acts: untouched ones first, of those the furthest up."""
    told = told_at(principal_of(connection))
    if told is None:
        return []
    found = [dict(row) for row in connection.execute(_LISTED, {**_values(told), "limit": limit}).mappings()]
    return [Escalation(since=row.pop("since"), touched=row.pop("touched"), task=as_task(row)) for row in found]


def count_escalations(connection: Connection, most: int = 100) -> int:
    """Return how many tasks escalated to who acts wait untouched, ``most`` at the most."""
    told = told_at(principal_of(connection))
    return 0 if told is None else int(connection.scalar(_COUNT, {**_values(told), "limit": most}) or 0)


@verb("task.heed")
def heed_escalation(connection: Connection, task_id: UUID, words: str) -> None:
    """Note what a leader does about an open task that was escalated: it waits no more until its clock goes further.

    Raises ``InputError`` without words, ``ConflictError`` for a task that is over.
    """
    if not words.strip():
        raise errors.needs_reason()
    task = still_open(connection, task_id)
    note(connection, task_id, "heeded", words=words)
    record_audit(connection, "task.heed", "task", str(task_id), None, {"escalated": task.escalated}, words)


def _values(told: Notified) -> dict[str, Any]:
    units = None if told.units is None else list(told.units)
    return {"level": told.level, "leads": told.staff is None, "staff": told.staff, "units": units}
