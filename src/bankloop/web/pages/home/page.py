"""The home page: what waits, what the campaigns are at, the newest plan, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Verdict
from bankloop.loop.learning.training import learnt_until
from bankloop.organization.approval import approvals
from bankloop.organization.outside import OutsideStaff, ending_outside
from bankloop.organization.staffing import LICENCES, ending_licences
from bankloop.report.record import plan_key
from bankloop.report.results import VERDICTS
from bankloop.store.contracts import EVERY_UNIT, Role
from bankloop.store.registry import list_campaigns, read_steps
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.pages.home.front import front
from bankloop.web.pages.home.keeping import keeping
from bankloop.web.pages.workbench.own import ON_HOME, customers_table, own_customers, tasks_table
from bankloop.web.shell.console import Console
from bankloop.web.shell.texts import EMPTY_BANK, IN_FORCE, KINDS, STATES, STEPS, VERBS
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

_CHANGES = 12
_AUDIT = text(
    "SELECT recorded_at, principal, verb, object_kind, object_id FROM audit "
    "WHERE verb NOT IN ('approval.submit', 'approval.approve', 'approval.void') ORDER BY id DESC LIMIT :n"
)
_TONES = {
    Verdict.GAIN: Tone.GOOD,
    Verdict.HARM: Tone.BAD,
    Verdict.INCONCLUSIVE: Tone.WARN,
    Verdict.UNREADABLE: Tone.BAD,
}


@dataclass(frozen=True, slots=True)
class HomePage:
    """Today in one screen; ``start`` says what to do first while nothing runs."""

    answer: Text
    figures: tuple[Figure, ...]
    start: tuple[Text, ...]
    waiting: Table
    campaigns: Table
    changes: Table
    newest: str | None
    tasks: Table | None = None
    customers: Table | None = None
    keeping: tuple[Table, ...] = ()


def home_page(console: Console, visitor: Visitor) -> HomePage:
    """Return the home page of who signed in: each role's own work first, and nothing beyond its rights."""
    own = _own(console, visitor)
    if not may(visitor, "plan.read"):
        return _desk(console, visitor, own)
    titles = console.titles()
    plans = console.stored_plans()
    campaigns, running = _campaigns(console, titles)
    waiting = _waiting(console, titles, visitor)
    newest = plans[0] if plans else None
    begun = bool(running or plans)
    answer = Text(
        f"{console.today}：{len(titles)} 个战役，{running} 个已批准或运行；{len(waiting.rows)} 件事在等人。",
        f"{console.today}: {len(titles)} campaigns, {running} approved or running; {len(waiting.rows)} things wait for somebody.",
    )
    figures: tuple[Figure, ...] = ()
    if newest is not None:
        lines = newest.summary.get("lines", ())
        reached, cost = sum(line[2] for line in lines), sum(line[3] for line in lines)
        figures = (
            Figure(Text("最新方案的增量价值", "Value of the newest plan"), say.money(newest.value_fen),
                   Text(f"{newest.window_start} 起", f"from {newest.window_start}")),
            Figure(Text("成本", "Cost"), say.money(cost)),
            Figure(Text("触达客户", "Customers reached"), say.count(reached)),
            Figure(Text("离最优不超过", "From the optimum at most"), say.gap(newest.gap_ppm / 1e6)),
            Figure(Text("等人处理", "Waiting"), say.count(len(waiting.rows)), Text("审批与到期标签", "approvals and labels due")),
        )  # fmt: skip
    return HomePage(
        answer, figures, () if begun else EMPTY_BANK, waiting, campaigns, _changes(console, titles, visitor),
        str(newest.plan_id) if newest else None, *own,
    )  # fmt: skip


def _own(console: Console, visitor: Visitor) -> tuple[Table | None, Table | None]:
    """Return today's tasks and the first customers of who works with customers; head office has figures instead."""
    principal = visitor.principal
    if EVERY_UNIT in principal.units:
        return None, None
    tasks = tasks_table(console, principal, ON_HOME) if may(visitor, "task.read") else None
    listed = may(visitor, "customer.list")
    customers = customers_table(own_customers(console, principal, "", ON_HOME)) if listed else None
    return tasks, customers


