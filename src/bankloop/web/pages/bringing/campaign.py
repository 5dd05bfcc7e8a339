"""The first steps of a bank that has its data: an audience with its count, a campaign for it, its model, its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError, ConflictError
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.sources import OWN
from bankloop.loop.campaign.editing import NEW, TEMPLATES, edit_campaign, first_campaign
from bankloop.organization.approval import approval_of
from bankloop.organization.rights import require
from bankloop.store.jobs import Job, JobState, own_jobs
from bankloop.store.registry import list_campaigns, read_models
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.pages.bringing.page import size_said
from bankloop.web.pages.bringing.words import TEXTS
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.texts import IN_FORCE
from bankloop.web.shell.uploads import most_upload
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may
from bankloop.work.queue import ask_job

_LATEST = 30
_LONGEST = 4_000
# What a first campaign for savers is mostly about; each is a condition like any other.
AUDIENCES: Mapping[str, Text] = {
    "term_maturing_60d >= 20000": Text(
        "60 天内有 2 万元以上定存到期", "term deposits of 20,000 or more mature in 60 days"
    ),
    "deposits >= 50000": Text("存款 5 万元以上", "deposits of 50,000 or more"),
    "aum >= 200000": Text("金融资产 20 万元以上", "assets of 200,000 or more"),
}


@dataclass(frozen=True, slots=True)
class FirstCampaign:
    """How far the first campaign is: its file, its model, its approval, its plan."""

    name: str
    model: str = ""
    model_waits: str = ""
    state: str = ""
    waits: str = ""
    learning: Job | None = None
    planning: Job | None = None

    @property
    def in_force(self) -> bool:
        """Return whether it is approved, so that a plan can be made of it."""
        return self.state in IN_FORCE


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/begin")
    def begin(request: Request, visitor: Here, expression: str = "") -> Response:
        require(visitor.principal, "segment.read")
        return _page(request, visitor, expression)

    @app.post("/begin/campaign")
    def make(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "campaign.edit")
        console, template = console_of(request), form.get("template", TEMPLATES[0])
        expression = form.get("expression", "").strip()[:_LONGEST]
        try:
            if template not in TEMPLATES:
                raise no_template(template)
            written = first_campaign(
                template,
                expression,
                owner=form.get("owner", ""),
                source=form.get("source", ""),
                on=console.today,
                language=language(request),
            )
            edit_campaign(console.bank, visitor.principal, template, written, NEW)
        except BankloopError as error:
            return _page(request, visitor, expression, error, form)
        return RedirectResponse("/begin", 303)

    @app.post("/begin/learn")
    def learn(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "model.learn")
        return _asked(request, visitor, "learn", {"campaign": form.get("campaign", "")[:64]})

    @app.post("/begin/plan")
    def plan(request: Request, visitor: Acting) -> Response:
        require(visitor.principal, "plan.read")
        return _asked(request, visitor, "plan", {"round": 1})


def first_steps(request: Request, visitor: Visitor, expression: str = "") -> dict[str, Any]:
    """Return what the page of first steps shows: what is loaded, how many an audience has, how far the campaign is."""
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        jobs = own_jobs(connection, _LATEST)
    loaded = console.bank.lake.manifest.current("customer") is not None
    loading = next((one for one in jobs if one.kind == "load"), None)
    first = _first(console, jobs)
    counted, wrong = _counted(console, visitor, expression) if loaded else (None, None)
    going = (loading, first and first.learning, first and first.planning)
    return {
        "signing": {"owner": "", "source": ""},
        "loaded": loaded,
        "most": size_said(most_upload()),
        "loading": loading,
        "rows": _loaded(console),
        "audiences": AUDIENCES,
        "templates": TEMPLATES,
        "expression": expression,
        "counted": counted,
        "wrong": wrong,
        "first": first,
        "lines": _lines(first.planning) if first and first.planning else None,
        "follows": any(one is not None and one.state in (JobState.WAITING, JobState.RUNNING) for one in going),
    }


def _page(
    request: Request,
    visitor: Visitor,
    expression: str,
    error: BankloopError | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    status = error.http_status if error else 200
    values = first_steps(request, visitor, expression[:_LONGEST])
    values["signing"] = {name: (form or {}).get(name, "") for name in ("owner", "source")}
    return page(request, "begun.html", status, at="bring", error=error, texts=TEXTS, **values)


def _asked(request: Request, visitor: Visitor, kind: str, asked: Mapping[str, Any]) -> Response:
    console = console_of(request)
    try:
        with console.bank.store.begin(visitor.principal) as connection:
            ask_job(connection, console.bank, kind, asked, visitor.role)
    except BankloopError as error:
        return _page(request, visitor, "", error)
    request.app.state.jobs.wake()
    return RedirectResponse("/begin", 303)


def _counted(console: Console, visitor: Visitor, expression: str) -> tuple[Text | None, BankloopError | None]:
    """Return how many an audience has, or what is wrong with it."""
    if not expression or not may(visitor, "segment.read"):
        return None, None
    try:
        found = console.look(visitor.principal, expression)
    except BankloopError as error:
        return None, error
    if found.fewer_than:
        return TEXTS["few"].filled(few=found.fewer_than), None
    return TEXTS["reach"].filled(usable=f"{found.usable:,}", hit=f"{found.hit:,}"), None


def _first(console: Console, jobs: list[Job]) -> FirstCampaign | None:
    name = next((one for one in TEMPLATES if one in console.bank.spec.campaigns), None)
    if name is None:
        return None
    with console.reading() as connection:
        models = read_models(connection, name)
        row = next((one for one in list_campaigns(connection) if one.name == name), None)
        waiting = {kind: approval_of(connection, kind, name) for kind in ("model", "campaign")}
    model = "champion" if any(one.state == "champion" for one in models) else "draft" if models else ""
    open_ = {kind: str(one.approval_id) if one is not None and one.open else "" for kind, one in waiting.items()}
    newest = {kind: next((one for one in jobs if one.kind == kind), None) for kind in ("learn", "plan")}
    return FirstCampaign(
        name, model, open_["model"], row.state if row else "", open_["campaign"], newest["learn"], newest["plan"]
    )


def _loaded(console: Console) -> Table | None:
    """Return what is in the lake by table."""
    found = console.bank.lake.manifest.currents()
    rows = tuple(
        (
            Cell(CONTRACTS[table].label, drill=f"data/{table}"),
            Cell(say.count(found[table].rows)),
            Cell(say.same(found[table].as_of)),
        )
        for table in CONTRACTS
        if table in found and table not in OWN
    )
    columns = (Column(Text("表", "Table")), Column(Text("行", "Rows"), number=True), Column(Text("截至", "As of")))
    return Table("loaded", TEXTS["loaded"], columns, rows) if rows else None


def _lines(job: Job) -> Table | None:
    """Return what a plan that was computed would do."""
    lines = (job.result or {}).get("lines")
    if not lines:
        return None
    rows = tuple(
        (
            Cell(say.same(one["campaign"])),
            Cell(say.same(one["action"])),
            Cell(say.count(one["customers"])),
            Cell(say.money(one["cost_fen"])),
            Cell(say.money(one["value_fen"])),
        )
        for one in lines
    )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("动作", "Action")),
        Column(Text("客户", "Customers"), number=True),
        Column(Text("成本", "Cost"), number=True),
        Column(Text("增量价值", "Value"), number=True),
    )
    return Table("lines", Text("第一份方案", "The first plan"), columns, rows)


def no_template(name: str) -> ConflictError:
    """A campaign that no template makes."""
    return ConflictError(
        "campaign.template",
        Text("没有模板 {name}；请选 {known}", "there is no template {name}; choose of {known}"),
        name=name[:64],
        known=", ".join(TEMPLATES),
    )
