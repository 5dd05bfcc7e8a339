"""The application: what is served, by whom opened, and every error as a page or, for the API, as a problem."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from bankloop.kit.errors import BankloopError, EnvironmentFault, SignInError
from bankloop.kit.text import Language, Text
from bankloop.kit.wording import value_reason
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.rights import require
from bankloop.simulate.clock import bank_clock
from bankloop.view.drawing import draw
from bankloop.view.figures import Bar, Bars, Picture
from bankloop.view.templating import environment, style
from bankloop.web.api import add_api, note_refusal, problem
from bankloop.web.pages import routes as pages
from bankloop.web.pages.books.routes import add_books
from bankloop.web.pages.desk import add_desk
from bankloop.web.pages.signin import add_sign_in
from bankloop.web.pages.signin.setting_up import add_setting_up, local_key
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Here, KeptForm, come_back, local
from bankloop.web.shell.guard import HEADERS, PROOF_RATE, RATE, Guard
from bankloop.web.shell.rendering import COOKIE, console_of, page, report_file
from bankloop.web.shell.telemetry import Telemetry, add_telemetry
from bankloop.web.shell.texts import WORDS
from bankloop.web.shell.visitor import visitor_of
from bankloop.web.shell.ways import opens
from bankloop.wiring import open_bank, workplace
from bankloop.work.crew import Crew

# The report carries its own style sheet and nothing else.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="none" '
    'stroke="#0b6e69" stroke-width="3" stroke-dasharray="26 9"/></svg>'
)

BankFactory = Callable[[], AbstractContextManager[Bank]]


def create_app(
    bank: Path | BankFactory,
    settings: account.SignInSettings | None = None,
    *,
    behind_proxy: bool = False,
    rates: tuple[str, str] = (PROOF_RATE, RATE),
    say_local: Callable[[str], None] | None = None,
) -> FastAPI:
    """Return console and API of the bank in a folder, or of the bank that a factory opens; opened once, for its lifetime.

    ``behind_proxy``: people come over https through a proxy, so cookies are secure and the bank's ``hosts`` are served.
    ``say_local`` is told the path that lets in whoever started it, while nobody has a role.
    """
    opening: BankFactory = (lambda: open_bank(bank, bank_clock(bank))) if isinstance(bank, Path) else bank
    known = settings or (account.read_settings(bank) if isinstance(bank, Path) else account.SignInSettings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with opening() as opened:
            app.state.console = Console(opened)
            app.state.provider = account.Provider(known.oidc, opened.clock) if known.oidc else None
            app.state.local_key = "" if say_local is None else local_key(opened.store)
            crew = Crew(workplace(opened))
            app.state.jobs = crew.worker
            await asyncio.to_thread(crew.start)
            if say_local is not None and app.state.local_key:
                say_local(f"/local/{app.state.local_key}")
            try:
                yield
            finally:
                await asyncio.to_thread(crew.stop)

    app = FastAPI(title="bankloop", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.settings, app.state.secure, app.state.local_key = known, behind_proxy, ""
    app.state.telemetry = Telemetry()
    app.state.pages = environment(*_TEMPLATES)
    app.state.pages.globals["opens"] = opens
    add_telemetry(app)
    app.add_middleware(Guard, hosts=known.hosts if behind_proxy else (), secure=behind_proxy, rates=rates)
    add_sign_in(app)
    add_setting_up(app)
    pages.add_pages(app)
    add_books(app)
    add_desk(app)
    add_api(app)
    _add_files(app)
    app.add_exception_handler(KeptForm, come_back)
    app.add_exception_handler(BankloopError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    return app


def serve(
    folder: Path,
    port: int = 8321,
    host: str = "127.0.0.1",
    *,
    behind_proxy: bool = False,
    say_local: Callable[[str], None] | None = None,
) -> None:
    """Serve a bank's console and API until it is stopped.

    Without ``behind_proxy`` only this machine is served: nothing here encrypts. Behind a proxy that ends TLS the names
    by which people come must be listed in bank.yaml. Raises ``DeniedError`` otherwise.
    """
    import uvicorn

    from bankloop.web.shell.connections import TimedConnection

    settings = account.read_settings(folder)
    if not behind_proxy and not is_loopback(host):
        raise errors.not_loopback(host)
    if behind_proxy and not settings.hosts:
        raise errors.no_hosts()
    threading.Thread(target=_warm, daemon=True).start()
    app = create_app(folder, settings, behind_proxy=behind_proxy, say_local=None if behind_proxy else say_local)
    # Only the proxy on this machine is believed about who the client is.
    uvicorn.run(
        app, host=host, port=port, log_level="warning", server_header=False, proxy_headers=behind_proxy,
        forwarded_allow_ips="127.0.0.1", h11_max_incomplete_event_size=16_384, timeout_keep_alive=10,
        http=TimedConnection,
    )  # fmt: skip


# The shell's own templates, and those of every noun beside its page.
_WEB = Path(__file__).parents[1]
_TEMPLATES = (_WEB / "shell" / "templates", *sorted(one for one in (_WEB / "pages").iterdir() if one.is_dir()))


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
        answer = RedirectResponse(local(to), 303)
        answer.set_cookie(COOKIE, language, max_age=31_536_000, httponly=True, samesite="lax")
        return answer

    @app.get("/report")
    def report(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "round.read")
        if not console_of(request).places_of(visitor.principal).whole:
            raise errors.whole_bank()
        place = report_file(console_of(request).folder)
        if not place.exists():
            raise errors.no_page("/report")
        return HTMLResponse(place.read_text(encoding="utf-8"), headers={"content-security-policy": _REPORT_POLICY})

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"ok": True})

    @app.get("/readyz")
    def readyz(request: Request) -> JSONResponse:
        with console_of(request).reading():
            return JSONResponse({"ok": True})


def _refused(request: Request, error: Exception) -> Response:
    known, status = _known(request, error)
    note_refusal(request, known)
    if request.url.path.startswith("/api/"):
        return _with_headers(problem(request, known, status), error)
    if isinstance(known, SignInError) and request.method == "GET":
        here = quote(request.url.path, safe="/") + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/signin?to={quote(here, safe='')}", 303)
    _see(request)
    return _with_headers(page(request, "error.html", status, error=known), error)


def _with_headers(answer: Response, error: Exception) -> Response:
    """Put on an answer what the refusal itself says in headers: which methods an address takes."""
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


def _known(request: Request, error: Exception) -> tuple[BankloopError, int]:
    match error:
        case BankloopError():
            return error, error.http_status
        case RequestValidationError():
            first = error.errors()[0]
            found = errors.unreadable(".".join(str(part) for part in first["loc"][1:]), value_reason(first))
            return found, found.http_status
        case HTTPException() if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "—")
            return errors.other_method(request.url.path, request.method, allowed), 405
        case HTTPException() if error.status_code != 404:
            return errors.no_page(request.url.path), error.status_code
        case _:
            return errors.no_page(request.url.path), 404


def _see(request: Request) -> None:
    """Put who is there on the request where the page was refused before anybody asked."""
    if getattr(request.state, "visitor", None) is None:
        try:
            request.state.visitor = visitor_of(request, console_of(request).bank.store)
        except BankloopError:
            request.state.visitor = None


def _broken(request: Request, error: Exception) -> Response:
    fault = EnvironmentFault(
        "console.fault",
        Text("这一页没有算出来；请重试，仍不行请把终端里的记录交给维护人", "this page could not be made; try again, and if it fails give the terminal's record to whoever maintains it"),
    )  # fmt: skip
    if request.url.path.startswith("/api/"):
        answer: Response = problem(request, fault, 500)
    else:
        answer = page(request, "error.html", 500, error=fault)
    answer.headers.update(HEADERS)  # this answer is made outside of the guard
    return answer
