"""The daily report: a unit's page, the days before, and the same as a picture or a workbook to send on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view.sheet import book_pages
from bankloop.web.pages.daily.page import DailyPage, daily_page
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Here
from bankloop.web.shell.lead_words import LEAD_WORDS
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.visitor import Visitor

_DAYS = 7
_MEDIA = {"png": "image/png", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/daily")
    def mine(request: Request, visitor: Here) -> Response:
        found = _found(request, visitor, None, None)
        if found is None:
            return page(request, "empty.html", at="daily", title=LEAD_WORDS["daily"], say_first=LEAD_WORDS["no_daily"])
        return _shown(request, found)

    @app.get("/daily/{unit_id}.{ending}")
    def taken(request: Request, unit_id: str, ending: str, visitor: Here, day: Annotated[date | None, Query()] = None) -> Response:  # fmt: skip
        if ending not in _MEDIA:
            raise errors.no_choice("file", ending[:16], ", ".join(_MEDIA))
        found = _found(request, visitor, unit_id, day)
        assert found is not None
        name = f'attachment; filename="{found.book.name}.{ending}"'
        content = book_pages(found.book, language(request), (ending,))[ending]
        return Response(content, media_type=_MEDIA[ending], headers={"content-disposition": name})

    @app.get("/daily/{unit_id}")
    def one(request: Request, unit_id: str, visitor: Here, day: Annotated[date | None, Query()] = None) -> Response:
        found = _found(request, visitor, unit_id, day)
        assert found is not None
        return _shown(request, found)


def _found(request: Request, visitor: Visitor, unit_id: str | None, day: date | None) -> DailyPage | None:
    require(visitor.principal, "daily.read")
    return daily_page(console_of(request), visitor.principal, unit_id, day)


def _shown(request: Request, found: DailyPage) -> Response:
    report = found.report
    here = f"/daily/{report.unit_id}"
    links = [
        (Text(f"{one:%m-%d}", f"{one:%m-%d}"), f"{here}?day={one}", one == report.day) for one in found.days[:_DAYS]
    ]
    if found.above is not None:
        unit, name = found.above
        links.insert(0, (Text(f"↑ {name.zh}", f"↑ {name.en}"), f"/daily/{unit}?day={report.day}", False))
    files = [(ending, f"{here}.{ending}?day={report.day}") for ending in _MEDIA]
    return page(request, "book.html", at="daily", page=found.book, links=links, files=files, asked={}, ask="", base="/")
