"""Outside staff (业务外包): let in until a last day, answered for by one of the bank's own, refused everything after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, TextClause, select, text
from sqlalchemy.dialects.postgresql import insert

from bankloop.organization.outside import errors
from bankloop.organization.outside.contracts import OutsideStaff
from bankloop.organization.outside.tables import outside_staff_table as table
from bankloop.organization.people import person_of, post_of
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

# Nobody is let in for longer without being looked at again.
LONGEST = timedelta(days=366)
# So long before it is over somebody is to be let in anew, or to go.
ENDS_SOON = timedelta(days=30)
_COLUMNS = (table.c.staff_id, table.c.company, table.c.sponsor_id, table.c.until, table.c.reason)
# Of outside staff whose last day is over, or whose sponsor has no post any more; days as everywhere in UTC.
_OVER = (
    "(o.until < CAST(bankloop_now() AT TIME ZONE 'UTC' AS date) OR NOT EXISTS (SELECT FROM staff_post p "
    "WHERE p.staff_id = o.sponsor_id AND p.valid_from <= bankloop_now() "
    "AND (p.valid_to IS NULL OR p.valid_to > bankloop_now())))"
)
_WHY = text(f"SELECT o.until, o.sponsor_id FROM outside_staff o WHERE o.staff_id = :person AND {_OVER}")

_ENDING = text(
    "SELECT o.staff_id, o.company, o.sponsor_id, o.until, o.reason FROM outside_staff o WHERE o.until <= :soon "
    "AND EXISTS (SELECT FROM staff_post p WHERE p.staff_id = o.staff_id AND p.valid_from <= bankloop_now() "
    "AND (p.valid_to IS NULL OR p.valid_to > bankloop_now()) "
    "AND (CAST(:units AS text[]) IS NULL OR p.unit_id = ANY (:units))) ORDER BY o.until, o.staff_id"
)


@verb("staff.admit")
def admit_outside(
    connection: Connection, staff_id: str, company: str, sponsor_id: str, until: date, reason: str
) -> OutsideStaff:
    """Say that a member of staff is of another company: let in through ``until``, answered for by ``sponsor_id``.

    Said again it is prolonged or ended. Raises ``InputError`` for a day that is over or further off than a year, and
    for a sponsor who is not of the bank's own at a post now, ``NotFoundError`` for a person that nobody knows.
    """
    person_of(connection, staff_id)
    person_of(connection, sponsor_id)
    today = now_of(connection).date()
    if not today <= until <= today + LONGEST:
        raise errors.bad_until(staff_id, until)
    lent = outside_of(connection, sponsor_id) is not None
    if sponsor_id == staff_id or lent or post_of(connection, sponsor_id) is None:
        raise errors.bad_sponsor(staff_id, sponsor_id)
    before = outside_of(connection, staff_id)
    made = OutsideStaff(staff_id, company.strip(), sponsor_id, until, reason)
    values = {"company": made.company, "sponsor_id": sponsor_id, "until": until, "reason": reason}
    values["made_by"] = principal_of(connection).id
    statement = insert(table).values(staff_id=staff_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["staff_id"], set_=values))
    after = {"company": made.company, "sponsor": sponsor_id, "until": until}
    known = None if before is None else {"sponsor": before.sponsor_id, "until": before.until}
    record_audit(connection, "staff.admit", "staff", staff_id, known, after, reason)
    return made


def outside_of(connection: Connection, staff_id: str) -> OutsideStaff | None:
    """Return under what somebody of another company is let in; None for the bank's own."""
    row = connection.execute(select(*_COLUMNS).where(table.c.staff_id == staff_id)).mappings().first()
    return None if row is None else OutsideStaff(**row)


def outside_staff(connection: Connection, staff_ids: Sequence[str]) -> list[OutsideStaff]:
    """Return who of these is of another company, those whose days end first before the others."""
    query = select(*_COLUMNS).where(table.c.staff_id.in_(list(staff_ids))).order_by(table.c.until, table.c.staff_id)
    return [OutsideStaff(**row) for row in connection.execute(query).mappings()]


def ending_outside(connection: Connection, units: Sequence[str] | None, today: date) -> list[OutsideStaff]:
    """Return outside staff at posts of units (all where None) whose last day is over or within thirty days."""
    values = {"units": None if units is None else list(units), "soon": today + ENDS_SOON}
    return [OutsideStaff(**row) for row in connection.execute(_ENDING, values).mappings()]


def let_in(person: str) -> TextClause:
    """Return the condition that nobody meets who is outside staff past their time; ``person`` is a column."""
    return text(f"NOT EXISTS (SELECT FROM outside_staff o WHERE o.staff_id = {person} AND {_OVER})")


def check_outside(connection: Connection, person_id: str) -> None:
    """Raise ``DeniedError`` for outside staff whose last day is over, or whose sponsor has no post any more."""
    row = connection.execute(_WHY, {"person": person_id}).first()
    if row is not None:
        raise errors.outside_over(person_id, row.until, row.sponsor_id)
