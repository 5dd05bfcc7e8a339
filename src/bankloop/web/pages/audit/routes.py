"""The trail, for the auditor alone: newest first, by person, with verification of the chain."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.store.audit import AuditRow, check_audit, last_check, read_audit, seal_age
from bankloop.store.contracts import AuditReport, Role
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.shell.forms import Acting, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.texts import VERBS
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.words import MORE_WORDS

PAGE = 100


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/audit")
    def trail(request: Request, visitor: Here, before: int | None = None, who: str = "") -> HTMLResponse:
        return _page(request, visitor, before, who)

    @app.post("/audit/verify")
    def verify(request: Request, visitor: Acting) -> HTMLResponse:
        require(visitor.principal, "audit.verify")
        return _page(request, visitor, None, "", check_audit(console_of(request).bank.store))


def _page(
    request: Request, visitor: Visitor, before: int | None, who: str, report: AuditReport | None = None
) -> HTMLResponse:
    require(visitor.principal, "audit.read")
    store = console_of(request).bank.store
    with store.begin(visitor.principal, Role.AUDITOR) as connection:
        rows = read_audit(connection, principal=who or None, before_id=before, limit=PAGE)
        checked, age = last_check(connection), seal_age(connection)
    following = f"/audit?before={rows[-1].id}&who={who}" if len(rows) == PAGE else None
    now = store.clock.now()
    return page(
        request,
        "audit.html",
        at="audit",
        table=_table(rows),
        who=who,
        next=following,
        report=report,
        checked=checked,
        sealed=age.told(now),
        late=age.late(now),
    )


def _table(found: list[AuditRow]) -> Table:
    rows = tuple(
        (
            Cell(say.same(row.id)),
            Cell(say.same(row.recorded_at.strftime("%Y-%m-%d %H:%M:%S"))),
            Cell(say.same(row.principal)),
            Cell(VERBS.get(row.verb, say.same(row.verb))),
            Cell(say.same(f"{row.object_kind} {row.object_id[:40]}")),
            Cell(say.same(row.reason or "—")),
            Cell(say.same(row.origin or "—")),
        )
        for row in found
    )
    columns = (
        Column(Text("行", "Row")),
        Column(Text("时间（UTC）", "When (UTC)")),
        Column(Text("谁", "Who")),
        Column(Text("动作", "Verb")),
        Column(Text("对象", "Object")),
        Column(MORE_WORDS["reason"]),
        Column(Text("来源", "From")),
    )
    return Table("audit", MORE_WORDS["audit"], columns, rows)
