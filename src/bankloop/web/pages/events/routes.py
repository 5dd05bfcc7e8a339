"""The page of events: what came of those told, why some were refused, and what may be told."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.customer.event import read_event_types, traffic_of
from bankloop.organization.rights import require
from bankloop.web.pages.events.page import DAYS, event_figures, refused_table, traffic_table, types_table
from bankloop.web.pages.events.words import EVENTS
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/events")
    def overview(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "event.read")
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            found = traffic_of(connection, console.bank.clock.now() - timedelta(days=DAYS))
        types = read_event_types(console.folder)
        return page(
            request,
            "events.html",
            at="events",
            said=EVENTS,
            figures=event_figures(found),
            traffic=traffic_table(found, types, ZoneInfo(console.bank.lake.zone)),
            refused=refused_table(found),
            types=types_table(types),
        )
