"""Credit for what was sold: recorded once with its shares, and what each person has."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.kit.fields import Day, Fen, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.performance.credit import credits_of, read_shares, record_deal, scorecards
from bankloop.view.format import masked_number
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["credit"])


class ShareBody(Body):
    """One person's share of a deal, as a decimal of the whole, for their line."""

    staff_id: Name
    line: Name
    share: Name


class DealBody(Body):
    """A deal with who brought it."""

    key: Name
    customer_no: Name
    unit_id: Name
    what: Name
    amount_fen: Fen
    happened_on: Day
    task_id: UUID | None = None
    shares: Annotated[list[ShareBody], Field(min_length=1, max_length=50)]


@router.post("/credits", status_code=201, openapi_extra=does("credit.record"))
def record(request: Request, body: DealBody, console: Open, visitor: Writes) -> Response:
    """Record a deal once for its key and share it; what all are given together is never above the whole."""
    require(visitor.principal, "credit.record")

    def effect(connection: Connection) -> Any:
        shares = read_shares({one.staff_id: (one.line, one.share) for one in body.shares})
        return record_deal(
            connection, body.key, body.customer_no, body.unit_id, body.what, body.amount_fen, body.happened_on, shares,
            body.task_id,
        )  # fmt: skip

    return once_in(request, console.bank.store, visitor, "credit.record", body.key, body, effect, 201)


@router.get("/credits")
def cards(console: Open, visitor: Reads, since: Day | None = None, until: Day | None = None) -> dict[str, Any]:
    """List what each person was credited with, this year by default."""
    require(visitor.principal, "credit.read")
    last = until or console.today
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(scorecards(connection, since or last.replace(month=1, day=1), last)), "next": None}


@router.get("/credits/{staff_id}")
def evidence(
    staff_id: Name, console: Open, visitor: Reads, since: Day | None = None, until: Day | None = None
) -> dict[str, Any]:
    """List the deals behind a person's figures, customers masked."""
    require(visitor.principal, "credit.read")
    last = until or console.today
    with console.bank.store.begin(visitor.principal) as connection:
        found = credits_of(connection, staff_id, since or last.replace(month=1, day=1), last)
    items = [
        {
            **plain(deal),
            "customer_no": masked_number(deal.customer_no),
            "line": share.line,
            "share_ppm": share.share_ppm,
            "task_id": plain(share.task_id),
        }
        for deal, share in found
    ]
    return {"items": items, "next": None}
