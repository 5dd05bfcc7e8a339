"""Channel codes: those of one's scope, one with its scans, made, revoked, printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from bankloop.growth.codes import (
    MOST_LISTED,
    POSTERS,
    STATES,
    CodeRequest,
    CodeState,
    address_of,
    bad_poster,
    code_of,
    code_svg,
    codes,
    drawn_codes,
    link_of,
    make_code,
    revoke_code,
    scans_of,
)
from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_day
from bankloop.organization.rights import require
from bankloop.web.pages.codes.page import code_figures, codes_table, hours_picture, places_table, tone_of
from bankloop.web.pages.codes.words import CODES
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.visitor import Visitor

_TYPES: Mapping[str, str] = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
_LONGEST = 2_000


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/codes")
    def overview(request: Request, visitor: Here, skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0) -> HTMLResponse:
        return _whole(request, visitor, skip=skip)

    @app.post("/codes/make")
    def make(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "channel_code.make")
        console = console_of(request)
        try:
            wanted = _wanted(form, console.today)
            with console.bank.store.begin(visitor.principal) as connection:
                found = make_code(connection, wanted, console.bank.spec.campaigns, console.today)
        except BankloopError as error:
            return _whole(request, visitor, error, form)
        return RedirectResponse(f"/codes/{found.code}", 303)

    @app.get("/codes/poster.{ending}")
    def poster(
        request: Request, ending: str, visitor: Here, code: Annotated[tuple[str, ...], Query(max_length=100)] = ()
    ) -> Response:
        require(visitor.principal, "channel_code.read")
        if ending not in POSTERS:
            raise bad_poster(ending)
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            found = drawn_codes(connection, code, _address(request), console.today)
        body = POSTERS[ending](console.title, found, language(request))
        named = {"content-disposition": f'attachment; filename="poster.{ending}"'}
        return Response(body, media_type=_TYPES[ending], headers=named)

    @app.get("/codes/{code}")
    def one(request: Request, code: str, visitor: Here) -> HTMLResponse:
        return _one(request, visitor, code[:64])

    @app.post("/codes/{code}/revoke")
    def revoke(request: Request, code: str, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "channel_code.revoke")
        console = console_of(request)
        try:
            with console.bank.store.begin(visitor.principal) as connection:
                revoke_code(connection, code[:64], form.get("reason", "")[:_LONGEST], console.today)
        except BankloopError as error:
            return _one(request, visitor, code[:64], error)
        return RedirectResponse(f"/codes/{code[:64]}", 303)


def start_of(request: Request) -> str:
    """Return where the addresses of links begin: the bank's own name behind a proxy, else what the browser asked."""
    hosts = request.app.state.settings.hosts
    return f"https://{hosts[0]}" if request.app.state.secure and hosts else str(request.base_url)


def _whole(
    request: Request,
    visitor: Visitor,
    error: BankloopError | None = None,
    given: Mapping[str, str] | None = None,
    skip: int = 0,
) -> HTMLResponse:
    require(visitor.principal, "channel_code.read")
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found = codes(connection, console.today, skip=skip)
    own = visitor.principal.book
    return page(
        request,
        "codes.html",
        error.http_status if error else 200,
        at="codes",
        said=CODES,
        table=codes_table(found),
        live=[one for one in found if one.state in (CodeState.LIVE, CodeState.EARLY)],
        known={name: one.title.text for name, one in console.bank.spec.campaigns.items()},
        next=f"/codes?skip={skip + MOST_LISTED}" if len(found) == MOST_LISTED else "",
        own=own,
        error=error,
        given={"staff": own, "since": f"{console.today}", **(given or {})},
    )


def _one(request: Request, visitor: Visitor, code: str, error: BankloopError | None = None) -> HTMLResponse:
    require(visitor.principal, "channel_code.read")
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found = code_of(connection, code, console.today)
        told = scans_of(connection, code, console.bank.lake.zone)
    link = address_of(start_of(request), link_of(console.folder, code))
    title = console.titles().get(found.campaign)
    return page(
        request,
        "code.html",
        error.http_status if error else 200,
        at="codes",
        said=CODES,
        code=found,
        error=error,
        state=STATES[found.state],
        tone=tone_of(found.state),
        figures=code_figures(told),
        link=link,
        campaign=title,
        drawn=Markup(code_svg(link)),  # noqa: S704 - drawn of numbers alone
        picture=hours_picture(told),
        places=places_table(told),
        endings=tuple(POSTERS),
    )


def _address(request: Request) -> Callable[[str, str], str]:
    folder, start = console_of(request).folder, start_of(request)
    return lambda code, place: address_of(start, link_of(folder, code), place)


def _wanted(form: Mapping[str, str], today: date) -> CodeRequest:
    places = tuple(one.strip() for one in form.get("places", "")[:_LONGEST].splitlines() if one.strip())
    return CodeRequest(
        form.get("title", ""),
        form.get("staff", "").strip()[:64],
        read_day(form.get("until", "")),
        read_day(form["since"]) if form.get("since") else today,
        form.get("campaign", ""),
        form.get("scene", "").strip(),
        places,
    )
