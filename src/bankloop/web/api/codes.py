"""Channel codes: listed, made, their scans, revoked; a poster is a page's file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.growth.codes import MOST_LISTED, CodeRequest, code_of, codes, link_of, make_code, revoke_code, scans_of
from bankloop.kit.fields import Day, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["codes"])
Words = Annotated[str, Field(max_length=200)]


class CodeBody(Body):
    """A code for somebody at work; ``until`` is its last day, ``places`` are where it will hang."""

    title: Words
    staff_id: Annotated[str, Field(min_length=1, max_length=64)]
    until: Day
    since: Day | None = None
    campaign: Words = ""
    scene: Words = ""
    places: Annotated[tuple[Words, ...], Field(max_length=50)] = ()


class CodeEndBody(Body):
    """Why a code is revoked."""

    reason: Words


@router.get("/codes")
def listed(
    console: Open,
    visitor: Reads,
    staff_id: Annotated[str, Field(max_length=64)] = "",
    skip: Annotated[int, Field(ge=0, le=1_000_000)] = 0,
) -> dict[str, Any]:
    """List the codes in one's scope, the newest first, somebody's or all; ``next`` is what to skip for the rest."""
    require(visitor.principal, "channel_code.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = codes(connection, console.today, staff_id, skip)
    return {"items": plain(found), "next": skip + MOST_LISTED if len(found) == MOST_LISTED else None}


@router.get("/codes/{code}")
def one(code: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Say what a code stands for, its link, and what its scans come to by hour and by place."""
    require(visitor.principal, "channel_code.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = code_of(connection, code, console.today)
        told = scans_of(connection, code, console.bank.lake.zone)
    return {**plain(found), "link": link_of(console.folder, code), "told": plain(told)}


@router.post("/codes", status_code=201, openapi_extra=does("channel_code.make"))
def make(request: Request, body: CodeBody, console: Open, visitor: Writes) -> Response:
    """Make a code for somebody at work."""
    require(visitor.principal, "channel_code.make")
    wanted = CodeRequest(body.title, body.staff_id, body.until, body.since, body.campaign, body.scene, body.places)

    def effect(connection: Connection) -> Any:
        found = make_code(connection, wanted, console.bank.spec.campaigns, console.today)
        return {**plain(found), "link": link_of(console.folder, found.code)}

    return once_in(request, console.bank.store, visitor, "channel_code.make", body.staff_id, body, effect, 201)


@router.post("/codes/{code}/revocation", openapi_extra=does("channel_code.revoke"))
def end(request: Request, code: Name, body: CodeEndBody, console: Open, visitor: Writes) -> Response:
    """Revoke a code from now on."""
    require(visitor.principal, "channel_code.revoke")

    def effect(connection: Connection) -> Any:
        return plain(revoke_code(connection, code, body.reason, console.today))

    return once_in(request, console.bank.store, visitor, "channel_code.revoke", code, body, effect)
