"""The maturity calendar: what matures for one's customers, what is forecast of it and what is at stake."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.organization import require
from bankloop.web.care import maturity_page
from bankloop.web.forms import Here
from bankloop.web.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/maturities")
    def calendar(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "care.read")
        found = maturity_page(console_of(request), visitor.principal)
        return page(request, "maturities.html", at="maturities", page=found)
