"""Targets as pages: all of them, and one as a unit has it, with the form that splits it further."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.organization.people import units
from bankloop.performance.target import (
    MEASURES,
    Holder,
    Target,
    capacities,
    gone,
    holders_below,
    part_of,
    parts_below,
    target_of,
    targets,
)
from bankloop.performance.target_progress import own_part, reached
from bankloop.report.targets import amount, light, parts_table, share
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table
from bankloop.web.shell.console import Console
from bankloop.web.shell.tree import sees, top_of


@dataclass(frozen=True, slots=True)
class TargetPage:
    """One target as a unit has it: the answer, figures, its parts, and to whom it can be given."""

    target: Target
    unit: str
    answer: Text
    figures: tuple[Figure, ...]
    table: Table
    above: tuple[str, Text] | None
    holders: tuple[tuple[Holder, str, int | None], ...]


def targets_page(console: Console, principal: Principal) -> tuple[Table, tuple[Holder, ...]]:
    """Return the targets with what the reader's own unit has of each, and the units head office may split over."""
    day = console.today - timedelta(days=1)
    with console.bank.store.begin(principal) as connection:
        tree = {unit.unit_id: unit for unit in units(connection)}
        mine = top_of(tree, principal)
        rows = tuple(_row(connection, console, one, mine, day) for one in targets(connection))
        holders = tuple(one for one in holders_below(connection, mine) if one.kind == "unit") if mine else ()
    columns = (
        Column(Text("目标", "Target")),
        Column(Text("红黄绿", "Light")),
        Column(Text("完成率", "Reached"), number=True),
        Column(Text("序时进度", "Time gone"), number=True),
        Column(Text("本机构", "Ours"), number=True),
        Column(Text("口径", "Measure")),
        Column(Text("期间", "Time")),
    )
    return Table("targets", Text("目标", "Targets"), columns, rows), holders


def target_page(console: Console, principal: Principal, target_id: UUID, unit_id: str | None) -> TargetPage:
    """Return a target as a unit has it, as the topmost of the reader's where None."""
    day = console.today - timedelta(days=1)
    with console.bank.store.begin(principal) as connection:
        tree = {unit.unit_id: unit for unit in units(connection)}
        unit = unit_id or top_of(tree, principal) or ""
        found = target_of(connection, target_id)
        mine, parts = part_of(connection, target_id, unit), parts_below(connection, target_id, unit)
        holders = holders_below(connection, unit)
        room = capacities(connection, unit, found.first, found.last) if MEASURES[found.measure].staffed else {}
        done, time = reached(connection, console.bank, found, day), gone(found, day)
    names = {name: one.name for name, one in tree.items()} | {one.holder: one.name for one in holders}
    weights = {one.holder: one.weight for one in parts}
    part, (words, _) = share(mine, done), light(share(mine, done), time)
    whole = say.percent(part, 0) if part is not None else say.same("—")
    has = amount(found, mine.amount)
    answer = Text(
        f"{names.get(unit, say.same(unit)).zh}：目标 {has.zh}，完成 {whole.zh}，时间已过 {say.percent(time, 0).zh}，{words.zh}。",
        f"{names.get(unit, say.same(unit)).en}: target {has.en}, reached {whole.en}, {say.percent(time, 0).en} of the time "
        f"gone: {words.en}.",
    )
    figures = (
        Figure(Text("目标", "Target"), has),
        Figure(Text("完成", "Reached"), amount(found, done.of(unit, "unit")) if done else say.same("—")),
        Figure(Text("序时进度", "Time gone"), say.percent(time, 0), say.same(f"{found.first} – {found.last}")),
    )
    parent = mine.parent if mine.parent in tree and sees(principal, mine.parent) else None
    return TargetPage(
        found, unit, answer, figures, parts_table(found, parts, done, time, names, f"targets/{target_id}?unit="),
        (parent, names[parent]) if parent else None,
        tuple((one, weights.get(one.holder, ""), room.get(one.holder)) for one in holders),
    )  # fmt: skip


def _row(connection: Connection, console: Console, one: Target, unit: str | None, day: date) -> tuple[Cell, ...]:
    mine = own_part(connection, one, unit) if unit else None
    done = reached(connection, console.bank, one, day) if mine else None
    part = share(mine, done) if mine else None
    words, tone = light(part, gone(one, day))
    return (
        Cell(say.same(one.name), drill=f"targets/{one.target_id}" if mine else None),
        Cell(words, tone, tag=part is not None),
        Cell(say.percent(part, 0) if part is not None else say.same("—")),
        Cell(say.percent(gone(one, day), 0)),
        Cell(amount(one, mine.amount) if mine else say.same("—")),
        Cell(MEASURES[one.measure].title),
        Cell(Text(f"{one.first} 至 {one.last}" + ("，已结束" if one.ended_at else ""), f"{one.first} to {one.last}" + (", ended" if one.ended_at else ""))),
    )  # fmt: skip
