"""What somebody sees who scans a code; nobody is signed in here, and nothing is asked of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from bankloop.growth.codes import STATES, device_of, enter, read_link
from bankloop.organization.principals import system
from bankloop.web.pages.codes.words import ENTRY
from bankloop.web.shell.rendering import console_of, page

_SCANS = system("codes", "growth")
_GONE = 410


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/c/{token}")
    def scanned(request: Request, token: str, at: Annotated[str, Query(max_length=64)] = "") -> HTMLResponse:
        console = console_of(request)
        code = read_link(console.folder, token[:64])
        address, agent = request.client.host if request.client else "", request.headers.get("user-agent", "")
        device = device_of(console.folder, f"{console.today}", address, agent)
        with console.bank.store.begin(_SCANS) as connection:
            found = enter(connection, code, at, device, console.today)
        title = console.titles().get(found.code.campaign)
        return page(
            request,
            "entry.html",
            200 if found.open else _GONE,
            said=ENTRY,
            entry=found,
            campaign=title,
            state=STATES[found.code.state],
        )
