"""Care as pages: what matures for one's customers and what is at stake; which products fell, whom it touches, who was told."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.organization.rights import require
from bankloop.web.pages.care.drawdowns import falls_page, holders_page
from bankloop.web.pages.care.maturities import maturity_page
from bankloop.web.shell.forms import Here
from bankloop.web.shell.front_words import FRONT_WORDS
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/maturities")
    def calendar(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "care.read")
        found = maturity_page(console_of(request), visitor.principal)
        return page(request, "maturities.html", at="maturities", page=found)

    @app.get("/falls")
    def falls(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "care.read")
        found = falls_page(console_of(request), visitor.principal)
        return page(request, "falls.html", at="falls", page=found)

    @app.get("/falls/{product}")
    def holders(request: Request, product: str, visitor: Here, show: str = "", after: str = "") -> Response:
        require(visitor.principal, "care.read")
        table, last = holders_page(console_of(request), visitor.principal, product, show, after)
        following = f"/falls/{quote(product)}?{urlencode({'show': show, 'after': last})}" if last else None
        return page(
            request, "list.html", at="falls", title=table.caption, table=table, nothing=FRONT_WORDS["no_holders"],
            next=following,
        )  # fmt: skip
