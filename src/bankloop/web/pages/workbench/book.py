"""A manager's book as values: who stands in for whom, dates ahead, follow-ups, what matures, and finding a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bankloop.care.account_plan import plans_of_staff
from bankloop.care.maturity import KeyDate, key_dates
from bankloop.customer.identity import search_parties
from bankloop.kit.text import Text
from bankloop.organization.people import book_of, named_backups, person_of
from bankloop.organization.task import TaskKind, open_tasks_for
from bankloop.store.audit import record_access
from bankloop.store.contracts import Principal
from bankloop.store.database import now_of
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.pages.care.maturities import maturities_of
from bankloop.web.pages.customers.plans import plans_table
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.front_words import FRONT_WORDS

AHEAD = 30
_MOST = 30
_KINDS: Mapping[str, Text] = {
    "birthday": Text("生日", "birthday"),
    "payday": Text("发薪日", "payday"),
    "maturity": Text("到期", "matures"),
}


@dataclass(frozen=True, slots=True)
class BookPage:
    """One screen of a book: the answer, figures, A/B roles, dates ahead, follow-ups, and what was looked for."""

    answer: Text
    figures: tuple[Figure, ...]
    roles: Table
    dates: Table
    follow_ups: Table
    found: Table | None
    plans: Table


def book_page(console: Console, principal: Principal, asked: str = "") -> BookPage:
    """Return the book of who asks; that it was listed, and what was looked for, is written down."""
    today, zone = console.today, ZoneInfo(console.bank.lake.zone)
    with console.bank.store.begin(principal) as connection:
        rows = book_of(connection, principal.id, limit=100_000)
        numbers = [row.customer_no for row in rows]
        roles = _roles(connection, principal.id)
        tasks = open_tasks_for(connection, principal.id, today + timedelta(days=AHEAD))
        plans = plans_of_staff(connection, principal.id)
        found = _search(connection, asked.strip(), set(numbers)) if asked.strip() else None
        if numbers:
            record_access(connection, "customer", numbers[:_MOST], ["key_dates"])
        now = now_of(connection)
    mine = set(numbers)
    matures = [
        KeyDate(one.customer_no, one.matures_on, "maturity")
        for one in maturities_of(console)
        if one.customer_no in mine and one.matures_on <= today + timedelta(days=AHEAD)
    ]
    dates = sorted(
        [*key_dates(console.bank.lake, numbers, today, AHEAD), *matures], key=lambda one: (one.day, one.kind)
    )
    follow = [task for task in tasks if task.kind is TaskKind.FOLLOW_UP]
    late = sum(task.due_at is not None and task.due_at < now for task in tasks)
    soon = sum(one.day <= today + timedelta(days=7) for one in dates)
    answer = Text(
        f"管户 {len(numbers):,} 位；7 天内 {soon} 个重要日子，{len(follow)} 个约定。",
        f"{len(numbers):,} customers; {soon} key dates within 7 days, {len(follow)} follow-ups.",
    )
    figures = (
        Figure(Text("管户", "Customers"), say.count(len(numbers))),
        Figure(Text("7 天内的日子", "Dates within 7 days"), say.count(soon)),
        Figure(Text("约定", "Follow-ups"), say.count(len(follow)), Text(f"{late} 件任务超时", f"{late} tasks overdue")),
    )
    appointments = tuple(
        (
            Cell(say.same(masked(task.customer_no)), drill=f"workbench/{task.task_id}"),
            Cell(
                say.same(f"{task.start_at.astimezone(zone):%m-%d %H:%M}" if task.start_at else f"{task.due_on:%m-%d}")
            ),
            Cell(say.same(task.reason or "—")),
        )
        for task in follow[:_MOST]
    )
    columns = (Column(Text("客户", "Customer")), Column(Text("约定时间", "Agreed for")), Column(Text("事由", "About")))
    return BookPage(
        answer, figures, roles, _dates(dates[:_MOST], today), Table("follow", FRONT_WORDS["follow_ups"], columns, appointments),
        None if found is None else _found(found), plans_table(plans, today),
    )  # fmt: skip


def _search(connection: Connection, asked: str, mine: set[str]) -> list[str]:
    """Return the customers of a book by number, telephone or name; a search by what identifies somebody leaves its row."""
    if asked in mine:
        return [asked]
    kind = "phone" if asked.replace("+", "").isdigit() else "name"
    parties = search_parties(connection, kind, asked)
    return sorted({number for party in parties for number in party.numbers if number in mine})[:_MOST]


def _roles(connection: Connection, person: str) -> Table:
    """Return who stands in for somebody (B 角), and for whom they do, with who is away now."""
    pairs = named_backups(connection)
    rows = [(Text("我的 B 角", "stands in for me"), one) for one in pairs.get(person, ())]
    rows += [
        (Text("我是其 B 角", "I stand in for"), one) for one, backups in sorted(pairs.items()) if person in backups
    ]
    cells = []
    for role, who in rows:
        found = person_of(connection, who)
        away = Text("休假", "on leave") if found.absent else Text("在岗", "at work")
        cells.append((Cell(role), Cell(say.same(found.name or who)), Cell(away, Tone.WARN if found.absent else Tone.GOOD, tag=True)))  # fmt: skip
    columns = (Column(Text("角色", "Role")), Column(Text("同事", "Colleague")), Column(Text("今天", "Today")))
    return Table("roles", FRONT_WORDS["ab_roles"], columns, tuple(cells))


def _dates(found: Sequence[KeyDate], today: date) -> Table:
    rows = tuple(
        (
            Cell(say.same(masked(one.customer_no)), drill=f"customers/{one.customer_no}"),
            Cell(_KINDS[one.kind]),
            Cell(say.same(f"{one.day:%m-%d}")),
            Cell(say.count((one.day - today).days)),
        )
        for one in found
    )
    columns = (
        Column(Text("客户", "Customer")), Column(Text("日子", "What")), Column(Text("日期", "Day")),
        Column(Text("还有几天", "Days left"), number=True),
    )  # fmt: skip
    return Table("dates", FRONT_WORDS["key_dates"], columns, rows)


def _found(numbers: Sequence[str]) -> Table:
    rows = tuple((Cell(say.same(masked(one)), drill=f"customers/{one}"),) for one in numbers)
    return Table("found", FRONT_WORDS["found"], (Column(Text("客户", "Customer")),), rows)
