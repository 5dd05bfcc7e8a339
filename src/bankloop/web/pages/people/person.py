"""One member of staff: licences and training with what has expired, leave, and who stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.grammar import read_day
from bankloop.kit.text import Text
from bankloop.organization.outside import OutsideStaff, admit_outside, outside_of
from bankloop.organization.people import (
    LICENSED_FROM,
    TRAINING,
    Licence,
    Person,
    backups_of,
    licences_of,
    license_staff,
    name_backup,
    person_of,
    record_leave,
)
from bankloop.organization.rights import ROLES, require
from bankloop.organization.staffing import ENDS_SOON, LICENCES
from bankloop.store.contracts import EVERY_UNIT
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor


@dataclass(frozen=True, slots=True)
class PersonPage:
    """One person: the answer, figures, licences and training."""

    person: Person
    answer: Text
    figures: tuple[Figure, ...]
    licences: Table


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/people/{staff_id}")
    def one(request: Request, staff_id: str, visitor: Here) -> Response:
        return _page(request, visitor, staff_id)

    @app.post("/people/{staff_id}/{act}")
    def change(request: Request, staff_id: str, act: str, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "staff.read")
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                _within(visitor, person_of(connection, staff_id[:64]))
                match act:
                    case "license":
                        license_staff(
                            connection, staff_id[:64], form.get("kind", ""), *_days(form, "issued", "expires")
                        )
                    case "leave":
                        record_leave(
                            connection, staff_id[:64], *_days(form, "since", "until"), form.get("reason", "")[:200]
                        )
                    case "backup":
                        name_backup(
                            connection, staff_id[:64], form.get("backup", "")[:64], form.get("reason", "")[:200]
                        )
                    case "admit":
                        admit_outside(
                            connection,
                            staff_id[:64],
                            form.get("company", "").strip()[:64],
                            form.get("sponsor", "").strip()[:64],
                            _day(form, "until"),
                            form.get("reason", "")[:200],
                        )
                    case _:
                        raise errors.no_choice("act", act[:32], "license, leave, backup, admit")
        except BankloopError as error:
            return _page(request, visitor, staff_id, error, form)
        return RedirectResponse(f"/people/{staff_id}", 303)


def _page(
    request: Request,
    visitor: Visitor,
    staff_id: str,
    error: BankloopError | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    require(visitor.principal, "staff.read")
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        person = person_of(connection, staff_id[:64])
        _within(visitor, person)
        held, backups = licences_of(connection, person.staff_id), backups_of(connection, person.staff_id)
        outside = outside_of(connection, person.staff_id)
    found = _shown(person, held, backups, outside, console.today)
    return page(
        request,
        "person.html",
        error.http_status if error else 200,
        at="people",
        page=found,
        kinds=LICENCES,
        error=error,
        given=form or {},
        today=console.today.isoformat(),
    )


def _within(visitor: Visitor, person: Person) -> None:
    """Raise ``NotFoundError`` for who works outside of the visitor's units; who has none works for all of them."""
    sees = visitor.principal.units
    if sees and EVERY_UNIT not in sees and person.unit_id not in sees:
        raise errors.no_choice("person", person.staff_id, "…")


def _shown(
    person: Person, held: Sequence[Licence], backups: Sequence[str], outside: OutsideStaff | None, today: date
) -> PersonPage:
    selling = [one for one in held if not one.kind.startswith(TRAINING)]
    able = sorted({one.kind for one in selling if one.covers(today)})
    named = [LICENCES.get(kind, say.same(kind)) for kind in able]
    said = Text(
        f"可接 R{LICENSED_FROM} 及以上任务：{'、'.join(one.zh for one in named)}。"
        if able
        else f"没有有效资格，接不了 R{LICENSED_FROM} 及以上的任务。",
        f"May take tasks of R{LICENSED_FROM} and above: {', '.join(one.en for one in named)}."
        if able
        else f"Without a licence in force no task of R{LICENSED_FROM} or above.",
    )
    figures = (
        Figure(
            Text("岗位", "Post"),
            ROLES[person.post].title if person.post in ROLES else say.same(person.post or "—"),
            say.same(person.unit_id or "—"),
        ),
        Figure(Text("今天", "Today"), Text("休假", "on leave") if person.absent else Text("在岗", "at work")),
        Figure(Text("每天可办任务", "Task minutes a day"), say.count(person.minutes_per_day)),
        Figure(Text("B 角", "Stands in"), say.same("、".join(backups) or "—")),
        Figure(Text("有效资格", "Licences in force"), say.count(len(able))),
    )
    lent = () if outside is None else (_outside(outside, today),)
    return PersonPage(person, said, (*figures, *lent), licence_table(held, today))


def _outside(one: OutsideStaff, today: date) -> Figure:
    until = Text(f"准入到 {one.until}", f"let in until {one.until}")
    if one.until < today:
        until = Text(f"准入已于 {one.until} 到期", f"let in until {one.until}, which is over")
    note = Text(f"{until.zh}，{one.sponsor_id} 负责", f"{until.en}; {one.sponsor_id} answers")
    return Figure(Text("外包人员", "Outside staff"), say.same(one.company), note)


def licence_table(held: Sequence[Licence], today: date) -> Table:
    """Return licences and training as rows: what is in force, what ends soon, what has expired."""
    rows = tuple(
        (
            Cell(LICENCES.get(one.kind, say.same(one.kind))),
            Cell(say.same(one.issued_on)),
            Cell(say.same(one.expires_on)),
            Cell(*standing(one, today), tag=True),
        )
        for one in held
    )
    columns = (
        Column(Text("资格或培训", "Licence or training")),
        Column(Text("取得", "Issued")),
        Column(Text("有效至", "Until")),
        Column(Text("状态", "State")),
    )
    return Table("licences", Text("资格与培训", "Licences and training"), columns, rows)


def standing(one: Licence, today: date) -> tuple[Text, Tone]:
    """Return how a licence stands on a day."""
    if not one.covers(today):
        return (
            (Text("未生效", "not yet in force"), Tone.PLAIN)
            if today < one.issued_on
            else (Text("已过期", "expired"), Tone.BAD)
        )
    if today >= one.expires_on - ENDS_SOON:
        return Text("即将到期", "ends soon"), Tone.WARN
    return Text("有效", "in force"), Tone.GOOD


def _days(form: Mapping[str, str], first: str, last: str) -> tuple[date, date]:
    return _day(form, first), _day(form, last)


def _day(form: Mapping[str, str], name: str) -> date:
    try:
        return read_day(form.get(name, ""))
    except BankloopError:
        raise InputError("people.days", Text("请写日期，起止都要写", "give the days, the first and the last")) from None
