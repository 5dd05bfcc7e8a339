"""Interactions of customers on social channels, taken in where the customer allows it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.interaction import Interaction, take_interactions
from bankloop.kit.fields import WHOLE, Moment, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["interactions"])


class InteractionBody(Body):
    """One interaction: the channel's number for it, whose, what kind, when."""

    key: Annotated[int, Field(ge=0, le=2**63 - 1), WHOLE]
    customer_no: Name
    kind: Name
    occurred_at: Moment


class InteractionsBody(Body):
    """What one channel hands in."""

    channel: Name
    items: Annotated[list[InteractionBody], Field(min_length=1, max_length=1_000)]


@router.post("/interactions", openapi_extra=does("event.append"))
def take(request: Request, body: InteractionsBody, console: Open, visitor: Writes) -> Response:
    """Take in what customers allow; what they do not leaves a count and nothing else."""
    require(visitor.principal, "event.append")

    def effect(connection: Connection) -> Any:
        handed_in = [
            Interaction(one.key, one.customer_no, one.kind, body.channel, one.occurred_at) for one in body.items
        ]
        return plain(take_interactions(connection, handed_in, console.bank.lake.zone))

    return once_in(request, console.bank.store, visitor, "event.append", body.channel, body, effect)
