"""Sharing between lines and with subsidiaries: by agreement, for a purpose, of named fields, until a day, with consent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, text, update

from bankloop.kit.text import Text
from bankloop.organization.people import checked_id
from bankloop.organization.rights import errors
from bankloop.organization.rights.contracts import Agreement, GrantState
from bankloop.organization.rights.existing import check_named
from bankloop.organization.rights.tables import sharing_agreement as table
from bankloop.organization.rights.tables import sharing_consent
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT, Principal
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

_AGREEMENT = Text("共享协议", "sharing agreement")
_COLUMNS = tuple(table.c[name] for name in Agreement.__dataclass_fields__)
_CONSENTED = text(
    "SELECT agreement_id FROM sharing_consent WHERE customer_no = :customer AND agreement_id = ANY (:agreements) "
    "AND given_at <= :now AND (withdrawn_at IS NULL OR withdrawn_at > :now)"
)


@verb("agreement.submit")
def propose_agreement(
    connection: Connection,
    agreement_id: str,
    owner_line: str,
    to_line: str,
    purpose: str,
    fields: Sequence[str],
    valid_to: datetime,
    reason: str,
    *,
    to_unit: str | None = None,
    consent: bool = True,
) -> Agreement:
    """Propose that a line's customers be shared with another line, or one unit of it; somebody else agrees to it."""
    now = now_of(connection)
    check_named(connection, unit_id=to_unit or "")
    if valid_to <= now:
        raise errors.bad_validity(agreement_id)
    if not fields:
        raise errors.needs(Text("共享字段", "fields to share"))
    if not purpose.strip():
        raise errors.needs(Text("用途", "purpose"))
    values = {
        "agreement_id": checked_id(agreement_id),
        "owner_line": checked_id(owner_line),
        "to_line": checked_id(to_line),
        "to_unit": to_unit,
        "purpose": purpose,
        "fields": sorted(set(fields)),
        "consent": consent,
        "state": GrantState.REQUESTED,
        "valid_from": now,
        "valid_to": valid_to,
        "made_by": principal_of(connection).id,
        "reason": reason,
    }
    if connection.scalar(select(exists().where(table.c.agreement_id == agreement_id))):
        raise errors.agreement_exists(agreement_id)
    connection.execute(insert(table).values(**values))
    after = {"to": to_line, "unit": to_unit, "purpose": purpose, "fields": values["fields"], "until": valid_to}
    record_audit(connection, "agreement.submit", "agreement", agreement_id, None, after, reason)
    return agreement_of(connection, agreement_id)


@verb("agreement.approve")
def approve_agreement(connection: Connection, agreement_id: str, reason: str = "") -> Agreement:
    """Agree to a proposal as another person than its maker."""
    actor, found = principal_of(connection), agreement_of(connection, agreement_id)
    if {actor.id, actor.acting_for} & {found.made_by}:
        raise errors.own_grant(actor.id)
    if found.state is not GrantState.REQUESTED:
        raise errors.not_requested(agreement_id, found.state)
    _set(connection, agreement_id, state=GrantState.OPEN, decided_by=actor.id)
    before, after = {"state": found.state}, {"state": GrantState.OPEN}
    record_audit(connection, "agreement.approve", "agreement", agreement_id, before, after, reason)
    return agreement_of(connection, agreement_id)


@verb("agreement.end")
def end_agreement(connection: Connection, agreement_id: str, reason: str) -> Agreement:
    """End an agreement, or refuse a proposal: from now on nothing is shared by it."""
    found = agreement_of(connection, agreement_id)
    _set(connection, agreement_id, state=GrantState.ENDED)
    before, after = {"state": found.state}, {"state": GrantState.ENDED}
    record_audit(connection, "agreement.end", "agreement", agreement_id, before, after, reason)
    return agreement_of(connection, agreement_id)


@verb("agreement.consent")
def record_consent(connection: Connection, agreement_id: str, customer_no: str, *, given: bool = True) -> None:
    """Record that a customer agrees to what an agreement shares, or no longer does."""
    agreement_of(connection, agreement_id)
    check_named(connection, customer_no=customer_no)
    now, t = now_of(connection), sharing_consent
    connection.execute(
        update(t)
        .where(t.c.agreement_id == agreement_id, t.c.customer_no == customer_no, t.c.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    if given:
        connection.execute(insert(t).values(agreement_id=agreement_id, customer_no=customer_no, given_at=now))
    after = {"customer": customer_no, "given": given}
    record_audit(connection, "agreement.consent", "agreement", agreement_id, None, after, subject=customer_no)


def agreements(connection: Connection) -> list[Agreement]:
    """Return all agreements in order of their ids."""
    return [_agreement(row) for row in connection.execute(select(*_COLUMNS).order_by(table.c.agreement_id)).mappings()]


def agreement_of(connection: Connection, agreement_id: str) -> Agreement:
    """Return one agreement; raise ``NotFoundError`` where there is none."""
    row = connection.execute(select(*_COLUMNS).where(table.c.agreement_id == agreement_id)).mappings().first()
    if row is None:
        raise errors.missing(_AGREEMENT, agreement_id)
    return _agreement(row)


def consents_by_agreement(connection: Connection) -> dict[str, int]:
    """Return by agreement how many customers agree to what it shares now."""
    t, now = sharing_consent.c, now_of(connection)
    holds = (t.given_at <= now) & (t.withdrawn_at.is_(None) | (t.withdrawn_at > now))
    rows = connection.execute(select(t.agreement_id, func.count()).where(holds).group_by(t.agreement_id))
    return {row[0]: row[1] for row in rows}


def agreements_for(connection: Connection, principal: Principal, owner_lines: Collection[str]) -> list[Agreement]:
    """Return the agreements, in force or not any more, that share these lines' customers with the principal's."""
    return [one for one in agreements(connection) if one.owner_line in owner_lines and _reaches(one, principal)]


def consented(connection: Connection, found: Sequence[Agreement], customer_no: str) -> list[Agreement]:
    """Return the agreements that the customer allows: who need consent and have it, and who need none."""
    values = {"customer": customer_no, "agreements": [a.agreement_id for a in found], "now": now_of(connection)}
    given = set(connection.scalars(_CONSENTED, values))
    return [one for one in found if not one.consent or one.agreement_id in given]


def _reaches(one: Agreement, principal: Principal) -> bool:
    in_line = one.to_line in principal.lines and EVERY_LINE not in principal.lines
    in_unit = one.to_unit is None or EVERY_UNIT in principal.units or one.to_unit in principal.units
    return in_line and in_unit and one.purpose == principal.purpose and one.state is not GrantState.REQUESTED


def _set(connection: Connection, agreement_id: str, **values: Any) -> None:
    connection.execute(update(table).where(table.c.agreement_id == agreement_id).values(**values))


def _agreement(row: Any) -> Agreement:
    return Agreement(**{**row, "fields": tuple(row["fields"]), "state": GrantState(row["state"])})
