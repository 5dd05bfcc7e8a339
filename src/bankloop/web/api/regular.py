"""The bank's regular work, as a clock or a steward asks for it: jobs whose progress is read under ``/jobs``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bankloop.kit.fields import Name
from bankloop.store.resealing import rotate
from bankloop.web.api.dependencies import PREFIX, Manages, Open, Writes, does
from bankloop.web.api.idempotency import once
from bankloop.web.api.jobs import begin_job
from bankloop.work.jobs import LinkArguments, MonthArguments, ProductArguments

router = APIRouter(prefix=PREFIX, tags=["regular"])


@router.post("/identities/link", status_code=202, openapi_extra=does("identity.link", "identity.learn"))
def link(request: Request, body: LinkArguments, console: Open, visitor: Writes) -> Response:
    """Link the records that came since the last time; a job."""
    return begin_job(request, console, visitor, "link", body.model_dump(mode="json"))


@router.post("/servicing/assign", status_code=202, openapi_extra=does("servicing.assign"))
def assign(request: Request, console: Open, visitor: Writes) -> Response:
    """Give everybody exactly one keeper; a job."""
    return begin_job(request, console, visitor, "assign", {})


@router.post("/servicing/care", status_code=202, openapi_extra=does("servicing.care"))
def care(request: Request, console: Open, visitor: Writes) -> Response:
    """Make care tasks for customers whom nobody contacted for too long; a job."""
    return begin_job(request, console, visitor, "care", {})


@router.post("/care/remote", status_code=202, openapi_extra=does("servicing.maintain"))
def remote(request: Request, console: Open, visitor: Writes) -> Response:
    """Let the remote centre keep in touch with whom no manager keeps; a job."""
    return begin_job(request, console, visitor, "remote", {})


@router.post("/care/maturity", status_code=202, openapi_extra=does("care.maturity"))
def maturity(request: Request, console: Open, visitor: Writes) -> Response:
    """Make the day's calls before money matures; a job."""
    return begin_job(request, console, visitor, "maturity", {})


@router.post("/care/drawdown", status_code=202, openapi_extra=does("care.drawdown"))
def drawdown(request: Request, body: ProductArguments, console: Open, visitor: Writes) -> Response:
    """Tell the holders of a product whose net value fell, by the approved explanation; a job."""
    return begin_job(request, console, visitor, "drawdown", body.model_dump(mode="json"))


@router.post("/tiers/close", status_code=202, openapi_extra=does("tier_rule.close"))
def close(request: Request, body: MonthArguments, console: Open, visitor: Writes) -> Response:
    """Close a month: everybody's tier from its average, once; a job."""
    return begin_job(request, console, visitor, "close", body.model_dump(mode="json"))


@router.post("/relations/derive", status_code=202, openapi_extra=does("relation.derive"))
def derive(request: Request, console: Open, visitor: Writes) -> Response:
    """Derive relations and whom a default reaches; a job."""
    return begin_job(request, console, visitor, "derive", {})


@router.post("/models/{name}/watch", status_code=202, openapi_extra=does("model.watch"))
def watch(request: Request, name: Name, console: Open, visitor: Writes) -> Response:
    """Watch a campaign's champion: drift of scores, calibration; a job."""
    return begin_job(request, console, visitor, "watch", {"campaign": name})


@router.post("/products/review", status_code=202, openapi_extra=does("product.review"))
def review(request: Request, console: Open, visitor: Writes) -> Response:
    """Open a review for every figure of a product beyond its limit; a job."""
    return begin_job(request, console, visitor, "review", {})


@router.post("/keys/rotate", openapi_extra=does("keys.rotate"))
def turn(request: Request, console: Open, visitor: Manages) -> Response:
    """Seal under a new key from now on; old keys go on opening."""
    store = console.bank.store

    def effect() -> dict[str, Any]:
        return {"key": rotate(store, visitor.principal).current}

    return once(request, store, visitor, "keys.rotate", "", None, effect)


@router.post("/keys/renew", status_code=202, openapi_extra=does("keys.renew"))
def renew(request: Request, console: Open, visitor: Manages) -> Response:
    """Seal anew what lies under old keys; a job."""
    return begin_job(request, console, visitor, "renew", {})


@router.post("/campaigns/{name}/amount", status_code=202, openapi_extra=does("model.amount"))
def amount(request: Request, name: Name, console: Open, visitor: Writes) -> Response:
    """Train what a success of a campaign brings, and submit it; a job."""
    return begin_job(request, console, visitor, "amount", {"campaign": name})


@router.post("/forecasts/{key}/learn", status_code=202, openapi_extra=does("model.forecast"))
def forecast(request: Request, key: Name, console: Open, visitor: Writes) -> Response:
    """Train a forecast from history and submit it; a job."""
    return begin_job(request, console, visitor, "forecast", {"forecast": key})


@router.post("/forecasts/{key}/score", status_code=202, openapi_extra=does("model.score"))
def score(request: Request, key: Name, console: Open, visitor: Writes) -> Response:
    """Score customers by an approved forecast: an attribute with version and day; a job."""
    return begin_job(request, console, visitor, "score", {"forecast": key})
