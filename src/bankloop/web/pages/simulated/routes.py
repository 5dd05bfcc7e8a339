"""The page on which a simulated bank's day passes: what it is there, what the last days brought, one button."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.organization.rights import require
from bankloop.store.jobs import JobState, own_jobs
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.work.queue import ask_job
from bankloop.work.simulated_day import check_simulated

KIND = "day"
_SHOWN = 5


def add_pages(app: FastAPI) -> None:
    """Add the routes; of a bank that is not simulated they refuse."""

    @app.get("/demo")
    def shown(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "demo.day")
        return _page(request, console_of(request), visitor)

    @app.post("/demo/day")
    def live(request: Request, visitor: Acting) -> Response:
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            under_way = any(one.state in (JobState.WAITING, JobState.RUNNING) for one in own_jobs(connection, _SHOWN))
            if not under_way:
                ask_job(connection, console.bank, KIND, {}, visitor.role)
        request.app.state.jobs.wake()
        return RedirectResponse("/demo", 303)


def _page(request: Request, console: Console, visitor: Visitor) -> Response:
    check_simulated(console.bank)
    with console.bank.store.begin(visitor.principal) as connection:
        days = [one for one in own_jobs(connection, 50) if one.kind == KIND][:_SHOWN]
    now = f"{console.bank.clock.now().astimezone(ZoneInfo(console.bank.lake.zone)):%Y-%m-%d %H:%M}"
    going = any(one.state in (JobState.WAITING, JobState.RUNNING) for one in days)
    return page(request, "simulated.html", at="demo", now=now, days=days, going=going)
