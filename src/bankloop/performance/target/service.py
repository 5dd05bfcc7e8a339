"""The verbs of targets: set by head office, split a level at a time by who answers for it, ended; and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, text, update

from bankloop.kit.ids import uuid7
from bankloop.kit.money import MAX_FEN
from bankloop.kit.text import Text
from bankloop.kit.worktime import days_between, is_working_day
from bankloop.organization.people import units
from bankloop.performance.target import errors
from bankloop.performance.target.contracts import MEASURES, Holder, Target, TargetPart
from bankloop.performance.target.rules import parts_of
from bankloop.performance.target.tables import target as table
from bankloop.performance.target.tables import target_part as part_table
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

# What one task takes of a person's day, as the bank's channel for calls states it by default.
MINUTES_A_TASK = 20
_LONGEST = timedelta(days=5 * 366)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('target' || :target))")
_STAFF = text(
    "SELECT s.staff_id, s.name, p.unit_id, s.minutes_per_day, s.on_leave FROM staff s JOIN staff_post p USING "
    "(staff_id) "
    "WHERE p.valid_from <= :now AND (p.valid_to IS NULL OR p.valid_to > :now) AND p.unit_id = ANY (:units) "
    "AND s.minutes_per_day > 0 ORDER BY s.staff_id"
)
_LEAVE = text("SELECT staff_id, since, until FROM staff_leave WHERE until >= :first AND since <= :last")
_BELOW = text(
    "WITH RECURSIVE lower AS (SELECT holder FROM target_part WHERE target_id = :target AND parent = :holder UNION "
    "SELECT p.holder FROM target_part p JOIN lower l ON p.parent = l.holder WHERE p.target_id = :target) "
    "DELETE FROM target_part p USING lower l WHERE p.target_id = :target AND p.holder = l.holder"
)


@verb("target.set")
def set_target(
    connection: Connection,
    name: str,
    measure: str,
    first: date,
    last: date,
    total: int,
    weights: Mapping[str, Fraction],
) -> Target:
    """Set a target of the whole bank and split it over the units right below head office.

    ``total`` is pieces, or fen of money. Raises ``InputError`` for what cannot be a target, or cannot be split like this.
    """
    if measure not in MEASURES:
        known = "、".join(MEASURES)
        raise errors.bad_target(
            Text(f"没有口径“{measure[:32]}”；有 {known}", f"no measure '{measure[:32]}'; there are {known}")
        )
    if not name.strip() or not 0 <= total <= MAX_FEN or not first <= last <= first + _LONGEST:
        raise errors.bad_target(Text("需要名称、不小于 0 且不过大的总量、先后正确且不超过五年的起止日", "it needs a name, a total not below nought nor beyond measure, and a last day not before the first nor five years after it"))  # fmt: skip
    now, root = now_of(connection), _root(connection)
    number = uuid7(int(now.timestamp() * 1000))
    made = Target(number, name.strip()[:64], measure, first, last, total, principal_of(connection).id, now, None)
    values = {field: getattr(made, field) for field in Target.__dataclass_fields__}
    connection.execute(insert(table).values(**values))
    _add(connection, [_part(connection, made, root, "unit", None, "1", None, total)])
    parts = _split(connection, made, root, total, weights)
    after = {"name": made.name, "measure": measure, "total": total, "parts": parts}
    record_audit(connection, "target.set", "target", str(number), None, after)
    return made


@verb("target.split")
def split_target(
    connection: Connection, target_id: UUID, holder: str, weights: Mapping[str, Fraction]
) -> dict[str, int]:
    """Split what a unit has over the units right below it, or over its people; what was split before is replaced.

    Raises ``NotFoundError`` where the unit has none or it is not the principal's to split, ``ConflictError`` for a target
    that has ended, ``InputError`` as ``set_target`` does.
    """
    connection.execute(_LOCK, {"target": str(target_id)})
    found = target_of(connection, target_id)
    if found.ended_at is not None:
        raise errors.over(found.name)
    person = principal_of(connection)
    if EVERY_UNIT not in person.units and holder not in person.units:
        raise errors.not_within(person.id, holder)
    mine = part_of(connection, target_id, holder)
    before = {one.holder: one.amount for one in parts_below(connection, target_id, holder)}
    connection.execute(_BELOW, {"target": target_id, "holder": holder})
    parts = _split(connection, found, holder, mine.amount, weights)
    record_audit(connection, "target.split", "target", str(target_id), {"of": holder, "parts": before}, {"of": holder, "parts": parts})  # fmt: skip
    return parts


@verb("target.end")
def end_target(connection: Connection, target_id: UUID, reason: str) -> None:
    """End a target: it is shown as it stood and split no more."""
    found = target_of(connection, target_id)
    if found.ended_at is not None:
        raise errors.over(found.name)
    connection.execute(update(table).where(table.c.target_id == target_id).values(ended_at=now_of(connection)))
    record_audit(connection, "target.end", "target", str(target_id), None, {"name": found.name}, reason)


def targets(connection: Connection, day: date | None = None) -> tuple[Target, ...]:
    """Return the targets, the latest first; those open that hold on a day where one is given."""
    query = select(table).order_by(table.c.made_at.desc(), table.c.target_id)
    if day is not None:
        query = query.where(table.c.ended_at.is_(None), table.c.first <= day, table.c.last >= day)
    return tuple(Target(**row) for row in connection.execute(query).mappings())


def target_of(connection: Connection, target_id: UUID) -> Target:
    """Return a target; raise ``NotFoundError`` where there is none."""
    row = connection.execute(select(table).where(table.c.target_id == target_id)).mappings().first()
    if row is None:
        raise errors.no_such_target(str(target_id))
    return Target(**row)


def part_of(connection: Connection, target_id: UUID, holder: str) -> TargetPart:
    """Return what a holder has; raise ``NotFoundError`` where it has none that may be seen."""
    t = part_table.c
    query = select(part_table).where(t.target_id == target_id, t.holder == holder)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise errors.no_such_target(f"{target_id} {holder}")
    return TargetPart(**row)


def parts_below(connection: Connection, target_id: UUID, holder: str) -> tuple[TargetPart, ...]:
    """Return what was given on by a holder, in order."""
    t = part_table.c
    query = select(part_table).where(t.target_id == target_id, t.parent == holder).order_by(t.holder)
    return tuple(TargetPart(**row) for row in connection.execute(query).mappings())


def holders_below(connection: Connection, unit_id: str) -> tuple[Holder, ...]:
    """Return to whom a unit's part may be given: the units right below it, and its people who do tasks."""
    lower = [Holder(u.unit_id, "unit", u.name) for u in units(connection) if u.parent_id == unit_id]
    rows = connection.execute(_STAFF, {"now": now_of(connection), "units": [unit_id]})
    people = [Holder(row.staff_id, "staff", Text(row.name or row.staff_id, row.name or row.staff_id)) for row in rows]
    return (*lower, *people)


