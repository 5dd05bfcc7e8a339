"""Customers within the caller's scope, masked; unmasking for a reason; transfers of books; sharing agreements."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bankloop.customer.overview import open_overview
from bankloop.customer.relation import find_way, open_relations
from bankloop.kit.fields import WHOLE, Moment, Name, Reason, Words
from bankloop.kit.plain import plain
from bankloop.organization.granting import approve_transfer, recall_transfer, reject_transfer, submit_transfer
from bankloop.organization.people import transfers
from bankloop.organization.rights import (
    agreements,
    approve_agreement,
    end_agreement,
    open_customer,
    propose_agreement,
    record_consent,
    require,
    unmask,
)
from bankloop.web.api.dependencies import (
    PREFIX,
    Approves,
    Body,
    Cursor,
    Limit,
    Open,
    Reads,
    Writes,
    after,
    does,
    page_of,
)
from bankloop.web.api.idempotency import once
from bankloop.web.pages.workbench.own import own_customers

router = APIRouter(prefix=PREFIX, tags=["customers"])
Hops = Annotated[int, Query(ge=1, le=3)]


class UnmaskBody(Body):
    """Which fields, why, under which ticket, for how many minutes."""

    fields: Annotated[list[Name], Field(min_length=1, max_length=64)]
    reason: Words
    ticket: Name
    minutes: Annotated[int, Field(ge=1, le=480), WHOLE] = 30


class TransferBody(Body):
    """Whose customers go to whom, from when on; all of the book where none is named."""

    from_staff: Name
    to_staff: Name
    reason: Words
    customers: Annotated[list[Name], Field(max_length=10_000)] = Field(default_factory=list)
    line: Name = "retail"
    effective_at: Moment | None = None


class ReasonBody(Body):
    """Why."""

    reason: Reason = ""


class AgreementBody(Body):
    """What one line shares with another: purpose, fields, until when, whether customers must consent."""

    agreement_id: Name
    owner_line: Name
    to_line: Name
    purpose: Name
    fields: Annotated[list[Name], Field(min_length=1, max_length=64)]
    valid_to: Moment
    reason: Words
    to_unit: Name | None = None
    consent: bool = True


class ConsentBody(Body):
    """Whether a customer agrees."""

    customer_no: Name
    given: bool = True


@router.get("/customers")
def customers(console: Open, visitor: Reads, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List the customers within the caller's scope, in order of their numbers."""
    require(visitor.principal, "customer.list")
    store, principal = console.bank.store, visitor.principal
    found = own_customers(console, principal, after(store, principal, "customers", cursor) or "", limit + 1)
    return page_of(store, principal, "customers", found, limit, lambda row: row.customer_no)


@router.get("/customers/{customer_no}")
def customer(customer_no: Name, console: Open, visitor: Reads) -> Any:
    """Return what the caller may see of a customer; out of scope and unknown are both 404."""
    require(visitor.principal, "customer.read")
    return plain(open_customer(console.bank.store, console.bank.lake, visitor.principal, customer_no))


@router.get("/customers/{customer_no}/overview")
def overview(customer_no: Name, console: Open, visitor: Reads) -> Any:
    """Return one customer at a glance: keeper, tier and its months, stage, score with factors, contribution; money masked."""
    require(visitor.principal, "customer.read")
    bank = console.bank
    with bank.store.begin(visitor.principal) as connection:
        seen = open_overview(connection, bank.lake, bank.profiles(connection), bank.catalogue, customer_no)
    return JSONResponse(plain(seen))


@router.get("/customers/{customer_no}/relations")
def relations(
    customer_no: Name, console: Open, visitor: Reads, to: Name | None = None, hops: Hops = 3
) -> dict[str, Any]:
    """Return a customer's own relations with their evidence, or the way ``to`` another party within so many hops."""
    require(visitor.principal, "relation.read")
    lake = console.bank.lake
    with console.bank.store.begin(visitor.principal) as connection:
        if to is not None:
            return {"steps": plain(find_way(connection, lake, customer_no, to, hops))}
        return {"steps": plain(open_relations(connection, lake, customer_no))}


