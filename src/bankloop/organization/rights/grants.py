"""Roles given to people: asked for by one, approved by another, ended at once; and who a person is, by them, now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from bankloop.kit.ids import uuid7
from bankloop.kit.text import Text
from bankloop.organization.outside import check_outside, let_in
from bankloop.organization.people import below, checked_id, post_of, stand_ins, valid
from bankloop.organization.people import errors as people_errors
from bankloop.organization.people.tables import staff
from bankloop.organization.rights import errors
from bankloop.organization.rights.catalogue import ADMINISTRATORS, ROLES, marks_of, require, role_of
from bankloop.organization.rights.contracts import Grant, GrantState, RoleReach, RoleSpec
from bankloop.organization.rights.existing import check_named
from bankloop.organization.rights.tables import role_grant as table
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT, Principal
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

_GRANT = Text("授权", "grant")
_LIVE = (GrantState.REQUESTED, GrantState.OPEN)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:key))")


def principal_for(
    connection: Connection,
    person_id: str,
    purpose: str,
    *,
    role: str | None = None,
    acting_for: str | None = None,
    held: Sequence[Grant] | None = None,
) -> Principal:
    """Return who a person is now: one role granted and valid, its units, lines and book, for a purpose.

    Without ``role`` it is the first in the catalogue's order that serves the purpose. With ``acting_for`` the role is
    the absent colleague's, whose deputy the person must be now. ``held`` are the person's own grants where this
    transaction has read them already. Raises ``NotFoundError`` for a person without record,
    ``DeniedError`` without a grant, post or deputyship, and for outside staff after their last day.
    """
    held = grants_of(connection, person_id) if held is None else list(held)
    if acting_for is not None:
        held = _deputized(connection, person_id, acting_for, held)
    elif not held and not _on_record(connection, person_id):
        raise people_errors.missing("staff", person_id)
    fit = [g for g in held if role in (None, g.role) and purpose in ROLES[g.role].purposes]
    if not fit:
        check_outside(connection, person_id)
        raise errors.no_grant(person_id, role, purpose)
    return _principal(connection, person_id, fit[0], purpose, acting_for)


def grants_of(connection: Connection, person_id: str) -> list[Grant]:
    """Return the roles that a person has now, in the catalogue's order; none for outside staff past their time."""
    t = table.c
    query = select(*_COLUMNS).where(
        t.person_id == person_id,
        t.state == GrantState.OPEN,
        t.role.in_(ROLES),
        valid(t, now_of(connection)),
        let_in("role_grant.person_id"),
    )
    order = list(ROLES)
    return sorted(map(_grant, connection.execute(query).mappings()), key=lambda grant: order.index(grant.role))


def grants(
    connection: Connection, state: GrantState | None = None, person_id: str | None = None, limit: int = 1_000
) -> list[Grant]:
    """Return grants, the latest first, of a state or a person where given."""
    query = select(*_COLUMNS).order_by(table.c.recorded_at.desc(), table.c.grant_id.desc()).limit(limit)
    if state is not None:
        query = query.where(table.c.state == state)
    if person_id is not None:
        query = query.where(table.c.person_id == person_id)
    return [_grant(row) for row in connection.execute(query).mappings()]


def keep_grant(
    connection: Connection,
    person_id: str,
    role: str,
    reason: str,
    units: tuple[str, ...],
    lines: tuple[str, ...],
    valid_from: datetime | None,
    valid_to: datetime | None,
) -> Grant:
    """Keep what is asked for: it gives nothing yet. Who is no staff yet may be named: a bank begins with nobody.

    Raises ``DeniedError`` for oneself, or where administrators combine, ``NotFoundError`` for a unit there is not.
    """
    actor = principal_of(connection).id
    if actor == person_id:
        raise errors.own_grant(actor)
    made = _made(connection, person_id, role, reason, units, lines, valid_from, valid_to)
    for unit in set(units) - {EVERY_UNIT}:
        check_named(connection, unit_id=unit)
    _keep(connection, made, actor, GrantState.REQUESTED)
    record_audit(connection, "grant.submit", "grant", str(made.grant_id), None, made.plain(), reason)
    return made


