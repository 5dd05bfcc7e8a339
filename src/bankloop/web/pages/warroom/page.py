"""A branch's day as values (分行战区): each unit's tasks, what is overdue, execution and capacity left; the list behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bankloop.kit.text import Text
from bankloop.organization import people as people_room
from bankloop.organization.people import OrgUnit, Person, units
from bankloop.organization.task import Performance, Task, open_tasks_of, performance
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.web.pages.targets.page import targets_page
from bankloop.web.pages.workbench.page import KIND_TITLES
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, masked

# Below this share of what was instructed done on time a unit is red, below the other amber.
RED, AMBER = 0.6, 0.8
_MINUTES_A_TASK = 20
_MOST = 100


@dataclass(frozen=True, slots=True)
class WarRoom:
    """One screen for a leader: the answer, figures, execution drawn, and a row a unit."""

    answer: Text
    figures: tuple[Figure, ...]
    picture: Picture | None
    table: Table
    people: Table
    targets: Table


@dataclass(frozen=True, slots=True)
class UnitPage:
    """The open tasks of one unit, with whom each may be given to."""

    unit: Text
    rows: tuple[tuple[Task, Text, str, Text, Text, bool], ...]
    staff: tuple[tuple[str, str], ...]
    more: int


def war_room(console: Console, principal: Principal) -> WarRoom:
    """Return the month of the units that somebody leads, as far as they may be seen."""
    today = console.today
    since = today.replace(day=1)
    with console.bank.store.begin(principal) as connection:
        places = _places(units(connection), principal)
        by_unit = {one.who: one for one in performance(connection, since, today, by="unit_id")}
        by_person = performance(connection, since, today)
        staff = people_room.people(connection, tuple(places)) if places else []
    rows = [(unit, by_unit.get(unit_id)) for unit_id, unit in places.items()]
    done = [(unit, one) for unit, one in rows if one is not None]
    done.sort(key=lambda row: (row[1].execution_rate or 0.0, row[0].unit_id))
    instructed, on_time = sum(one.instructed for _, one in done), sum(one.on_time for _, one in done)
    overdue, waiting = sum(one.overdue for _, one in done), sum(one.open for _, one in done)
    settled = any(_settled(one) is not None for _, one in done)
    rate = say.percent(on_time / instructed, 0) if settled else Text("未到期", "not due yet")
    answer = Text(
        f"本月 {len(done)} 个机构有任务，落实率 {rate.zh}，超时 {overdue:,} 件",
        f"{len(done)} units have tasks this month; done on time: {rate.en}; {overdue:,} overdue",
    )
    figures = (
        Figure(
            Text("落实率", "Done on time"), rate, Text(f"{on_time:,}/{instructed:,}", f"{on_time:,} of {instructed:,}")
        ),
        Figure(Text("超时", "Overdue"), say.count(overdue)),
        Figure(Text("在办", "Open"), say.count(waiting)),
        Figure(Text("序时进度", "Time gone"), say.percent(_time_gone(since, today), 0)),
        Figure(Text("今日余力", "Capacity left today"), say.count(_left(staff, waiting)), Text("项", "tasks")),
    )
    return WarRoom(
        answer,
        figures,
        _picture(done),
        _unit_table(done),
        _people_table(by_person, staff),
        targets_page(console, principal)[0],
    )


def unit_page(console: Console, principal: Principal, unit_id: str) -> UnitPage:
    """Return the open tasks of a unit that are due by today, the most valuable first, and who could take them."""
    today, zone = console.today, ZoneInfo(console.bank.lake.zone)
    with console.bank.store.begin(principal) as connection:
        unit = _places(units(connection), principal).get(unit_id)
        if unit is None:
            raise errors.no_unit(unit_id[:32])
        waiting, count = open_tasks_of(connection, unit_id, today, _MOST)
        staff = people_room.people(connection, (unit_id,))
    titles = console.titles()
    rows = tuple(
        (
            task,
            titles.get(task.campaign, KIND_TITLES[task.kind]),
            masked(task.customer_no),
            say.money(task.value_fen),
            say.same(f"{task.due_at.astimezone(zone):%m-%d %H:%M}" if task.due_at else f"{task.due_on:%m-%d}"),
            task.due_on < today,
        )
        for task in waiting
    )
    able = tuple((one.staff_id, one.name or one.staff_id) for one in staff if not one.absent)
    return UnitPage(unit.name, rows, able, max(count - len(waiting), 0))


def _places(found: Sequence[OrgUnit], principal: Principal) -> dict[str, OrgUnit]:
    return {u.unit_id: u for u in found if EVERY_UNIT in principal.units or u.unit_id in principal.units}


def _time_gone(since: date, today: date) -> float:
    following = (since + timedelta(days=32)).replace(day=1)
    return ((today - since).days + 1) / (following - since).days


def _left(staff: Sequence[Person], waiting: int) -> int:
    room = sum(one.minutes_per_day // _MINUTES_A_TASK for one in staff if not one.absent)
    return max(room - waiting, 0)


def _tone(rate: float | None) -> Tone:
    if rate is None:
        return Tone.PLAIN
    return Tone.BAD if rate < RED else Tone.WARN if rate < AMBER else Tone.GOOD


def _picture(done: Sequence[tuple[OrgUnit, Performance]]) -> Picture | None:
    bars = tuple(
        Bar(unit.name, rate, say.percent(rate, 0)) for unit, one in done if (rate := _settled(one)) is not None
    )
    if not bars:
        return None
    title = Text("落实率，低的在前", "Done on time, the lowest first")
    return Picture("execution", title, title, Bars(bars))


def _unit_table(done: Sequence[tuple[OrgUnit, Performance]]) -> Table:
    rows = tuple(
        (
            Cell(unit.name, drill=f"warroom/{unit.unit_id}"),
            Cell(say.count(one.instructed)),
            Cell(say.count(one.done)),
            Cell(say.count(one.overdue), Tone.BAD if one.overdue else Tone.PLAIN),
            Cell(_rate(one), _tone(_settled(one)), tag=True),
            Cell(_span(one)),
        )
        for unit, one in done
    )
    return Table("units", Text("各机构", "By unit"), _columns(Text("机构", "Unit")), rows)


def _people_table(found: Sequence[Performance], staff: Sequence[Person]) -> Table:
    names = {one.staff_id: one.name or one.staff_id for one in staff}
    ranked = sorted(found, key=lambda one: (-(one.execution_rate or 0.0), one.who))
    rows = tuple(
        (
            Cell(say.same(names.get(one.who, one.who))),
            Cell(say.count(one.instructed)),
            Cell(say.count(one.done)),
            Cell(say.count(one.overdue), Tone.BAD if one.overdue else Tone.PLAIN),
            Cell(_rate(one), _tone(_settled(one)), tag=True),
            Cell(_span(one)),
        )
        for one in ranked[:_MOST]
    )
    return Table("people", Text("按人", "By person"), _columns(Text("客户经理", "Manager")), rows)


def _columns(first: Text) -> tuple[Column, ...]:
    return (
        Column(first),
        Column(Text("下达", "Instructed"), number=True),
        Column(Text("办结", "Done"), number=True),
        Column(Text("超时", "Overdue"), number=True),
        Column(Text("落实率", "Done on time")),
        Column(Text("首次响应（工作时间，中位）", "First response (working time, median)")),
    )


def _settled(one: Performance) -> float | None:
    """Return the share done on time; None while nothing has come due yet, which is no failing."""
    return one.execution_rate if one.done or one.overdue else None


def _rate(one: Performance) -> Text:
    rate = _settled(one)
    return say.percent(rate, 0) if rate is not None else Text("未到期", "not due yet")


def _span(one: Performance) -> Text:
    if one.response_median is None:
        return say.same("—")
    hours = one.response_median.total_seconds() / 3600
    return Text(f"{hours:.1f} 小时", f"{hours:.1f} h")
