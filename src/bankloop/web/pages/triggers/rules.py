"""The editor of trigger rules: one rule as it is written, what it may name, what it would have done, submitting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.journey.trigger import (
    Rehearsal,
    keep_rule,
    rehearse_trigger,
    submit_trigger,
    trigger_rule,
    vocabulary_of,
)
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.pages.triggers.page import STATES
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page

REHEARSED_DAYS = 30
RULES: Mapping[str, Text] = {
    "title": Text("触发规则", "A trigger's rule"),
    "lead": Text(
        "一条规则：什么时候（事件、次数、时间内、没有发生什么、条件），做什么（联系、任务、通知），之后歇多久。保存后是草稿，提交批准后才生效。",
        "One rule: when (an event, how often, within what time, without what, a condition), then what (a contact, a "
        "task, a notice), and how long it rests. What is kept is a draft until it is submitted and approved.",
    ),
    "rule": Text("规则", "Rule"),
    "keep": Text("保存", "Keep"),
    "ask": Text("保存并提交审批", "Keep and ask for approval"),
    "try": Text("保存并试跑", "Keep and try"),
    "back": Text("全部触发器", "All triggers"),
    "new": Text("新建规则", "A new rule"),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/triggers/rules")
    def new(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "trigger.edit")
        return _page(request, *trigger_rule(console_of(request).bank))

    @app.get("/triggers/rules/{name}")
    def one(request: Request, name: str, visitor: Here) -> Response:
        require(visitor.principal, "trigger.edit")
        return _page(request, *trigger_rule(console_of(request).bank, name[:64]))

    @app.post("/triggers/rules")
    def keep(request: Request, form: Form, visitor: Acting) -> Response:
        bank, rule, act = console_of(request).bank, form.get("rule", ""), form.get("act", "keep")
        try:
            name = keep_rule(bank, visitor.principal, rule, form.get("seen", ""))
            if act == "ask":
                return RedirectResponse(f"/approvals/{submit_trigger(bank, visitor.principal, name)}", 303)
            tried = rehearse_trigger(bank, visitor.principal, name, REHEARSED_DAYS) if act == "try" else None
        except BankloopError as error:
            return _page(request, rule, form.get("seen", ""), error=error)
        if tried is None:
            return RedirectResponse("/triggers", 303)
        return _page(request, rule, trigger_rule(bank, name)[1], tried)


def _page(
    request: Request, rule: str, seen: str, tried: Rehearsal | None = None, error: BankloopError | None = None
) -> Response:
    known = vocabulary_of(console_of(request).bank)
    events = tuple(
        (
            Cell(say.same(name)),
            Cell(one.title),
            Cell(say.same(", ".join(f"event_{field}" for field in one.fields) or "—")),
        )
        for name, one in sorted(known.events.items())
    )
    scripts = tuple(
        (Cell(say.same(name)), Cell(say.same(", ".join(sorted(channels))))) for name, channels in known.scripts.items()
    )
    return page(
        request,
        "rule.html",
        error.http_status if error else 200,
        at="triggers",
        said=RULES,
        rule=rule,
        seen=seen,
        error=error,
        tried=tried_table(tried) if tried is not None else None,
        events=Table(
            "events",
            Text("可用的事件", "Events that it may wait for"),
            (Column(Text("类型", "Type")), Column(Text("名称", "Name")), Column(Text("字段", "Fields"))),
            events,
        ),
        scripts=Table(
            "scripts",
            Text("可用的话术", "Scripts that it may send"),
            (Column(Text("话术", "Script")), Column(Text("渠道", "Channels"))),
            scripts,
        ),
    )


def tried_table(tried: Rehearsal) -> Table:
    """Return what a rule would have done with the events of the last days; nothing of it was done."""
    counts = Counter((one.state, one.code) for one in tried.firings)
    reasons = {one.code: one.reason for one in tried.firings}
    rows = tuple(
        (
            Cell(STATES[state][0], STATES[state][1], tag=True),
            Cell(reasons[code]),
            Cell(say.same(code)),
            Cell(say.count(count)),
        )
        for (state, code), count in counts.most_common()
    )
    note = Text(
        f"看了最近 {REHEARSED_DAYS} 天的 {tried.events:,} 个事件；什么也没有真的做。",
        f"{tried.events:,} events of the last {REHEARSED_DAYS} days were looked at; nothing was done in earnest.",
    )
    columns = (
        Column(Text("结果", "Result")),
        Column(Text("原因", "Reason")),
        Column(Text("代码", "Code")),
        Column(Text("次数", "Times"), number=True),
    )
    return Table("tried", Text("试跑", "What it would have done"), columns, rows, note)
