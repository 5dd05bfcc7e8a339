"""Verification on schedule, and what the last one found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Text
from bankloop.store.audit.chain import SEALER, seal_audit
from bankloop.store.audit.record import record_audit
from bankloop.store.audit.verify import verify_audit
from bankloop.store.contracts import AuditReport
from bankloop.store.database import Store
from bankloop.store.verbs import verb

# What is sealed every minute is late after five: then nobody serves the bank, or a transaction stands open.
LATEST_SEAL = timedelta(minutes=5)
# A day bounds how long tampering stays unseen; verifying a million rows takes seconds.
EVERY = timedelta(days=1)

_LAST = text("SELECT checked_at, rows, seals, findings FROM audit_check ORDER BY check_id DESC LIMIT 1")
_OPEN = text(
    "SELECT (SELECT max(recorded_at) FROM audit_seal) AS sealed_at, count(*) AS rows, min(recorded_at) AS oldest "
    "FROM audit WHERE xid >= coalesce((SELECT horizon FROM audit_seal ORDER BY seal DESC LIMIT 1), 0)"
)
_KEEP = text("INSERT INTO audit_check (rows, seals, findings) VALUES (:rows, :seals, CAST(:findings AS jsonb))")


@dataclass(frozen=True, slots=True)
class TrailCheck:
    """A verification that was made: when, over how much, what it found (kind, seal, row, detail)."""

    at: datetime
    rows: int
    seals: int
    findings: tuple[dict[str, Any], ...]

    @property
    def ok(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class SealAge:
    """When the trail was sealed last, and what was written since: rows that could be cut off unnoticed until the next seal."""

    sealed_at: datetime | None
    rows: int
    oldest: datetime | None

    def late(self, now: datetime) -> bool:
        """Return whether a row has waited for its seal longer than any should."""
        return self.oldest is not None and now - self.oldest > LATEST_SEAL

    def told(self, now: datetime) -> Text:
        """Return in words how far the seal is behind."""
        if self.oldest is None:
            return Text("全部行已封存", "every row is sealed")
        minutes = max(0, int((now - self.oldest).total_seconds() // 60))
        last = f"{self.sealed_at:%Y-%m-%d %H:%M:%S} UTC" if self.sealed_at else "—"
        return Text(
            f"上次封存 {last}；此后 {self.rows:,} 行未封存，最早一行已等 {minutes:,} 分钟",
            f"sealed last at {last}; {self.rows:,} rows are not sealed yet, the oldest for {minutes:,} minutes",
        )


def seal_age(connection: Connection) -> SealAge:
    """Return how far the seal is behind the trail; the auditor's connection alone sees seals."""
    row = connection.execute(_OPEN).one()
    return SealAge(row.sealed_at, row.rows, row.oldest)


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


def last_check(connection: Connection) -> TrailCheck | None:
    """Return the newest verification, or None before the first."""
    row = connection.execute(_LAST).first()
    return None if row is None else TrailCheck(row.checked_at, row.rows, row.seals, tuple(row.findings))


def check_due(store: Store) -> AuditReport | None:
    """Verify when the last verification is older than a day: what a serving process calls now and then."""
    with store.begin(SEALER) as connection:
        last = last_check(connection)
    if last is not None and store.clock.now() - last.at < EVERY:
        return None
    return check_audit(store)
