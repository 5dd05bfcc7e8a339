"""The tree of units in time: opened, moved, closed; read as it was at any moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, text, update

from bankloop.kit.text import Text
from bankloop.organization.people import errors
from bankloop.organization.people.contracts import OrgUnit
from bankloop.organization.people.rules import checked_id, checked_name
from bankloop.organization.people.tables import customer_book, org_unit, staff_post
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of
from bankloop.store.verbs import verb

_TREE_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('org_unit'))")
_BELOW = text(
    "WITH RECURSIVE tree AS (SELECT unnest(CAST(:roots AS text[])) AS unit_id UNION "
    "SELECT u.unit_id FROM org_unit u JOIN tree t ON u.parent_id = t.unit_id "
    "WHERE u.valid_from <= :at AND (u.valid_to IS NULL OR u.valid_to > :at)) "
    "SELECT unit_id FROM tree ORDER BY unit_id"
)


def units(connection: Connection, at: datetime | None = None) -> list[OrgUnit]:
    """Return the units as they are, or were at a moment, in order of their ids."""
    t = org_unit.c
    query = select(org_unit).where(valid(t, at or now_of(connection))).order_by(t.unit_id)
    return [_unit(row) for row in connection.execute(query).mappings()]


def unit_of(connection: Connection, unit_id: str, at: datetime | None = None) -> OrgUnit:
    """Return one unit at a moment; raise ``NotFoundError`` where there is none."""
    t = org_unit.c
    query = select(org_unit).where(t.unit_id == unit_id, valid(t, at or now_of(connection)))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise errors.missing("unit", unit_id)
    return _unit(row)


def below(connection: Connection, roots: Iterable[str], at: datetime | None = None) -> tuple[str, ...]:
    """Return the units and all units under them at a moment; a root that is not on record stays itself."""
    moment = at or now_of(connection)
    return tuple(connection.scalars(_BELOW, {"roots": sorted(set(roots)), "at": moment}))


@verb("unit.open")
def open_unit(
    connection: Connection, unit_id: str, parent_id: str | None, kind: str, name: Text, line: str = "*"
) -> OrgUnit:
    """Open a unit under a parent from now on; raise ``ConflictError`` where it is open already."""
    connection.execute(_TREE_LOCK)
    if connection.scalar(select(exists().where(org_unit.c.unit_id == unit_id, org_unit.c.valid_to.is_(None)))):
        raise errors.unit_exists(unit_id)
    if parent_id is not None:
        unit_of(connection, parent_id)
    shown = Text(checked_name(name.zh), checked_name(name.en))
    made = OrgUnit(checked_id(unit_id), parent_id, kind, line, shown, now_of(connection), None)
    _add(connection, made)
    after = {"parent": parent_id, "kind": kind, "line": line}
    record_audit(connection, "unit.open", "unit", unit_id, None, after)
    return made


@verb("unit.move")
def move_unit(connection: Connection, unit_id: str, parent_id: str, reason: str, at: datetime | None = None) -> None:
    """Put a unit under another parent from a moment on; raise ``InputError`` where that is itself or below it."""
    connection.execute(_TREE_LOCK)
    moment = at or now_of(connection)
    if moment < now_of(connection):
        raise errors.bad_period(unit_id)
    found = unit_of(connection, unit_id, moment)
    unit_of(connection, parent_id, moment)
    if parent_id in below(connection, [unit_id], moment):
        raise errors.own_ancestor(unit_id, parent_id)
    if moment == found.valid_from:
        raise errors.bad_period(unit_id)
    _end(connection, found, moment)
    _add(connection, OrgUnit(unit_id, parent_id, found.kind, found.line, found.name, moment, None))
    before, after = {"parent": found.parent_id}, {"parent": parent_id, "from": moment}
    record_audit(connection, "unit.move", "unit", unit_id, before, after, reason)


@verb("unit.close")
def close_unit(connection: Connection, unit_id: str, reason: str) -> None:
    """End a unit now; raise ``ConflictError`` while units, staff or customers are in it."""
    connection.execute(_TREE_LOCK)
    found, now = unit_of(connection, unit_id), now_of(connection)
    inside = or_(
        exists().where(org_unit.c.parent_id == unit_id, valid(org_unit.c, now)),
        exists().where(staff_post.c.unit_id == unit_id, valid(staff_post.c, now)),
        exists().where(customer_book.c.unit_id == unit_id, valid(customer_book.c, now)),
    )
    if connection.scalar(select(inside)):
        raise errors.unit_in_use(unit_id)
    _end(connection, found, now)
    record_audit(connection, "unit.close", "unit", unit_id, {"parent": found.parent_id}, None, reason)


def valid(columns: Any, at: datetime) -> ColumnElement[bool]:
    """Return the condition that a row with ``valid_from`` and ``valid_to`` holds at a moment."""
    return and_(columns.valid_from <= at, or_(columns.valid_to.is_(None), columns.valid_to > at))


def _add(connection: Connection, unit: OrgUnit) -> None:
    connection.execute(
        insert(org_unit).values(
            unit_id=unit.unit_id,
            parent_id=unit.parent_id,
            kind=unit.kind,
            line=unit.line,
            name_zh=unit.name.zh,
            name_en=unit.name.en,
            valid_from=unit.valid_from,
        )
    )


def _end(connection: Connection, unit: OrgUnit, at: datetime) -> None:
    t = org_unit.c
    ended = update(org_unit).where(t.unit_id == unit.unit_id, t.valid_from == unit.valid_from).values(valid_to=at)
    connection.execute(ended)


def _unit(row: Any) -> OrgUnit:
    name = Text(row["name_zh"], row["name_en"])
    return OrgUnit(row["unit_id"], row["parent_id"], row["kind"], row["line"], name, row["valid_from"], row["valid_to"])
