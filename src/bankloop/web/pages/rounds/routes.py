"""Rounds: what may run next, a form that previews or runs it, the jobs asked for, and the windows issued so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.contact.delivery import give_up
from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.grammar import read_day
from bankloop.kit.text import Text
from bankloop.loop.campaign.locks_in_force import approved_locks
from bankloop.organization.principals import system
from bankloop.organization.rights import require
from bankloop.store.jobs import Job, JobState, cancel_job, open_jobs, own_jobs, retry_job
from bankloop.store.outbox import retry_message, stuck_messages
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.texts import VERBS
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may
from bankloop.work.jobs import JOBS
from bankloop.work.queue import ask_job

_MOST = 20
_ASKED_HERE = ("plan", "run")
_STATES: Mapping[str, tuple[Text, Tone]] = {
    "waiting": (Text("等待", "waiting"), Tone.PLAIN),
    "running": (Text("进行中", "running"), Tone.ACCENT),
    "done": (Text("完成", "done"), Tone.GOOD),
    "failed": (Text("没有完成", "failed"), Tone.BAD),
    "cancelled": (Text("已取消", "cancelled"), Tone.PLAIN),
    "dead": (Text("搁置，等人处理", "put aside"), Tone.BAD),
}
_GOING_ON = (JobState.WAITING, JobState.RUNNING)
_NOT_OVER = (*_GOING_ON, JobState.DEAD)
_STEPS: Mapping[str, Text] = {
    "plan": Text("算方案", "planning"),
    "run": Text("写决策与预约触达", "deciding and reserving contacts"),
    "deliver": Text("交付渠道", "delivering"),
    "train": Text("训练", "training"),
    "read": Text("读结果", "reading"),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/rounds")
    def rounds(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "plan.read")
        return _page(request, visitor)

    @app.post("/rounds/{kind}")
    def ask(request: Request, kind: str, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, JOBS[kind].right if kind in _ASKED_HERE else "round.run")
        console = console_of(request)
        try:
            asked = _asked(kind, form)
            with console.bank.store.begin(visitor.principal) as connection:
                ask_job(connection, console.bank, kind, asked, visitor.role)
        except BankloopError as error:
            return _page(request, visitor, error, form)
        request.app.state.jobs.wake()
        return RedirectResponse("/rounds", 303)

    @app.post("/jobs/{job_id}/{act}")
    def keep(request: Request, job_id: UUID, act: Literal["cancel", "retry"], form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "plan.read")  # a refusal is told on this page
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                (cancel_job if act == "cancel" else retry_job)(connection, job_id)
        except BankloopError as error:
            return _page(request, visitor, error)
        request.app.state.jobs.wake()
        return RedirectResponse("/rounds", 303)

    @app.post("/messages/{message_id}/{act}")
    def mend(request: Request, message_id: int, act: Literal["retry", "drop"], form: Form, visitor: Acting) -> Response:
        require(visitor.principal, f"message.{act}")
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                if act == "retry":
                    retry_message(connection, message_id)
                else:
                    give_up(connection, message_id, form.get("reason", "").strip()[:2_000])
        except BankloopError as error:
            return _page(request, visitor, error)
        return RedirectResponse("/rounds", 303)


def _asked(kind: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form asks for; raise ``InputError`` where it cannot be read."""
    try:
        number, start = int(form.get("round", "")), read_day(form.get("start", ""))
    except ValueError:
        number = 0
    if kind not in _ASKED_HERE or not 1 <= number <= 1_000:
        raise InputError(
            "round.unreadable",
            Text(
                "轮次须为 1 到 1000 的整数；请改正后再提交",
                "the round must be a whole number from 1 to 1000; mend it and send it again",
            ),
        )  # fmt: skip
    return {"round": number, "start": start.isoformat(), "further": form.get("further") == "yes"}


