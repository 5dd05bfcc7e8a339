"""The page of budgets and stocks."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.benefit.grants import burn_downs
from bankloop.organization.rights import require
from bankloop.report.pools import TITLE, pool_title, pools_answer, pools_table
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/benefits")
    def overview(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "ledger.read")
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            burnt = burn_downs(connection, console.today, console.bank.lake.zone)
        titles, benefits = console.titles(), console.bank.spec.benefits
        found = [(one, pool_title(one.pool, titles, benefits)) for one in burnt]
        table = pools_table(found)
        return page(request, "benefits.html", at="benefits", title=TITLE, answer=pools_answer(found), table=table)
