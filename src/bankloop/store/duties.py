"""What is done at its times, whichever process does it: a row a duty says when it was due, by whom done, how it ended.

A claim is one statement, so that of all clocks on one bank one does what is due; a duty under way is not begun again
beside itself, and one whose process died is done by the next to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from bankloop.store.database import now_of

LEASE = timedelta(minutes=3)
# A duty that failed is due again so much later, at the same due time: the report of a morning is not left out.
RETRY = timedelta(minutes=1)
_CLAIM = text(
    "INSERT INTO duty AS d (name, due_at, worker, held_until, began_at) VALUES (:name, :due, :worker, :until, :now) "
    "ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, worker = excluded.worker, "
    "held_until = excluded.held_until, began_at = excluded.began_at, ended_at = NULL "
    "WHERE d.due_at <= excluded.due_at AND CASE WHEN d.ended_at IS NULL THEN d.held_until <= :now "
    "ELSE d.due_at < excluded.due_at END RETURNING mark"
)
_MINE = "WHERE name = :name AND due_at = :due AND worker = :worker AND ended_at IS NULL"
_RENEW = text(f"UPDATE duty SET held_until = :until {_MINE}")
_END = text(f"UPDATE duty SET ended_at = :now, mark = :mark, error = NULL {_MINE}")
_FAIL = text(f"UPDATE duty SET held_until = :until, error = :error {_MINE}")
_FAILED = text("SELECT name, due_at, error FROM duty WHERE error IS NOT NULL ORDER BY name")
_LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class DutyClaim:
    """A duty in the hands of one worker for one due time, with what its last run left as its mark."""

    name: str
    due_at: datetime
    worker: str
    mark: str


@dataclass(frozen=True, slots=True)
class FailedDuty:
    """A duty whose last run failed, and why."""

    name: str
    due_at: datetime
    error: str


def claim_duty(connection: Connection, name: str, due_at: datetime, worker: str) -> DutyClaim | None:
    """Claim a duty for a due time; None where it was done for it, is under way, or was due later already."""
    now = now_of(connection)
    values = {"name": name, "due": due_at, "worker": worker, "until": now + LEASE, "now": now}
    mark = connection.scalar(_CLAIM, values)
    return None if mark is None else DutyClaim(name, due_at, worker, mark)


def renew_duty(connection: Connection, claim: DutyClaim) -> bool:
    """Hold a claimed duty longer; return whether it still is the worker's."""
    return connection.execute(_RENEW, {**_of(claim), "until": now_of(connection) + LEASE}).rowcount == 1


def end_duty(connection: Connection, claim: DutyClaim, mark: str) -> None:
    """Say that a claimed duty is done, and what its next run is to know."""
    connection.execute(_END, {**_of(claim), "mark": mark, "now": now_of(connection)})


def fail_duty(connection: Connection, claim: DutyClaim, error: str) -> None:
    """Keep why a claimed duty failed; it is due again after ``RETRY``."""
    until = now_of(connection) + RETRY
    connection.execute(_FAIL, {**_of(claim), "until": until, "error": error[:_LONGEST_ERROR]})


def failed_duties(connection: Connection) -> list[FailedDuty]:
    """Return the duties whose last run failed."""
    return [FailedDuty(*row) for row in connection.execute(_FAILED)]


def _of(claim: DutyClaim) -> dict[str, object]:
    return {"name": claim.name, "due": claim.due_at, "worker": claim.worker}
