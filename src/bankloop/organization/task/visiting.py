"""A visit (外出拜访): checked in where and when it was, with its form; written without a network, it counts once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from bankloop.organization import errors
from bankloop.organization.task.contracts import TaskState, Visit
from bankloop.organization.task.delegated import still_open
from bankloop.organization.task.repository import change, locked, note, noted
from bankloop.organization.task.rules import OPEN, UNTOUCHED, VISIT_PLACES
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb


@verb("task.visit")
def check_in(
    connection: Connection,
    task_id: UUID,
    visit: Visit,
    *,
    happened_at: datetime | None = None,
    client_key: str | None = None,
) -> bool:
    """Keep a visit for a task of one's own and return whether it is new; the clock of the first response stops.

    A visit of a client's own key counts once, however often it is sent; one that comes when the task is over is kept
    beside it. Raises ``InputError`` for a place that there is not or a visit that says nothing, ``ConflictError`` for what
    is written now about a task that is over.
    """
    if visit.place not in VISIT_PLACES:
        raise errors.no_place(visit.place, list(VISIT_PLACES))
    if not visit.matter.strip():
        raise errors.empty_visit()
    task, now = locked(connection, task_id), now_of(connection)
    if client_key is not None and noted(connection, task_id, client_key):
        return False
    if task.state not in OPEN and client_key is None:
        still_open(connection, task_id)
    at = min(happened_at or now, now)
    note(connection, task_id, "visited", words=visit.words, happened_at=at, client_key=client_key)
    if task.state in OPEN:
        state = TaskState.ACCEPTED if task.state in UNTOUCHED else task.state
        person = task.staff_id or principal_of(connection).id
        change(connection, task_id, state=state, staff_id=person, responded_at=task.responded_at or at)
    after = {"place": visit.place, "at": at, "late": task.state not in OPEN}
    record_audit(connection, "task.visit", "task", str(task_id), {"state": task.state}, after)
    return True
