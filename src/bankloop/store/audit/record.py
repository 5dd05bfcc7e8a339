"""Writing the trail and reading it: one row a verb, in the verb's own transaction; what is personal is sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.kit.ids import canonical_json, digest
from bankloop.store.audit.clock import refuse_behind
from bankloop.store.database import approval_in_force, now_of, origin_of, principal_of
from bankloop.store.questions import driver_of
from bankloop.store.vault import customer_ring

OPERATION, ACCESS, SECURITY = "operation", "access", "security"
_PERSONAL = "audit"
# An access to many customers names them all by digest and the first of them in clear.
_NAMED = 20

_COLUMNS = "principal, verb, object_kind, object_id, before, after, reason, origin, purpose, approval_id, class, subject, sealed"
# Every verb pays for this statement: it goes past SQLAlchemy, prepared.
_INSERT = (
    f"INSERT INTO audit ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s::json, %s::json, %s, %s, %s, %s, %s, %s, %s)"
).encode()
_READ = "SELECT id, recorded_at, " + _COLUMNS + " FROM audit WHERE {where} ORDER BY id DESC LIMIT :limit"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the trail as its reader sees it; ``personal`` says whether something lies sealed beside it."""

    id: int
    recorded_at: datetime
    principal: str
    verb: str
    object_kind: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str
    origin: str
    purpose: str
    approval_id: UUID | None
    class_: str
    subject: str | None
    sealed: bytes | None


def record_audit(
    connection: Connection,
    verb: str,
    object_kind: str,
    object_id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str = "",
    *,
    class_: str = OPERATION,
    subject: str | None = None,
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Write the audit row of a verb, in the verb's own transaction; from where and under which approval are added.

    ``personal`` is what of it describes the customer ``subject``: it is sealed under that customer's own key, and the
    chain covers the ciphertext, so that erasing the key breaks nothing.
    """
    refuse_behind(connection, now_of(connection))
    acting = principal_of(connection)
    values = (
        acting.id,
        verb,
        object_kind,
        object_id,
        None if before is None else canonical_json(before),
        None if after is None else canonical_json(after),
        reason,
        str(origin_of(connection) or ""),
        acting.purpose,
        approval_in_force(connection),
        class_,
        subject,
        _sealed(connection, subject, personal),
    )
    driver_of(connection).execute(_INSERT, values, prepare=True)


def record_access(connection: Connection, object_kind: str, customers: Sequence[str], fields: Sequence[str]) -> None:
    """Write that the principal saw personal fields of customers: one row for one customer, one for a whole list."""
    after = {
        "fields": sorted(fields),
        "customers": len(customers),
        "first": list(customers[:_NAMED]),
        "digest": digest(sorted(customers)),
    }
    one = customers[0] if len(customers) == 1 else None
    record_audit(
        connection, "access.read", object_kind, one or f"{len(customers)}", None, after, class_=ACCESS, subject=one
    )


def read_audit(
    connection: Connection,
    *,
    object_kind: str | None = None,
    object_id: str | None = None,
    principal: str | None = None,
    subject: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[AuditRow]:
    """Return the newest rows first, under the auditor's database role; ``before_id`` pages on."""
    wanted = {
        "object_kind = :kind": object_kind,
        "object_id = :id": object_id,
        "principal = :principal": principal,
        "subject = :subject": subject,
        "id < :before": before_id,
    }
    where = " AND ".join(clause for clause, value in wanted.items() if value is not None) or "true"
    values = {"kind": object_kind, "id": object_id, "principal": principal, "subject": subject, "before": before_id}
    given = {name: value for name, value in values.items() if value is not None}
    rows = connection.execute(text(_READ.format(where=where)), {**given, "limit": limit})
    return [AuditRow(*row) for row in rows]


def personal_of(connection: Connection, row: AuditRow) -> Mapping[str, Any]:
    """Return what lies sealed beside a row; raise ``NotFoundError`` once the customer's key is erased."""
    if row.sealed is None or row.subject is None:
        return {}
    ring = customer_ring(connection, row.subject)
    found: Mapping[str, Any] = json.loads(ring.unseal(_PERSONAL, row.sealed, row.subject))
    return found


def _sealed(connection: Connection, subject: str | None, personal: Mapping[str, Any] | None) -> bytes | None:
    if personal is None:
        return None
    if subject is None:
        raise ValueError("personal data belong to a subject")
    return customer_ring(connection, subject, make=True).seal(_PERSONAL, canonical_json(personal), subject)