def _desk(console: Console, visitor: Visitor, own: tuple[Table | None, Table | None]) -> HomePage:
    """The home of who does not plan: own tasks and customers, or what waits for an administrator."""
    titles = console.titles() if may(visitor, "campaign.read") else {}
    waiting = _waiting(console, titles, visitor)
    tasks = len(own[0].rows) if own[0] else 0
    if own[0] is None:
        answer = Text(
            f"{console.today}：{len(waiting.rows)} 件事在等人。",
            f"{console.today}: {len(waiting.rows)} things wait for somebody.",
        )
    else:
        answer = Text(
            f"{console.today}：今天 {tasks} 项任务，{len(waiting.rows)} 件事在等人。",
            f"{console.today}: {tasks} tasks today, {len(waiting.rows)} things wait for somebody.",
        )
    by_tasks = own[0] is not None and own[1] is None
    figures, kept = front(console, visitor) if by_tasks else keeping(console, visitor)
    campaigns = Table("campaigns", Text("战役", "Campaigns"), (), ())
    return HomePage(answer, figures, (), waiting, campaigns, _changes(console, titles, visitor), None, *own, kept)


def _campaigns(console: Console, titles: dict[str, Text]) -> tuple[Table, int]:
    verdicts = {one.campaign: one.verdict for one in console.latest_readings()}
    rows = []
    with console.reading() as connection:
        stored = {row.name: row for row in list_campaigns(connection)}
        for name, title in titles.items():
            row = stored.get(name)
            steps = read_steps(connection, name, row.round) if row else {}
            done = [STEPS[step] for step in STEPS if step in steps and steps[step].state == "done"]
            at = done[-1] if done else Text("未开始", "not started")
            state = STATES.get(row.state if row else "draft", say.same(row.state if row else ""))
            verdict = verdicts.get(name)
            rows.append((
                Cell(title, drill=f"campaigns/{name}"),
                Cell(state, Tone.GOOD if row and row.state in IN_FORCE else Tone.WARN, tag=True),
                Cell(say.count(row.round if row else 0)),
                Cell(Text(f"{at.zh}（{len(done)}/8）", f"{at.en} ({len(done)}/8)")),
                Cell(VERDICTS[verdict], _TONES[verdict], tag=True) if verdict else Cell(say.same("—")),
            ))  # fmt: skip
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("状态", "State")),
        Column(Text("轮次", "Round"), number=True),
        Column(Text("走到", "At")),
        Column(Text("最近结论", "Last verdict")),
    )
    approved = sum(row.state in IN_FORCE for row in stored.values())
    return Table("campaigns", Text("战役", "Campaigns"), columns, tuple(rows)), approved


def _waiting(console: Console, titles: dict[str, Text], visitor: Visitor) -> Table:
    rows = list[tuple[Cell, ...]]()
    with console.bank.store.begin(visitor.principal) as connection:
        for one in approvals(connection) if may(visitor, "approval.read") else ():
            if one.open:
                kind, title = (
                    KINDS.get(one.kind, say.same(one.kind)),
                    titles.get(one.object_id, say.same(one.object_id)),
                )
                rows.append((
                    Cell(Text(f"审批{kind.zh}：{title.zh}", f"Approve {kind.en.lower()}: {title.en}"), drill=f"approvals/{one.approval_id}"),
                    Cell(Text("复核", "checker")),
                    Cell(say.same(one.submitted_at.date().isoformat())),
                    Cell(Text(f"{one.maker} 提交，摘要 {one.digest[:8]}", f"submitted by {one.maker}, digest {one.digest[:8]}")),
                ))  # fmt: skip
        learnt = {
            (row.name, round_) for row in list_campaigns(connection) for round_ in range(1, row.round + 1)
            if learnt_until(connection, row.name, round_) is not None
        }  # fmt: skip
        rows += _to_renew(console, visitor, connection)
    for plan in console.stored_plans() if may(visitor, "model.learn") else ():
        round_ = int(plan.summary.get("round", 0))
        for name in plan.campaigns:
            due = console.due_on(plan, name)
            if due is not None and due <= console.today and (name, round_) not in learnt:
                title = titles.get(name, say.same(name))
                rows.append((
                    Cell(Text(f"标签到期：{title.zh} 第 {round_} 轮", f"Labels due: {title.en}, round {round_}"), drill=f"campaigns/{name}"),
                    Cell(Text("经办", "maker")),
                    Cell(say.same(due.isoformat())),
                    Cell(say.same(f"bankloop learn {name} --round {round_}")),
                ))  # fmt: skip
    columns = (
        Column(Text("事项", "What")),
        Column(Text("等谁", "For whom")),
        Column(Text("日期", "Date")),
        Column(Text("说明", "Detail")),
    )
    return Table("waiting", Text("等人处理", "What waits"), columns, tuple(rows))


