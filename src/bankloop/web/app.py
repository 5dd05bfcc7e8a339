"""The application: routes, the language, security headers, errors as pages; served on this machine only."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bankloop.kit import BankloopError, EnvironmentFault, Language, SystemClock, Text
from bankloop.loop.bank import Bank
from bankloop.report import Bar, Bars, Picture, draw, environment, style
from bankloop.web import campaigns, errors, home, plans, results
from bankloop.web.console import Console
from bankloop.web.texts import GROUPS, WORDS
from bankloop.wiring import open_bank

if TYPE_CHECKING:
    from jinja2 import Environment

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "language"
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# The report carries its own style sheet and nothing else.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="none" '
    'stroke="#0b6e69" stroke-width="3" stroke-dasharray="26 9"/></svg>'
)

BankFactory = Callable[[], AbstractContextManager[Bank]]


class Guard:
    """Turns away requests that name another host, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        if (urlsplit(f"//{host}").hostname or "") not in LOOPBACK_NAMES:
            error = errors.foreign_host(host)
            answer = JSONResponse(error.as_dict(), error.http_status, headers=_HEADERS)
            await answer(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] += [
                    (k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in present
                ]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def create_app(bank: Path | BankFactory) -> FastAPI:
    """Return the console of the bank in a folder, or of the bank that a factory opens; opened once, for its lifetime."""
    opening: BankFactory = (lambda: open_bank(bank, SystemClock())) if isinstance(bank, Path) else bank

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with opening() as opened:
            app.state.console = Console(opened)
            yield

    app = FastAPI(title="bankloop", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(Guard)
    app.state.pages = environment("bankloop.web")
    _add_pages(app)
    _add_files(app)
    app.add_exception_handler(BankloopError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    return app


def serve(folder: Path, port: int = 8321, host: str = "127.0.0.1") -> None:
    """Serve a bank's console on this machine until it is stopped; raise ``DeniedError`` for any other address."""
    import uvicorn

    if not is_loopback(host):
        raise errors.not_loopback(host)
    threading.Thread(target=_warm, daemon=True).start()
    uvicorn.run(create_app(folder), host=host, port=port, log_level="warning", server_header=False)


def _warm() -> None:
    """Draw once before anybody waits for it: the first picture of a process takes seconds."""
    draw(Picture("warm", WORDS["plan"], WORDS["plan"], Bars((Bar(WORDS["plan"], 1.0, WORDS["plan"]),))), Language.ZH)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _console(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


def _language(request: Request) -> Language:
    wanted = request.cookies.get(COOKIE)
    return Language(wanted) if wanted in set(Language) else Language.ZH


def _page(request: Request, template: str, status: int = 200, at: str = "", **values: Any) -> HTMLResponse:
    pages: Environment = request.app.state.pages
    lang = _language(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    console: Console | None = getattr(request.app.state, "console", None)
    body = pages.get_template(template).render(
        status=status, lang=lang, other=Language.EN if lang is Language.ZH else Language.ZH, at=at, here=here, words=WORDS,
        bank=console.title if console else Text("bankloop", "bankloop"),
        campaigns=console.titles() if console and status < 500 else {},
        has_report=_report(console.folder).exists() if console else False,
        **values,
    )  # fmt: skip
    return HTMLResponse(body, status)


def _report(folder: Path) -> Path:
    return folder / "data" / "reports" / "demo.html"


def _add_pages(app: FastAPI) -> None:
    @app.get("/")
    def home_page(request: Request) -> HTMLResponse:
        return _page(request, "home.html", at="home", page=home.home_page(_console(request)))

    @app.get("/campaigns/{name}")
    def campaign_page(
        request: Request, name: str, round_: Annotated[int | None, Query(alias="round")] = None
    ) -> HTMLResponse:
        page = campaigns.campaign_page(_console(request), name, round_)
        return _page(request, "campaign.html", at=f"campaign:{name}", page=page)

    @app.get("/plan")
    def newest_plan(request: Request) -> Response:
        newest = plans.newest_plan(_console(request))
        if newest is None:
            return _page(request, "empty.html", at="plan", title=WORDS["plan"], say_first=WORDS["no_plan"])
        return RedirectResponse(f"/plan/{newest.plan_id}", 303)

    @app.get("/plan/{plan_id}")
    def plan_page(
        request: Request,
        plan_id: str,
        campaign: str | None = None,
        resource: str | None = None,
        limit: str | None = None,
    ) -> HTMLResponse:
        page = plans.plan_of(_console(request), plan_id, campaign, resource, limit)
        return _page(request, "plan.html", at="plan", page=page)

    @app.get("/plan/{plan_id}/rows")
    def plan_rows(
        request: Request, plan_id: str, campaign: str, reason: str, action: str | None = None, page: int = 1
    ) -> HTMLResponse:
        found = plans.rows_of(_console(request), plan_id, campaign, reason, action, page)
        return _page(request, "rows.html", at="plan", page=found, back=f"/plan/{plan_id}", groups=())

    @app.get("/results")
    def results_page(request: Request) -> HTMLResponse:
        found = results.results_view(_console(request))
        if found is None:
            return _page(request, "empty.html", at="results", title=WORDS["results"], say_first=WORDS["no_results"])
        return _page(request, "results.html", at="results", page=found)

    @app.get("/results/{campaign}/{rounds}/rows")
    def result_rows(request: Request, campaign: str, rounds: str, group: str = "all", page: int = 1) -> HTMLResponse:
        found = results.result_rows(_console(request), campaign, results.rounds_of(rounds), group, page)
        here = f"/results/{campaign}/{rounds}/rows"
        groups = [(title, f"{here}?group={key}", key == group) for key, title in GROUPS.items()]
        return _page(request, "rows.html", at="results", page=found, back="/results", groups=groups)


def _add_files(app: FastAPI) -> None:
    @app.get("/style.css")
    def style_sheet() -> Response:
        return Response(style(), media_type="text/css")

    @app.get("/icon.svg")
    def icon() -> Response:
        return Response(_ICON, media_type="image/svg+xml")

    @app.get("/language/{language}")
    def choose_language(language: str, to: str = "/") -> Response:
        if language not in set(Language):
            raise errors.no_choice("language", language, ", ".join(Language))
        # Only a path of this console: no address may lead elsewhere.
        safe = (
            to if to.startswith("/") and not to.startswith(("//", "/\\")) and "\n" not in to and "\r" not in to else "/"
        )
        answer = RedirectResponse(safe, 303)
        answer.set_cookie(COOKIE, language, max_age=31_536_000, httponly=True, samesite="lax")
        return answer

    @app.get("/report")
    def report(request: Request) -> Response:
        place = _report(_console(request).folder)
        if not place.exists():
            raise errors.no_page("/report")
        return HTMLResponse(place.read_text(encoding="utf-8"), headers={"content-security-policy": _REPORT_POLICY})

    @app.get("/healthz")
    def healthz(request: Request) -> JSONResponse:
        with _console(request).reading():
            return JSONResponse({"ok": True})


def _refused(request: Request, error: Exception) -> Response:
    match error:
        case BankloopError():
            known: BankloopError = error
        case RequestValidationError():
            first = error.errors()[0]
            known = errors.unreadable(".".join(str(part) for part in first["loc"][1:]), str(first["msg"]))
        case _:
            known = errors.no_page(request.url.path)
            if isinstance(error, HTTPException) and error.status_code != 404:
                return _page(request, "error.html", error.status_code, error=known)
    return _page(request, "error.html", known.http_status, error=known)


def _broken(request: Request, error: Exception) -> Response:
    fault = EnvironmentFault(
        "console.fault",
        Text("这一页没有算出来；请重试，仍不行请把终端里的记录交给维护人", "this page could not be made; try again, and if it fails give the terminal's record to whoever maintains it"),
    )  # fmt: skip
    answer = _page(request, "error.html", 500, error=fault)
    answer.headers.update(_HEADERS)  # this answer is made outside of the guard
    return answer
