"""Members of staff: engaged, moved to another post, licensed, on leave, with a backup or a delegate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, text, update

from bankloop.organization.people import errors
from bankloop.organization.people.contracts import Licence, Person
from bankloop.organization.people.rules import TRAINING, checked_id, checked_name
from bankloop.organization.people.tables import staff, staff_backup, staff_leave, staff_licence, staff_post
from bankloop.organization.people.units import unit_of, valid
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of
from bankloop.store.verbs import verb

# Absent is who the source says is on leave, or whose recorded leave holds the day.
_PEOPLE = (
    "SELECT s.staff_id, s.name, p.unit_id, coalesce(p.post, '') AS post, coalesce(p.line, '') AS line, "
    "s.minutes_per_day, s.on_leave OR EXISTS (SELECT FROM staff_leave l WHERE l.staff_id = s.staff_id "
    "AND CAST(:day AS date) BETWEEN l.since AND l.until) AS absent "
    "FROM staff s LEFT JOIN staff_post p ON p.staff_id = s.staff_id "
    "AND p.valid_from <= :at AND (p.valid_to IS NULL OR p.valid_to > :at) "
)
_ONE = text(_PEOPLE + "WHERE s.staff_id = :staff")
_NAMED = text(_PEOPLE + "WHERE s.staff_id = ANY (:staff)")
_OF_UNITS = text(_PEOPLE + "WHERE p.unit_id = ANY (:units) AND s.staff_id > :after ORDER BY s.staff_id LIMIT :limit")
_EVERYBODY = text(_PEOPLE + "WHERE s.staff_id > :after ORDER BY s.staff_id LIMIT :limit")
_STANDS_IN = text(
    "SELECT b.backup_id, b.kind FROM staff_backup b WHERE b.staff_id = :staff AND b.valid_from <= :at "
    "AND (b.valid_to IS NULL OR b.valid_to > :at) ORDER BY b.kind, b.valid_from"
)

_MANAGERS = text(
    f"SELECT unit_id, staff_id FROM ({_PEOPLE}) AS who WHERE post = 'relationship_manager' AND NOT absent "
    "AND unit_id IS NOT NULL ORDER BY unit_id, staff_id"
)
_BACKUPS = text(
    "SELECT staff_id, backup_id FROM staff_backup WHERE kind = 'backup' AND valid_from <= :at "
    "AND (valid_to IS NULL OR valid_to > :at) ORDER BY staff_id, valid_from"
)


def person_of(connection: Connection, staff_id: str, day: date | None = None) -> Person:
    """Return a member of staff as of now, absent or not on ``day``; raise ``NotFoundError`` where there is none."""
    now = now_of(connection)
    row = connection.execute(_ONE, {"staff": staff_id, "at": now, "day": day or now.date()}).mappings().first()
    if row is None:
        raise errors.missing("staff", staff_id)
    return Person(**row)


def people(
    connection: Connection, units: tuple[str, ...] | None = None, after: str = "", limit: int = 1_000
) -> list[Person]:
    """Return staff in order of their ids, those with a post in ``units`` where given, a page after ``after``."""
    now = now_of(connection)
    values: dict[str, Any] = {"at": now, "day": now.date(), "after": after, "limit": limit}
    if units is None:
        rows = connection.execute(_EVERYBODY, values)
    else:
        rows = connection.execute(_OF_UNITS, {**values, "units": list(units)})
    return [Person(**row) for row in rows.mappings()]


def people_named(connection: Connection, staff_ids: Sequence[str]) -> dict[str, Person]:
    """Return members of staff by their ids, without those whom nobody knows."""
    now = now_of(connection)
    rows = connection.execute(_NAMED, {"staff": list(staff_ids), "at": now, "day": now.date()}).mappings()
    return {row["staff_id"]: Person(**row) for row in rows}


def licences_of(connection: Connection, staff_id: str) -> list[Licence]:
    """Return a person's licences, the newest first."""
    t = staff_licence.c
    query = select(staff_licence).where(t.staff_id == staff_id).order_by(t.expires_on.desc(), t.kind)
    return [Licence(**row) for row in connection.execute(query).mappings()]


def expired_licences(connection: Connection, staff_ids: Sequence[str], day: date) -> dict[str, int]:
    """Return by person how many licences to sell have expired by a day and were not renewed."""
    t, other = staff_licence.c, staff_licence.alias()
    renewed = exists().where(other.c.staff_id == t.staff_id, other.c.kind == t.kind, other.c.expires_on > day)
    query = select(t.staff_id, func.count(t.kind.distinct())).where(
        t.staff_id.in_(list(staff_ids)), t.expires_on <= day, ~renewed, ~t.kind.startswith(TRAINING, autoescape=True)
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(t.staff_id))}


def stand_ins(connection: Connection, staff_id: str) -> list[str]:
    """Return who may act for a person now: delegates, and while the person is on leave the backup."""
    rows = connection.execute(_STANDS_IN, {"staff": staff_id, "at": now_of(connection)}).all()
    if not rows:
        return []
    away = _known(connection, staff_id) and person_of(connection, staff_id).absent
    return [row.backup_id for row in rows if row.kind == "delegation" or away]


def backups_of(connection: Connection, staff_id: str) -> list[str]:
    """Return a person's backups on record now, whether or not they are needed."""
    rows = connection.execute(_STANDS_IN, {"staff": staff_id, "at": now_of(connection)}).all()
    return [row.backup_id for row in rows if row.kind == "backup"]