def _to_renew(console: Console, visitor: Visitor, connection: Connection) -> list[tuple[Cell, ...]]:
    """Return a row of licences and one of outside staff that end soon or have ended, for who leads or keeps them."""
    if not may(visitor, "staff.leave"):
        return []
    sees = visitor.principal.units
    units = None if EVERY_UNIT in sees or not sees else sees
    found, lent = ending_licences(connection, units, console.today), ending_outside(connection, units, console.today)
    rows = [_ending_outside(lent)] if lent else []
    if not found:
        return rows
    who, first = len({one.staff_id for one in found}), found[0]
    named = LICENCES.get(first.kind, say.same(first.kind))
    detail = Text(f"{first.staff_id} {named.zh}", f"{first.staff_id}: {named.en}")
    what = Text(f"{who} 人的资格或培训要续", f"Licences or training of {who} to renew")
    row = (Cell(what, drill="people"), Cell(Text("负责人", "head")), Cell(say.same(first.expires_on)), Cell(detail))
    return [row, *rows]


def _ending_outside(lent: Sequence[OutsideStaff]) -> tuple[Cell, ...]:
    first = lent[0]
    what = Text(f"{len(lent)} 名外包人员准入到期", f"Outside staff whose days end: {len(lent)}")
    detail = Text(f"{first.staff_id}，由 {first.sponsor_id} 负责", f"{first.staff_id}, {first.sponsor_id} answers")
    return Cell(what, drill="people"), Cell(Text("负责人", "head")), Cell(say.same(first.until)), Cell(detail)


def _changes(console: Console, titles: dict[str, Text], visitor: Visitor) -> Table:
    """The last rows of the audit trail, for who may read it; approvals show through the verbs that they opened."""
    found = []
    if may(visitor, "audit.read"):
        with console.bank.store.begin(visitor.principal, Role.AUDITOR) as connection:
            found = list(connection.execute(_AUDIT, {"n": _CHANGES}).all())
    rows = tuple(
        (
            Cell(VERBS.get(row.verb, say.same(row.verb))),
            _object(row.object_kind, row.object_id, titles),
            Cell(say.same(row.principal)),
            Cell(say.same(row.recorded_at.strftime("%Y-%m-%d %H:%M"))),
        )
        for row in found
    )
    columns = (
        Column(Text("动作", "Verb")),
        Column(Text("对象", "Object")),
        Column(Text("谁", "Who")),
        Column(Text("时间（UTC）", "When (UTC)")),
    )
    return Table("changes", Text("最近的变化", "What changed"), columns, rows)


def _object(kind: str, object_id: str, titles: dict[str, Text]) -> Cell:
    if object_id in titles:
        return Cell(titles[object_id], drill=f"campaigns/{object_id}")
    if kind == "plan":
        return Cell(Text(f"方案 {object_id[:8]}", f"plan {object_id[:8]}"), drill=f"plan/{plan_key(object_id)}")
    return Cell(say.same(object_id[:32]))
