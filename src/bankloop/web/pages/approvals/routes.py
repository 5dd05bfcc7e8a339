"""Approvals: what waits, what exactly changes and what it will do, who acted, and what I may do; the campaign's file."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from bankloop.kit.errors import BankloopError, StaleError
from bankloop.kit.text import Text
from bankloop.loop.campaign import approving, parts
from bankloop.loop.campaign.editing import campaign_file, edit_campaign
from bankloop.organization.approval import (
    Approval,
    ApprovalView,
    Attachment,
    Change,
    Stage,
    approval_by_id,
    approval_view,
    approvals,
    next_stage,
)
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.pages.approvals.templates import templates_table
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.texts import KINDS, STATES
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may
from bankloop.web.shell.words import ACTS, MORE_WORDS
from bankloop.work.approvals import decide

MOST = 200
MOST_DOCUMENTS = 10
_LONGEST_NAME = 120
# Whose consent is an opinion, with the documents that it rests on.
_OPINIONS = (Stage.CONSUMER, Stage.COMPLIANCE)
# What a campaign stands on; it changes seldom, and is long the first time.
_BENEATH = ("attributes.", "policies.", "products", "benefits", "scripts", "models", "format")
# The verbs of an approval as the page's buttons name them.
_BUTTONS = {
    "review": "pass",
    "comply": "pass",
    "approve": "pass",
    "emergency": "pass",
    "reject": "return",
    "recall": "recall",
    "kill": "kill",
}
_RUNNING = {
    "pause": ("approved", "scheduled", "running"),
    "resume": ("paused",),
    "close": ("approved", "running", "paused"),
}


async def attached(request: Request) -> list[Attachment]:
    """Return the documents of a form by name and digest; an empty choice is none."""
    made = []
    async with request.form() as form:
        found = [one for one in form.getlist("documents") if isinstance(one, UploadFile)]
        for one in found[:MOST_DOCUMENTS]:
            body = await one.read()
            if body and one.filename:
                made.append(Attachment(one.filename[-_LONGEST_NAME:], sha256(body).hexdigest()))
    return made


Documents = Annotated[list[Attachment], Depends(attached)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/approvals")
    def listed(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "approval.read")
        table = approvals_table(console_of(request), visitor)
        return page(
            request, "list.html", at="approvals", title=MORE_WORDS["approvals"], table=table,
            nothing=MORE_WORDS["no_approvals"], next=None,
        )  # fmt: skip

    @app.get("/approvals/{approval_id}")
    def one(request: Request, approval_id: UUID, visitor: Here) -> Response:
        return _approval_page(request, visitor, approval_id)

    @app.post("/approvals/{approval_id}/{act}")
    def act(
        request: Request, approval_id: UUID, act: str, form: Form, documents: Documents, visitor: Acting
    ) -> Response:
        console, comment = console_of(request), form.get("comment", "")
        require(visitor.principal, "approval.read")
        try:
            decide(console.bank, visitor.principal, approval_id, act, comment, documents, digest=form.get("digest"))
        except BankloopError as error:
            return _approval_page(request, visitor, approval_id, error, comment)
        return RedirectResponse(f"/approvals/{approval_id}", 303)

    @app.get("/campaigns/{name}/edit")
    def edit(request: Request, name: str, visitor: Here) -> Response:
        require(visitor.principal, "campaign.edit")
        text, seen = campaign_file(console_of(request).bank, name)
        return _edit_page(request, name, text, seen)

    @app.post("/campaigns/{name}/edit")
    def keep(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        bank, written = console_of(request).bank, form.get("text", "")
        try:
            edit_campaign(bank, visitor.principal, name, written, form.get("seen", ""))
        except StaleError as error:
            now, seen = campaign_file(bank, name)
            return _edit_page(request, name, written, seen, error, now)
        except BankloopError as error:
            return _edit_page(request, name, written, form.get("seen", ""), error)
        return RedirectResponse(f"/campaigns/{name}", 303)

    @app.post("/campaigns/{name}/submit")
    def submit(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        _, approval = approving.submit(
            console_of(request).bank, visitor.principal, name, reason=form.get("comment", "")
        )
        return RedirectResponse(f"/approvals/{approval}", 303)

    @app.post("/parts/{kind}/{key}/submit")
    def submit_part(request: Request, kind: str, key: str, form: Form, visitor: Acting) -> Response:
        bank = console_of(request).bank
        approval = parts.submit_part(bank, visitor.principal, kind, key, form.get("comment", ""))
        return RedirectResponse(f"/approvals/{approval}", 303)


def _approval_page(
    request: Request, visitor: Visitor, approval_id: UUID, error: BankloopError | None = None, comment: str = ""
) -> Response:
    require(visitor.principal, "approval.read")
    with console_of(request).bank.store.begin(visitor.principal) as connection:
        view = approval_view(connection, approval_by_id(connection, approval_id))
    acts = [(name, ACTS[name]) for name in _may(visitor, view)]
    status = error.http_status if error else 200
    return page(
        request, "approval.html", status, at="approvals", view=view, acts=acts, error=error, comment=comment,
        diff=_diff(view), history=_history(view), templates=templates_table(view.approval, visitor, console_of(request)),
        opinion=next_stage(view.approval) in _OPINIONS,
    )  # fmt: skip


def _may(visitor: Visitor, view: ApprovalView) -> list[str]:
    """Return the buttons that the page shows: what the request allows this person now."""
    found = list(dict.fromkeys(_BUTTONS[verb] for verb in view.may if verb in _BUTTONS))
    if view.approval.kind == "campaign":
        state = view.approval.state.value
        found += [act for act, states in _RUNNING.items() if state in states and may(visitor, f"campaign.{act}")]
    return found


def approvals_table(console: Console, visitor: Visitor) -> Table:
    """Return the requests that the visitor may see, those that wait first."""
    with console.bank.store.begin(visitor.principal) as connection:
        found = approvals(connection)
    found.sort(key=lambda one: not one.open)
    titles = console.titles()
    columns = (
        Column(Text("事项", "What")),
        Column(Text("状态", "State")),
        Column(Text("经办", "Maker")),
        Column(Text("提交（UTC）", "Submitted (UTC)")),
        Column(MORE_WORDS["digest"]),
    )
    return Table("approvals", MORE_WORDS["approvals"], columns, tuple(_row(one, titles) for one in found[:MOST]))


def _row(one: Approval, titles: dict[str, Text]) -> tuple[Cell, ...]:
    kind, title = KINDS.get(one.kind, say.same(one.kind)), titles.get(one.object_id, say.same(one.object_id))
    state = STATES.get(one.state.value, say.same(one.state.value))
    return (
        Cell(Text(f"{kind.zh}：{title.zh}", f"{kind.en}: {title.en}"), drill=f"approvals/{one.approval_id}"),
        Cell(state, Tone.WARN if one.open else Tone.PLAIN, tag=True),
        Cell(say.same(one.maker)),
        Cell(say.same(one.submitted_at.strftime("%Y-%m-%d %H:%M"))),
        Cell(say.same(one.digest[:12])),
    )


def _diff(view: ApprovalView) -> tuple[Table | None, Table | None]:
    """Return what changes: what the maker wrote first, what it stands on (definitions, catalogues) apart."""
    found = sorted((c for c in view.changes if c.place), key=lambda change: (_rank(change.place), change.place))
    written = [change for change in found if _rank(change.place) == 0]
    beneath = [change for change in found if _rank(change.place)]
    return _changes(written[:MOST]), _changes(beneath)


def _rank(place: str) -> int:
    return 1 if place.startswith(_BENEATH) else 0


def _changes(found: Sequence[Change]) -> Table | None:
    if not found:
        return None
    rows = tuple(
        (Cell(say.same(one.place)), Cell(say.same(one.before or "—")), Cell(say.same(one.after or "—")))
        for one in found
    )
    columns = (Column(MORE_WORDS["place"]), Column(MORE_WORDS["before"]), Column(MORE_WORDS["after"]))
    return Table("diff", MORE_WORDS["diff"], columns, rows)


def _history(view: ApprovalView) -> Table:
    rows = tuple(
        (
            Cell(ACTS.get(act.act, say.same(act.act))),
            Cell(say.same(act.person + (f" ({act.acting_for})" if act.acting_for else ""))),
            Cell(say.same(act.recorded_at.strftime("%Y-%m-%d %H:%M"))),
            Cell(say.same(act.comment or "—")),
            Cell(say.same("、".join(f"{one.name} ({one.digest[:12]})" for one in act.attachments) or "—")),
        )
        for act in view.acts
    )
    columns = (
        Column(Text("动作", "Act")),
        Column(Text("谁", "Who")),
        Column(Text("时间（UTC）", "When (UTC)")),
        Column(MORE_WORDS["comment"]),
        Column(Text("附件（摘要）", "Documents (digest)")),
    )
    return Table("history", MORE_WORDS["history"], columns, rows)


def _edit_page(
    request: Request, name: str, text: str, seen: str, error: BankloopError | None = None, there: str | None = None
) -> Response:
    status = error.http_status if error else 200
    return page(
        request, "edit.html", status, at=f"campaign:{name}", name=name, text=text, seen=seen, error=error, there=there
    )
