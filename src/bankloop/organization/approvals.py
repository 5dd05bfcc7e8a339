"""Four eyes: one person submits an object as its digest says it is, another approves; an edit voids both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from bankloop.kit import uuid7
from bankloop.organization import errors
from bankloop.organization.contracts import Approval, ApprovalState
from bankloop.organization.principals import CHECKER, MAKER
from bankloop.organization.tables import approval as table
from bankloop.store import now_of, principal_of, record_audit, verb

_LIVE = (ApprovalState.SUBMITTED, ApprovalState.APPROVED)


@verb("approval.submit")
def submit_approval(connection: Connection, kind: str, object_id: str, digest: str, maker: str | None = None) -> UUID:
    """Ask for approval of an object as ``digest`` and return the request's id; the same digest is asked for once.

    The acting principal is the maker (``maker`` only states it) and needs that role. Requests and approvals of any
    other digest become void.
    """
    person = _acting(connection, MAKER, maker)
    _take_turns(connection, kind, object_id)
    latest = approval_of(connection, kind, object_id)
    if latest is not None and latest.digest == digest and latest.state in _LIVE:
        return latest.approval_id
    _void(connection, kind, object_id)
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        table.insert().values(
            approval_id=made,
            kind=kind,
            object_id=object_id,
            digest=digest,
            maker=person,
            state=ApprovalState.SUBMITTED,
            reason="",
            submitted_at=now,
        )
    )
    record_audit(connection, "approval.submit", kind, object_id, None, {"approval": made, "digest": digest})
    return made


@verb("approval.approve")
def approve(connection: Connection, approval_id: UUID, checker: str | None = None, reason: str = "") -> Approval:
    """Approve an open request as a second person; doing it twice is doing it once.

    Raises ``DeniedError`` for the maker and for who lacks the role, ``ConflictError`` when it is no longer open.
    """
    person = _acting(connection, CHECKER, checker)
    found = _locked(connection, approval_id)
    if found.maker == person:
        raise errors.same_person(person)
    if found.state is ApprovalState.APPROVED and found.checker == person:
        return found
    return _decide(connection, found, ApprovalState.APPROVED, person, reason)


@verb("approval.reject")
def reject(connection: Connection, approval_id: UUID, reason: str, checker: str | None = None) -> Approval:
    """Send an open request back to its maker with a reason."""
    person = _acting(connection, CHECKER, checker)
    found = _locked(connection, approval_id)
    if found.maker == person:
        raise errors.same_person(person)
    return _decide(connection, found, ApprovalState.REJECTED, person, reason)


@verb("approval.recall")
def recall(connection: Connection, approval_id: UUID, reason: str = "") -> Approval:
    """Take an open request back, as its maker."""
    person = principal_of(connection).id
    found = _locked(connection, approval_id)
    if found.maker != person:
        raise errors.not_yours(person, found.maker)
    return _decide(connection, found, ApprovalState.RECALLED, None, reason)


@verb("approval.void")
def void_approvals(connection: Connection, kind: str, object_id: str, digest: str) -> int:
    """Void what was asked or approved for another digest than this one: called where an object is edited."""
    _take_turns(connection, kind, object_id)
    return _void(connection, kind, object_id, digest)


def approval_of(connection: Connection, kind: str, object_id: str) -> Approval | None:
    """Return the latest request about an object."""
    found = approvals(connection, kind, object_id)
    return found[0] if found else None


def approvals(connection: Connection, kind: str | None = None, object_id: str | None = None) -> list[Approval]:
    """Return the requests, of a kind or an object where given, the latest first."""
    query = select(table).order_by(table.c.submitted_at.desc(), table.c.approval_id.desc())
    if kind is not None:
        query = query.where(table.c.kind == kind)
    if object_id is not None:
        query = query.where(table.c.object_id == object_id)
    return [_approval(row) for row in connection.execute(query).mappings()]


def is_approved(connection: Connection, kind: str, object_id: str, digest: str) -> bool:
    """Return whether exactly this digest of an object is approved now."""
    latest = approval_of(connection, kind, object_id)
    return latest is not None and latest.digest == digest and latest.state is ApprovalState.APPROVED


def _acting(connection: Connection, role: str, stated: str | None) -> str:
    principal = principal_of(connection)
    if stated is not None and stated != principal.id:
        raise errors.not_yours(principal.id, stated)
    if role not in principal.roles:
        raise errors.lacks_role(principal.id, role)
    return principal.id


def _take_turns(connection: Connection, kind: str, object_id: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"approval:{kind}:{object_id}"})


def _locked(connection: Connection, approval_id: UUID) -> Approval:
    row = (
        connection.execute(select(table).where(table.c.approval_id == approval_id).with_for_update()).mappings().first()
    )
    if row is None:
        raise errors.no_such("approval", str(approval_id))
    return _approval(row)


def _decide(connection: Connection, found: Approval, state: ApprovalState, person: str | None, reason: str) -> Approval:
    if found.state is not ApprovalState.SUBMITTED:
        raise errors.not_open(str(found.approval_id), found.state)
    connection.execute(
        update(table)
        .where(table.c.approval_id == found.approval_id)
        .values(state=state, checker=person, reason=reason, decided_at=now_of(connection))
    )
    names = {
        ApprovalState.APPROVED: "approval.approve",
        ApprovalState.REJECTED: "approval.reject",
        ApprovalState.RECALLED: "approval.recall",
    }
    after = {"state": state, "digest": found.digest, "approval": found.approval_id}
    record_audit(connection, names[state], found.kind, found.object_id, {"state": found.state}, after, reason)
    return _locked(connection, found.approval_id)


def _void(connection: Connection, kind: str, object_id: str, keep: str | None = None) -> int:
    live = (table.c.kind == kind, table.c.object_id == object_id, table.c.state.in_(_LIVE))
    changed = (table.c.digest != keep,) if keep is not None else ()
    done = connection.execute(
        update(table).where(*live, *changed).values(state=ApprovalState.VOID, decided_at=now_of(connection))
    )
    if done.rowcount:
        record_audit(connection, "approval.void", kind, object_id, None, {"voided": done.rowcount, "digest": keep})
    return done.rowcount


def _approval(row: Any) -> Approval:
    return Approval(**{**row, "state": ApprovalState(row["state"])})
