"""Points of customers: what somebody has, given, spent, given back and taken back, and what the bank owes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.benefit.points import earn_points, give_back, last_owed, read_points, spend_points, take_back, wallet
from bankloop.kit.fields import WHOLE, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.view.format import masked_number
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["points"])
Key = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE]


class EarningBody(Body):
    """Points given to a customer, once for their key; ``issuer`` is the partner who pays for them."""

    key: Key
    points: Points
    reason: Key
    issuer: Annotated[str, Field(max_length=64)] = ""


class SpendingBody(Body):
    """Points spent by a customer, once for their key."""

    key: Key
    points: Points
    reason: Key


class TakeBackBody(Body):
    """Why an earning is taken back."""

    reason: Key


@router.get("/points")
def overview(console: Open, visitor: Reads) -> dict[str, Any]:
    """Say what the bank owes in points, what moved by month, and whether the books are right, as of last night."""
    require(visitor.principal, "ledger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        kept = last_owed(connection)
    return {"made_at": plain(kept[1]), "figures": plain(kept[0])} if kept else {"made_at": None, "figures": None}


@router.get("/points/{customer_no}")
def one(customer_no: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Say what a customer has, with each earning and spending."""
    require(visitor.principal, "points.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = plain(wallet(connection, customer_no, console.today))
    return _masked(found, customer_no)


@router.post("/points/{customer_no}/earnings", status_code=201, openapi_extra=does("points.adjust"))
def earn(request: Request, customer_no: Name, body: EarningBody, console: Open, visitor: Writes) -> Response:
    """Give a customer points once for the key."""
    require(visitor.principal, "points.adjust")

    def effect(connection: Connection) -> Any:
        programme = read_points(console.bank.folder)
        earn_points(connection, programme, body.key, customer_no, body.points, body.reason, console.today, body.issuer)
        return _masked(plain(wallet(connection, customer_no, console.today)), customer_no)

    return once_in(request, console.bank.store, visitor, "points.adjust", customer_no, body, effect, 201)


@router.post("/points/{customer_no}/spendings", status_code=201, openapi_extra=does("points.spend"))
def spend(request: Request, customer_no: Name, body: SpendingBody, console: Open, visitor: Writes) -> Response:
    """Spend a customer's points once for the key, those first that end first."""
    require(visitor.principal, "points.spend")

    def effect(connection: Connection) -> Any:
        spend_points(connection, body.key, customer_no, body.points, body.reason, console.today)
        return _masked(plain(wallet(connection, customer_no, console.today)), customer_no)

    return once_in(request, console.bank.store, visitor, "points.spend", customer_no, body, effect, 201)


@router.post("/points/{customer_no}/spendings/{spending}/returns", openapi_extra=does("points.give_back"))
def back(
    request: Request, customer_no: Name, spending: Name, body: SpendingBody, console: Open, visitor: Writes
) -> Response:
    """Give points of a spending back once for the key, to the earnings they came from."""
    require(visitor.principal, "points.give_back")

    def effect(connection: Connection) -> Any:
        programme = read_points(console.bank.folder)
        give_back(connection, programme, body.key, spending, body.points, body.reason, console.today, customer_no)
        return _masked(plain(wallet(connection, customer_no, console.today)), customer_no)

    return once_in(request, console.bank.store, visitor, "points.give_back", spending, body, effect)


@router.post("/points/{customer_no}/earnings/{earning}/reversal", openapi_extra=does("points.take_back"))
def take(
    request: Request, customer_no: Name, earning: Name, body: TakeBackBody, console: Open, visitor: Writes
) -> Response:
    """Take an earning back; what was spent of it is owed, where the bank's file says so."""
    require(visitor.principal, "points.take_back")

    def effect(connection: Connection) -> Any:
        take_back(connection, read_points(console.bank.folder), earning, body.reason, console.today, customer_no)
        return _masked(plain(wallet(connection, customer_no, console.today)), customer_no)

    return once_in(request, console.bank.store, visitor, "points.take_back", earning, body, effect)


def _masked(found: dict[str, Any], customer_no: str) -> dict[str, Any]:
    hidden = masked_number(customer_no)
    rows = {name: [{**one, "customer_no": hidden} for one in found[name]] for name in ("lots", "spends")}
    return {**found, **rows, "customer_no": hidden}
