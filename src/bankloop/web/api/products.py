"""The shelf: products as they are now, a change asked for, scorecards, the product matrix, a bundle for one customer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from bankloop.kit.fields import Moment, Name, Reason, Words
from bankloop.kit.plain import plain
from bankloop.kit.text import Text
from bankloop.loop.offering.assortment import conclude, due_reviews, product_matrix, scorecards
from bankloop.loop.offering.bundles import BundleDraft, submit_bundle
from bankloop.loop.offering.migration import migration_list
from bankloop.loop.offering.needs import basic_gaps, needs_of, told_needs
from bankloop.loop.offering.offers import NextOffer, next_offers
from bankloop.loop.offering.proposals import proposal
from bankloop.loop.offering.shelf import read_change, shelf_now, submit_change
from bankloop.loop.offering.slots import PLACES, slot_for
from bankloop.organization.rights import require
from bankloop.store.shelf import read_reviews
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once

router = APIRouter(prefix=PREFIX, tags=["products"])
_Names = Annotated[list[Name], Field(max_length=1_000)]
_Rating = Annotated[str, Field(pattern="^R[1-5]$")]


class ChangeBody(Body):
    """Where a product is offered from a moment on, and how it is rated; what is left out stays unrestricted."""

    on: bool = True
    branches: _Names | None = None
    segments: _Names | None = None
    channels: _Names | None = None
    issuer: _Rating | None = None
    seller: _Rating | None = None
    effective_at: Moment | None = None
    reason: Reason


class BundleBody(Body):
    """A bundle: titles, line and legs, what one success is worth ('180 CNY'), a condition beside those of its legs."""

    zh: Name
    en: Name
    line: Literal["retail", "corporate", "interbank", "subsidiary"] = "retail"
    legs: Annotated[list[Name], Field(min_length=1, max_length=20)]
    worth: Name
    eligible: Annotated[str, Field(max_length=1_000)] = ""
    reason: Reason = ""


class OutcomeBody(Body):
    """What came of a review."""

    outcome: Words


@router.get("/products")
def products(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the products of all lines as they are on the shelf now."""
    require(visitor.principal, "product.read")
    found = shelf_now(console.bank, visitor.principal).all_of(console.bank.spec.products.values())
    return {"items": [one.model_dump(mode="json", by_alias=True) for one in found], "next": None}


@router.post("/products/{key}/changes", status_code=202, openapi_extra=does("product.submit"))
def change(request: Request, key: Name, body: ChangeBody, console: Open, visitor: Writes) -> Response:
    """Ask for a change of the shelf; it holds from its moment on, once another person has approved it."""
    require(visitor.principal, "product.submit")

    def effect() -> dict[str, Any]:
        fields = body.model_dump()
        if body.effective_at is not None and body.effective_at.tzinfo is None:
            fields["effective_at"] = body.effective_at.replace(tzinfo=ZoneInfo(console.bank.lake.zone))
        fields["issuer"], fields["seller"] = body.issuer or body.seller, body.seller or body.issuer
        return {
            "product": key,
            "approval": submit_change(console.bank, visitor.principal, read_change(key, fields), body.reason),
        }

    return once(request, console.bank.store, visitor, "product.submit", key, body, effect, 202)


@router.post("/products/bundles/{key}", status_code=202, openapi_extra=does("bundle.submit"))
def put_together(request: Request, key: Name, body: BundleBody, console: Open, visitor: Writes) -> Response:
    """Ask that a bundle stand on the shelf, rated as its highest leg; it does once another person has approved it."""
    require(visitor.principal, "bundle.submit")
    draft = BundleDraft(key, Text(body.zh, body.en), body.line, tuple(body.legs), body.worth, body.eligible)

    def effect() -> dict[str, Any]:
        return {"bundle": key, "approval": submit_bundle(console.bank, visitor.principal, draft, body.reason)}

    return once(request, console.bank.store, visitor, "bundle.submit", key, body, effect, 202)


@router.get("/products/migration")
def moving(console: Open, visitor: Reads) -> dict[str, Any]:
    """List what is not all online, the most sold first: how much of it is, who answers for the rest and until when."""
    require(visitor.principal, "product.read")
    shelf = shelf_now(console.bank, visitor.principal).all_of(console.bank.spec.products.values())
    return {"items": plain(migration_list(shelf, scorecards(console.bank), console.today)), "next": None}


