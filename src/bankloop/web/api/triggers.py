"""Triggers: how each stands, what became of them, why they were held back; submitted, stopped and rehearsed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.journey.trigger import (
    days_of_triggers,
    firings_of,
    held_back_since,
    keep_rule,
    notices_for,
    rehearse_trigger,
    standing_of_triggers,
    stop_trigger,
    submit_trigger,
    trigger_rule,
    triggers_of,
)
from bankloop.kit.fields import Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.view.format import masked_number
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once, once_in

router = APIRouter(prefix=PREFIX, tags=["triggers"])


class TriggerReason(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=1_000)] = ""


class RuleBody(Body):
    """A rule as its editor wrote it, and the digest of the file that they had before them ('' where there is none)."""

    rule: Annotated[str, Field(min_length=1, max_length=20_000)]
    seen: Annotated[str, Field(max_length=64)] = ""


class StopBody(Body):
    """Why a trigger is stopped."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


@router.get("/triggers")
def triggers(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the bank's triggers and how each stands: in force, changed, draft or stopped."""
    require(visitor.principal, "trigger.read")
    rules = triggers_of(console.bank)
    with console.bank.store.begin(visitor.principal) as connection:
        standing = standing_of_triggers(connection, rules)
    items = [
        {
            "name": name,
            "title": plain(one.title),
            "state": standing[name],
            "digest": one.digest,
            "file": plain(one.content),
        }
        for name, one in rules.items()
    ]
    return {"items": items}


@router.get("/triggers/{name}/rule")
def rule(name: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Return a trigger's rule as it is written, and what a change of it must name as ``seen``."""
    require(visitor.principal, "trigger.edit")
    written, seen = trigger_rule(console.bank, name)
    return {"name": name, "rule": written, "seen": seen}


@router.put("/triggers/rules", openapi_extra=does("trigger.edit"))
def keep(request: Request, body: RuleBody, console: Open, visitor: Writes) -> Response:
    """Keep a rule in the bank's file, a draft until it is submitted; 412 where the file was changed meanwhile."""
    require(visitor.principal, "trigger.edit")

    def effect() -> dict[str, Any]:
        name = keep_rule(console.bank, visitor.principal, body.rule, body.seen)
        return {"name": name, "seen": trigger_rule(console.bank, name)[1]}

    return once(request, console.bank.store, visitor, "trigger.edit", "rule", body, effect)


@router.get("/triggers/fired")
def fired(
    console: Open,
    visitor: Reads,
    name: Annotated[str, Query(max_length=64)] = "",
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    most: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Say what became of triggers: the latest firings, counts and latency by day, why they were held back."""
    require(visitor.principal, "trigger.read")
    since = console.bank.clock.now() - timedelta(days=days)
    with console.bank.store.begin(visitor.principal) as connection:
        return {
            "items": [
                {**plain(one), "customer_no": masked_number(one.customer_no)}
                for one in firings_of(connection, name, most=most)
            ],
            "days": plain(days_of_triggers(connection, since, console.bank.lake.zone)),
            "held_back": plain(held_back_since(connection, since)),
        }


@router.get("/triggers/notices")
def notices(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the latest notices to the roles of who asks."""
    require(visitor.principal, "trigger.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(notices_for(connection))}


@router.get("/triggers/{name}/rehearsal", openapi_extra=does("trigger.test"))
def rehearsal(
    name: Name, console: Open, visitor: Reads, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> dict[str, Any]:
    """Say what a trigger as it is written would have done with stored events; nothing stays of it."""
    require(visitor.principal, "trigger.test")
    found = rehearse_trigger(console.bank, visitor.principal, name, days)
    states = [one.state.value for one in found.firings]
    reasons = [one.code for one in found.firings if one.code]
    return {
        "name": name,
        "events": found.events,
        "states": {state: states.count(state) for state in sorted(set(states))},
        "reasons": {code: reasons.count(code) for code in sorted(set(reasons))},
    }


@router.post("/triggers/{name}/submit", openapi_extra=does("trigger.submit"))
def submit(request: Request, name: Name, body: TriggerReason, console: Open, visitor: Writes) -> Response:
    """Ask that a trigger as it is written come into force."""
    require(visitor.principal, "trigger.submit")

    def effect() -> dict[str, Any]:
        return {"name": name, "approval": submit_trigger(console.bank, visitor.principal, name, body.reason)}

    return once(request, console.bank.store, visitor, "trigger.submit", name, body, effect)


@router.post("/triggers/{name}/stop", openapi_extra=does("trigger.stop"))
def stop(request: Request, name: Name, body: StopBody, console: Open, visitor: Writes) -> Response:
    """Let a trigger act no more, at once."""
    require(visitor.principal, "trigger.stop")

    def effect(connection: Connection) -> dict[str, Any]:
        stop_trigger(connection, name, body.reason)
        return {"name": name, "state": "stopped"}

    return once_in(request, console.bank.store, visitor, "trigger.stop", name, body, effect)
