"""Legal holds (法律保全): an object's trail and sealed data are kept, whatever their age and whoever asks for erasure."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from bankloop.kit.fields import Name, Words
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.store.audit import holds, holds_on, place_hold, release_hold
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, WhyBody, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["holds"])
Asked = Annotated[str | None, Query(min_length=1, max_length=64)]


class HoldBody(Body):
    """What is kept, and why."""

    object_kind: Name
    object_id: Name
    reason: Words


@router.get("/holds")
def listed(console: Open, visitor: Reads, object_kind: Asked = None, object_id: Asked = None) -> dict[str, Any]:
    """List the holds in force, the newest first; of one object where kind and id are given."""
    require(visitor.principal, "hold.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = holds_on(connection, object_kind, object_id) if object_kind and object_id else holds(connection)
        return {"items": plain(found), "next": None}


@router.post("/holds", status_code=201, openapi_extra=does("hold.place"))
def place(request: Request, body: HoldBody, console: Open, visitor: Writes) -> Response:
    """Keep an object until the hold is released; ``customer`` keeps all about a customer."""

    def effect(connection: Connection) -> dict[str, Any]:
        return {"hold_id": place_hold(connection, body.object_kind, body.object_id, body.reason)}

    about = f"{body.object_kind} {body.object_id}"
    return once_in(request, console.bank.store, visitor, "hold.place", about, body, effect, 201)


@router.post("/holds/{hold_id}/release", openapi_extra=does("hold.release"))
def release(request: Request, hold_id: UUID, body: WhyBody, console: Open, visitor: Writes) -> Response:
    """Release a hold."""

    def effect(connection: Connection) -> dict[str, Any]:
        release_hold(connection, hold_id, body.reason)
        return {"hold_id": hold_id, "state": "released"}

    return once_in(request, console.bank.store, visitor, "hold.release", str(hold_id), body, effect)