@router.post("/customers/{customer_no}/unmask", openapi_extra=does("customer.unmask"))
def unmask_fields(request: Request, customer_no: Name, body: UnmaskBody, console: Open, visitor: Writes) -> Response:
    """Open masked fields for a while, for a reason and a ticket; the auditor sees it."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return unmask(connection, customer_no, body.fields, body.reason, body.ticket, body.minutes)

    return once(request, store, visitor, "customer.unmask", customer_no, body, effect)


@router.get("/transfers")
def all_transfers(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the transfers that the caller may see."""
    require(visitor.principal, "transfer.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(transfers(connection)), "next": None}


@router.post("/transfers", status_code=201, openapi_extra=does("transfer.submit"))
def ask_transfer(request: Request, body: TransferBody, console: Open, visitor: Writes) -> Response:
    """Ask that customers pass to another manager; nothing moves before a second person approves."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return submit_transfer(
                connection, body.from_staff, body.to_staff, body.reason, customers=body.customers, line=body.line,
                effective_at=body.effective_at,
            )  # fmt: skip

    return once(request, store, visitor, "transfer.submit", body.from_staff, body, effect, 201)


@router.post(
    "/transfers/{transfer_id}/{decision}", openapi_extra=does("approval.approve", "approval.reject", "approval.recall")
)
def decide_transfer(
    request: Request,
    transfer_id: UUID,
    decision: Literal["approve", "reject", "recall"],
    body: ReasonBody,
    console: Open,
    visitor: Approves,
) -> Response:
    """Approve, reject or recall a transfer."""
    store, verbs = (
        console.bank.store,
        {"approve": approve_transfer, "reject": reject_transfer, "recall": recall_transfer},
    )

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return verbs[decision](connection, transfer_id, body.reason)

    return once(request, store, visitor, f"transfer.{decision}", str(transfer_id), body, effect)


@router.get("/agreements")
def all_agreements(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the sharing agreements."""
    require(visitor.principal, "agreement.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(agreements(connection)), "next": None}


@router.post("/agreements", status_code=201, openapi_extra=does("agreement.submit"))
def propose(request: Request, body: AgreementBody, console: Open, visitor: Writes) -> Response:
    """Propose that one line's customers be shared with another."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            asked = body.model_dump(
                exclude={"agreement_id", "owner_line", "to_line", "purpose", "fields", "valid_to", "reason"}
            )
            return propose_agreement(
                connection, body.agreement_id, body.owner_line, body.to_line, body.purpose, body.fields,
                valid_to=body.valid_to, reason=body.reason, **asked,
            )  # fmt: skip

    return once(request, store, visitor, "agreement.submit", body.agreement_id, body, effect, 201)


@router.post("/agreements/{agreement_id}/consent", openapi_extra=does("agreement.consent"))
def consent(request: Request, agreement_id: Name, body: ConsentBody, console: Open, visitor: Writes) -> Response:
    """Record that a customer agrees, or no longer does."""
    store = console.bank.store

    def effect() -> dict[str, Any]:
        with store.begin(visitor.principal) as connection:
            record_consent(connection, agreement_id, body.customer_no, given=body.given)
        return {"agreement": agreement_id, "given": body.given}

    return once(request, store, visitor, "agreement.consent", agreement_id, body, effect)


@router.post("/agreements/{agreement_id}/{decision}", openapi_extra=does("agreement.approve", "agreement.end"))
def decide_agreement(
    request: Request,
    agreement_id: Name,
    decision: Literal["approve", "end"],
    body: ReasonBody,
    console: Open,
    visitor: Approves,
) -> Response:
    """Approve or end an agreement."""
    store, verbs = console.bank.store, {"approve": approve_agreement, "end": end_agreement}

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return verbs[decision](connection, agreement_id, body.reason)

    return once(request, store, visitor, f"agreement.{decision}", agreement_id, body, effect)
