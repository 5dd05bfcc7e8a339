"""Messages that could not be handed out: listed with their reason, tried again or given up by a person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from bankloop.contact.delivery import give_up
from bankloop.kit.fields import Words
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.store.outbox import retry_message, stuck_messages
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["messages"])
MessageId = Annotated[int, Path(ge=1, le=2**62)]


class DropBody(Body):
    """Why a message is given up."""

    reason: Words


@router.get("/messages")
def listed(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the messages that failed and wait, those that wait for a person first."""
    require(visitor.principal, "message.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(stuck_messages(connection)), "next": None}


@router.post("/messages/{message_id}/retry", openapi_extra=does("message.retry"))
def retry(request: Request, message_id: MessageId, console: Open, visitor: Writes) -> Response:
    """Let a message be tried again from the beginning, with the next delivery."""

    def effect(connection: Connection) -> dict[str, Any]:
        retry_message(connection, message_id)
        return {"message": message_id, "state": "waiting"}

    return once_in(request, console.bank.store, visitor, "message.retry", str(message_id), None, effect)


@router.post("/messages/{message_id}/drop", openapi_extra=does("message.drop"))
def drop(request: Request, message_id: MessageId, body: DropBody, console: Open, visitor: Writes) -> Response:
    """Give a message up for good: its contacts are recorded as stopped."""

    def effect(connection: Connection) -> dict[str, Any]:
        return {"message": message_id, "state": "dropped", "contacts": give_up(connection, message_id, body.reason)}

    return once_in(request, console.bank.store, visitor, "message.drop", str(message_id), body, effect)
