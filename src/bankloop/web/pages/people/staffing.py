"""Staffing by unit, licences that end, and outside staff, as tables of the people page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from bankloop.kit.text import Text
from bankloop.organization.outside import OutsideStaff
from bankloop.organization.people import LICENSED_FROM, Licence
from bankloop.organization.staffing import LICENCES, UnitStaffing
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_DASH = say.same("—")
_SHOWN = 50


def staffing_table(found: Sequence[UnitStaffing], names: Mapping[str, Text], *, tasks: bool) -> Table:
    """Return the staffing of units: hands, minutes, licensed hands beside tasks that need one, with ``tasks``."""
    rows = tuple(
        (
            Cell(names.get(one.unit_id, say.same(one.unit_id)), drill=f"people?unit={one.unit_id}"),
            Cell(say.same(f"{one.at_work}/{one.people}")),
            Cell(say.count(one.minutes)),
            _licensed(one, tasks=tasks),
            _marked(one.ending, Tone.WARN),
            _marked(one.expired, Tone.BAD),
            _marked(one.outside, Tone.PLAIN),
            Cell(say.count(one.tasks) if tasks else _DASH),
            Cell(say.count(one.licensed_tasks) if tasks else _DASH),
        )
        for one in found
    )
    columns = (
        Column(Text("机构", "Unit")),
        Column(Text("在岗/人数", "At work / people"), number=True),
        Column(Text("今日分钟", "Minutes today"), number=True),
        Column(Text("持证在岗", "Licensed, at work"), number=True),
        Column(Text("30 天内到期", "Ends in 30 days"), number=True),
        Column(Text("已过期", "Expired"), number=True),
        Column(Text("外包", "Outside"), number=True),
        Column(Text("一周内任务", "Tasks due in a week"), number=True),
        Column(Text(f"其中 R{LICENSED_FROM} 及以上", f"Of R{LICENSED_FROM} and above"), number=True),
    )
    note = Text(
        f"R{LICENSED_FROM} 及以上的任务只派给当天持有有效资格的人；有任务而无人持证的机构标红。",
        f"Tasks of R{LICENSED_FROM} and above go only to who is licensed on the day; a unit that has such tasks and "
        "nobody licensed is marked.",
    )
    return Table("staffing", Text("人力", "Staffing"), columns, rows, note)


def ending_table(found: Sequence[Licence], today: date) -> Table:
    """Return licences and training that have ended or end soon, and are not renewed."""
    rows = tuple(
        (
            Cell(say.same(one.staff_id), drill=f"people/{one.staff_id}"),
            Cell(LICENCES.get(one.kind, say.same(one.kind))),
            Cell(say.same(one.expires_on)),
            Cell(Text("已过期", "expired"), Tone.BAD, tag=True)
            if one.expires_on <= today
            else Cell(Text("即将到期", "ends soon"), Tone.WARN, tag=True),
        )
        for one in found[:_SHOWN]
    )
    columns = (
        Column(Text("员工号", "Staff")),
        Column(Text("资格或培训", "Licence or training")),
        Column(Text("有效至", "Until")),
        Column(Text("状态", "State")),
    )
    more = len(found) - _SHOWN
    note = Text(f"还有 {more} 项未列。", f"{more} more are not listed.") if more > 0 else None
    return Table("ending", Text("要续的资格与培训", "Licences and training to renew"), columns, rows, note)


def outside_table(found: Sequence[OutsideStaff], today: date) -> Table:
    """Return who of the listed is of another company, until when, and who answers for them."""
    rows = tuple(
        (
            Cell(say.same(one.staff_id), drill=f"people/{one.staff_id}"),
            Cell(say.same(one.company)),
            Cell(say.same(one.sponsor_id), drill=f"people/{one.sponsor_id}"),
            Cell(say.same(one.until)),
            Cell(Text("已到期", "over"), Tone.BAD, tag=True)
            if one.until < today
            else Cell(Text("准入中", "let in"), Tone.GOOD, tag=True),
        )
        for one in found
    )
    columns = (
        Column(Text("员工号", "Staff")),
        Column(Text("公司", "Company")),
        Column(Text("本行负责人", "Sponsor")),
        Column(Text("准入至", "Until")),
        Column(Text("状态", "State")),
    )
    return Table("outside", Text("外包人员", "Outside staff"), columns, rows)


def _licensed(one: UnitStaffing, *, tasks: bool) -> Cell:
    short = tasks and one.licensed_tasks > 0 and not one.licensed
    return Cell(say.count(one.licensed), Tone.BAD if short else Tone.PLAIN, tag=short)


def _marked(count: int, tone: Tone) -> Cell:
    return Cell(say.count(count), tone, tag=bool(tone)) if count else Cell(_DASH)
