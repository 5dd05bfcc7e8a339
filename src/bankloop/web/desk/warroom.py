"""The war room: how a branch's units do what was instructed, the list behind each figure, a task given to somebody else."""

from __future__ import annotations

from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit import BankloopError
from bankloop.organization import assign_task, require
from bankloop.web import errors
from bankloop.web.forms import Acting, Form, Here
from bankloop.web.rendering import console_of, page
from bankloop.web.visitor import Visitor
from bankloop.web.warroom import unit_page, war_room


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/warroom")
    def whole(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "task.assign")
        return page(request, "warroom.html", at="warroom", page=war_room(console_of(request), visitor.principal))

    @app.get("/warroom/{unit_id}")
    def unit(request: Request, unit_id: str, visitor: Here) -> Response:
        require(visitor.principal, "task.assign")
        return _unit_page(request, visitor, unit_id)

    @app.post("/warroom/{unit_id}/assign")
    def assign(request: Request, unit_id: str, form: Form, visitor: Acting) -> Response:
        try:
            task = _task_id(form.get("task", ""))
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                assign_task(connection, task, form.get("staff", ""), form.get("reason", ""))
        except BankloopError as error:
            return _unit_page(request, visitor, unit_id, error)
        return RedirectResponse(f"/warroom/{unit_id}", 303)


def _unit_page(request: Request, visitor: Visitor, unit_id: str, error: BankloopError | None = None) -> Response:
    found = unit_page(console_of(request), visitor.principal, unit_id)
    status = error.http_status if error else 200
    return page(request, "unit.html", status, at="warroom", page=found, unit_id=unit_id, error=error)


def _task_id(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError:
        raise errors.no_choice("task", words[:36], "—") from None
