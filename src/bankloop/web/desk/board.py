"""Head office's board: campaigns' numbers, taken apart level by level, and the list behind each figure."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from bankloop.organization import require
from bankloop.web.board import board_page, board_rows, decomposed
from bankloop.web.forms import Here
from bankloop.web.rendering import console_of, page

Place = Annotated[str | None, Query(max_length=64)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/board")
    def whole(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "round.read")
        require(visitor.principal, "customer.list")
        return page(request, "board.html", at="board", page=board_page(console_of(request), visitor.principal))

    @app.get("/board/{campaign}/{round_}")
    def parts(
        request: Request,
        campaign: str,
        round_: int,
        visitor: Here,
        by: str = "branch",
        branch: Place = None,
        sub_branch: Place = None,
    ) -> Response:
        require(visitor.principal, "round.read")
        require(visitor.principal, "customer.list")
        places = _places(branch=branch, sub_branch=sub_branch)
        found = decomposed(console_of(request), visitor.principal, campaign, round_, by, places)
        return page(request, "board.html", at="board", page=found)

    @app.get("/board/{campaign}/{round_}/rows")
    def rows(
        request: Request,
        campaign: str,
        round_: int,
        visitor: Here,
        group: str = "converted",
        branch: Place = None,
        sub_branch: Place = None,
        manager: Place = None,
        page_: Annotated[int, Query(alias="page")] = 1,
    ) -> Response:
        require(visitor.principal, "round.read")
        require(visitor.principal, "customer.list")
        places = _places(branch=branch, sub_branch=sub_branch, manager=manager)
        found = board_rows(console_of(request), visitor.principal, campaign, round_, group, places, page_)
        return page(request, "rows.html", at="board", page=found, back=f"/board/{campaign}/{round_}", groups=())


def _places(**named: str | None) -> dict[str, str]:
    """Return the places that an address names; one that is named as nothing is whose keeper nobody is."""
    return {level: name for level, name in named.items() if name is not None}
