"""What becomes of an approval once given: scheduled, started, paused, closed; expired; killed by compliance at any time.

``hold_in_force`` is asked in the very transaction that acts on an approval: a kill then waits for it, or is seen.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select, update

from bankloop.kit.clock import local_day
from bankloop.organization import errors
from bankloop.organization.approval.contracts import GRANTED, LIVE, OPEN, Approval, ApprovalState
from bankloop.organization.approval.repository import approval_of, locked, shared
from bankloop.organization.approval.service import move
from bankloop.organization.approval.tables import approval as table
from bankloop.organization.tables import staff_task
from bankloop.organization.task.contracts import TaskState
from bankloop.organization.task.rules import OPEN as OPEN_TASKS
from bankloop.store.database import now_of
from bankloop.store.outbox import hold_outbox, release_outbox
from bankloop.store.verbs import verb


def is_approved(connection: Connection, kind: str, object_id: str, digest: str, zone: str = "UTC") -> bool:
    """Return whether exactly this digest of an object is approved and in force now."""
    latest = approval_of(connection, kind, object_id)
    return latest is not None and latest.digest == digest and in_force(connection, latest, zone)


def in_force(connection: Connection, found: Approval, zone: str = "UTC") -> bool:
    """Return whether a request is granted, not expired, and not scheduled for a later day of ``zone``."""
    if found.state not in GRANTED or (found.expires_at is not None and found.expires_at <= now_of(connection)):
        return False
    return (
        found.state is not ApprovalState.SCHEDULED
        or found.starts_on is None
        or (found.starts_on <= local_day(now_of(connection), zone))
    )


def was_granted(connection: Connection, kind: str, object_id: str, digest: str) -> bool:
    """Return whether this digest was ever approved."""
    query = select(table.c.approval_id).where(
        table.c.kind == kind,
        table.c.object_id == object_id,
        table.c.digest == digest,
        table.c.decided_at.is_not(None),
        table.c.checker.is_not(None),
    )
    return connection.execute(query.limit(1)).first() is not None


def hold_in_force(connection: Connection, kind: str, object_id: str, digest: str, zone: str = "UTC") -> Approval:
    """Return the approval under which something is done now, held until this transaction ends.

    Raises ``ConflictError`` when it is not in force: not approved, voided by an edit, paused, killed or expired.
    """
    found = shared(connection, kind, object_id)
    if found is None or found.digest != digest or not in_force(connection, found, zone):
        raise errors.not_in_force(kind, object_id, found.state if found else ApprovalState.DRAFT)
    return found


def schedule_request(connection: Connection, approval_id: UUID, starts_on: date, name: str) -> Approval:
    """Set the day from which an approved request may run."""
    found = _in(connection, approval_id, (ApprovalState.APPROVED, ApprovalState.SCHEDULED))
    return move(connection, found, ApprovalState.SCHEDULED, name, starts_on.isoformat(), starts_on=starts_on)


def start_request(connection: Connection, approval_id: UUID, name: str, zone: str = "UTC") -> Approval:
    """Say that what was approved runs; saying it again changes nothing. An emergency still ends with its hours."""
    found = locked(connection, approval_id)
    if not in_force(connection, found, zone):
        raise errors.not_in_force(found.kind, found.object_id, found.state)
    if found.state is ApprovalState.RUNNING:
        return found
    until = found.expires_at if found.emergency else None
    return move(connection, found, ApprovalState.RUNNING, name, expires_at=until)


def pause_request(connection: Connection, approval_id: UUID, reason: str, name: str) -> Approval:
    """Stop for a while what runs or may run; what is queued waits."""
    found = _in(connection, approval_id, GRANTED)
    hold_outbox(connection, found.object_id, str(approval_id))
    return move(connection, found, ApprovalState.PAUSED, name, reason)


def resume_request(connection: Connection, approval_id: UUID, reason: str, name: str) -> Approval:
    """Let what was paused go on."""
    found = _in(connection, approval_id, (ApprovalState.PAUSED,))
    release_outbox(connection, str(approval_id))
    return move(connection, found, ApprovalState.RUNNING, name, reason)


def close_request(connection: Connection, approval_id: UUID, reason: str, name: str) -> Approval:
    """End what ran: nothing more happens under this approval."""
    found = _in(connection, approval_id, (*GRANTED, ApprovalState.PAUSED))
    return move(connection, found, ApprovalState.CLOSED, name, reason, decided_at=now_of(connection))


@verb("approval.kill")
def kill(connection: Connection, approval_id: UUID, reason: str) -> Approval:
    """Stop a request in any live state, for good: what is queued does not go out, nothing more runs under it."""
    if not reason.strip():
        raise errors.needs_opinion()
    found = _in(connection, approval_id, (*LIVE, ApprovalState.DRAFT))
    _stop(connection, found, reason)
    return move(connection, found, ApprovalState.KILLED, "approval.kill", reason, decided_at=now_of(connection))


@verb("approval.expire")
def expire_approvals(connection: Connection) -> int:
    """Close what nobody decided or started in time, and return how many; a running emergency stops with its hours."""
    query = select(table.c.approval_id).where(
        table.c.state.in_((*OPEN, *GRANTED)), table.c.expires_at <= now_of(connection)
    )
    due = list(connection.scalars(query))
    for approval_id in due:
        found = locked(connection, approval_id)
        _stop(connection, found, "expired")
        move(connection, found, ApprovalState.EXPIRED, "approval.expire", "", decided_at=now_of(connection))
    return len(due)


def _stop(connection: Connection, found: Approval, reason: str) -> None:
    """Hold what is queued of a campaign, and take its open tasks from the staff."""
    if found.kind != "campaign":
        return
    hold_outbox(connection, found.object_id, str(found.approval_id))
    open_tasks = (
        staff_task.c.campaign == found.object_id,
        staff_task.c.state.in_(OPEN_TASKS),
    )
    ended = {"state": TaskState.EXPIRED, "state_reason": reason, "updated_at": now_of(connection)}
    connection.execute(update(staff_task).where(*open_tasks).values(**ended))


def _in(connection: Connection, approval_id: UUID, states: tuple[ApprovalState, ...]) -> Approval:
    found = locked(connection, approval_id)
    if found.state not in states:
        raise errors.not_open(str(approval_id), found.state)
    return found
