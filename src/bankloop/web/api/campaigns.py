"""Campaigns with their files, plans, rounds, results, models, and the jobs that plan, run, learn and evaluate."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from bankloop.kit.fields import Day, LearnedFrom, Name, Reason, Round, Version, Words
from bankloop.kit.plain import plain
from bankloop.loop.campaign import approving, parts
from bankloop.loop.campaign.approving import schedule_campaign
from bankloop.loop.campaign.editing import campaign_file, edit_campaign
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import roll_back
from bankloop.loop.round.reading import shown_of
from bankloop.loop.round.window import record_export
from bankloop.organization.people import places_of
from bankloop.organization.rights import require
from bankloop.report.exporting import FORMATS
from bankloop.store.registry import list_campaigns, read_models, read_plans, read_results, read_steps
from bankloop.web.api.dependencies import (
    KNOWN,
    PREFIX,
    Body,
    CommentBody,
    Cursor,
    Limit,
    Open,
    Reads,
    Writes,
    after,
    does,
    matched,
    page_of,
    tagged,
)
from bankloop.web.api.idempotency import once
from bankloop.web.api.jobs import begin_job
from bankloop.web.pages.plan.page import export_of
from bankloop.web.shell import errors as pages
from bankloop.work.jobs import WindowArguments

router = APIRouter(prefix=PREFIX, tags=["campaigns"])


class FileBody(Body):
    """A campaign's file as its editor wrote it."""

    text: Annotated[str, Field(max_length=100_000)]


class SubmitBody(Body):
    """Why a campaign is submitted, and whether it cannot wait."""

    reason: Reason = ""
    emergency: bool = False


class ScheduleBody(Body):
    """The first day on which a campaign runs."""

    starts_on: Day


class LearnBody(Body):
    """From which round's labels to learn; 0 is history."""

    round: LearnedFrom = 0


class RollbackBody(Body):
    """To which version, and why."""

    version: Version
    reason: Words


class EvaluateBody(Body):
    """Which rounds to read together."""

    rounds: Annotated[list[Round], Field(min_length=1, max_length=100)]


