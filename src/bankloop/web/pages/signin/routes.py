"""Routes of signing in. Each step ends one token and begins another; what was being written is carried through."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError, SignInError
from bankloop.organization import account
from bankloop.organization.account import Asked, Opened, Session, SignInStep
from bankloop.organization.beginning import open_local
from bankloop.organization.demonstration import AT_HEAD_OFFICE
from bankloop.organization.rights import ROLES, GrantState, grants
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here, kept_page, local
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import cookie_name, csrf_of, foreign, half_signed_in, visitor_of

# As whom somebody begins who set the bank up.
FIRST = "steward"
_ASKED = "oidc"
_ASKED_COOKIE = "asked"
_ASKED_LIFE = timedelta(minutes=10)
_STEPS = {SignInStep.CODE: "/signin/code", SignInStep.CHANGE: "/signin/password", SignInStep.ENROL: "/signin/factor"}


def sign_in_page(request: Request, status: int = 200, error: BankloopError | None = None, **values: Any) -> Response:
    """Return the page of signing in; a demo bank's says how."""
    settings, console = request.app.state.settings, console_of(request)
    locally = _is_local(request)
    people = demo_people(request) if settings.demo else AT_HEAD_OFFICE.items() if locally else ()
    shown = {"to": "/", "kept": "", "person": "", **values}
    return page(
        request, "signin.html", status, error=error, people=people, oidc=settings.oidc is not None,
        locally=locally, demo_password=account.demo_password(console.folder) if settings.demo else "", **shown,
    )  # fmt: skip


def demo_people(request: Request) -> list[tuple[str, str]]:
    """Return the people of a demo who have an account, with their role, in the catalogue's order."""
    with console_of(request).bank.store.begin(account.SIGN_IN) as connection:
        known = {one.person_id for one in account.accounts(connection) if one.active}
        held = {one.person_id: one.role for one in grants(connection, GrantState.OPEN) if one.person_id in known}
    order = list(ROLES)
    return sorted(held.items(), key=lambda one: order.index(one[1]))


def add_sign_in(app: FastAPI) -> None:
    """Add the routes."""
    _add_steps(app)
    _add_session(app)
    _add_provider(app)


def _add_steps(app: FastAPI) -> None:
    @app.get("/signin")
    def ask(request: Request, to: str = "/") -> Response:
        return sign_in_page(request, to=local(to))

    @app.post("/signin")
    def prove(request: Request, form: Form) -> Response:
        own(request)
        person = form.get("person", "").strip()
        try:
            opened = account.sign_in(_store(request), request.app.state.settings, person, form.get("password", ""))
        except SignInError as error:
            kept = {name: form.get(name, "") for name in ("to", "kept")}
            return sign_in_page(request, error.http_status, error, person=person, **kept)
        return _onward(request, opened, form)

    @app.get("/signin/code")
    def ask_code(request: Request) -> Response:
        return _step_page(request, half_signed_in(request, _store(request)), SignInStep.CODE)

    @app.post("/signin/code")
    def prove_code(request: Request, form: Form) -> Response:
        session = _half(request, form)
        try:
            opened = account.give_code(_store(request), request.app.state.settings, session, form.get("code", ""))
        except SignInError as error:
            return _again(request, session, SignInStep.CODE, error, form)
        return _onward(request, opened, form)

    @app.get("/signin/password")
    def ask_password(request: Request) -> Response:
        return _step_page(request, half_signed_in(request, _store(request)), SignInStep.CHANGE)

    @app.post("/signin/password")
    def change(request: Request, form: Form) -> Response:
        session = _half(request, form)
        store, settings = _store(request), request.app.state.settings
        try:
            if session.step not in (SignInStep.CHANGE, SignInStep.FULL):
                raise account.sign_in_needed()
            opened = account.change_password(store, settings, session, form.get("old"), form.get("new", ""))
        except BankloopError as error:
            return _again(request, session, SignInStep.CHANGE, error, form)
        return _onward(request, opened, form)

    @app.get("/signin/factor")
    def ask_factor(request: Request) -> Response:
        half = half_signed_in(request, _store(request))
        return _step_page(request, half, SignInStep.ENROL, factor=_has_factor(request, half[0]))

    @app.post("/signin/factor")
    def enrol(request: Request, form: Form) -> Response:
        session = _half(request, form)
        if session.step not in (SignInStep.ENROL, SignInStep.FULL):
            raise account.sign_in_needed()
        store, settings = _store(request), request.app.state.settings
        try:
            if form.get("code"):
                return _onward(request, account.confirm_factor(store, settings, session, form["code"]), form)
            proofs = form.get("password", ""), form.get("current", "")
            secret = account.begin_factor(store, settings, session, *proofs)
        except SignInError as error:
            return _again(request, session, SignInStep.ENROL, error, form)
        return _step_page(request, (session, _token(request)), SignInStep.ENROL, secret=secret, **_carried(form))


