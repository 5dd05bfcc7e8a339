"""The page of the calendar."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.loop.campaign.calendar import calendar_of, conflicts_of
from bankloop.organization.rights import require
from bankloop.web.pages.calendar.page import calendar_table, conflict_table, first_week
from bankloop.web.pages.calendar.words import CALENDAR
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/calendar")
    def calendar(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "campaign.read")
        console = console_of(request)
        with console.reading() as connection:
            entries = calendar_of(console.bank, connection, first_week(console.today))
            found = conflicts_of(console.bank, connection, entries)
        titles = {name: one.title.text for name, one in console.bank.spec.policies.channels.items()}
        return page(
            request,
            "calendar.html",
            at="calendar",
            said=CALENDAR,
            weeks=calendar_table(entries, console.today),
            conflicts=conflict_table(found, titles) if found else None,
        )
