"""Verification on schedule, and what the last one found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from bankloop.kit.ids import canonical_json
from bankloop.store.audit.chain import SEALER, seal_audit
from bankloop.store.audit.record import record_audit
from bankloop.store.audit.verify import verify_audit
from bankloop.store.contracts import AuditReport
from bankloop.store.database import Store
from bankloop.store.verbs import verb

# A day bounds how long tampering stays unseen; verifying a million rows takes seconds.
EVERY = timedelta(days=1)

_LAST = text("SELECT checked_at, rows, seals, findings FROM audit_check ORDER BY check_id DESC LIMIT 1")
_KEEP = text("INSERT INTO audit_check (rows, seals, findings) VALUES (:rows, :seals, CAST(:findings AS jsonb))")


@dataclass(frozen=True, slots=True)
class Check:
    """A verification that was made: when, over how much, what it found (kind, seal, row, detail)."""

    at: datetime
    rows: int
    seals: int
    findings: tuple[dict[str, Any], ...]

    @property
    def ok(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings


@verb("audit.verify")
def check_audit(store: Store, *, seal: bool = True) -> AuditReport:
    """Seal what is over, verify the whole chain and remember the outcome.

    A trail that was cut is not sealed on: what is missing stays visible, and the outcome is remembered all the same.
    """
    report = verify_audit(store)
    if seal and report.ok:
        seal_audit(store)
        report = verify_audit(store)
    findings = [{"kind": f.kind, "seal": f.seal, "row": f.row, "detail": f.detail} for f in report.findings]
    with store.begin(SEALER) as connection:
        connection.execute(_KEEP, {"rows": report.rows, "seals": report.seals, "findings": canonical_json(findings)})
        after = {"rows": report.rows, "seals": report.seals, "findings": len(findings)}
        record_audit(connection, "audit.verify", "audit", str(report.seals), None, after, class_="security")
    return report


def last_check(connection: Connection) -> Check | None:
    """Return the newest verification, or None before the first."""
    row = connection.execute(_LAST).first()
    return None if row is None else Check(row.checked_at, row.rows, row.seals, tuple(row.findings))


def check_due(store: Store) -> AuditReport | None:
    """Verify when the last verification is older than a day: what a serving process calls now and then."""
    with store.begin(SEALER) as connection:
        last = last_check(connection)
    if last is not None and store.clock.now() - last.at < EVERY:
        return None
    return check_audit(store)