def _add_session(app: FastAPI) -> None:
    @app.post("/signout")
    def sign_out(request: Request, visitor: Acting) -> Response:
        if visitor.session is not None:
            with _store(request).begin(account.SIGN_IN) as connection:
                account.end_session(connection, visitor.session.session_id, "signed out")
        answer = RedirectResponse("/signin", 303)
        answer.delete_cookie(
            cookie_name(secure=request.app.state.secure), secure=request.app.state.secure, httponly=True
        )
        return answer

    @app.get("/account")
    def own_account(request: Request, visitor: Here) -> Response:
        with _store(request).begin(account.SIGN_IN) as connection:
            known = account.account_of(connection, visitor.person)
            sessions = account.sessions_of(connection, visitor.person)
        return page(request, "account.html", at="account", known=known, sessions=sessions)

    @app.post("/account/sessions/{session_id}/end")
    def end_one(request: Request, session_id: str, visitor: Acting) -> Response:
        with _store(request).begin(account.SIGN_IN) as connection:
            own_ones = {str(one.session_id): one for one in account.sessions_of(connection, visitor.person)}
            if session_id not in own_ones:
                raise errors.no_page(request.url.path)
            account.end_session(connection, own_ones[session_id].session_id, "ended by its person")
        return RedirectResponse("/account", 303)

    @app.post("/role")
    def choose_role(request: Request, form: Form, visitor: Acting) -> Response:
        role = form.get("role", "")
        if visitor.session is None or role not in visitor.roles:
            raise errors.no_choice("role", role[:64], ", ".join(visitor.roles))
        with _store(request).begin(account.SIGN_IN) as connection:
            opened = account.rotate_session(connection, visitor.session, SignInStep.FULL, role=role)
        return signed_in(request, opened, "/")

    @app.post("/signin/switch")
    def switch(request: Request, form: Form) -> Response:
        own(request)
        person = form.get("person", "")
        if _is_local(request):
            return signed_in(request, open_local(_store(request), person), "/")
        opened = account.switch_person(_store(request), request.app.state.settings, person)
        return signed_in(request, opened, "/")


def _add_provider(app: FastAPI) -> None:
    @app.get("/signin/oidc")
    def leave(request: Request, to: str = "/") -> Response:
        provider, asked = _provider(request), Asked.new()
        answer = RedirectResponse(provider.address(asked, _redirect(request)), 303)
        plain = json.dumps([asked.state, asked.nonce, asked.verifier, local(to)])
        sealed = _store(request).keys.seal(_ASKED, plain).hex()
        # Lax: the provider sends the person back from another site.
        answer.set_cookie(
            _ASKED_COOKIE, sealed, max_age=int(_ASKED_LIFE.total_seconds()), path="/signin/oidc", httponly=True, samesite="lax",
            secure=request.app.state.secure,
        )  # fmt: skip
        return answer

    @app.get("/signin/oidc/back")
    def back(request: Request, state: str = "", code: str = "") -> Response:
        try:
            asked, to = _asked(request, state)
            subject = _provider(request).subject(asked, code, _redirect(request))
            opened = account.sign_in_subject(_store(request), request.app.state.settings, subject)
        except BankloopError as error:
            answer = sign_in_page(request, error.http_status, error)
        else:
            answer = signed_in(request, opened, to)
        answer.delete_cookie(_ASKED_COOKIE, path="/signin/oidc")  # an answer is used once
        return answer