@router.get("/campaigns")
def campaigns(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the campaigns: those in the files, and those that ran before."""
    require(visitor.principal, "campaign.read")
    with console.bank.store.begin(visitor.principal) as connection:
        stored = {row.name: row for row in list_campaigns(connection)}
    items = [{"name": name, "title": title, **_row(stored.get(name))} for name, title in console.titles().items()]
    return {"items": plain(items), "next": None}


@router.get("/campaigns/{name}", responses=KNOWN)
def campaign(request: Request, name: Name, console: Open, visitor: Reads) -> Response:
    """Return a campaign with its eight steps in the present round."""
    require(visitor.principal, "campaign.read")
    titles = console.titles()
    if name not in titles:
        raise pages.no_campaign(name)
    with console.bank.store.begin(visitor.principal) as connection:
        row = next((one for one in list_campaigns(connection) if one.name == name), None)
        steps = read_steps(connection, name, row.round) if row else {}
    found = {step: {"state": one.state, "detail": one.detail} for step, one in steps.items()}
    return tagged(request, {"name": name, "title": titles[name], **_row(row), "steps": found})


@router.get("/campaigns/{name}/file", responses=KNOWN)
def file(request: Request, name: Name, console: Open, visitor: Reads) -> Response:
    """Return a campaign's file; its ETag is what a change must name."""
    require(visitor.principal, "campaign.edit")
    text, seen = campaign_file(console.bank, name)
    return tagged(request, {"name": name, "text": text}, f'"{seen}"')


@router.put("/campaigns/{name}/file", openapi_extra=does("campaign.edit"))
def keep_file(request: Request, name: Name, body: FileBody, console: Open, visitor: Writes) -> Response:
    """Keep a new text; needs If-Match, so that of two editors the slower one is told (412)."""
    require(visitor.principal, "campaign.edit")

    def effect() -> dict[str, str]:
        _, seen = campaign_file(console.bank, name)
        matched(request, f'"{seen}"', name)
        return {"name": name, "etag": edit_campaign(console.bank, visitor.principal, name, body.text, seen)}

    return once(request, console.bank.store, visitor, "campaign.edit", name, body, effect)


@router.post("/campaigns/{name}/submit", openapi_extra=does("campaign.submit"))
def submit(request: Request, name: Name, body: SubmitBody, console: Open, visitor: Writes) -> Response:
    """Submit a campaign: it is resolved into its lock, and approval is asked for exactly that."""

    def effect() -> dict[str, Any]:
        lock, approval = approving.submit(
            console.bank, visitor.principal, name, emergency=body.emergency, reason=body.reason
        )
        return {"campaign": name, "lock": lock.digest, "approval": approval}

    return once(request, console.bank.store, visitor, "campaign.submit", name, body, effect)


@router.post("/parts/{kind}/{key}/submit", openapi_extra=does("script.submit", "benefit.submit", "budget.submit"))
def submit_part(
    request: Request,
    kind: Literal["script", "benefit", "budget"],
    key: Name,
    body: CommentBody,
    console: Open,
    visitor: Writes,
) -> Response:
    """Ask that a script, a benefit or a campaign's budget be consented to on its own."""

    def effect() -> dict[str, Any]:
        asked = parts.submit_part(console.bank, visitor.principal, kind, key, body.reason)
        return {"kind": kind, "key": key, "approval": asked}

    return once(request, console.bank.store, visitor, f"{kind}.submit", key, body, effect)


@router.post("/campaigns/{name}/schedule", openapi_extra=does("campaign.schedule"))
def schedule(request: Request, name: Name, body: ScheduleBody, console: Open, visitor: Writes) -> Response:
    """Set the day from which an approved campaign runs."""

    def effect() -> dict[str, Any]:
        found = schedule_campaign(console.bank, visitor.principal, name, body.starts_on)
        return {"campaign": name, "state": found.state, "starts_on": body.starts_on}

    return once(request, console.bank.store, visitor, "campaign.schedule", name, body, effect)


@router.post("/campaigns/{name}/learn", status_code=202, openapi_extra=does("model.learn", "model.draft"))
def learn(request: Request, name: Name, body: LearnBody, console: Open, visitor: Writes) -> Response:
    """Train a model from history, or from a round whose labels are due; a job."""
    return begin_job(request, console, visitor, "learn", {"campaign": name, **body.model_dump()})


@router.post("/campaigns/{name}/evaluate", status_code=202, openapi_extra=does("round.evaluate"))
def evaluate(request: Request, name: Name, body: EvaluateBody, console: Open, visitor: Writes) -> Response:
    """Read a campaign's rounds; a job."""
    return begin_job(request, console, visitor, "evaluate", {"campaign": name, **body.model_dump()})


@router.get("/plans")
def plans(console: Open, visitor: Reads, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List the stored plans, the newest first."""
    require(visitor.principal, "plan.read")
    store, principal = console.bank.store, visitor.principal
    with store.begin(principal) as connection:
        found = read_plans(connection)
    start = after(store, principal, "plans", cursor) or 0
    numbered = list(enumerate(found))[int(start) : int(start) + limit + 1]
    return page_of(store, principal, "plans", [one for _, one in numbered], limit, lambda _: int(start) + limit)


@router.get("/plans/{plan_id}", responses=KNOWN)
def plan(request: Request, plan_id: UUID, console: Open, visitor: Reads) -> Response:
    """Return a stored plan: window, value, bound, prices, lines."""
    require(visitor.principal, "plan.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = next((one for one in read_plans(connection) if one.plan_id == plan_id), None)
    if found is None:
        raise pages.no_plan(str(plan_id))
    return tagged(request, plain(found))


@router.get("/plans/{plan_id}/export", openapi_extra=does("plan.export"))
def export(
    plan_id: UUID, console: Open, visitor: Reads,
    part: Annotated[str, Field(max_length=32)] = "lines", format: Annotated[str, Field(max_length=16)] = "json",
) -> Response:  # fmt: skip
    """Return a part of a plan as a file; that it was taken is written down."""
    require(visitor.principal, "plan.export")
    if part == "customers":
        require(visitor.principal, "customer.list")
    body, rows = export_of(console, str(plan_id), part, format, visitor.principal)
    with console.bank.store.begin(visitor.principal) as connection:
        record_export(connection, str(plan_id), part, format, rows)
    return Response(body, media_type=FORMATS[format])


@router.post("/plans", status_code=202)
def make_plan(request: Request, body: WindowArguments, console: Open, visitor: Writes) -> Response:
    """Plan a window: what would happen, to how many, at what cost; a job that changes nothing."""
    return begin_job(request, console, visitor, "plan", body.model_dump(mode="json"))


@router.post("/runs", status_code=202, openapi_extra=does("round.run"))
def make_run(request: Request, body: WindowArguments, console: Open, visitor: Writes) -> Response:
    """Run the approved campaigns' window; it happens once, however often it is asked for; a job."""
    return begin_job(request, console, visitor, "run", body.model_dump(mode="json"))


@router.get("/results")
def results(
    console: Open, visitor: Reads, campaign: Annotated[str | None, Field(max_length=64)] = None
) -> dict[str, Any]:
    """List the readings kept: lift, interval, verdict, money; of groups by unit the caller's own."""
    require(visitor.principal, "round.read")
    with console.bank.store.begin(visitor.principal) as connection:
        places = places_of(connection, visitor.principal)
        found = read_results(connection, campaign)
    return {"items": plain([replace(one, reading=shown_of(one.reading, places)) for one in found]), "next": None}


@router.get("/models/{name}")
def models(name: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """List the versions of a campaign's model with their cards."""
    require(visitor.principal, "model.read")
    console.bank.campaign(name)
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(read_models(connection, name)), "next": None}


@router.post("/models/{name}/promote", openapi_extra=does("model.promote"))
def promote_model(request: Request, name: Name, console: Open, visitor: Writes) -> Response:
    """Approve the newest submitted model and make it champion, as a second person."""
    visitor.within("approve")

    def effect() -> dict[str, Any]:
        console.bank.campaign(name)
        return {"campaign": name, "version": promote(console.bank, visitor.principal, name)}

    return once(request, console.bank.store, visitor, "model.promote", name, None, effect)


@router.post("/models/{name}/rollback", openapi_extra=does("model.rollback"))
def rollback(request: Request, name: Name, body: RollbackBody, console: Open, visitor: Writes) -> Response:
    """Ask that an earlier version be champion again; another person's approval makes it so."""

    def effect() -> dict[str, Any]:
        console.bank.campaign(name)
        found = roll_back(console.bank, visitor.principal, name, body.version, body.reason)
        return {"campaign": name, "version": found.version}

    return once(request, console.bank.store, visitor, "model.rollback", name, body, effect)


def _row(row: Any) -> dict[str, Any]:
    if row is None:
        return {"state": "draft", "round": 0, "lock": None, "maker": None}
    return {"state": row.state, "round": row.round, "lock": row.lock_digest, "maker": row.maker}
