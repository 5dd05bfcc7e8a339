"""Routes of solutions."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.organization.rights import require
from bankloop.report.solutions import kept_versions, solution_book
from bankloop.web.shell.console import known
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/solutions/{key}")
    def sheet(request: Request, key: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "product.read")
        console = console_of(request)
        spec = console.bank.spec
        chosen = known(dict(spec.solutions), "solution", key)
        locks = [(one.campaign.campaign, one.campaign.solution) for one in console.locks_run()]
        book = solution_book(spec, chosen, kept_versions(key, locks), console.titles())
        return page(
            request,
            "book.html",
            at="products",
            page=book,
            links=[],
            files=[],
            asked={},
            ask="",
            base="/",
            back="/products",
        )
