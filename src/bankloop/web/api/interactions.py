"""Interactions of customers on social channels: events of one channel, answered by counts alone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.event import EventState, GivenEvent, read_event_types, take_events
from bankloop.kit.errors import InputError
from bankloop.kit.fields import WHOLE, Moment, Name
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["events"])
# Of these the answer says how many; whatever else is wrong refuses the whole request.
_COUNTED = {"event.no_consent": "refused", "event.customer": "unknown"}


class InteractionBody(Body):
    """One interaction: the channel's number for it, whose, what kind, when."""

    key: Annotated[int, Field(ge=0, le=2**62 - 1), WHOLE]
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
    given = [GivenEvent(str(one.key), one.kind, one.customer_no, one.occurred_at, body.channel) for one in body.items]

    def effect(connection: Connection) -> Any:
        types = read_event_types(console.folder)
        done = take_events(connection, types, body.channel, given, console.bank.lake.zone)
        found = {
            "taken": done.count(EventState.TAKEN),
            "known": done.count(EventState.KNOWN),
            "refused": 0,
            "unknown": 0,
        }
        for one in done.verdicts:
            if one.code in _COUNTED:
                found[_COUNTED[one.code]] += 1
            elif one.reason is not None:
                raise _refused(one.number, one.reason)
        return found

    return once_in(request, console.bank.store, visitor, "event.append", body.channel, body, effect)


def _refused(number: str, reason: Text) -> InputError:
    return InputError(
        "interaction.refused",
        Text("互动 {number}：{reason}；全部未收", "interaction {number}: {reason}; none of the request was taken in"),
        number=number,
        reason=reason,
    )
