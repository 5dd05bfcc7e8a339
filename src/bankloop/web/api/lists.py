"""Lists (名单): an xlsx taken in, lists so far, one taken back; a round's tasks given to people."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, UploadFile
from fastapi.params import File, Form
from fastapi.responses import Response
from sqlalchemy import Connection

from bankloop.care.worklist import recall_list, take_list, work_lists
from bankloop.kit.fields import Day, Name, Round
from bankloop.kit.plain import plain
from bankloop.kit.worktime import WorkTime
from bankloop.organization.rights import require
from bankloop.organization.task import dispatch_tasks
from bankloop.performance.instruction import instruct
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, WhyBody, Writes, does
from bankloop.web.api.idempotency import once_in
from bankloop.web.shell.errors import no_campaign

router = APIRouter(prefix=PREFIX, tags=["lists"])


class RoundBody(Body):
    """Which round's tasks."""

    round: Round


@router.get("/lists")
def lists(console: Open, visitor: Reads) -> dict[str, Any]:
    """List what was taken in, the newest first."""
    require(visitor.principal, "worklist.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(work_lists(connection)), "next": None}


@router.post("/lists", status_code=201, openapi_extra=does("worklist.take"))
def take(
    request: Request,
    file: Annotated[UploadFile, File(description="xlsx")],
    name: Annotated[str, Form(min_length=1, max_length=64)],
    due: Annotated[Day, Form()],
    console: Open,
    visitor: Writes,
    target: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Take in an xlsx: usable lines become calls of the customers' managers, the others come back with their reason.

    With a ``target`` of tasks each unit gets as many as its part of it, and each manager a few a day.
    """
    require(visitor.principal, "worklist.take")
    content = file.file.read()

    def effect(connection: Connection) -> dict[str, Any]:
        hours = WorkTime(console.bank.lake.zone)
        if target is None:
            done = take_list(connection, name, content, due, console.today, hours)
        else:
            done = instruct(connection, console.folder, target, name, content, due, console.today, hours)
        return {"list": done.work_list, "returned": done.refused, "known": done.known}

    print_ = {"name": name, "due": due, "file": sha256(content).hexdigest(), "target": target}
    return once_in(request, console.bank.store, visitor, "worklist.take", name, print_, effect, 201)


@router.post("/lists/{list_id}/recall", openapi_extra=does("worklist.recall", "task.recall"))
def recall(request: Request, list_id: UUID, body: WhyBody, console: Open, visitor: Writes) -> Response:
    """Take back the tasks of a list that nobody has touched."""

    def effect(connection: Connection) -> dict[str, Any]:
        return {"list_id": list_id, "recalled": recall_list(connection, list_id, body.reason)}

    return once_in(request, console.bank.store, visitor, "worklist.recall", str(list_id), body, effect)


@router.post("/campaigns/{name}/dispatch", openapi_extra=does("task.dispatch"))
def dispatch(request: Request, name: Name, body: RoundBody, console: Open, visitor: Writes) -> Response:
    """Give the tasks of a campaign's round to people, all at once; doing it again gives only what nobody has."""
    require(visitor.principal, "task.dispatch")
    if name not in console.titles():
        raise no_campaign(name)

    def effect(connection: Connection) -> Any:
        return dispatch_tasks(connection, name, body.round)

    return once_in(request, console.bank.store, visitor, "task.dispatch", name, body, effect)