@router.get("/products/scorecards")
def cards(console: Open, visitor: Reads) -> dict[str, Any]:
    """Return how each product does, and the reviews that figures called for."""
    require(visitor.principal, "product.read")
    found = scorecards(console.bank)
    with console.bank.store.begin(visitor.principal) as connection:
        reviews = read_reviews(connection)
    return {
        "items": [{**asdict(one), "blocked": {why.value: n for why, n in one.blocked.items()}} for one in found],
        "due": plain(due_reviews(found, console.bank.spec.policies)),
        "reviews": plain(reviews),
    }


@router.post("/products/reviews/{review_id}/conclude", openapi_extra=does("product.conclude"))
def concluded(request: Request, review_id: UUID, body: OutcomeBody, console: Open, visitor: Writes) -> Response:
    """Close a review with what came of it."""

    def effect() -> dict[str, Any]:
        conclude(console.bank, visitor.principal, review_id, body.outcome)
        return {"review": review_id, "state": "closed"}

    return once(request, console.bank.store, visitor, "product.conclude", str(review_id), body, effect)


@router.get("/products/matrix")
def matrix(console: Open, visitor: Reads) -> dict[str, Any]:
    """Return penetration and gap by segment and class of product, ppm."""
    require(visitor.principal, "product.read")
    return {"items": [{**asdict(one), "gap": one.gap} for one in product_matrix(console.bank)], "next": None}


@router.get("/products/{key}/proposal/{customer_no}")
def propose(key: Name, customer_no: Name, console: Open, visitor: Reads, company: Name | None = None) -> dict[str, Any]:
    """Return a bundle for one customer, each leg with its own result; the corporate legs are for their ``company``."""
    require(visitor.principal, "product.read")
    legs = proposal(console.bank, visitor.principal, key, customer_no, company or "")
    found = [
        {"product": leg.product.key, "for": leg.party, "open": leg.ruling.open, "reason": leg.ruling.reason.value, "said": plain(leg.ruling.sentence)}
        for leg in legs
    ]  # fmt: skip
    return {"bundle": key, "customer_no": customer_no, "legs": found, "open": all(leg.ruling.open for leg in legs)}


@router.get("/customers/{customer_no}/slot")
def slot(
    customer_no: Name, console: Open, visitor: Reads, places: Annotated[int, Query(ge=1, le=20)] = PLACES
) -> dict[str, Any]:
    """Return what a place of the app shows a customer: their own list, the generic one that is the same for all, or nothing."""
    require(visitor.principal, "product.read")
    found = slot_for(console.bank, visitor.principal, customer_no, places)
    said = {name: [one.key for one in getattr(found, name)] for name in ("shown", "chosen", "generic")}
    return {"customer_no": customer_no, "content": found.content.value, **said}


@router.get("/products/gaps")
def gaps(console: Open, visitor: Reads) -> dict[str, Any]:
    """Count whom the caller sees who should have a basic product and have not, by segment."""
    for right in ("product.read", "segment.read"):
        require(visitor.principal, right)
    found = basic_gaps(console.bank, console.seen_by(visitor.principal))
    listed = [
        {"basic": one.basic.basic, "among": one.among, "lacking": one.lacking, "by_segment": dict(one.by_segment)}
        for one in found
    ]
    return {
        "items": [{**one, "condition": gap.basic.lacking} for one, gap in zip(listed, found, strict=True)],
        "next": None,
    }


@router.get("/customers/{customer_no}/needs")
def needs(customer_no: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return how assets might be spread within the risk tolerance, which basics are missing, which services suit.

    Shares are ppm; amounts are null for who has not unmasked them.
    """
    require(visitor.principal, "product.read")
    return told_needs(needs_of(console.bank, visitor.principal, customer_no))


@router.get("/customers/{customer_no}/offers")
def offers(customer_no: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return the next best offers for a customer, each with its reasons, and what is locked and why; none without consent."""
    require(visitor.principal, "product.read")
    found = next_offers(console.bank, visitor.principal, customer_no)

    def said(one: NextOffer) -> dict[str, Any]:
        return {
            "product": one.product.key,
            "open": one.open,
            "expected_fen": round(one.expected),
            "reason": plain(one.reason),
            "why": plain(one.why),
        }

    return {
        "customer_no": customer_no, "offers": [said(one) for one in found.offers], "invited": found.invited,
        "locked": [said(one) for one in found.locked], "personal": found.personal,
        "refused": plain(found.refused) if found.refused else None,
    }  # fmt: skip
