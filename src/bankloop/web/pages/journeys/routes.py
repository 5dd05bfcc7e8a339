"""Routes of journeys and retention."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from bankloop.kit.fields import Day
from bankloop.organization.rights import require
from bankloop.performance.cohorts import GROUPS
from bankloop.web.pages.journeys.page import journeys_page
from bankloop.web.shell.forms import Here
from bankloop.web.shell.lead_words import LEAD_WORDS
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/journeys")
    def journeys(
        request: Request,
        visitor: Here,
        by: str = "all",
        group: Annotated[str | None, Query(max_length=64)] = None,
        day: Day | None = None,
    ) -> HTMLResponse:
        require(visitor.principal, "round.read")
        console = console_of(request)
        if not console.bank.lake.manifest.versions("customer"):
            title, say_first = LEAD_WORDS["journeys"], LEAD_WORDS["no_journeys"]
            return page(request, "empty.html", at="journeys", title=title, say_first=say_first)
        book = journeys_page(console, visitor.principal, by, group, day)
        asked = {"day": day.isoformat()} if day else {}
        links = [
            (title, "/journeys?" + urlencode({**asked, "by": key}), key == by and group is None)
            for key, title in GROUPS.items()
        ]
        return page(
            request, "book.html", at="journeys", page=book, links=links, files=[], asked={}, ask="", base="/journeys"
        )
