"""Tasks within the caller's scope: listed, opened, accepted, logged, given, rejected; each verb once however often sent."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.contact.by_hand import log_contact
from bankloop.kit.fields import WHOLE, Fen, Moment, Name, Reason, Words
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.organization.task import (
    NewTask,
    TaskKind,
    Visit,
    accept_task,
    assign_task,
    check_in,
    escalations,
    events_of,
    finish_task,
    heed_escalation,
    open_task,
    reject_task,
    task_of,
    with_recording,
)
from bankloop.web.api.dependencies import PREFIX, Body, Cursor, Limit, Open, Reads, Writes, after, does, page_of
from bankloop.web.api.idempotency import once_in
from bankloop.web.pages.workbench.own import own_page

router = APIRouter(prefix=PREFIX, tags=["tasks"])


class AssignBody(Body):
    """To whom a task goes."""

    staff_id: Name
    reason: Reason = ""


class TaskBody(Body):
    """A task that no plan made; one a key, however often it is asked for."""

    key: Name
    kind: TaskKind
    customer_no: Name
    unit_id: Name
    reason: Words
    start_at: Moment
    due_at: Moment
    staff_id: Name | None = None
    value_fen: Fen = 0
    risk: Annotated[int, Field(ge=0, le=5), WHOLE] = 0


class FinishBody(Body):
    """What came of a task, why it is given back, or what is done about it."""

    reason: Words


class LogBody(Body):
    """What came of a contact, in a code and in words; when to call again; the client's own key of an offline note.

    ``recording`` is where the recording of a sale is kept.
    """

    outcome: Name
    note: Reason = ""
    next_at: Moment | None = None
    happened_at: Moment | None = None
    client_key: Name | None = None
    recording: Annotated[str, Field(max_length=64)] = ""


class VisitBody(Body):
    """A visit's form: the kind of place, whom one met, what it was about; the client's own key where written offline."""

    place: Name
    met: Annotated[str, Field(max_length=200)] = ""
    matter: Annotated[str, Field(min_length=1, max_length=1_500)]
    happened_at: Moment | None = None
    client_key: Name | None = None


@router.get("/tasks")
def tasks(console: Open, visitor: Reads, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List today's tasks within the caller's scope, the most valuable first."""
    require(visitor.principal, "task.read")
    store, principal = console.bank.store, visitor.principal
    last = after(store, principal, "tasks", cursor)
    before = None if last is None else (int(last[0]), UUID(last[1]))
    with store.begin(principal) as connection:
        found = own_page(connection, principal, console, before, limit + 1)
    return page_of(store, principal, "tasks", found, limit, lambda one: [one.value_fen, str(one.task_id)])