def _page(
    request: Request, visitor: Visitor, error: BankloopError | None = None, form: Mapping[str, str] | None = None
) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        jobs = own_jobs(connection, _MOST)
        others = open_jobs(connection) if may(visitor, "job.read") else []
        stuck = stuck_messages(connection) if may(visitor, "message.read") else []
    plans = console.stored_plans()
    issued = [plan.summary.get("round", 0) for plan in plans]
    given = form or {}
    return page(
        request, "rounds.html", error.http_status if error else 200, at="rounds", error=error,
        approved=_approved(console), number=given.get("round") or max(issued, default=0) + 1,
        start=given.get("start") or (console.today + timedelta(days=1)).isoformat(),
        jobs=_jobs(jobs) if jobs else None, at_work=any(job.state in _GOING_ON for job in jobs),
        kept=_kept([job for job in jobs if job.state in _NOT_OVER], others),
        windows=_windows(console, plans) if plans else None, stuck=stuck, further=given.get("further"),
    )  # fmt: skip


def _approved(console: Console) -> list[Text]:
    """Return the titles of the campaigns that would compete in the next window."""
    try:
        locks = approved_locks(console.bank, system("console"))
    except BankloopError:
        return []
    titles = console.titles()
    return [titles.get(name, say.same(name)) for name in locks]


def _kept(own: Sequence[Job], others: Sequence[Job]) -> list[tuple[Job, Text, tuple[Text, Tone], Text]]:
    """Return the jobs that a person may do something about: their own, and everybody's where they keep the queue."""
    found = {job.job_id: job for job in (*others, *own)}
    return [(job, _kind(job), _STATES[job.state], _said(job)) for job in found.values()]


def _kind(job: Job) -> Text:
    return VERBS.get(f"round.{job.kind}", _STEPS.get(job.kind, say.same(job.kind)))


def _jobs(found: Sequence[Job]) -> Table:
    rows = tuple(
        (
            Cell(_kind(job)),
            Cell(say.same(_what(job.request))),
            Cell(*_STATES[job.state], tag=True),
            Cell(_said(job)),
            Cell(say.same(f"{job.made_at:%Y-%m-%d %H:%M}")),
        )
        for job in found
    )
    columns = (
        Column(Text("作业", "Job")),
        Column(Text("轮次与窗口首日", "Round and first day")),
        Column(Text("状态", "State")),
        Column(Text("到哪一步、结果", "Step or outcome")),
        Column(Text("提出（UTC）", "Asked (UTC)")),
    )
    return Table("jobs", Text("我提出的作业", "What I asked for"), columns, rows)


def _what(asked: Mapping[str, Any]) -> str:
    parts = (asked.get("campaign"), asked.get("round"), asked.get("start"))
    return " · ".join(str(part) for part in parts if part)


def _said(job: Job) -> Text:
    """Return where a job is, what came of it, or why not."""
    if job.error:
        return Text(str(job.error.get("zh", "")), str(job.error.get("en", "")))
    result = job.result or {}
    if result.get("already_run"):
        began = result.get("window_start", "")
        return Text(
            f"这一轮已执行过（窗口自 {began} 起），没有再做决策",
            f"this round had run (window from {began}); nothing was decided again",
        )
    if "contacts" in result:
        n, sent = result["contacts"], result["sent"]
        failed = len(result.get("failed", ()))
        zh, en = (f"，{failed} 部分没交出去", f", {failed} parts failed") if failed else ("", "")
        return Text(f"预约 {n:,} 次触达，交付 {sent:,} 条{zh}", f"{n:,} contacts reserved, {sent:,} delivered{en}")
    if "value_fen" in result:
        value, gap = say.money(result["value_fen"]), f"{result['gap']:.3%}"
        return Text(f"价值 {value.zh}，离最优至多 {gap}", f"worth {value.en}, at most {gap} from the best")
    return _STEPS.get(job.step, say.same(job.step or "—"))


def _windows(console: Console, plans: Sequence[Any]) -> Table:
    titles = console.titles()
    rows = tuple(
        (
            Cell(say.same(str(plan.summary.get("round", "—"))), drill=f"plan/{plan.plan_id}"),
            Cell(say.same(f"{plan.window_start} – {plan.window_end}")),
            Cell(_joined([titles.get(name, say.same(name)) for name in plan.campaigns])),
        )
        for plan in plans[:_MOST]
    )
    columns = (Column(Text("轮次", "Round")), Column(Text("窗口", "Window")), Column(Text("战役", "Campaigns")))
    return Table("windows", Text("已执行的窗口", "Windows that ran"), columns, rows)


def _joined(titles: Sequence[Text]) -> Text:
    return Text("、".join(one.zh for one in titles), ", ".join(one.en for one in titles))
