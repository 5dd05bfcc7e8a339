"""The page of channels: the map, what each is connected for, what is online."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.organization.rights import require
from bankloop.performance.channels import channel_lines, online_rates
from bankloop.web.pages.channels.page import channel_table, connection_table, offline_table, rate_figures
from bankloop.web.pages.channels.words import CHANNELS
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/channels")
    def overview(request: Request, visitor: Here) -> Response:
        for right in ("contact.read", "event.read"):
            require(visitor.principal, right)
        console = console_of(request)
        with console.reading() as connection:
            found = channel_lines(console.bank, connection, console.bank.lake.today())
        rates = online_rates(console.bank)
        return page(
            request,
            "channels.html",
            at="channels",
            said=CHANNELS,
            figures=rate_figures(rates),
            channels=channel_table(found),
            connections=connection_table(found),
            offline=offline_table(rates),
        )