@router.get("/tasks/escalated")
def escalated(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the open tasks escalated to the caller: what nobody has touched since first, the furthest up before."""
    require(visitor.principal, "task.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = escalations(connection)
    return {"items": [{**plain(one.task), "since": plain(one.since), "touched": one.touched} for one in found]}


@router.get("/tasks/{task_id}")
def task(task_id: UUID, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return a task and what was done with it."""
    require(visitor.principal, "task.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found: dict[str, Any] = plain(task_of(connection, task_id))
        return {**found, "events": plain(events_of(connection, [task_id]))}


@router.post("/tasks", status_code=201, openapi_extra=does("task.open"))
def make(request: Request, body: TaskBody, console: Open, visitor: Writes) -> Response:
    """Open a task for a customer of the caller's own; somebody of its unit takes it where nobody is named."""

    def effect(connection: Connection) -> Any:
        return open_task(connection, NewTask(**body.model_dump()), console.bank.lake.zone)

    return once_in(request, console.bank.store, visitor, "task.open", body.key, body, effect, 201)


@router.post("/tasks/{task_id}/assign", openapi_extra=does("task.assign"))
def assign(request: Request, task_id: UUID, body: AssignBody, console: Open, visitor: Writes) -> Response:
    """Give an open task to a member of staff who is at work and licensed for it."""

    def effect(connection: Connection) -> dict[str, Any]:
        assign_task(connection, task_id, body.staff_id, body.reason)
        return {"task": task_id, "staff": body.staff_id}

    return once_in(request, console.bank.store, visitor, "task.assign", str(task_id), body, effect)


@router.post("/tasks/{task_id}/accept", openapi_extra=does("task.accept"))
def accept(request: Request, task_id: UUID, console: Open, visitor: Writes) -> Response:
    """Take a task on: the clock of the first response stops."""

    def effect(connection: Connection) -> dict[str, Any]:
        return {"task": task_id, "state": accept_task(connection, task_id).state}

    return once_in(request, console.bank.store, visitor, "task.accept", str(task_id), None, effect)


@router.post("/tasks/{task_id}/log", openapi_extra=does("task.log"))
def log(request: Request, task_id: UUID, body: LogBody, console: Open, visitor: Writes) -> Response:
    """Log what came of a contact; an appointment, stated or read from the note, becomes a follow-up."""

    def effect(connection: Connection) -> dict[str, Any]:
        done = log_contact(
            connection, task_id, body.outcome, with_recording(body.note, body.recording), next_at=body.next_at, happened_at=body.happened_at,
            client_key=body.client_key, zone=console.bank.lake.zone,
        )  # fmt: skip
        follow = done.follow_up
        return {
            "task": task_id, "state": done.task.state, "known": done.known,
            "follow_up": None if follow is None else {"task": follow.task_id, "at": follow.start_at},
        }  # fmt: skip

    return once_in(request, console.bank.store, visitor, "task.log", str(task_id), body, effect)


@router.post("/tasks/{task_id}/heed", openapi_extra=does("task.heed"))
def heed(request: Request, task_id: UUID, body: FinishBody, console: Open, visitor: Writes) -> Response:
    """Note what is done about a task that was escalated; it waits no more until its clock goes further."""

    def effect(connection: Connection) -> dict[str, Any]:
        heed_escalation(connection, task_id, body.reason)
        return {"task": task_id}

    return once_in(request, console.bank.store, visitor, "task.heed", str(task_id), body, effect)


@router.post("/tasks/{task_id}/visit", openapi_extra=does("task.visit"))
def visit(request: Request, task_id: UUID, body: VisitBody, console: Open, visitor: Writes) -> Response:
    """Keep a visit with its form; one of a client's own key counts once, however often it is sent."""

    def effect(connection: Connection) -> dict[str, Any]:
        new = check_in(
            connection, task_id, Visit(body.place, body.met, body.matter), happened_at=body.happened_at,
            client_key=body.client_key,
        )  # fmt: skip
        return {"task": task_id, "known": not new}

    return once_in(request, console.bank.store, visitor, "task.visit", str(task_id), body, effect)


@router.post("/tasks/{task_id}/finish", openapi_extra=does("task.finish"))
def finish(request: Request, task_id: UUID, body: FinishBody, console: Open, visitor: Writes) -> Response:
    """Close a task as done, with what came of it."""

    def effect(connection: Connection) -> dict[str, Any]:
        finish_task(connection, task_id, body.reason)
        return {"task": task_id, "state": "DONE"}

    return once_in(request, console.bank.store, visitor, "task.finish", str(task_id), body, effect)


@router.post("/tasks/{task_id}/reject", openapi_extra=does("task.reject"))
def reject(request: Request, task_id: UUID, body: FinishBody, console: Open, visitor: Writes) -> Response:
    """Give a task back with the reason why it cannot be done."""

    def effect(connection: Connection) -> dict[str, Any]:
        reject_task(connection, task_id, body.reason)
        return {"task": task_id, "state": "REJECTED"}

    return once_in(request, console.bank.store, visitor, "task.reject", str(task_id), body, effect)
