"""The ledger: whether it is right, what accounts hold, one account's entries, an account closed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from bankloop.kit.fields import Name
from bankloop.kit.plain import plain
from bankloop.ledger.accounts import close_account
from bankloop.ledger.statements import balances, check_ledger, statement
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["ledger"])


class AccountBody(Body):
    """An account by its name."""

    account: Name


@router.get("/ledger/check")
def check(console: Open, visitor: Reads) -> dict[str, Any]:
    """Say whether the ledger is right, from its entries, and what is not."""
    require(visitor.principal, "ledger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        wrong = check_ledger(connection)
    return {"right": not wrong, "wrong": plain(wrong)}


@router.get("/ledger/accounts")
def accounts(console: Open, visitor: Reads, begin: Annotated[str, Query(max_length=64)] = "") -> dict[str, Any]:
    """List accounts whose name begins with ``begin``, with their balances, at most 200."""
    require(visitor.principal, "ledger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(balances(connection, like=begin)), "next": None}


@router.get("/ledger/entries")
def entries(
    console: Open, visitor: Reads, account: Annotated[str, Query(min_length=1, max_length=64)]
) -> dict[str, Any]:
    """List one account's entries, the newest first, at most 100."""
    require(visitor.principal, "ledger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(statement(connection, account)), "next": None}


@router.post("/ledger/close", openapi_extra=does("ledger.close"))
def close(request: Request, body: AccountBody, console: Open, visitor: Writes) -> Response:
    """Close an account that holds nothing: nothing more is posted to it or from it."""
    require(visitor.principal, "ledger.close")

    def effect(connection: Connection) -> Any:
        close_account(connection, body.account)
        return {"account": body.account, "closed": True}

    return once_in(request, console.bank.store, visitor, "ledger.close", body.account, body, effect)
