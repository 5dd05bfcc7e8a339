"""Targets and branches' own rules: set, split, ended, listed; weights as people write them, money in fen."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.kit.fields import WHOLE, Day, Fen, Name, Reason
from bankloop.kit.plain import plain
from bankloop.loop.campaign.branch_rule import narrow
from bankloop.organization.branch_rule import end_narrowing, narrowings
from bankloop.organization.rights import require
from bankloop.performance.target import (
    end_target,
    gone,
    part_of,
    parts_below,
    read_weights,
    set_target,
    split_target,
    target_of,
    targets,
)
from bankloop.performance.target_progress import reached
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once, once_in

router = APIRouter(prefix=PREFIX, tags=["targets"])
Weights = Annotated[dict[Name, Annotated[str, Field(max_length=32)]], Field(max_length=2_000)]


class TargetBody(Body):
    """What head office wants between two days, and the weights of the units right below it."""

    name: Name
    measure: Name
    first: Day
    last: Day
    total: Fen
    weights: Weights


class SplitBody(Body):
    """How a unit splits what it has."""

    unit: Name
    weights: Weights


class EndBody(Body):
    """Why something ends."""

    reason: Reason = ""


class NarrowBody(Body):
    """What a branch narrows for its own customers, and what it adds of the benefits left to it (fen a window)."""

    unit: Name
    campaign: Annotated[str, Field(max_length=64)] = ""
    condition: Annotated[str, Field(max_length=2_000)] = ""
    per_week: Annotated[int, Field(ge=0, le=1_000), WHOLE] | None = None
    withheld: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    added: Annotated[dict[Name, Fen], Field(max_length=50)] = Field(default_factory=dict)
    reason: Reason = ""


@router.get("/targets")
def every(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the targets, the latest first."""
    require(visitor.principal, "target.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(targets(connection)), "next": None}


@router.get("/targets/{target_id}/parts/{unit}")
def parts(target_id: UUID, unit: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return what a unit has of a target, what it gave on, and what each reached by yesterday."""
    require(visitor.principal, "target.read")
    day = console.today - timedelta(days=1)
    with console.bank.store.begin(visitor.principal) as connection:
        found = target_of(connection, target_id)
        mine, below = part_of(connection, target_id, unit), parts_below(connection, target_id, unit)
        done = reached(connection, console.bank, found, day)
    said = [{**plain(one), "reached": done.of(one.holder, one.kind) if done else None} for one in (mine, *below)]
    return {"target": plain(found), "gone": gone(found, day), "part": said[0], "below": said[1:]}


@router.post("/targets", status_code=201, openapi_extra=does("target.set"))
def put(request: Request, body: TargetBody, console: Open, visitor: Writes) -> Response:
    """Set a target and split it over the units right below head office; sums are exact or it is refused."""
    require(visitor.principal, "target.set")

    def effect(connection: Connection) -> Any:
        weights = read_weights(body.weights)
        return set_target(connection, body.name, body.measure, body.first, body.last, body.total, weights)

    return once_in(request, console.bank.store, visitor, "target.set", body.name, body, effect, 201)


@router.post("/targets/{target_id}/split", openapi_extra=does("target.split"))
def split(request: Request, target_id: UUID, body: SplitBody, console: Open, visitor: Writes) -> Response:
    """Split what a unit has over what is right below it."""
    require(visitor.principal, "target.split")

    def effect(connection: Connection) -> Any:
        return {"unit": body.unit, "parts": split_target(connection, target_id, body.unit, read_weights(body.weights))}

    return once_in(request, console.bank.store, visitor, "target.split", str(target_id), body, effect)


@router.post("/targets/{target_id}/end", openapi_extra=does("target.end"))
def end(request: Request, target_id: UUID, body: EndBody, console: Open, visitor: Writes) -> Response:
    """End a target."""

    def effect(connection: Connection) -> Any:
        end_target(connection, target_id, body.reason)
        return {"target": str(target_id), "ended": True}

    return once_in(request, console.bank.store, visitor, "target.end", str(target_id), body, effect)


@router.get("/narrowings")
def rules(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the branches' own rules in force."""
    require(visitor.principal, "narrowing.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(narrowings(connection)), "next": None}


@router.post("/narrowings", status_code=201, openapi_extra=does("narrowing.set"))
def put_rule(request: Request, body: NarrowBody, console: Open, visitor: Writes) -> Response:
    """Narrow a campaign, or all, for a branch's own customers; wider than head office's limits is refused."""

    def effect() -> Any:
        return narrow(
            console.bank, visitor.principal, body.unit, body.campaign, body.condition, body.per_week, body.reason,
            body.withheld, body.added,
        )  # fmt: skip

    return once(request, console.bank.store, visitor, "narrowing.set", body.unit, body, effect, 201)


@router.post("/narrowings/{narrowing_id}/end", openapi_extra=does("narrowing.end"))
def end_rule(request: Request, narrowing_id: UUID, body: EndBody, console: Open, visitor: Writes) -> Response:
    """End a branch's own rule."""

    def effect(connection: Connection) -> Any:
        end_narrowing(connection, narrowing_id, body.reason)
        return {"narrowing": str(narrowing_id), "ended": True}

    return once_in(request, console.bank.store, visitor, "narrowing.end", str(narrowing_id), body, effect)
