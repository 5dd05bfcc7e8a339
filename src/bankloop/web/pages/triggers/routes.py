"""The page of triggers: what they did in the last days, and the notices to whoever looks."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.journey.trigger import (
    days_of_triggers,
    firings_of,
    held_back_since,
    latency_since,
    notices_for,
    standing_of_triggers,
    triggers_of,
)
from bankloop.organization.rights import require
from bankloop.web.pages.triggers.page import DAYS, rules_table, triggers_book
from bankloop.web.pages.triggers.rules import RULES
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.ways import may_open

_LATEST = 60


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/triggers")
    def overview(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "trigger.read")
        console = console_of(request)
        bank, zone = console.bank, console.bank.lake.zone
        since, rules = bank.clock.now() - timedelta(days=DAYS), triggers_of(bank)
        with bank.store.begin(visitor.principal) as connection:
            standing = standing_of_triggers(connection, rules)
            book = triggers_book(
                {name: one.title for name, one in rules.items()},
                days_of_triggers(connection, since, zone),
                latency_since(connection, since),
                held_back_since(connection, since),
                firings_of(connection, most=_LATEST),
                notices_for(connection),
                rules_table(rules, standing),
                ZoneInfo(zone),
            )
        links = [(RULES["new"], "/triggers/rules", False)] if may_open(visitor, "/triggers/rules") else []
        return page(
            request, "book.html", at="triggers", page=book, links=links, files=[], asked={}, ask="", base="/triggers"
        )