def managers_of_units(connection: Connection) -> dict[str, list[str]]:
    """Return by unit the relationship managers who have their post there now and are at work, in order of their ids."""
    now = now_of(connection)
    rows = connection.execute(_MANAGERS, {"at": now, "day": now.date()}).all()
    found: dict[str, list[str]] = {}
    for unit, staff_id in rows:
        found.setdefault(unit, []).append(staff_id)
    return found


def named_backups(connection: Connection) -> dict[str, list[str]]:
    """Return by member of staff the backups on record now, the first named first."""
    found: dict[str, list[str]] = {}
    for staff_id, backup_id in connection.execute(_BACKUPS, {"at": now_of(connection)}):
        found.setdefault(staff_id, []).append(backup_id)
    return found


@verb("staff.engage")
def engage_staff(
    connection: Connection, staff_id: str, name: str, unit_id: str, post: str, line: str = "retail", minutes: int = 0
) -> Person:
    """Record a new member of staff with a first post from now on."""
    unit_of(connection, unit_id)
    connection.execute(
        insert(staff).values(
            staff_id=checked_id(staff_id), name=checked_name(name), minutes_per_day=minutes, on_leave=False
        )
    )
    _post(connection, staff_id, unit_id, post, line, now_of(connection), "")
    record_audit(connection, "staff.engage", "staff", staff_id, None, {"unit": unit_id, "post": post, "line": line})
    return person_of(connection, staff_id)


@verb("staff.move")
def move_staff(
    connection: Connection, staff_id: str, unit_id: str, post: str, reason: str, at: datetime | None = None
) -> None:
    """Give a member of staff another post from a moment on: roles bound to the post follow it from that moment."""
    moment = at or now_of(connection)
    if moment < now_of(connection):
        raise errors.bad_period(staff_id)
    unit_of(connection, unit_id, moment)
    t = staff_post.c
    query = select(staff_post).where(t.staff_id == staff_id, t.valid_to.is_(None)).with_for_update()
    found = connection.execute(query).mappings().first()
    if found is None:
        raise errors.missing("staff", staff_id)
    if moment <= found["valid_from"]:
        raise errors.bad_period(staff_id)
    connection.execute(
        update(staff_post).where(t.staff_id == staff_id, t.valid_from == found["valid_from"]).values(valid_to=moment)
    )
    _post(connection, staff_id, unit_id, post, found["line"], moment, found["says"])
    before = {"unit": found["unit_id"], "post": found["post"]}
    record_audit(
        connection, "staff.move", "staff", staff_id, before, {"unit": unit_id, "post": post, "from": moment}, reason
    )


@verb("staff.license")
def license_staff(connection: Connection, staff_id: str, kind: str, issued_on: date, expires_on: date) -> Licence:
    """Record a licence to sell."""
    person_of(connection, staff_id)
    if expires_on <= issued_on:
        raise errors.bad_period(kind)
    made = Licence(staff_id, checked_id(kind), issued_on, expires_on)
    connection.execute(
        insert(staff_licence).values(staff_id=staff_id, kind=kind, issued_on=issued_on, expires_on=expires_on)
    )
    after = {"kind": kind, "issued": issued_on, "expires": expires_on}
    record_audit(connection, "staff.license", "staff", staff_id, None, after)
    return made


@verb("staff.leave")
def record_leave(connection: Connection, staff_id: str, since: date, until: date, reason: str) -> None:
    """Record leave from a day to a day, both inclusive: meanwhile the backup may act."""
    person_of(connection, staff_id)
    if until < since:
        raise errors.bad_period(staff_id)
    connection.execute(insert(staff_leave).values(staff_id=staff_id, since=since, until=until, reason=reason))
    record_audit(connection, "staff.leave", "staff", staff_id, None, {"since": since, "until": until}, reason)


@verb("staff.deputize")
def name_backup(
    connection: Connection,
    staff_id: str,
    backup_id: str,
    reason: str,
    *,
    kind: str = "backup",
    until: datetime | None = None,
) -> None:
    """Name the B of an A/B pair (``backup``), or who acts by delegation until a moment (``delegation``)."""
    now = now_of(connection)
    if staff_id == backup_id or (until is not None and until <= now) or (kind == "delegation" and until is None):
        raise errors.bad_period(staff_id)
    for person in (staff_id, backup_id):
        person_of(connection, person)
    values = {"staff_id": staff_id, "backup_id": backup_id, "kind": kind, "valid_to": until, "reason": reason}
    connection.execute(insert(staff_backup).values(valid_from=now, **values))
    after = {"deputy": backup_id, "kind": kind, "until": until}
    record_audit(connection, "staff.deputize", "staff", staff_id, None, after, reason)


def post_of(connection: Connection, staff_id: str) -> tuple[str, str] | None:
    """Return unit and line of a person's post now, or nothing."""
    t = staff_post.c
    query = select(t.unit_id, t.line).where(t.staff_id == staff_id, valid(t, now_of(connection)))
    row = connection.execute(query).first()
    return None if row is None else (row.unit_id, row.line)


def _known(connection: Connection, staff_id: str) -> bool:
    return bool(connection.scalar(select(exists().where(staff.c.staff_id == staff_id))))


def _post(
    connection: Connection, staff_id: str, unit_id: str, post: str, line: str, since: datetime, says: str
) -> None:
    values = {"staff_id": staff_id, "unit_id": unit_id, "post": post, "line": line, "valid_from": since, "says": says}
    connection.execute(insert(staff_post).values(**values))
