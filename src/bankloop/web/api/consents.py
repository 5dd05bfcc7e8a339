"""What customers allow: what stands, the ledger, a word written down, a removal from the do-not-contact list asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from bankloop.customer.consent import ask_removal, content_for, ledger_of, may_contact, record_word, standing_of
from bankloop.customer.subject import ask_export, plan_erasure
from bankloop.organization import require
from bankloop.web.api.asking import PREFIX, Body, Name, Open, Reads, Writes, plain
from bankloop.web.api.once import once

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
    said_at: datetime | None = None


class WishBody(Body):
    """A customer's own wish, with its evidence."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    evidence: Evidence = Field(default_factory=dict)


@router.get("/customers/{customer_no}/consents")
def consents(customer_no: str, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return what stands for a customer, whether marketing may reach them, what may be shown, and the ledger."""
    require(visitor.principal, "consent.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found, ledger = standing_of(connection, customer_no[:64]), ledger_of(connection, customer_no[:64])
    ruling = may_contact(found.words, "*")
    return {
        "customer_no": found.customer_no,
        "words": plain(found.words),
        "marketing": plain(ruling),
        "content": content_for(found.words).value,
        "ledger": plain(ledger),
    }


@router.post("/customers/{customer_no}/consents", status_code=201)
def record(request: Request, customer_no: str, body: WordBody, console: Open, visitor: Writes) -> Response:
    """Write down what a customer allows, withdraws or stops; it holds at once, everywhere."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return record_word(
                connection, customer_no[:64], body.purpose, body.stands, origin=body.origin, evidence=body.evidence,
                channel=body.channel, recipient=body.recipient, said_at=body.said_at,
            )  # fmt: skip

    return once(request, store, visitor, "consent.record", customer_no[:64], body, effect, 201)


@router.post("/customers/{customer_no}/dnc-removal", status_code=201)
def removal(request: Request, customer_no: str, body: WishBody, console: Open, visitor: Writes) -> Response:
    """Ask that a customer leave the do-not-contact list by their own wish; others approve it."""
    store = console.bank.store

    def effect() -> dict[str, Any]:
        with store.begin(visitor.principal) as connection:
            return {"request": ask_removal(connection, customer_no[:64], body.evidence, body.reason)}

    return once(request, store, visitor, "dnc_removal.submit", customer_no[:64], body, effect, 201)


@router.post("/customers/{customer_no}/copy", status_code=201)
def copy(request: Request, customer_no: str, body: WishBody, console: Open, visitor: Writes) -> Response:
    """Ask that a person be given a copy of their data; others approve it, and the copy is made at the bank's own desk."""
    store = console.bank.store

    def effect() -> dict[str, Any]:
        with store.begin(visitor.principal) as connection:
            return {"request": ask_export(connection, customer_no[:64], body.reason)}

    return once(request, store, visitor, "export.submit", customer_no[:64], body, effect, 201)


@router.get("/customers/{customer_no}/erasure")
def erasure(customer_no: str, console: Open, visitor: Reads) -> Any:
    """Return what erasing a person would do today, category by category: what goes, what stays, until when and why."""
    require(visitor.principal, "consent.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return plain(plan_erasure(connection, console.bank.lake, customer_no[:64]))
