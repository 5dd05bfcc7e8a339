"""What somebody names must be there: a customer, a unit, a member of staff that the bank knows, now or before.

Asked by the verbs that make something about what is only named, so that no door lets in a task for nobody. Who is
beyond one's scope is told like who does not exist.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, FromClause, exists, select

from bankloop.kit.errors import NotFoundError
from bankloop.organization.people import errors as people_errors
from bankloop.organization.people.tables import customer_book, org_unit, staff
from bankloop.organization.rights import errors as rights_errors


def check_named(
    connection: Connection, *, customer_no: str = "", unit_id: str = "", staff_id: str | None = None
) -> None:
    """Raise ``NotFoundError`` for the first of what is named that nobody knows; what is left empty is not asked for."""
    asked: tuple[tuple[FromClause, Column[str], str, NotFoundError], ...] = (
        (customer_book, customer_book.c.customer_no, customer_no, rights_errors.no_customer(customer_no)),
        (org_unit, org_unit.c.unit_id, unit_id, people_errors.missing("unit", unit_id)),
        (staff, staff.c.staff_id, staff_id or "", people_errors.missing("staff", staff_id or "")),
    )
    for table, column, name, missing in asked:
        if name and not connection.scalar(select(exists(select(1).select_from(table).where(column == name)))):
            raise missing
