"""How long the trail is kept: by class, unless a legal hold keeps it; what was purged is known by its digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.kit.ids import uuid7
from bankloop.store.audit.chain import SEALER, SEALER_LOCK
from bankloop.store.audit.record import ACCESS, OPERATION, SECURITY, record_audit
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, now_of, principal_of
from bankloop.store.verbs import verb

# Security and operation: 20 years as the customer records of the Anti-Money-Laundering Law's successors ask at most;
# access: 3 years, three times the half year that the Cybersecurity Law article 21 asks for, doubled.
RETENTION_YEARS: Mapping[str, int] = {OPERATION: 20, SECURITY: 20, ACCESS: 3}
_DAYS_PER_YEAR = 366

_DUE = text(
    "SELECT a.id FROM audit a WHERE a.class = :class AND a.recorded_at < :before AND a.verb <> 'audit.purge' "
    "AND EXISTS (SELECT FROM audit_seal s WHERE s.horizon > a.xid) AND NOT EXISTS (SELECT FROM legal_hold h WHERE "
    "h.released_at IS NULL AND ((h.object_kind, h.object_id) = (a.object_kind, a.object_id) "
    "OR (h.object_kind = 'customer' AND (h.object_id = a.subject "
    "OR jsonb_exists(a.after::jsonb -> 'first', h.object_id))))) ORDER BY a.id"
)
_HELD = (
    "SELECT hold_id, object_kind, object_id, reason, placed_by, placed_at FROM legal_hold WHERE released_at IS NULL "
)
_HOLDS = text(_HELD + "AND object_kind = :kind AND object_id = :id ORDER BY placed_at")
_EVERY_HOLD = text(_HELD + "ORDER BY placed_at DESC, hold_id DESC LIMIT :limit")


@dataclass(frozen=True, slots=True)
class LegalHold:
    """An object whose trail and sealed data must be kept, and why."""

    hold_id: UUID
    object_kind: str
    object_id: str
    reason: str
    placed_by: str
    placed_at: datetime


@verb("hold.place")
def place_hold(connection: Connection, object_kind: str, object_id: str, reason: str) -> UUID:
    """Keep an object's trail and sealed data until the hold is released; ``customer`` holds all about a customer."""
    made = uuid7(int(now_of(connection).timestamp() * 1000))
    connection.execute(
        text(
            "INSERT INTO legal_hold (hold_id, object_kind, object_id, reason, placed_by) "
            "VALUES (:hold, :kind, :id, :reason, :person)"
        ),
        {"hold": made, "kind": object_kind, "id": object_id, "reason": reason, "person": principal_of(connection).id},
    )
    record_audit(connection, "hold.place", object_kind, object_id, None, {"hold": made}, reason, class_=SECURITY)
    return made


@verb("hold.release")
def release_hold(connection: Connection, hold_id: UUID, reason: str) -> None:
    """Release a hold."""
    row = connection.execute(
        text(
            "UPDATE legal_hold SET released_at = :now WHERE hold_id = :hold AND released_at IS NULL "
            "RETURNING object_kind, object_id"
        ),
        {"hold": hold_id, "now": now_of(connection)},
    ).first()
    if row is not None:
        kind, name = row
        record_audit(connection, "hold.release", kind, name, {"hold": hold_id}, None, reason, class_=SECURITY)


def holds_on(connection: Connection, object_kind: str, object_id: str) -> list[LegalHold]:
    """Return the holds in force on an object."""
    return [LegalHold(*row) for row in connection.execute(_HOLDS, {"kind": object_kind, "id": object_id})]


def holds(connection: Connection, limit: int = 200) -> list[LegalHold]:
    """Return the holds in force, the newest first."""
    return [LegalHold(*row) for row in connection.execute(_EVERY_HOLD, {"limit": limit})]


def purge_due(store: Store, principal: Principal) -> dict[str, int]:
    """Delete of every class what is older than it is kept, and return how many rows of each."""
    return {class_: purge_audit(store, principal, class_, "term of retention") for class_ in RETENTION_YEARS}


@verb("audit.purge")
def purge_audit(store: Store, principal: Principal, class_: str, reason: str) -> int:
    """Delete a class's sealed rows that are older than it is kept and under no hold; return how many.

    Their digests stay in the seals, and the purge names every row: verification tells it from dropping.
    """
    with store.begin(Principal(principal.id, principal.roles, SEALER.units, "retention"), Role.OWNER) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEALER_LOCK})
        now = now_of(connection)
        before = now - timedelta(days=RETENTION_YEARS[class_] * _DAYS_PER_YEAR)
        ids = list(connection.scalars(_DUE, {"class": class_, "before": before}))
        if not ids:
            return 0
        made = uuid7(int(now.timestamp() * 1000))
        connection.execute(text("DELETE FROM audit WHERE id = ANY (:ids)"), {"ids": ids})
        connection.execute(
            text("INSERT INTO audit_purge (purge_id, class, before_day, row_ids) VALUES (:made, :class, :day, :ids)"),
            {"made": made, "class": class_, "day": before.date(), "ids": ids},
        )
        seen = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
        after = {"class": class_, "rows": len(ids), "before": before.date(), "digest": seen}
        record_audit(connection, "audit.purge", "audit", str(made), None, after, reason, class_=SECURITY)
    return len(ids)
