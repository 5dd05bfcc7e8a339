"""Routes of what the loop did and would do: home, campaigns, plans, results. Each asks for its right first."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bankloop.kit.fields import Day
from bankloop.lake.proposal.bringing import is_free
from bankloop.loop.round.window import record_export
from bankloop.organization.rights import require
from bankloop.report.exporting import FORMATS, PARTS
from bankloop.web.pages.books import routes as books
from bankloop.web.pages.campaigns import page as campaigns
from bankloop.web.pages.home import page as home
from bankloop.web.pages.plan import page as plans
from bankloop.web.pages.results import page as results
from bankloop.web.pages.scorecard import page as scorecard
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.texts import GROUPS, WORDS
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/")
    def home_page(request: Request, visitor: Here) -> Response:
        if may(visitor, "lake.load") and is_free(console_of(request).folder):
            return RedirectResponse("/bring", 303)
        return page(request, "home.html", at="home", page=home.home_page(console_of(request), visitor))

    @app.get("/campaigns/{name}")
    def campaign_page(
        request: Request, name: str, visitor: Here, round_: Annotated[int | None, Query(alias="round")] = None
    ) -> HTMLResponse:
        require(visitor.principal, "campaign.read")
        found = campaigns.campaign_page(console_of(request), name, round_)
        return page(request, "campaign.html", at=f"campaign:{name}", page=found)

    @app.get("/plan")
    def newest_plan(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "plan.read")
        newest = plans.newest_plan(console_of(request))
        if newest is None:
            return page(request, "empty.html", at="plan", title=WORDS["plan"], say_first=WORDS["no_plan"])
        return RedirectResponse(f"/plan/{newest.plan_id}", 303)

    @app.get("/plan/{plan_id}")
    def plan_page(
        request: Request,
        plan_id: str,
        visitor: Here,
        campaign: str | None = None,
        resource: str | None = None,
        limit: str | None = None,
        lever: str | None = None,
    ) -> HTMLResponse:
        require(visitor.principal, "plan.read")
        sees = visitor.principal if may(visitor, "customer.list") else None
        found = plans.plan_of(console_of(request), plan_id, campaign, resource, limit, lever, sees)
        return page(request, "plan.html", at="plan", page=found, parts_of=PARTS, formats=tuple(FORMATS))

    @app.get("/plan/{plan_id}/export")
    def plan_export(
        request: Request, plan_id: str, visitor: Here, part: str = "lines", format: str = "xlsx"
    ) -> Response:
        require(visitor.principal, "plan.export")
        if part == "customers":
            require(visitor.principal, "customer.list")
        console = console_of(request)
        body, rows = plans.export_of(console, plan_id, part, format, visitor.principal)
        with console.bank.store.begin(visitor.principal) as connection:
            record_export(connection, plan_id, part, format, rows)
        name = f"plan-{plan_id[:8]}-{part}.{format}"
        return Response(
            body, media_type=FORMATS[format], headers={"content-disposition": f'attachment; filename="{name}"'}
        )

    @app.get("/plan/{plan_id}/rows")
    def plan_rows(
        request: Request,
        plan_id: str,
        campaign: str,
        reason: str,
        visitor: Here,
        action: str | None = None,
        page_: Annotated[int, Query(alias="page")] = 1,
    ) -> HTMLResponse:
        _rows_of(visitor, "plan.read")
        console = console_of(request)
        found = plans.rows_of(console, plan_id, campaign, reason, action, page_, console.seen_by(visitor.principal))
        return page(request, "rows.html", at="plan", page=found, back=f"/plan/{plan_id}", groups=())

    @app.get("/results")
    def results_page(request: Request, visitor: Here, motive: str = "") -> HTMLResponse:
        require(visitor.principal, "round.read")
        found = results.results_view(console_of(request), visitor.principal, motive)
        if found is None:
            return page(request, "empty.html", at="results", title=WORDS["results"], say_first=WORDS["no_results"])
        further = [
            (title, latest, list(books.CUTS.items()))
            for title, latest in results.newest_rounds(console_of(request), motive)
        ]
        motives = results.motives_read(console_of(request).latest_readings())
        return page(request, "results.html", at="results", page=found, further=further, motives=motives, motive=motive)

    @app.get("/scorecard")
    def scorecard_page(
        request: Request,
        visitor: Here,
        metric: str | None = None,
        by: str = "bank",
        branch: str | None = None,
        sub_branch: str | None = None,
        day: Day | None = None,
    ) -> HTMLResponse:
        require(visitor.principal, "round.read")
        within = {level: unit for level, unit in (("branch", branch), ("sub_branch", sub_branch)) if unit}
        found = scorecard.scorecard_page(console_of(request), visitor.principal, metric, by, within, day)
        if found is None:
            return page(
                request, "empty.html", at="scorecard", title=WORDS["scorecard"], say_first=WORDS["no_scorecard"]
            )
        below = () if metric else books.operating_tables(console_of(request), visitor.principal, found.day)
        return page(request, "scorecard.html", at="scorecard", page=found, below=below)

    @app.get("/results/{campaign}/{rounds}/rows")
    def result_rows(
        request: Request,
        campaign: str,
        rounds: str,
        visitor: Here,
        group: str = "all",
        page_: Annotated[int, Query(alias="page")] = 1,
    ) -> HTMLResponse:
        _rows_of(visitor, "round.read")
        console = console_of(request)
        seen = console.seen_by(visitor.principal)
        found = results.result_rows(console, campaign, results.rounds_of(rounds), group, page_, seen)
        here = f"/results/{campaign}/{rounds}/rows"
        groups = [(title, f"{here}?group={key}", key == group) for key, title in GROUPS.items()]
        return page(request, "rows.html", at="results", page=found, back="/results", groups=groups)


def _rows_of(visitor: Visitor, permission: str) -> None:
    """Rows behind a number are customers: beside the number's right it takes that of a list."""
    require(visitor.principal, permission)
    require(visitor.principal, "customer.list")
