"""Scorecards of people as pages: what each was credited with beside how tasks were done, and the deals behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.organization.people import Person, people, person_of
from bankloop.organization.task import Performance, performance
from bankloop.performance.credit import WHOLE, Credited, credited_fen, credits_of, scorecards
from bankloop.performance.scorecard import customers_by, metrics_of, scorecard
from bankloop.report.scorecard import person_table
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table
from bankloop.web.pages.books.routes import newest_day
from bankloop.web.shell.console import Console, masked

_NONE = say.same("—")


@dataclass(frozen=True, slots=True)
class CreditsPage:
    """Scorecards of all whom somebody sees, or one person's: the KPI of their customers, and the evidence of credit."""

    title: Text
    answer: Text
    figures: tuple[Figure, ...]
    table: Table
    one: bool = False
    figures_of: Table | None = None


def credits_page(console: Console, principal: Principal) -> CreditsPage:
    """Return the year's scorecards by person, as far as somebody sees."""
    until = console.today
    since = until.replace(month=1, day=1)
    with console.bank.store.begin(principal) as connection:
        found = scorecards(connection, since, until)
        done = {one.who: one for one in performance(connection, since, until, hours=WorkTime(console.bank.lake.zone))}
        names = {one.staff_id: one.name for one in people(connection, tuple({one.unit_id for one in found}))}
    rows = tuple(
        _row(place, one, names.get(one.staff_id, ""), done.get(one.staff_id)) for place, one in enumerate(found, 1)
    )
    columns = (
        Column(Text("姓名", "Person")),
        Column(Text("名次", "Rank"), number=True),
        Column(Text("归属金额", "Credited"), number=True),
        Column(Text("归属笔数", "Deals' worth"), number=True),
        Column(Text("参与笔数", "Deals touched"), number=True),
        Column(Text("任务落实率", "Tasks on time"), number=True),
    )
    total = sum(one.amount_fen for one in found)
    answer = Text(
        f"{until.year} 年，{len(found)} 人有业绩归属，合计 {say.money(total).zh}；一笔业绩各人份额合计不超过 1。",
        f"{until.year}: {len(found)} people have credit, {say.money(total).en} together; the shares of a deal never come to more "
        "than 1.",
    )
    figures = (
        Figure(Text("归属金额", "Credited"), say.money(total)),
        Figure(Text("归属笔数", "Deals' worth"), _shares(sum(one.share_ppm for one in found))),
        Figure(Text("人数", "People"), say.count(len(found))),
    )
    return CreditsPage(
        Text("个人积分卡", "Scorecards"), answer, figures, Table("cards", Text("按人", "By person"), columns, rows)
    )


def evidence_page(console: Console, principal: Principal, staff_id: str) -> CreditsPage:
    """Return the deals behind a person's figures this year; raise ``NotFoundError`` for nobody."""
    until: date = console.today
    with console.bank.store.begin(principal) as connection:
        person = person_of(connection, staff_id)
        since = until.replace(month=1, day=1)
        found = credits_of(connection, staff_id, since, until)
        done = _tasks(performance(connection, since, until, hours=WorkTime(console.bank.lake.zone)), staff_id)
    rows = tuple(
        (
            Cell(say.same(deal.source_key)),
            Cell(_what(console, deal.what)),
            Cell(say.same(masked(deal.customer_no))),
            Cell(say.same(f"{deal.happened_on}")),
            Cell(say.money(deal.amount_fen)),
            Cell(say.same(f"{share.share_ppm / WHOLE:g}")),
            Cell(say.money(credited_fen(deal.amount_fen, share.share_ppm))),
            Cell(say.same(share.line)),
            Cell(Text("任务", "task"), drill=f"workbench/{share.task_id}") if share.task_id else Cell(_NONE),
        )
        for deal, share in found
    )
    columns = (
        Column(Text("编号", "Deal")),
        Column(Text("事项", "What")),
        Column(Text("客户", "Customer")),
        Column(Text("日期", "Day")),
        Column(Text("金额", "Amount"), number=True),
        Column(Text("份额", "Share"), number=True),
        Column(Text("归属", "Credited"), number=True),
        Column(Text("条线", "Line")),
        Column(Text("依据", "Evidence")),
    )
    name = person.name or staff_id
    total = sum(credited_fen(deal.amount_fen, share.share_ppm) for deal, share in found)
    answer = Text(
        f"{len(found)} 笔，归属 {say.money(total).zh}。", f"{len(found)} deals, {say.money(total).en} credited."
    )
    evidence = Table("evidence", Text("依据", "Evidence"), columns, rows)
    return CreditsPage(say.same(name), answer, done, evidence, one=True, figures_of=_kpi(console, principal, person))


def _tasks(found: Sequence[Performance], staff_id: str) -> tuple[Figure, ...]:
    """Return how a person did their tasks this year."""
    one = next((one for one in found if one.who == staff_id), None)
    if one is None:
        return ()
    rate = _NONE if one.execution_rate is None else say.percent(one.execution_rate, 0)
    of = Text(f"{one.on_time:,}/{one.instructed:,}", f"{one.on_time:,} of {one.instructed:,}")
    return Figure(Text("任务落实率", "Tasks on time"), rate, of), Figure(
        Text("超时", "Overdue"), say.count(one.overdue)
    )


def _kpi(console: Console, principal: Principal, person: Person) -> Table | None:
    """Return every metric of a person's customers, leading to it by manager; None for whom the reader may not see."""
    if not console.bank.lake.manifest.versions("customer"):
        return None
    day, bank = newest_day(console), console.bank
    found = console.scores.get((day, "manager", "kpi"), lambda: scorecard(bank, day, "manager"))
    sizes = console.scores.get((day, "manager", "sizes"), lambda: customers_by(bank, day, "manager"))
    kept = sizes.get(person.staff_id, 0)
    if not kept or not console.places_of(principal).shows("manager", person.staff_id, kept):
        return None
    return person_table([one for one in found if one.group == person.staff_id], metrics_of(bank), person.unit_id, day)


def _row(place: int, one: Credited, name: str, done: Performance | None) -> tuple[Cell, ...]:
    rate = done.execution_rate if done else None
    return (
        Cell(say.same(name or one.staff_id), drill=f"credits/{one.staff_id}"),
        Cell(say.count(place)),
        Cell(say.money(one.amount_fen)),
        Cell(_shares(one.share_ppm)),
        Cell(say.count(one.deals)),
        Cell(say.percent(rate, 0) if rate is not None else _NONE),
    )


def _what(console: Console, what: str) -> Text:
    """Return a product by its title; a sale that somebody described themselves in their words."""
    product = console.bank.spec.products.get(what)
    return product.title.text if product is not None else say.same(what)


def _shares(ppm: int) -> Text:
    return say.same(f"{ppm / WHOLE:,.2f}")
