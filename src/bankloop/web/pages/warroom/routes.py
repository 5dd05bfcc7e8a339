"""The war room: how a branch's units do what was instructed, the list behind each figure, a task given to somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.loop.campaign.branch_rule import narrow
from bankloop.organization.branch_rule import end_narrowing
from bankloop.organization.rights import require
from bankloop.organization.task import assign_task
from bankloop.web.pages.warroom.branch_rule import added_of, own_rules, per_week_of, withheld_of
from bankloop.web.pages.warroom.page import unit_page, war_room
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/warroom")
    def whole(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "task.assign")
        return _whole(request, visitor)

    @app.post("/warroom/narrow")
    def narrow_here(request: Request, form: Form, visitor: Acting) -> Response:
        try:
            narrow(
                console_of(request).bank, visitor.principal, form.get("unit", ""), form.get("campaign", ""),
                form.get("condition", ""), per_week_of(form.get("per_week", "")), form.get("reason", ""),
                withheld_of(console_of(request), form.get("withheld", "")),
                added_of(form.get("added", ""), form.get("added_yuan", "")),
            )  # fmt: skip
        except BankloopError as error:
            return _whole(request, visitor, form, error)
        return RedirectResponse("/warroom", 303)

    @app.post("/warroom/narrow/{narrowing_id}/end")
    def widen_again(request: Request, narrowing_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                end_narrowing(connection, narrowing_id, form.get("reason", ""))
        except BankloopError as error:
            return _whole(request, visitor, form, error)
        return RedirectResponse("/warroom", 303)

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


def _whole(
    request: Request, visitor: Visitor, form: Mapping[str, str] | None = None, error: BankloopError | None = None
) -> Response:
    console = console_of(request)
    rules = own_rules(console, visitor.principal) if may(visitor, "narrowing.read") else None
    found = war_room(console, visitor.principal)
    status = error.http_status if error else 200
    return page(request, "warroom.html", status, at="warroom", page=found, rules=rules, given=form or {}, error=error)


def _unit_page(request: Request, visitor: Visitor, unit_id: str, error: BankloopError | None = None) -> Response:
    found = unit_page(console_of(request), visitor.principal, unit_id)
    status = error.http_status if error else 200
    return page(request, "unit.html", status, at="warroom", page=found, unit_id=unit_id, error=error)


def _task_id(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError:
        raise errors.no_choice("task", words[:36], "—") from None
