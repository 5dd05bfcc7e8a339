"""The home of those who keep the bank running, by their rights: its health, stopped jobs, accounts, the last load."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from bankloop.kit.text import Text
from bankloop.lake.inventory import DeliveryRecord, deliveries
from bankloop.organization import account
from bankloop.organization.rights import ROLES, GrantState, grants
from bankloop.store.doctor import Finding, glance
from bankloop.store.jobs import JobState, open_jobs
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.shell.console import Console
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

# A page that is opened every minute asks the database no more often than that.
_KEPT = timedelta(minutes=1)
_ON_PAGE = 12


def keeping(console: Console, visitor: Visitor) -> tuple[tuple[Figure, ...], tuple[Table, ...]]:
    """Return the figures and tables of what somebody keeps running; nothing for who keeps nothing."""
    figures: list[Figure] = []
    tables: list[Table] = []
    if may(visitor, "backup.read"):
        found = _health(console)
        failing = [one for one in found if not one.ok]
        note = Text("与 bankloop doctor 同一检查", "as bankloop doctor looks")
        figures.append(Figure(Text("要处理", "To be mended"), say.count(len(failing)), note))
        tables.append(_findings(found))
    if may(visitor, "job.read"):
        with console.bank.store.begin(visitor.principal) as connection:
            jobs = open_jobs(connection)
        dead = sum(one.state is JobState.DEAD for one in jobs)
        figures.append(
            Figure(
                Text("搁置的作业", "Jobs put aside"),
                say.count(dead),
                Text("bankloop jobs --retry", "bankloop jobs --retry"),
            )
        )
    if may(visitor, "account.read"):
        waiting, table = _accounts(console)
        figures.append(Figure(Text("等人的账号", "Accounts that wait"), say.count(waiting)))
        tables.append(table)
    if may(visitor, "grant.read"):
        tables.append(_holders(console))
    if may(visitor, "quality.read"):
        delivered = deliveries(console.bank.lake)
        figures.append(_last_load(delivered))
        tables.append(_loads(delivered))
    return tuple(figures), tuple(one for one in tables if one.rows)


def _health(console: Console) -> list[Finding]:
    store = console.bank.store
    moment = int(store.clock.now().timestamp() // _KEPT.total_seconds())
    return console.looks.get(("health", moment), lambda: glance(store))


def _findings(found: list[Finding]) -> Table:
    rows = tuple(
        (
            Cell(
                Text("好", "well") if one.ok else Text("要处理", "to mend"), Tone.GOOD if one.ok else Tone.BAD, tag=True
            ),
            Cell(one.reason),
            Cell(say.same("—") if one.ok else one.cure),
        )
        for one in sorted(found, key=lambda one: one.ok)
    )
    columns = (Column(Text("状态", "State")), Column(Text("所见", "Found")), Column(Text("办法", "Cure")))
    return Table("health", Text("系统体检", "Health"), columns, rows)


def _accounts(console: Console) -> tuple[int, Table]:
    """Return how many accounts wait for somebody, and those with what each waits for."""
    now = console.bank.clock.now()
    with console.bank.store.begin(account.SIGN_IN) as connection:
        known = account.accounts(connection)
    waiting = [(one, said) for one in known if (said := _waits(one, now)) is not None]
    rows = tuple((Cell(say.same(one.person_id), drill="people"), Cell(said)) for one, said in waiting[:_ON_PAGE])
    columns = (Column(Text("用户号", "Person")), Column(Text("等什么", "Waits for")))
    return len(waiting), Table("accounts", Text("等人的账号", "Accounts that wait"), columns, rows)


def _holders(console: Console) -> Table:
    """Return how many people have each role, and how many wait to be given it."""
    with console.reading() as connection:
        held = Counter(one.role for one in grants(connection, GrantState.OPEN))
        asked = Counter(one.role for one in grants(connection, GrantState.REQUESTED))
    rows = tuple(
        (
            Cell(spec.title, drill="people"),
            Cell(say.count(held[role])),
            Cell(say.count(asked[role]), Tone.WARN if asked[role] else Tone.PLAIN),
        )
        for role, spec in ROLES.items()
        if held[role] or asked[role]
    )
    columns = (
        Column(Text("角色", "Role")),
        Column(Text("人数", "People"), number=True),
        Column(Text("待批准", "Asked for"), number=True),
    )
    return Table("holders", Text("角色授予", "Roles granted"), columns, rows)


def _waits(one: account.Account, now: datetime) -> Text | None:
    if not one.active:
        return None
    if one.locked_until is not None and one.locked_until > now:
        return Text("已锁定，等解锁或到时", "locked: to be unlocked, or until its time is over")
    if not one.has_password and one.subject is None:
        return Text("还没有首次登录", "has not signed in yet")
    return Text("须改密码", "has to change its password") if one.must_change else None


def _last_load(delivered: tuple[DeliveryRecord, ...]) -> Figure:
    last = max((one.day for one in delivered if one.day), default=None)
    bad = sum(one.quarantined for one in delivered if one.day == last)
    note = Text(f"其中隔离 {bad:,} 行", f"{bad:,} rows of it in quarantine")
    return Figure(Text("最近装载的一天", "Last day loaded"), say.same(last or "—"), note)


def _loads(delivered: tuple[DeliveryRecord, ...]) -> Table:
    worst = sorted(delivered, key=lambda one: (-(one.day.toordinal() if one.day else 0), one.passed))
    rows = tuple(
        (
            Cell(say.same(one.source), drill="data"),
            Cell(say.same(one.day or "—")),
            Cell(say.count(one.rows)),
            Cell(say.count(one.quarantined), Tone.WARN if one.quarantined else Tone.PLAIN),
        )
        for one in worst[:_ON_PAGE]
    )
    columns = (
        Column(Text("来源", "Source")),
        Column(Text("数据日", "Day")),
        Column(Text("读入", "Read"), number=True),
        Column(Text("隔离", "Quarantined"), number=True),
    )
    return Table("loads", Text("最近的装载与隔离", "Last loads and quarantine"), columns, rows)
