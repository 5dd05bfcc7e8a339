"""What is one's own: today's tasks and the customers within one's scope, read under one's own principal."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.organization.people import BookRow, book_of, customers_of_units, units
from bankloop.organization.rights import require
from bankloop.organization.task import Task, day_page, tasks_for, tasks_of
from bankloop.report.shelf import PRODUCT_LINES
from bankloop.store.audit import record_access
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.pages.workbench.page import KIND_TITLES
from bankloop.web.pages.workbench.page import STATES as WORK_STATES
from bankloop.web.shell.console import Console, known, masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.words import MORE_WORDS

PAGE = 50
ON_HOME = 8
# The rows of a leader's list that one page shows.
MOST = 200
ALL_LINES = Text("全部条线", "All lines")


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/tasks")
    def tasks(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "task.read")
        found = tasks_table(console_of(request), visitor.principal)
        return page(
            request,
            "list.html",
            at="tasks",
            title=MORE_WORDS["tasks"],
            table=found,
            nothing=MORE_WORDS["no_tasks"],
            next=None,
        )

    @app.get("/customers")
    def customers(request: Request, visitor: Here, after: str = "", line: str = "", number: str = "") -> Response:
        require(visitor.principal, "customer.list")
        if number.strip():
            return RedirectResponse(f"/customers/{quote(number.strip()[:64], safe='')}", 303)
        known({"": ALL_LINES, **PRODUCT_LINES}, "line", line)
        found = own_customers(console_of(request), visitor.principal, after, PAGE, line)
        following = f"/customers?line={line}&after={found[-1].customer_no}" if len(found) == PAGE else None
        chips = [
            (title, f"/customers?line={key}" if key else "/customers", key == line)
            for key, title in {"": ALL_LINES, **PRODUCT_LINES}.items()
        ]
        return page(
            request, "list.html", at="customers", title=MORE_WORDS["my_book"], table=customers_table(found),
            nothing=MORE_WORDS["no_customers"], next=following, chips=chips, ask=("number", MORE_WORDS["open_number"]),
        )  # fmt: skip


def own_tasks(connection: Connection, principal: Principal, console: Console) -> list[Task]:
    """Return today's tasks as the database shows them to the principal: the most valuable first."""
    day = console.today
    if own := principal.book or principal.tasks:
        return tasks_for(connection, own, day, day)
    places = [unit.unit_id for unit in units(connection)] if EVERY_UNIT in principal.units else principal.units
    found = [task for unit in places for task in tasks_of(connection, unit, day, day)]
    return sorted(found, key=lambda task: (-task.value_fen, task.task_id))


def own_page(
    connection: Connection, principal: Principal, console: Console, after: tuple[int, UUID] | None, limit: int
) -> list[Task]:
    """Return a page of ``own_tasks``; ``after`` is the value and the id of the last one of the page before."""
    places = [unit.unit_id for unit in units(connection)] if EVERY_UNIT in principal.units else principal.units
    return day_page(connection, console.today, places, principal.book or principal.tasks or "", after, limit)


def own_customers(console: Console, principal: Principal, after: str, limit: int, line: str = "") -> list[BookRow]:
    """Return a page of the customers within the principal's scope; that they were listed is written down."""
    with console.bank.store.begin(principal) as connection:
        if principal.book:
            found = book_of(connection, principal.book, after, limit, line)
        else:
            places = [u.unit_id for u in units(connection)] if EVERY_UNIT in principal.units else principal.units
            found = customers_of_units(connection, places, after, limit, line)
        if found:
            record_access(connection, "customer", [row.customer_no for row in found], ["customer_no"])
    return found


def tasks_table(console: Console, principal: Principal, most: int = MOST) -> Table:
    """Return today's tasks as a table, those worth most; how many are left out is said below it."""
    with console.bank.store.begin(principal) as connection:
        found = own_tasks(connection, principal, console)
    columns, rows = tasks_rows(console, found[:most])
    left = len(found) - len(rows)
    note = Text(f"另有 {left:,} 项价值较低，未列出。", f"{left:,} more of less value are not shown.") if left else None
    return Table("tasks", MORE_WORDS["today_tasks"], columns, rows, note)


def tasks_rows(console: Console, found: Sequence[Task]) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Return the columns of tasks, and a row for each."""
    titles = console.titles()
    rows = tuple(
        (
            Cell(titles.get(task.campaign, KIND_TITLES[task.kind]), drill=f"workbench/{task.task_id}"),
            Cell(say.same(masked(task.customer_no))),
            Cell(say.same(task.unit_id)),
            Cell(say.money(task.value_fen)),
            Cell(say.same(task.staff_id or "—")),
            Cell(WORK_STATES[task.state], Tone.GOOD if task.state.value == "DONE" else Tone.PLAIN, tag=True),
        )
        for task in found
    )
    columns = (
        Column(Text("任务", "Task")),
        Column(Text("客户", "Customer")),
        Column(Text("机构", "Unit")),
        Column(Text("价值", "Worth"), number=True),
        Column(Text("经办人", "For")),
        Column(Text("状态", "State")),
    )
    return columns, rows


def customers_table(found: Sequence[BookRow]) -> Table:
    """Return customers as a table, their numbers masked."""
    rows = tuple(
        (
            Cell(say.same(masked(row.customer_no)), drill=f"customers/{row.customer_no}"),
            Cell(say.same(row.unit_id)),
            Cell(say.same(row.staff_id or "—")),
            Cell(PRODUCT_LINES.get(row.line, say.same(row.line))),
        )
        for row in found
    )
    columns = (
        Column(Text("客户", "Customer")),
        Column(Text("机构", "Unit")),
        Column(Text("管户经理", "Manager")),
        Column(Text("条线", "Line")),
    )
    return Table("customers", MORE_WORDS["my_book"], columns, rows)
