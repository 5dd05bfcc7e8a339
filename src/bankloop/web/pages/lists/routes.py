"""Lists: an xlsx taken in on a page, what came back with its reasons, lists taken in so far, one taken back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from bankloop.care.worklist import TakenIn, WorkList, read_pace, recall_list, returned_of, take_list, work_lists
from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.grammar import read_day
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.organization.rights import require
from bankloop.performance.instruction import TASKS, instruct
from bankloop.performance.target import no_such_target, targets
from bankloop.report.exporting import FORMATS, returned_rows, xlsx_of
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

_SHOWN = 200
_DAYS = 5


async def uploaded(request: Request) -> bytes:
    """Return the file of a form; nothing where none was chosen."""
    found = (await request.form()).get("file")
    if not isinstance(found, UploadFile):
        return b""
    try:
        return await found.read()
    finally:
        await found.close()


File = Annotated[bytes, Depends(uploaded)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/lists")
    def lists(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "worklist.read")
        return _page(request, visitor)

    @app.post("/lists/take")
    def take(request: Request, form: Form, file: File, visitor: Acting) -> Response:
        console = console_of(request)
        require(visitor.principal, "worklist.take")
        try:
            name, due = _asked(form)
            target, hours = form.get("target", ""), WorkTime(console.bank.lake.zone)
            with console.bank.store.begin(visitor.principal) as connection:
                if target:
                    number = _target(target)
                    done = instruct(connection, console.folder, number, name, file, due, console.today, hours)
                else:
                    done = take_list(connection, name, file, due, console.today, hours)
        except BankloopError as error:
            return _page(request, visitor, error=error, form=form)
        return _page(request, visitor, done)

    @app.get("/lists/{list_id}/returned.xlsx")
    def returned(request: Request, list_id: UUID, visitor: Here) -> Response:
        # Numbers stand in full here, as in the file that was sent: for who may send one.
        require(visitor.principal, "worklist.take")
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            found = returned_of(connection, list_id)
        name = f'attachment; filename="returned-{list_id.hex[-8:]}.xlsx"'
        body = xlsx_of(returned_rows(found), "returned")
        return Response(body, media_type=FORMATS["xlsx"], headers={"content-disposition": name})

    @app.post("/lists/{list_id}/recall")
    def recall(request: Request, list_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                recall_list(connection, list_id, form.get("reason", ""))
        except BankloopError as error:
            return _page(request, visitor, error=error)
        return RedirectResponse("/lists", 303)


def _asked(form: dict[str, str]) -> tuple[str, date]:
    try:
        return form["name"].strip()[:64], read_day(form["due"])
    except KeyError:
        raise InputError(
            "worklist.form",
            Text("请填名单名称和截止日", "give the list a name and a day by which it is to be done"),
        ) from None


def _target(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError:
        raise no_such_target(words) from None


def _page(
    request: Request,
    visitor: Visitor,
    done: TakenIn | None = None,
    error: BankloopError | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found = work_lists(connection)
        asked = (
            [one for one in targets(connection, console.today) if one.measure == TASKS]
            if may(visitor, "target.read")
            else []
        )
    given, pace = form or {}, read_pace(console.folder)
    return page(
        request, "lists.html", error.http_status if error else 200, at="lists", done=done, error=error,
        returned=_returned(done) if done else None, lists=found, targets=asked, pace=pace, target=given.get("target", ""), name=given.get("name", ""),
        due=given.get("due") or (console.today + timedelta(days=_DAYS)).isoformat(), said=_said,
    )  # fmt: skip


def _said(one: WorkList) -> Text:
    state = Text("，已收回", ", recalled") if one.recalled_at else Text("", "")
    return Text(
        f"{one.read:,} 行，可用 {one.usable:,}，截止 {one.due_on}{state.zh}",
        f"{one.read:,} rows, {one.usable:,} usable, due {one.due_on}{state.en}",
    )


def _returned(done: TakenIn) -> Table:
    rows = tuple(
        (
            Cell(say.same(one.line)),
            Cell(say.same(masked(one.customer_no) if one.customer_no else "—")),
            Cell(one.reason),
        )
        for one in done.refused[:_SHOWN]
    )
    columns = (Column(Text("行", "Line")), Column(Text("客户", "Customer")), Column(Text("原因", "Reason")))
    return Table("returned", Text("退回的行", "Rows that came back"), columns, rows)
