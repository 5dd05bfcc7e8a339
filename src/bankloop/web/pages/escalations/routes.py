"""What was escalated: the list, and a leader's word on a task."""

from __future__ import annotations

from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.organization.rights import require
from bankloop.organization.task import heed_escalation
from bankloop.web.pages.escalations.page import escalation_page
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/escalations")
    def raised(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "task.read")
        return _list(request, visitor)

    @app.post("/escalations/{task_id}/heed")
    def heed(request: Request, task_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                heed_escalation(connection, task_id, form.get("words", "")[:400])
        except BankloopError as error:
            return _list(request, visitor, error)
        return RedirectResponse("/escalations", 303)


def _list(request: Request, visitor: Visitor, error: BankloopError | None = None) -> Response:
    found = escalation_page(console_of(request), visitor.principal)
    return page(
        request, "escalations.html", error.http_status if error else 200, at="escalations", page=found, error=error
    )
