"""Requests between lines and offices: listed for both sides, made, taken, answered, passed on, withdrawn."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.kit.fields import Name, Words
from bankloop.kit.plain import plain
from bankloop.kit.worktime import WorkTime
from bankloop.organization import collaboration as together
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["collaborations"])
Number = Annotated[str, Field(max_length=64)]


class ReferBody(Body):
    """A customer of one's own, and whom the other line is to serve."""

    topic: Name
    about_no: Name
    need: Words
    customer_no: Number = ""
    company: Number = ""
    agreed: bool = False


class AskBody(Body):
    """What a desk is asked, about a customer of one's own or about none."""

    topic: Name
    need: Words
    about_no: Number = ""


class AnswerBody(Body):
    """What comes of a request: a code of its kind, and words."""

    outcome: Name
    words: Words


class PassBody(Body):
    """To the desk of which topic a request goes, and why."""

    topic: Name
    words: Words


class WordsBody(Body):
    """What is said."""

    words: Words


@router.get("/collaborations")
def listed(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the requests to answer, those asked and those of the caller's units, open ones first."""
    require(visitor.principal, "collaboration.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found: dict[str, Any] = plain(together.inbox(connection))
    return found


@router.get("/collaborations/{request_id}")
def one(request_id: UUID, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return a request with what was done and said."""
    require(visitor.principal, "collaboration.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found: dict[str, Any] = plain(together.conversation(connection, request_id))
    return found


@router.post("/collaborations/refer", status_code=201, openapi_extra=does("collaboration.refer"))
def refer(request: Request, body: ReferBody, console: Open, visitor: Writes) -> Response:
    """Refer a customer of one's own to another line."""

    def effect(connection: Connection) -> object:
        return together.refer(
            connection, body.topic, body.about_no, body.need, customer_no=body.customer_no, company=body.company,
            agreed=body.agreed, hours=WorkTime(console.bank.lake.zone),
        )  # fmt: skip

    return once_in(request, console.bank.store, visitor, "collaboration.refer", "", body, effect, 201)


@router.post("/collaborations/ask", status_code=201, openapi_extra=does("collaboration.ask"))
def ask(request: Request, body: AskBody, console: Open, visitor: Writes) -> Response:
    """Ask the desk of a topic for support."""

    def effect(connection: Connection) -> object:
        hours = WorkTime(console.bank.lake.zone)
        return together.ask_support(connection, body.topic, body.need, about_no=body.about_no, hours=hours)

    return once_in(request, console.bank.store, visitor, "collaboration.ask", "", body, effect, 201)


@router.post("/collaborations/{request_id}/take", openapi_extra=does("collaboration.take"))
def take(request: Request, request_id: UUID, console: Open, visitor: Writes) -> Response:
    """Take a request on: the clock of the first response stops."""
    return once_in(
        request,
        console.bank.store,
        visitor,
        "collaboration.take",
        str(request_id),
        None,
        lambda c: together.take(c, request_id),
    )


@router.post("/collaborations/{request_id}/answer", openapi_extra=does("collaboration.answer"))
def answer(request: Request, request_id: UUID, body: AnswerBody, console: Open, visitor: Writes) -> Response:
    """Answer a request; it is over where the answer ends it."""

    def effect(connection: Connection) -> object:
        return together.answer(connection, request_id, body.outcome, body.words)

    return once_in(request, console.bank.store, visitor, "collaboration.answer", str(request_id), body, effect)


@router.post("/collaborations/{request_id}/pass", openapi_extra=does("collaboration.pass"))
def pass_on(request: Request, request_id: UUID, body: PassBody, console: Open, visitor: Writes) -> Response:
    """Pass a request for support on to the desk of another topic; its clock goes on."""

    def effect(connection: Connection) -> object:
        return together.pass_on(connection, request_id, body.topic, body.words)

    return once_in(request, console.bank.store, visitor, "collaboration.pass", str(request_id), body, effect)


@router.post("/collaborations/{request_id}/add", openapi_extra=does("collaboration.add"))
def add(request: Request, request_id: UUID, body: WordsBody, console: Open, visitor: Writes) -> Response:
    """Add words to one's own request while it is open."""

    def effect(connection: Connection) -> object:
        together.add_words(connection, request_id, body.words)
        return together.conversation(connection, request_id)

    return once_in(request, console.bank.store, visitor, "collaboration.add", str(request_id), body, effect)


@router.post("/collaborations/{request_id}/withdraw", openapi_extra=does("collaboration.withdraw"))
def withdraw(request: Request, request_id: UUID, body: WordsBody, console: Open, visitor: Writes) -> Response:
    """Take one's own request back while it is open."""

    def effect(connection: Connection) -> object:
        together.withdraw(connection, request_id, body.words)
        return together.conversation(connection, request_id)

    return once_in(request, console.bank.store, visitor, "collaboration.withdraw", str(request_id), body, effect)