def open_grant(connection: Connection, grant_id: UUID, reason: str) -> None:
    """Give the role that was asked for; the three administrators are looked at again."""
    found = _waiting(connection, grant_id)
    _separate(connection, found.person_id, found.role, but=grant_id)
    _decide(connection, found, GrantState.OPEN, "grant.approve", reason)


def refuse_grant(connection: Connection, grant_id: UUID, reason: str) -> None:
    """Let what was asked for end without having been given; what is decided already stays."""
    found = _locked(connection, grant_id)
    if found.state is GrantState.REQUESTED:
        _decide(connection, found, GrantState.REFUSED, "grant.reject", reason)


def end_grant(connection: Connection, grant_id: UUID, reason: str) -> Grant:
    """End a grant, given or asked for, now."""
    if not reason.strip():
        raise errors.needs(Text("原因", "reason"))
    found = _locked(connection, grant_id)
    if found.state not in _LIVE:
        raise errors.not_requested(str(grant_id), found.state)
    now = now_of(connection)
    values: dict[str, Any] = {"state": GrantState.ENDED}
    if found.valid_from < now:
        values["valid_to"] = now
    connection.execute(update(table).where(table.c.grant_id == grant_id).values(**values))
    record_audit(connection, "grant.revoke", "grant", str(grant_id), found.plain(), {"state": GrantState.ENDED}, reason)
    return grant_of(connection, grant_id)


def grant_of(connection: Connection, grant_id: UUID) -> Grant:
    """Return a grant; raise ``NotFoundError`` when there is none."""
    row = connection.execute(select(*_COLUMNS).where(table.c.grant_id == grant_id)).mappings().first()
    if row is None:
        raise errors.missing(_GRANT, str(grant_id))
    return _grant(row)


@verb("grant.begin")
def begin_rights(connection: Connection, first: str, second: str) -> list[Grant]:
    """Name the first two security administrators of a bank that has none; everyone else is granted by them."""
    connection.execute(_LOCK, {"key": "role_grant"})
    if first == second:
        raise errors.own_grant(first)
    if connection.scalar(select(exists().where(table.c.role == "security_admin", table.c.state.in_(_LIVE)))):
        raise errors.begun()
    actor, reason = principal_of(connection).id, "first administrators"
    made = []
    for person, other in ((first, second), (second, first)):
        one = _made(connection, person, "security_admin", reason, (), (EVERY_LINE,), None, None)
        _keep(connection, one, actor, GrantState.OPEN, decided_by=other)
        record_audit(connection, "grant.begin", "grant", str(one.grant_id), None, one.plain(), reason)
        made.append(one)
    return made


def give_role(connection: Connection, person_id: str, role: str, units: Sequence[str], lines: Sequence[str]) -> Grant:
    """Give a role without a second person: for the program itself, where a demonstration bank is filled."""
    actor = principal_of(connection)
    require(actor, "grant.begin")
    made = _made(connection, person_id, role, "demonstration", tuple(units), tuple(lines), None, None)
    _keep(connection, made, actor.id, GrantState.OPEN)
    record_audit(connection, "grant.begin", "grant", str(made.grant_id), None, made.plain(), made.reason)
    return made


def _made(
    connection: Connection,
    person_id: str,
    role: str,
    reason: str,
    units: tuple[str, ...],
    lines: tuple[str, ...],
    valid_from: datetime | None,
    valid_to: datetime | None,
) -> Grant:
    role_of(role)
    if not reason.strip():
        raise errors.needs(Text("原因", "reason"))
    now = now_of(connection)
    since = valid_from or now
    if valid_to is not None and valid_to <= since:
        raise errors.bad_validity(role)
    for name in (person_id, *units, *(line for line in lines if line != EVERY_LINE)):
        checked_id(name)
    _separate(connection, person_id, role)
    made = uuid7(int(now.timestamp() * 1000))
    actor = principal_of(connection).id
    return Grant(made, person_id, role, units, lines, GrantState.REQUESTED, since, valid_to, reason, actor, None)


