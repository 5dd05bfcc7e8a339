"""Grants of benefits: how budgets and stocks stand, a grant, redeemed for an order, returned, ended with its day."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.benefit.grants import (
    BenefitGrant,
    burn_downs,
    expire_grants,
    grant_of,
    redeem_grant,
    return_grant,
)
from bankloop.kit.fields import Day, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.view.format import masked_number
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["benefits"])
Said = Annotated[str, Field(min_length=1, max_length=200)]


class RedemptionBody(Body):
    """The order for which a grant is redeemed, once."""

    order: Said


class GrantReturnBody(Body):
    """Why a grant is given back."""

    reason: Said


class GrantExpiryBody(Body):
    """The day through which all redemptions have been told."""

    through: Day


@router.get("/benefits/pools")
def all_pools(console: Open, visitor: Reads) -> dict[str, Any]:
    """Say what budgets and stocks have, and when each is empty at the pace so far."""
    require(visitor.principal, "ledger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = burn_downs(connection, console.today, console.bank.lake.zone)
    return {"items": [{**plain(one), "left": one.pool.left} for one in found], "next": None}


@router.get("/benefits/grants/{grant}")
def one_grant(grant: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Say how a grant stands; its number is its decision's."""
    require(visitor.principal, "decision.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return _shown(grant_of(connection, grant))


@router.post("/benefits/grants/{grant}/redemption", openapi_extra=does("benefit.redeem"))
def redeem(request: Request, grant: Name, body: RedemptionBody, console: Open, visitor: Writes) -> Response:
    """Redeem a grant for an order, once."""
    require(visitor.principal, "benefit.redeem")

    def effect(connection: Connection) -> Any:
        return _shown(redeem_grant(connection, grant, body.order))

    return once_in(request, console.bank.store, visitor, "benefit.redeem", grant, body, effect)


@router.post("/benefits/grants/{grant}/return", openapi_extra=does("benefit.return"))
def give_back(request: Request, grant: Name, body: GrantReturnBody, console: Open, visitor: Writes) -> Response:
    """Give a grant back to its budget and its stock, once."""
    require(visitor.principal, "benefit.return")

    def effect(connection: Connection) -> Any:
        return _shown(return_grant(connection, grant, body.reason))

    return once_in(request, console.bank.store, visitor, "benefit.return", grant, body, effect)


@router.post("/benefits/expiry", openapi_extra=does("benefit.expire"))
def expire(request: Request, body: GrantExpiryBody, console: Open, visitor: Writes) -> Response:
    """End what nobody redeemed by its last day, once all redemptions through that day have been told."""
    require(visitor.principal, "benefit.expire")

    def effect(connection: Connection) -> Any:
        expected = {key for key, one in console.bank.spec.benefits.items() if one.reserve == "expected"}
        return {"through": plain(body.through), "expired": expire_grants(connection, body.through, expected)}

    return once_in(request, console.bank.store, visitor, "benefit.expire", f"{body.through}", body, effect)


def _shown(found: BenefitGrant) -> dict[str, Any]:
    return {**plain(found), "customer_no": masked_number(found.customer_no)}