def _is_local(request: Request) -> bool:
    """Return whether who asks set the bank up, before anybody has a role."""
    with suppress(BankloopError):
        return visitor_of(request, _store(request)).is_local
    return False


def own(request: Request) -> None:
    """Raise ``DeniedError`` where another site sends the form: nobody is signed in as somebody else unawares."""
    origin = request.headers.get("origin")
    if foreign(request) or (origin not in (None, "null") and origin.partition("://")[2] != request.headers.get("host")):
        raise errors.forged()


def _store(request: Request) -> Any:
    return console_of(request).bank.store


def _token(request: Request) -> str:
    return request.cookies.get(cookie_name(secure=request.app.state.secure), "")


def _half(request: Request, form: Form) -> Session:
    own(request)
    session, token = half_signed_in(request, _store(request))
    if form.get("csrf", "") != csrf_of(token):
        raise errors.forged()
    return session


def _carried(form: Form) -> dict[str, Any]:
    return {name: form.get(name, "") for name in ("to", "kept")}


def _has_factor(request: Request, session: Session) -> bool:
    with _store(request).begin(account.SIGN_IN) as connection:
        known = account.account_of(connection, session.person_id)
    return known is not None and known.totp


def _step_page(
    request: Request, half: tuple[Session, str], step: SignInStep, status: int = 200, **values: Any
) -> Response:
    session, token = half
    shown = {"to": "/", "kept": "", "error": None, "secret": "", "factor": False, **values}
    return page(request, "step.html", status, step=step.value, session=session, csrf=csrf_of(token), **shown)


def _again(request: Request, session: Session, step: SignInStep, error: BankloopError, form: Form) -> Response:
    half, factor = (session, _token(request)), _has_factor(request, session)
    return _step_page(request, half, step, error.http_status, error=error, factor=factor, **_carried(form))


def _onward(request: Request, opened: Opened, form: Form) -> Response:
    """Go on to the next step, back to what was being written, or to where the person wanted to go."""
    step, carried = opened.session.step, _carried(form)
    if step is not SignInStep.FULL:
        answer: Response = _step_page(request, (opened.session, opened.token), step, **carried)
    else:
        answer = kept_page(_as(request, opened), carried["kept"]) or RedirectResponse(local(carried["to"]), 303)
    return _with_cookie(request, answer, opened)


def _as(request: Request, opened: Opened) -> Request:
    """Put who just signed in on the request, so that the page is theirs."""
    from bankloop.web.shell.visitor import visitor_of_token

    request.state.visitor = visitor_of_token(_store(request), opened.token, {})
    return request


def signed_in(request: Request, opened: Opened, to: str) -> Response:
    """Lead somebody who just signed in to where they wanted to go."""
    return _with_cookie(request, RedirectResponse(to, 303), opened)


def _with_cookie(request: Request, answer: Response, opened: Opened) -> Response:
    secure = request.app.state.secure
    answer.set_cookie(cookie_name(secure=secure), opened.token, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


def _provider(request: Request) -> account.Provider:
    found: account.Provider | None = request.app.state.provider
    if found is None:
        raise errors.no_page(request.url.path)
    return found


def _redirect(request: Request) -> str:
    scheme = "https" if request.app.state.secure else "http"
    return f"{scheme}://{request.headers.get('host', '')}/signin/oidc/back"


def _asked(request: Request, state: str) -> tuple[Asked, str]:
    try:
        sealed = bytes.fromhex(request.cookies.get(_ASKED_COOKIE, ""))
        kept_state, nonce, verifier, to = json.loads(_store(request).keys.unseal(_ASKED, sealed))
    except (ValueError, BankloopError):
        raise errors.forged() from None
    if not state or state != kept_state:
        raise errors.forged()
    return Asked(kept_state, nonce, verifier), to
