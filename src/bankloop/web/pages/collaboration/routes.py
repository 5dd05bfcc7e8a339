"""Requests between lines and offices: both inboxes, a form for each kind, one request answered, passed on or taken back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from bankloop.kit.errors import BankloopError
from bankloop.kit.worktime import WorkTime
from bankloop.organization import collaboration as together
from bankloop.organization.rights import require
from bankloop.web.pages.collaboration.page import inbox_tables, request_page
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

_REFERRALS = {t.key: t.title for t in together.TOPICS.values() if t.kind is together.RequestKind.REFERRAL}
_SUPPORT = {t.key: t.title for t in together.TOPICS.values() if t.kind is together.RequestKind.SUPPORT}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/collaboration")
    def both(request: Request, visitor: Here, about: str = "") -> Response:
        require(visitor.principal, "collaboration.read")
        return _inbox(request, visitor, {"about": about[:64]})

    @app.post("/collaboration/refer")
    def refer(request: Request, form: Form, visitor: Acting) -> Response:
        def made(connection: Connection) -> UUID:
            return together.refer(
                connection, form.get("topic", ""), form.get("about", "").strip(), form.get("need", "")[:2_000],
                customer_no=form.get("customer", "")[:64], company=form.get("company", "")[:64],
                agreed=form.get("agreed") == "yes", hours=_hours(request),
            ).request_id  # fmt: skip

        return _made(request, visitor, form, made)

    @app.post("/collaboration/ask")
    def ask(request: Request, form: Form, visitor: Acting) -> Response:
        def made(connection: Connection) -> UUID:
            return together.ask_support(
                connection, form.get("topic", ""), form.get("need", "")[:2_000], about_no=form.get("about", ""),
                hours=_hours(request),
            ).request_id  # fmt: skip

        return _made(request, visitor, form, made)

    @app.get("/collaboration/{request_id}")
    def one(request: Request, request_id: UUID, visitor: Here) -> Response:
        require(visitor.principal, "collaboration.read")
        return _one(request, visitor, request_id)

    @app.post("/collaboration/{request_id}/take")
    def take(request: Request, request_id: UUID, visitor: Acting) -> Response:
        return _done(request, visitor, request_id, lambda connection: together.take(connection, request_id))

    @app.post("/collaboration/{request_id}/answer")
    def answer(request: Request, request_id: UUID, form: Form, visitor: Acting) -> Response:
        outcome, words = form.get("outcome", ""), form.get("words", "")[:2_000]
        return _done(request, visitor, request_id, lambda c: together.answer(c, request_id, outcome, words))

    @app.post("/collaboration/{request_id}/pass")
    def pass_on(request: Request, request_id: UUID, form: Form, visitor: Acting) -> Response:
        topic, words = form.get("topic", ""), form.get("words", "")[:2_000]
        return _done(request, visitor, request_id, lambda c: together.pass_on(c, request_id, topic, words), leave=True)

    @app.post("/collaboration/{request_id}/add")
    def add(request: Request, request_id: UUID, form: Form, visitor: Acting) -> Response:
        words = form.get("words", "")[:2_000]
        return _done(request, visitor, request_id, lambda c: together.add_words(c, request_id, words))

    @app.post("/collaboration/{request_id}/withdraw")
    def withdraw(request: Request, request_id: UUID, form: Form, visitor: Acting) -> Response:
        words = form.get("words", "")[:2_000]
        return _done(request, visitor, request_id, lambda c: together.withdraw(c, request_id, words))


def _hours(request: Request) -> WorkTime:
    return WorkTime(console_of(request).bank.lake.zone)


def _made(request: Request, visitor: Visitor, form: dict[str, str], make: Callable[[Connection], UUID]) -> Response:
    try:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            made = make(connection)
    except BankloopError as error:
        require(visitor.principal, "collaboration.read")
        return _inbox(request, visitor, form, error)
    return RedirectResponse(f"/collaboration/{made}", 303)


def _done(
    request: Request, visitor: Visitor, request_id: UUID, act: Callable[[Connection], object], *, leave: bool = False
) -> Response:
    try:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            act(connection)
    except BankloopError as error:
        return _one(request, visitor, request_id, error)
    return RedirectResponse("/collaboration" if leave else f"/collaboration/{request_id}", 303)


def _inbox(request: Request, visitor: Visitor, form: dict[str, str], error: BankloopError | None = None) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found = together.inbox(connection)
    received, asked, watched = inbox_tables(found, console.bank.lake.zone)
    return page(
        request, "collaboration.html", error.http_status if error else 200, at="collaboration", error=error, form=form,
        received=received, asked=asked, watched=watched, referrals=_REFERRALS, support=_SUPPORT,
    )  # fmt: skip


def _one(request: Request, visitor: Visitor, request_id: UUID, error: BankloopError | None = None) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found = together.conversation(connection, request_id)
    shown = request_page(console, visitor.principal, found)
    return page(
        request, "request.html", error.http_status if error else 200, at="collaboration", error=error, page=shown,
        support=_SUPPORT,
    )  # fmt: skip
