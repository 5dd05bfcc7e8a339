"""What customers allow: what stands, the ledger, a word written down, a removal from the do-not-contact list asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.consent import (
    ask_removal,
    content_for,
    ledger_of,
    may_contact,
    record_word,
    remove_from_list,
    standing_of,
)
from bankloop.customer.subject import ask_export, erase_person, export_person, plan_erasure
from bankloop.kit.fields import Moment, Name, Words
from bankloop.kit.plain import plain
from bankloop.organization.erasure import ask_erasure
from bankloop.organization.principals import system
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once, once_in, with_once

router = APIRouter(prefix=PREFIX, tags=["consents"])
Evidence = Annotated[dict[Name, Annotated[str, Field(max_length=500)]], Field(max_length=16)]


class WordBody(Body):
    """What a customer said: a purpose allowed or withdrawn, a stop set or lifted; where, and how it is proven."""

    purpose: Name
    stands: bool
    origin: Name
    evidence: Evidence = Field(default_factory=dict)
    channel: Name = "*"
    recipient: Name = "bank"
    said_at: Moment | None = None


class WishBody(Body):
    """A customer's own wish, with its evidence."""

    reason: Words
    evidence: Evidence = Field(default_factory=dict)


@router.get("/customers/{customer_no}/consents")
def consents(customer_no: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return what stands for a customer, whether marketing may reach them, what may be shown, and the ledger."""
    require(visitor.principal, "consent.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found, ledger = standing_of(connection, customer_no), ledger_of(connection, customer_no)
    ruling = may_contact(found.words, "*")
    return {
        "customer_no": found.customer_no,
        "words": plain(found.words),
        "marketing": plain(ruling),
        "content": content_for(found.words).value,
        "ledger": plain(ledger),
    }


@router.post("/customers/{customer_no}/consents", status_code=201, openapi_extra=does("consent.record"))
def record(request: Request, customer_no: Name, body: WordBody, console: Open, visitor: Writes) -> Response:
    """Write down what a customer allows, withdraws or stops; it holds at once, everywhere."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return record_word(
                connection, customer_no, body.purpose, body.stands, origin=body.origin, evidence=body.evidence,
                channel=body.channel, recipient=body.recipient, said_at=body.said_at, lake=console.bank.lake,
            )  # fmt: skip

    return once(request, store, visitor, "consent.record", customer_no, body, effect, 201)


@router.post("/customers/{customer_no}/dnc-removal", status_code=201, openapi_extra=does("approval.submit"))
def removal(request: Request, customer_no: Name, body: WishBody, console: Open, visitor: Writes) -> Response:
    """Ask that a customer leave the do-not-contact list by their own wish; others approve it."""
    require(visitor.principal, "dnc_removal.submit")

    def effect(connection: Connection) -> dict[str, Any]:
        return {"request": ask_removal(connection, customer_no, body.evidence, body.reason)}

    return once_in(request, console.bank.store, visitor, "dnc_removal.submit", customer_no, body, effect, 201)


@router.post("/customers/{customer_no}/copy", status_code=201, openapi_extra=does("approval.submit"))
def copy(request: Request, customer_no: Name, body: WishBody, console: Open, visitor: Writes) -> Response:
    """Ask that a person be given a copy of their data; others approve it, and the copy is made once then."""
    require(visitor.principal, "export.submit")

    def effect(connection: Connection) -> dict[str, Any]:
        return {"request": ask_export(connection, customer_no, body.reason)}

    return once_in(request, console.bank.store, visitor, "export.submit", customer_no, body, effect, 201)


@router.post("/customers/{customer_no}/dnc-removal/run", openapi_extra=does("dnc_removal.run"))
def removed(request: Request, customer_no: Name, console: Open, visitor: Writes) -> Response:
    """Take a customer off the do-not-contact list as it was approved, once."""

    def effect(connection: Connection) -> Any:
        return remove_from_list(connection, customer_no)

    return once_in(request, console.bank.store, visitor, "dnc_removal.run", customer_no, None, effect)


@router.post("/customers/{customer_no}/copy/run", openapi_extra=does("export.run"))
def copied(request: Request, customer_no: Name, console: Open, visitor: Writes) -> Response:
    """Make the copy that was approved, once; it is in this answer and kept nowhere, so a repeated request says only that."""
    shown: dict[str, Any] = {}

    def effect(connection: Connection) -> dict[str, Any]:
        shown["copy"] = plain(export_person(connection, console.bank.lake, customer_no))
        return {"customer_no": customer_no, "request": shown["copy"]["request"]}

    return with_once(once_in(request, console.bank.store, visitor, "export.run", customer_no, None, effect), shown)


@router.post("/customers/{customer_no}/erasure", status_code=201, openapi_extra=does("approval.submit"))
def ask_to_erase(request: Request, customer_no: Name, body: WishBody, console: Open, visitor: Writes) -> Response:
    """Ask that a person's data be erased; compliance and two approvers consent."""
    require(visitor.principal, "erasure.submit")

    def effect(connection: Connection) -> dict[str, Any]:
        return {"request": ask_erasure(connection, customer_no, body.reason)}

    return once_in(request, console.bank.store, visitor, "erasure.submit", customer_no, body, effect, 201)


@router.post("/customers/{customer_no}/erasure/run", openapi_extra=does("erasure.run"))
def erased(request: Request, customer_no: Name, console: Open, visitor: Writes) -> Response:
    """Erase what was approved to be erased, once: what a term keeps stays, and the answer says until when."""
    require(visitor.principal, "erasure.run")
    bank = console.bank

    def effect() -> Any:
        with bank.store.begin(system("erasure")) as connection:
            return erase_person(connection, bank.lake, bank.folder, customer_no)

    return once(request, bank.store, visitor, "erasure.run", customer_no, None, effect)


@router.get("/customers/{customer_no}/erasure")
def erasure(customer_no: Name, console: Open, visitor: Reads) -> Any:
    """Return what erasing a person would do today, category by category: what goes, what stays, until when and why."""
    require(visitor.principal, "consent.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return plain(plan_erasure(connection, console.bank.lake, customer_no))
