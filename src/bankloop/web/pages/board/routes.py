"""Head office's board: campaigns' numbers, taken apart level by level, and the list behind each figure."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.loop.campaign.approving import kill_campaign, pause_campaign, resume_campaign
from bankloop.organization.rights import require
from bankloop.web.pages.board.page import board_page, board_rows, decomposed
from bankloop.web.shell.console import known
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

_REASON = 200
# A campaign is stopped here as on the page of its approval: by the same verbs, of the same people.
_SWITCHES = {"pause": pause_campaign, "resume": resume_campaign, "kill": kill_campaign}
Place = Annotated[str | None, Query(max_length=64)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/board")
    def whole(request: Request, visitor: Here) -> Response:
        return _whole(request, visitor)

    @app.post("/board/{campaign}/{act}")
    def switch(request: Request, campaign: str, act: str, form: Form, visitor: Acting) -> Response:
        try:
            known(_SWITCHES, "act", act)(
                console_of(request).bank, visitor.principal, campaign, form.get("reason", "")[:_REASON]
            )
        except BankloopError as error:
            return _whole(request, visitor, error, campaign, form.get("reason", ""))
        return RedirectResponse("/board", 303)

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
        return page(request, "board.html", at="board", page=found, error=None)

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


def _whole(
    request: Request, visitor: Visitor, error: BankloopError | None = None, about: str = "", reason: str = ""
) -> Response:
    require(visitor.principal, "round.read")
    require(visitor.principal, "customer.list")
    found = board_page(console_of(request), visitor.principal)
    status = error.http_status if error else 200
    return page(request, "board.html", status, at="board", page=found, error=error, about=about, reason=reason)


def _places(**named: str | None) -> dict[str, str]:
    """Return the places that an address names; one that is named as nothing is whose keeper nobody is."""
    return {level: name for level, name in named.items() if name is not None}
