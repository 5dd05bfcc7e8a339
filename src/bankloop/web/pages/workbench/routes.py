"""The workbench, phone first: today's list, one task with its guide, a call, its outcome, the next step."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.contact.by_hand import log_contact
from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_moment
from bankloop.organization.rights import require, unmask
from bankloop.organization.task import (
    OUTCOMES,
    VISIT_PLACES,
    Visit,
    accept_task,
    check_in,
    reject_task,
    with_recording,
)
from bankloop.web.pages.workbench.book import book_page
from bankloop.web.pages.workbench.guide import brief_of
from bankloop.web.pages.workbench.offline import WORK_POLICY
from bankloop.web.pages.workbench.page import CALL_MINUTES, IDENTITY, task_page, workbench
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/workbench")
    def work(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "task.log")
        found = workbench(console_of(request), visitor.principal)
        return _scripted(page(request, "work.html", at="work", page=found))

    @app.get("/book")
    def book(request: Request, visitor: Here, q: str = "") -> Response:
        require(visitor.principal, "task.log")
        require(visitor.principal, "customer.list")
        found = book_page(console_of(request), visitor.principal, q[:64])
        return page(request, "own_book.html", at="book", page=found, asked=q[:64])

    @app.get("/workbench/{task_id}")
    def one(request: Request, task_id: UUID, visitor: Here) -> Response:
        require(visitor.principal, "task.read")
        return _task_page(request, visitor, task_id)

    @app.post("/workbench/{task_id}/call")
    def call(request: Request, task_id: UUID, visitor: Acting) -> Response:
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            task = accept_task(connection, task_id)
            reason = f"{task.kind} {task.campaign} {task.action}".strip()
            unmask(connection, task.customer_no, IDENTITY, reason, str(task_id), CALL_MINUTES)
        return RedirectResponse(f"/workbench/{task_id}", 303)

    @app.post("/workbench/{task_id}/log")
    def log(request: Request, task_id: UUID, form: Form, visitor: Acting) -> Response:
        console = console_of(request)
        try:
            words = form.get("next_at", "")
            agreed = read_moment(words, ZoneInfo(console.bank.lake.zone)) if words else None
            with console.bank.store.begin(visitor.principal) as connection:
                note = with_recording(form.get("note", ""), form.get("recording", "")[:64])
                log_contact(
                    connection, task_id, form.get("outcome", ""), note, next_at=agreed, zone=console.bank.lake.zone
                )
        except BankloopError as error:
            return _task_page(request, visitor, task_id, error, form)
        return RedirectResponse("/workbench", 303)

    @app.post("/workbench/{task_id}/visit")
    def visit(request: Request, task_id: UUID, form: Form, visitor: Acting) -> Response:
        told = Visit(form.get("place", ""), form.get("met", "")[:200], form.get("matter", "")[:1_500])
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                check_in(connection, task_id, told)
        except BankloopError as error:
            return _task_page(request, visitor, task_id, error, form)
        return RedirectResponse(f"/workbench/{task_id}", 303)

    @app.post("/workbench/{task_id}/reject")
    def reject(request: Request, task_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                reject_task(connection, task_id, form.get("reason", ""))
        except BankloopError as error:
            return _task_page(request, visitor, task_id, error, form)
        return RedirectResponse("/workbench", 303)


def _task_page(
    request: Request,
    visitor: Visitor,
    task_id: UUID,
    error: BankloopError | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    console = console_of(request)
    found = task_page(console, visitor.principal, task_id)
    # What another line refers is shown as far as the request rules, on its own page.
    brief = None if found.request else brief_of(console, visitor.principal, found.call.task.customer_no)
    shown = page(
        request, "task.html", error.http_status if error else 200, at="work", page=found, brief=brief, error=error, form=form or {},
        outcomes=OUTCOMES, places=VISIT_PLACES,
    )  # fmt: skip
    return _scripted(shown)


def _scripted(answer: Response) -> Response:
    """Return a page of the workbench with the policy that lets its own script and worker in."""
    answer.headers["content-security-policy"] = WORK_POLICY
    return answer