def capacities(connection: Connection, unit_id: str, first: date, last: date) -> dict[str, int]:
    """Return how many tasks each holder below a unit can do from ``first`` to ``last``: people at work on working days."""
    parents = {unit.unit_id: unit.parent_id for unit in units(connection)}
    branch = {unit: _below_which(unit, unit_id, parents) for unit in parents}
    known = {unit: child for unit, child in branch.items() if child is not None or unit == unit_id}
    days = [day for day in days_between(first, last) if is_working_day(day)]
    away: dict[str, set[date]] = {}
    for staff, since, until in connection.execute(_LEAVE, {"first": first, "last": last}):
        away.setdefault(staff, set()).update(day for day in days if since <= day <= until)
    found = {holder.holder: 0 for holder in holders_below(connection, unit_id)}
    for row in connection.execute(_STAFF, {"now": now_of(connection), "units": sorted(known)}):
        holder = row.staff_id if row.unit_id == unit_id else known[row.unit_id]
        at_work = 0 if row.on_leave else len(days) - len(away.get(row.staff_id, ()))
        if holder is not None:
            found[holder] = found.get(holder, 0) + at_work * (row.minutes_per_day // MINUTES_A_TASK)
    return found


def _split(
    connection: Connection, found: Target, holder: str, amount: int, weights: Mapping[str, Fraction]
) -> dict[str, int]:
    kinds = {one.holder: one.kind for one in holders_below(connection, holder)}
    for name in weights:
        if name not in kinds:
            raise errors.not_below(name, holder)
    room = capacities(connection, holder, found.first, found.last) if MEASURES[found.measure].staffed else None
    parts = parts_of(amount, weights, room)
    _add(
        connection,
        [
            _part(connection, found, name, kinds[name], holder, _plain(weights[name]), None if room is None else room[name], part)
            for name, part in parts.items()
        ],
    )  # fmt: skip
    return parts


def _part(
    connection: Connection, found: Target, holder: str, kind: str, parent: str | None, weight: str, room: int | None, amount: int
) -> dict[str, Any]:  # fmt: skip
    return {
        "target_id": found.target_id, "holder": holder, "kind": kind, "parent": parent, "weight": weight, "capacity": room,
        "amount": amount, "set_by": principal_of(connection).id, "set_at": now_of(connection),
    }  # fmt: skip


def _plain(weight: Fraction) -> str:
    """Return a weight as somebody would write it."""
    return format(Decimal(weight.numerator) / Decimal(weight.denominator), "f")


def _add(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(part_table), rows)


def _root(connection: Connection) -> str:
    roots = [unit.unit_id for unit in units(connection) if unit.parent_id is None]
    if not roots:
        raise errors.bad_target(
            Text("还没有机构；请先入湖机构与人员", "there are no units yet; load units and staff first")
        )
    return roots[0]


def _below_which(unit: str, top: str, parents: Mapping[str, str | None]) -> str | None:
    """Return which unit right below ``top`` a unit belongs to; None where it is not below it."""
    at: str | None = unit
    while at is not None and parents.get(at) != top:
        at = parents.get(at)
    return at