def _keep(
    connection: Connection, grant: Grant, actor: str, state: GrantState, *, decided_by: str | None = None
) -> None:
    values = {
        "grant_id": grant.grant_id,
        "person_id": grant.person_id,
        "role": grant.role,
        "units": list(grant.units),
        "lines": list(grant.lines),
        "state": state,
        "valid_from": grant.valid_from,
        "valid_to": grant.valid_to,
        "reason": grant.reason,
        "made_by": actor,
        "decided_by": None if decided_by == grant.person_id else decided_by,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError as error:
        raise errors.already_granted(grant.person_id, grant.role) from error


def _separate(connection: Connection, person_id: str, role: str, but: UUID | None = None) -> None:
    """Raise unless the three administrators stay three people who hold no other role."""
    connection.execute(_LOCK, {"key": f"role_grant:{person_id}"})
    t = table.c
    now = now_of(connection)
    ended = update(table).where(t.person_id == person_id, t.state.in_(_LIVE), t.valid_to <= now)
    connection.execute(ended.values(state=GrantState.ENDED))
    query = select(t.role).where(t.person_id == person_id, t.state.in_(_LIVE), t.grant_id != but)
    for held in connection.scalars(query):
        if held != role and (held in ADMINISTRATORS or role in ADMINISTRATORS):
            raise errors.administrators_split(person_id, held, role)


def _decide(connection: Connection, found: Grant, state: GrantState, name: str, reason: str) -> None:
    """Note the decision and who took it; what its own maker took back was decided by nobody else."""
    actor = principal_of(connection).id
    decided = None if actor in (found.made_by, found.person_id) else actor
    connection.execute(update(table).where(table.c.grant_id == found.grant_id).values(state=state, decided_by=decided))
    record_audit(connection, name, "grant", str(found.grant_id), found.plain(), {"state": state}, reason)


def _waiting(connection: Connection, grant_id: UUID) -> Grant:
    found = _locked(connection, grant_id)
    if found.state is not GrantState.REQUESTED:
        raise errors.not_requested(str(grant_id), found.state)
    return found


def _locked(connection: Connection, grant_id: UUID) -> Grant:
    row = connection.execute(select(*_COLUMNS).where(table.c.grant_id == grant_id).with_for_update()).mappings().first()
    if row is None:
        raise errors.missing(_GRANT, str(grant_id))
    return _grant(row)


def _deputized(connection: Connection, person_id: str, absent: str, own: Sequence[Grant]) -> list[Grant]:
    """Return the absent colleague's grants; administrators neither lend their roles nor borrow others'."""
    administers = any(grant.role in ADMINISTRATORS for grant in own)
    if administers or person_id not in stand_ins(connection, absent):
        raise errors.not_deputy(person_id, absent)
    return [grant for grant in grants_of(connection, absent) if grant.role not in ADMINISTRATORS]


def _principal(connection: Connection, person_id: str, grant: Grant, purpose: str, acting_for: str | None) -> Principal:
    role = ROLES[grant.role]
    return Principal(
        person_id,
        marks_of(role),
        _units(connection, role, grant),
        purpose,
        lines=grant.lines,
        book=grant.person_id if role.scope is RoleReach.BOOK else "",
        tasks=grant.person_id if role.scope in (RoleReach.BOOK, RoleReach.TASKS) else "",
        rights=role.rights,
        acting_for=acting_for or "",
    )


def _units(connection: Connection, role: RoleSpec, grant: Grant) -> tuple[str, ...]:
    if role.scope is RoleReach.BANK:
        return (EVERY_UNIT,)
    if not role.bound:
        return ()
    if grant.units:
        return below(connection, grant.units)
    post = post_of(connection, grant.person_id)
    if post is None:
        raise people_errors.no_post(grant.person_id)
    return below(connection, [post[0]])


def _on_record(connection: Connection, person_id: str) -> bool:
    known = select(exists().where(staff.c.staff_id == person_id))
    granted = select(exists().where(table.c.person_id == person_id))
    return bool(connection.scalar(known) or connection.scalar(granted))


_COLUMNS = tuple(table.c[name] for name in Grant.__dataclass_fields__)


def _grant(row: Any) -> Grant:
    return Grant(
        **{**row, "units": tuple(row["units"]), "lines": tuple(row["lines"]), "state": GrantState(row["state"])}
    )
