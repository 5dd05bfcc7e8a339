"""Events, told as they happen: their types, the door for one or many, what came of those told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.event import EventState, GivenEvent, read_event_types, take_events, traffic_of
from bankloop.kit.fields import Moment, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["events"])
MOST = 1_000
# As far as a field can hold anything; what it holds is for its type to say.
Value = (
    Annotated[str, Field(max_length=1_000)]
    | Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, Field(ge=-1e15, le=1e15)]
    | bool
    | None
)


class EventBody(Body):
    """One event: its source's own number for it, its type, whose, when, over which channel, and its fields."""

    number: Annotated[str, Field(min_length=1, max_length=100)]
    type: Name
    customer_no: Name
    occurred_at: Moment
    channel: Annotated[str, Field(max_length=64)] = ""
    fields: Annotated[dict[Annotated[str, Field(max_length=64)], Value], Field(max_length=50, default_factory=dict)]


class EventsBody(Body):
    """What one source tells."""

    source: Name
    events: Annotated[list[EventBody], Field(min_length=1, max_length=MOST)]


@router.get("/events/types")
def types(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the types of events with their sources, fields and the consent that they need."""
    require(visitor.principal, "event.read")
    found = read_event_types(console.folder)
    return {"items": [_type(one) for one in found.values()]}


@router.get("/events/traffic")
def traffic(console: Open, visitor: Reads, days: Annotated[int, Query(ge=1, le=90)] = 7) -> dict[str, Any]:
    """Say what came of the events told in the last days, by type and source."""
    require(visitor.principal, "event.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(traffic_of(connection, console.bank.clock.now() - timedelta(days=days)))}


@router.post("/events", openapi_extra=does("event.append"))
def take(request: Request, body: EventsBody, console: Open, visitor: Writes) -> Response:
    """Take in what fits, each event once by its source's number, and say why of each that is refused."""
    require(visitor.principal, "event.append")
    given = [
        GivenEvent(one.number, one.type, one.customer_no, one.occurred_at, one.channel, one.fields)
        for one in body.events
    ]

    def effect(connection: Connection) -> Any:
        done = take_events(connection, read_event_types(console.folder), body.source, given, console.bank.lake.zone)
        refused = [
            {"at": one.at, "number": one.number, "code": one.code, "reason": plain(one.reason)}
            for one in done.verdicts
            if one.state is EventState.REFUSED
        ]
        return {
            "taken": done.count(EventState.TAKEN),
            "late": sum(one.late for one in done.verdicts),
            "known": done.count(EventState.KNOWN),
            "refused": refused,
        }

    return once_in(request, console.bank.store, visitor, "event.append", body.source, body, effect)


def _type(one: Any) -> dict[str, Any]:
    fields = {
        name: {
            "title": plain(field.title),
            "type": str(field.type),
            "required": field.required,
            "class": field.data_class,
        }
        for name, field in one.fields.items()
    }
    return {**plain(one), "fields": fields}
