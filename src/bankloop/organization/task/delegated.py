"""What other rooms' verbs do with a task; those verbs judge who may, and record it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.organization import errors
from bankloop.organization.task.contracts import NewTask, Task, TaskState
from bankloop.organization.task.repository import by_key, change, locked, note, task_of
from bankloop.organization.task.rules import OPEN, UNTOUCHED, outcome_of
from bankloop.organization.task.service import opened
from bankloop.store.database import now_of, principal_of


def raise_task(connection: Connection, asked: NewTask, zone: str) -> tuple[Task, bool]:
    """Make a task once for its key; return it and whether it was there already."""
    known = by_key(connection, asked.key)
    return (known, True) if known is not None else (opened(connection, asked, zone), False)


def take_over(connection: Connection, task_id: UUID) -> Task:
    """Let who acts take an open task on: it is theirs, and the clock of the first response stops."""
    task = still_open(connection, task_id)
    person, now = principal_of(connection).id, now_of(connection)
    if task.staff_id == person and task.state not in UNTOUCHED:
        return task
    change(
        connection, task_id, state=TaskState.ACCEPTED, state_reason="", staff_id=person,
        responded_at=task.responded_at or now,
    )  # fmt: skip
    note(connection, task_id, "accepted")
    return task_of(connection, task_id)


def settle(connection: Connection, task_id: UUID, outcome: str, words: str) -> Task:
    """Note a human's answer; the task ends where its outcome ends one."""
    task, closes = still_open(connection, task_id), outcome_of(outcome).closes
    person, now = principal_of(connection).id, now_of(connection)
    note(connection, task_id, "answered", outcome=outcome, words=words)
    values: dict[str, Any] = {"outcome": outcome, "staff_id": task.staff_id or person}
    values |= {"state": TaskState.DONE if closes else TaskState.IN_PROGRESS, "responded_at": task.responded_at or now}
    change(connection, task_id, **values, **({"done_at": now} if closes else {}))
    return task_of(connection, task_id)


def put_back(connection: Connection, task_id: UUID, unit_id: str, words: str) -> Task:
    """Give an open task to another desk: nobody has it yet, and its clock goes on."""
    still_open(connection, task_id)
    change(connection, task_id, state=TaskState.ALLOTTED, staff_id=None, unit_id=unit_id, state_reason="")
    note(connection, task_id, "passed", words=words)
    return task_of(connection, task_id)


def call_back(connection: Connection, task_id: UUID, reason: str) -> Task:
    """End an open task that its asker wants no more."""
    still_open(connection, task_id)
    change(connection, task_id, state=TaskState.RECALLED, state_reason=reason, done_at=now_of(connection))
    note(connection, task_id, "withdrawn", words=reason)
    return task_of(connection, task_id)


def say(connection: Connection, task_id: UUID, words: str) -> None:
    """Add words to an open task."""
    still_open(connection, task_id)
    note(connection, task_id, "added", words=words)


def still_open(connection: Connection, task_id: UUID) -> Task:
    """Return an open task, locked; raise ``ConflictError`` where it is over."""
    task = locked(connection, task_id)
    if task.state not in OPEN:
        raise errors.task_closed(str(task_id), task.state)
    return task
