"""Tokens for machines, the machines themselves, and people's accounts."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.kit.fields import Name
from bankloop.kit.plain import plain
from bankloop.organization import account
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, CommentBody, Manages, Open, does
from bankloop.web.api.idempotency import once, once_in, with_once

router = APIRouter(prefix=PREFIX, tags=["machines"])


class MachineBody(Body):
    """A credential: an API key or an OAuth2 client, for whom, for what."""

    kind: Literal["key", "client"]
    person_id: Name
    title: Name
    scopes: Annotated[list[Name], Field(min_length=1, max_length=16)]


class SubjectBody(Body):
    """Which subject of the identity provider a person is."""

    subject: Annotated[str, Field(min_length=1, max_length=255)] | None


@router.post("/token", openapi_extra=does("machine.token"))
def token(
    request: Request,
    console: Open,
    grant_type: Annotated[str, Form(max_length=64)],
    scope: Annotated[str | None, Form(max_length=500)] = None,
    client_id: Annotated[str, Form(max_length=200)] = "",
    client_secret: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """OAuth2 client credentials (RFC 6749 4.4): a short-lived token within the client's scopes."""
    given = _basic(request) or (client_id, client_secret)
    if grant_type != "client_credentials":
        raise account.bad_token_error()
    with console.bank.store.begin(account.SIGN_IN) as connection:
        made, caller = account.issue_token(connection, *given, scope.split() if scope else None)
    body = {
        "access_token": made, "token_type": "Bearer", "expires_in": int(account.TOKEN_LIFE.total_seconds()),
        "scope": " ".join(sorted(caller.scopes)),
    }  # fmt: skip
    return JSONResponse(body)


@router.get("/machines")
def machines(console: Open, visitor: Manages) -> dict[str, Any]:
    """List the machines' credentials; no secret is among them."""
    require(visitor.principal, "machine.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(account.machines(connection)), "next": None}


@router.post("/machines", status_code=201, openapi_extra=does("machine.make"))
def make(request: Request, body: MachineBody, console: Open, visitor: Manages) -> Response:
    """Make a credential; its secret is in this answer and kept nowhere, so a repeated request says so."""
    store, shown = console.bank.store, {}

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            made, secret = account.make_machine(connection, body.kind, body.person_id, body.title, body.scopes)
        shown["secret"] = secret
        return made

    answer = once(request, store, visitor, "machine.make", body.person_id, body, effect, 201)
    return with_once(answer, shown)


@router.post("/machines/{machine_id}/rotate", openapi_extra=does("machine.rotate"))
def rotate(request: Request, machine_id: Name, console: Open, visitor: Manages) -> Response:
    """Make a new secret; the old one works for a day yet."""
    store, shown = console.bank.store, {}

    def effect() -> dict[str, str]:
        with store.begin(visitor.principal) as connection:
            shown["secret"] = account.rotate_secret(connection, machine_id)
        return {"machine_id": machine_id}

    return with_once(once(request, store, visitor, "machine.rotate", machine_id, None, effect), shown)


@router.post("/machines/{machine_id}/revoke", openapi_extra=does("machine.revoke"))
def revoke(request: Request, machine_id: Name, body: CommentBody, console: Open, visitor: Manages) -> Response:
    """Revoke a credential: worth nothing from the next request on."""
    store = console.bank.store

    def effect() -> dict[str, str]:
        with store.begin(visitor.principal) as connection:
            account.revoke_machine(connection, machine_id, body.reason)
        return {"machine_id": machine_id, "state": "revoked"}

    return once(request, store, visitor, "machine.revoke", machine_id, body, effect)


@router.get("/accounts")
def accounts(console: Open, visitor: Manages) -> dict[str, Any]:
    """List the accounts: who may sign in, and how."""
    require(visitor.principal, "account.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(account.accounts(connection)), "next": None}


@router.post("/accounts/{person_id}/bind", openapi_extra=does("account.bind"))
def bind(request: Request, person_id: Name, body: SubjectBody, console: Open, visitor: Manages) -> Response:
    """Say which subject of the identity provider a person is; none unbinds."""

    def effect(connection: Connection) -> dict[str, Any]:
        account.bind_subject(connection, person_id, body.subject)
        return {"person_id": person_id, "bound": body.subject is not None}

    return once_in(request, console.bank.store, visitor, "account.bind", person_id, body, effect)


@router.post(
    "/accounts/{person_id}/{verb}",
    openapi_extra=does("account.open", "account.reset", "account.lock", "account.unlock", "account.close"),
)
def change(
    request: Request,
    person_id: Name,
    verb: Literal["open", "reset", "lock", "unlock", "close"],
    body: CommentBody,
    console: Open,
    visitor: Manages,
) -> Response:
    """Open, reset, lock, unlock or close an account; a first code is in this answer and kept nowhere."""
    store, shown, person = console.bank.store, dict[str, str](), person_id

    def effect() -> dict[str, str]:
        with store.begin(visitor.principal) as connection:
            match verb:
                case "open":
                    shown["code"] = account.open_account(connection, person)
                case "reset":
                    shown["code"] = account.reset_account(connection, person, body.reason)
                case "lock":
                    account.lock_account(connection, person, body.reason)
                case "unlock":
                    account.unlock_account(connection, person, body.reason)
                case "close":
                    account.close_account(connection, person, body.reason)
        return {"person_id": person, "done": verb}

    return with_once(once(request, store, visitor, f"account.{verb}", person, body, effect), shown)


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise account.bad_token_error() from None
    return client, secret
