"""One customer out of many records: the steward's queue, merges asked for, made and undone, channel identities bound."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.identity import (
    MergeEvent,
    ask_merge,
    bind_channel,
    candidates,
    decide_candidate,
    merge_parties,
    merges,
    unbind_channel,
    undo_merge,
)
from bankloop.kit.fields import Name, Words
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Limit, Open, Reads, WhyBody, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["parties"])

Evidence = Annotated[dict[Name, Annotated[str, Field(max_length=500)]], Field(min_length=1, max_length=16)]


class PairBody(Body):
    """Two customers who are to be one."""

    one: Name
    other: Name


class MergeBody(PairBody):
    """Two customers who are said to be one, and on whose word."""

    reason: Words


class VerdictBody(Body):
    """Whether the two of a candidate are one person, and why."""

    same: bool
    reason: Words


class UndoBody(Body):
    """Which number leaves its party; with an event, that merge whole."""

    customer_no: Name
    reason: Words
    event_id: UUID | None = None


class BindBody(Body):
    """Whose a channel identity is, as was verified."""

    customer_no: Name
    evidence: Evidence


@router.get("/merges")
def queue(console: Open, visitor: Reads, limit: Limit = 50) -> dict[str, Any]:
    """Return the pairs that wait for a steward, the heaviest first, and the merges made, the newest first."""
    require(visitor.principal, "merge.read")
    with console.bank.store.begin(visitor.principal) as connection:
        waiting, made = candidates(connection, limit=limit), merges(connection, limit=limit)
    return {"waiting": plain(waiting), "made": plain(made)}


@router.post("/merges", status_code=201, openapi_extra=does("approval.submit"))
def ask(request: Request, body: MergeBody, console: Open, visitor: Writes) -> Response:
    """Ask that two customers be merged on a person's word; others approve it."""
    require(visitor.principal, "merge.submit")

    def effect(connection: Connection) -> dict[str, Any]:
        return {"request": ask_merge(connection, body.one, body.other, body.reason)}

    return once_in(request, console.bank.store, visitor, "merge.submit", f"{body.one} {body.other}", body, effect, 201)


@router.post("/merges/run", openapi_extra=does("merge.run"))
def run(request: Request, body: PairBody, console: Open, visitor: Writes) -> Response:
    """Merge two customers as it was approved, once."""

    def effect(connection: Connection) -> dict[str, Any]:
        return _moved(merge_parties(connection, body.one, body.other))

    return once_in(request, console.bank.store, visitor, "merge.run", f"{body.one} {body.other}", body, effect)


@router.post("/merges/undo", openapi_extra=does("merge.undo"))
def undo(request: Request, body: UndoBody, console: Open, visitor: Writes) -> Response:
    """Take a number out of its party, or undo a merge; later events follow whom they are about."""

    def effect(connection: Connection) -> dict[str, Any]:
        return _moved(undo_merge(connection, body.customer_no, body.reason, body.event_id))

    return once_in(request, console.bank.store, visitor, "merge.undo", body.customer_no, body, effect)


@router.post("/merges/{candidate_id}/decide", openapi_extra=does("merge.decide"))
def decide(request: Request, candidate_id: UUID, body: VerdictBody, console: Open, visitor: Writes) -> Response:
    """Decide a waiting pair: one person, or two who are kept apart from now on."""

    def effect(connection: Connection) -> dict[str, Any]:
        return _moved(decide_candidate(connection, candidate_id, body.same, body.reason))

    return once_in(request, console.bank.store, visitor, "merge.decide", str(candidate_id), body, effect)


@router.post("/channels/{channel_no}/bind", openapi_extra=does("identity.bind"))
def bind(request: Request, channel_no: Name, body: BindBody, console: Open, visitor: Writes) -> Response:
    """Let a channel identity be a customer's, as was verified; what it did before is theirs from now on."""

    def effect(connection: Connection) -> dict[str, Any]:
        return _moved(bind_channel(connection, channel_no, body.customer_no, body.evidence))

    return once_in(request, console.bank.store, visitor, "identity.bind", channel_no, body, effect)


@router.post("/channels/{channel_no}/unbind", openapi_extra=does("identity.unbind"))
def unbind(request: Request, channel_no: Name, body: WhyBody, console: Open, visitor: Writes) -> Response:
    """Take a channel identity from whom it was bound to."""

    def effect(connection: Connection) -> dict[str, Any]:
        return _moved(unbind_channel(connection, channel_no, body.reason))

    return once_in(request, console.bank.store, visitor, "identity.unbind", channel_no, body, effect)


def _moved(events: tuple[MergeEvent, ...]) -> dict[str, Any]:
    return {"events": plain(events)}
