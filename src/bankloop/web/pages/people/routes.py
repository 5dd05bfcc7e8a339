"""Organization and people: the tree of units, who works where; roles asked for, allowed and revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from bankloop.kit.text import Text
from bankloop.organization.granting import approve_grant, ask_grant, reject_grant, revoke_grant
from bankloop.organization.outside import outside_staff
from bankloop.organization.people import OrgUnit, Person, expired_licences, people, units
from bankloop.organization.rights import ROLES, grants, require
from bankloop.organization.staffing import ending_licences, staffing_of
from bankloop.store.contracts import EVERY_UNIT
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.pages.people.staffing import ending_table, outside_table, staffing_table
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.ways import may
from bankloop.web.shell.words import MORE_WORDS

PAGE = 50
_DECIDE = {"allow": approve_grant, "refuse": reject_grant, "revoke": revoke_grant}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/people")
    def shown(request: Request, visitor: Here, unit: str = "", after: str = "") -> HTMLResponse:
        require(visitor.principal, "unit.read")
        bank, sees = console_of(request).bank, visitor.principal.units
        with bank.store.begin(visitor.principal) as connection:
            places = units(connection)
            wide = EVERY_UNIT in sees or not sees
            known = {one.unit_id for one in places if wide or one.unit_id in sees}
            if unit and unit not in known:
                raise errors.no_choice("unit", unit[:64], "…")
            listed = may(visitor, "staff.read")
            asked = (unit,) if unit else None if wide else tuple(sorted(known))
            found = people(connection, asked, after, PAGE) if listed else []
            expired = expired_licences(connection, [one.staff_id for one in found], console_of(request).today)
            given = grants(connection) if may(visitor, "grant.read") else None
            today = console_of(request).today
            hands = staffing_of(connection, asked, today) if listed else []
            ending = ending_licences(connection, asked, today) if listed else []
            lent = outside_staff(connection, [one.staff_id for one in found])
        following = f"/people?unit={unit}&after={found[-1].staff_id}" if len(found) == PAGE else None
        return page(
            request, "people.html", at="people", tree=_tree([one for one in places if one.unit_id in known], unit), unit=unit,
            staff=_staff(found, expired) if listed else None, next=following, given=given,
            hands=staffing_table(hands, {one.unit_id: one.name for one in places}, tasks=may(visitor, "task.read")),
            ending=ending_table(ending, today), lent=outside_table(lent, today),
        )  # fmt: skip

    @app.post("/people/grants")
    def ask(request: Request, form: Form, visitor: Acting) -> RedirectResponse:
        require(visitor.principal, "grant.submit")
        roots = [part for part in form.get("units", "").replace("，", ",").split(",") if part.strip()]
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            ask_grant(
                connection, form.get("person", "").strip(), form.get("role", ""), form.get("reason", ""),
                units=[root.strip() for root in roots],
            )  # fmt: skip
        return RedirectResponse("/people#grants", 303)

    @app.post("/people/grants/{grant_id}/{decision}")
    def decide(request: Request, grant_id: UUID, decision: str, form: Form, visitor: Acting) -> RedirectResponse:
        require(visitor.principal, "grant.read")
        if decision not in _DECIDE:
            raise errors.no_choice("decision", decision[:32], ", ".join(_DECIDE))
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            _DECIDE[decision](connection, grant_id, form.get("reason", ""))
        return RedirectResponse("/people#grants", 303)


def _tree(found: Sequence[OrgUnit], chosen: str) -> Table:
    """Return the units in the order of the tree, each as deep as it lies."""
    known = {one.unit_id: one for one in found}

    def path(one: OrgUnit) -> tuple[str, ...]:
        parent = known.get(one.parent_id or "")
        return (*(path(parent) if parent else ()), one.unit_id)

    rows = []
    for one in sorted(found, key=path):
        pad = "　" * (len(path(one)) - 1)
        name = Text(f"{pad}{one.name.zh}", f"{pad}{one.name.en}")
        tone = Tone.ACCENT if one.unit_id == chosen else Tone.PLAIN
        rows.append(
            (
                Cell(name, tone, drill=f"people?unit={one.unit_id}"),
                Cell(say.same(one.unit_id)),
                Cell(say.same(one.kind)),
                Cell(say.same(one.line)),
            )
        )
    columns = (
        Column(Text("机构", "Unit")),
        Column(Text("编号", "Id")),
        Column(Text("类型", "Kind")),
        Column(Text("条线", "Line")),
    )
    return Table("units", MORE_WORDS["units"], columns, tuple(rows))


def _staff(found: Sequence[Person], expired: Mapping[str, int]) -> Table:
    rows = tuple(
        (
            Cell(say.same(one.staff_id), drill=f"people/{one.staff_id}"),
            Cell(say.same(one.name or "—")),
            Cell(say.same(one.unit_id or "—")),
            Cell(ROLES[one.post].title if one.post in ROLES else say.same(one.post)),
            Cell(say.same(one.line)),
            Cell(Text("休假", "on leave") if one.absent else Text("在岗", "at work"), Tone.WARN if one.absent else Tone.GOOD, tag=True),
            Cell(say.count(one.minutes_per_day)),
            Cell(Text(f"{expired[one.staff_id]} 项过期", f"{expired[one.staff_id]} expired"), Tone.BAD, tag=True) if one.staff_id in expired else Cell(say.same("—")),
        )
        for one in found
    )  # fmt: skip
    columns = (
        Column(Text("员工号", "Staff")),
        Column(Text("姓名", "Name")),
        Column(Text("机构", "Unit")),
        Column(Text("岗位", "Post")),
        Column(Text("条线", "Line")),
        Column(Text("今天", "Today")),
        Column(Text("每天分钟", "Minutes a day"), number=True),
        Column(Text("资格", "Licences")),
    )
    return Table("staff", MORE_WORDS["staff"], columns, rows)
