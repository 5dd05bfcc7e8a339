"""Audiences and segments: what a condition comes to, saved as a version, planned, activated, retired; clusters learned."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.customer.segment import (
    MOST_LISTED,
    ListChange,
    activate_segment,
    list_customers,
    plan_segment,
    retire_segment,
    save_segment,
    segments,
    versions_of,
)
from bankloop.kit.fields import WHOLE, Name, Version
from bankloop.kit.plain import plain
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in
from bankloop.web.pages.audiences.clustering import keep, learn

router = APIRouter(prefix=PREFIX, tags=["segments"])
Condition = Annotated[str, Field(min_length=1, max_length=4_000)]
Title = Annotated[str, Field(min_length=1, max_length=80)]
Numbers = Annotated[list[Name], Field(max_length=MOST_LISTED)]
Said = Annotated[str, Field(max_length=400)]


class SegmentBody(Body):
    """A rule with its name and titles."""

    name: Name
    zh: Title
    en: Title
    expression: Condition


class ClusterBody(Body):
    """How many clusters by which attributes, and under which name they are kept."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    count: Annotated[int, Field(ge=0, le=100), WHOLE]
    attributes: Annotated[list[Name], Field(min_length=1, max_length=32)]


class ListBody(Body):
    """Who is to be in a segment by hand, who out of it, whom its rule decides on again, and why."""

    add: Numbers = Field(default_factory=list)
    take_out: Numbers = Field(default_factory=list)
    forget: Numbers = Field(default_factory=list)
    why: Annotated[str, Field(min_length=1, max_length=400)]


class PlanBody(Body):
    """What is done for a version, and who answers for it."""

    version: Version
    title: Said
    owner: Said
    does: Said


class VersionBody(Body):
    """Which version."""

    version: Version


class RetireBody(Body):
    """Why a segment is retired, or what else needs saying of it in a line."""

    reason: Annotated[str, Field(min_length=1, max_length=400)]


@router.get("/audience")
def audience(
    console: Open, visitor: Reads, expression: Annotated[str, Query(min_length=1, max_length=4_000)]
) -> dict[str, Any]:
    """Count whom a condition means among the caller's customers, and who of them is left out, reason by reason.

    Below the smallest count that is told there is ``fewer_than`` and nothing else. What is confidential plays no part:
    it is left to the plan.
    """
    require(visitor.principal, "segment.read")
    found = console.look(visitor.principal, expression)
    falls = [{"code": one.code, "title": plain(one.title), "count": one.count} for one in found.falls]
    small = bool(found.fewer_than)
    return {
        "everybody": found.everybody,
        "hit": None if small else found.hit,
        "usable": None if small else found.usable,
        "falls": falls,
        "fewer_than": found.fewer_than or None,
        "warnings": plain(found.warnings),
    }


@router.get("/segments")
def listed(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the newest version of every segment."""
    require(visitor.principal, "segment.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(segments(connection)), "next": None}


@router.get("/segments/{name}")
def one(name: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return the versions of a segment, the newest first."""
    require(visitor.principal, "segment.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"versions": plain(versions_of(connection, name))}


@router.post("/segments", status_code=201, openapi_extra=does("segment.save"))
def save(request: Request, body: SegmentBody, console: Open, visitor: Writes) -> Response:
    """Save a rule as the next version of a segment."""

    def effect(connection: Connection) -> Any:
        title = Text(body.zh, body.en)
        return save_segment(connection, console.bank.catalogue, body.name, title, body.expression)

    return once_in(request, console.bank.store, visitor, "segment.save", body.name, body, effect, 201)


@router.post("/segments/{name}/list", openapi_extra=does("segment.list"))
def by_hand(request: Request, name: Name, body: ListBody, console: Open, visitor: Writes) -> Response:
    """Put customers into a segment by hand, take them out of it, or leave them to its rule again: its next version."""

    def effect(connection: Connection) -> Any:
        return list_customers(
            connection, name, ListChange(tuple(body.add), tuple(body.take_out), tuple(body.forget), body.why)
        )

    return once_in(request, console.bank.store, visitor, "segment.list", name, body, effect)


@router.post("/segments/cluster", status_code=201, openapi_extra=does("segment.cluster"))
def cluster(request: Request, body: ClusterBody, console: Open, visitor: Writes) -> Response:
    """Part the bank's customers into clusters and keep each as a segment."""
    require(visitor.principal, "segment.cluster")

    def effect(connection: Connection) -> dict[str, Any]:
        learned = learn(console, body.attributes, body.count)
        return {"segments": keep(connection, console, body.name, learned), "profiles": learned.profiles}

    return once_in(request, console.bank.store, visitor, "segment.cluster", body.name, body, effect, 201)


@router.post("/segments/{name}/plan", openapi_extra=does("segment.plan"))
def plan(request: Request, name: Name, body: PlanBody, console: Open, visitor: Writes) -> Response:
    """Name the plan of a version that is not in use yet."""

    def effect(connection: Connection) -> Any:
        return plan_segment(connection, name, body.version, body.title, body.owner, body.does)

    return once_in(request, console.bank.store, visitor, "segment.plan", name, body, effect)


@router.post("/segments/{name}/activate", openapi_extra=does("segment.activate"))
def activate(request: Request, name: Name, body: VersionBody, console: Open, visitor: Writes) -> Response:
    """Put a version that has a plan into use, in place of the one that was."""

    def effect(connection: Connection) -> Any:
        return activate_segment(connection, name, body.version)

    return once_in(request, console.bank.store, visitor, "segment.activate", name, body, effect)


@router.post("/segments/{name}/retire", openapi_extra=does("segment.retire"))
def retire(request: Request, name: Name, body: RetireBody, console: Open, visitor: Writes) -> Response:
    """Take a segment out of use."""

    def effect(connection: Connection) -> Any:
        return retire_segment(connection, name, body.reason)

    return once_in(request, console.bank.store, visitor, "segment.retire", name, body, effect)
