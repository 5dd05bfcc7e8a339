"""The only SQL of approvals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from bankloop.organization import errors
from bankloop.organization.approval.contracts import (
    OPEN,
    OVER,
    Act,
    Approval,
    ApprovalState,
    Attachment,
    Lane,
    Stage,
    Term,
)
from bankloop.organization.approval.tables import act as act_table
from bankloop.organization.approval.tables import approval as table
from bankloop.organization.approval.tables import edit as edit_table
from bankloop.store.database import now_of, principal_of


def approval_of(connection: Connection, kind: str, object_id: str) -> Approval | None:
    """Return the latest request about an object."""
    found = approvals(connection, kind, object_id)
    return found[0] if found else None


def approval_by_id(connection: Connection, approval_id: UUID) -> Approval:
    """Return a request; raise ``NotFoundError`` when there is none that the principal may see."""
    row = connection.execute(select(table).where(table.c.approval_id == approval_id)).mappings().first()
    if row is None:
        raise errors.no_such("approval", str(approval_id))
    return _approval(row)


def approvals(connection: Connection, kind: str | None = None, object_id: str | None = None) -> list[Approval]:
    """Return the requests, of a kind or an object where given, the latest first."""
    query = select(table).order_by(table.c.submitted_at.desc(), table.c.approval_id.desc())
    if kind is not None:
        query = query.where(table.c.kind == kind)
    if object_id is not None:
        query = query.where(table.c.object_id == object_id)
    return [_approval(row) for row in connection.execute(query).mappings()]


def approvals_waiting(connection: Connection) -> list[Approval]:
    """Return the requests that wait for a consent, the oldest first."""
    query = select(table).where(table.c.state.in_(OPEN)).order_by(table.c.submitted_at, table.c.approval_id)
    return [_approval(row) for row in connection.execute(query).mappings()]


def terms_of(connection: Connection, kind: str) -> dict[UUID, Term]:
    """Return by request of a kind how long its approval was good; a request without its last consent is left out.

    The moment of the last consent is that of its act: a request that ends says its end where it said its consent.
    """
    query = (
        select(
            table.c.approval_id,
            table.c.state,
            table.c.decided_at,
            table.c.expires_at,
            func.max(act_table.c.recorded_at),
        )
        .join(act_table, act_table.c.approval_id == table.c.approval_id)
        .where(table.c.kind == kind, table.c.checker.is_not(None), act_table.c.act == "pass")
        .group_by(table.c.approval_id)
    )
    found = {}
    for approval_id, state, decided_at, expires_at, since in connection.execute(query):
        ends = [end for end in (decided_at if state in OVER else None, expires_at) if end is not None]
        found[approval_id] = Term(since, min(ends, default=None))
    return found


def acts_of(connection: Connection, approval_id: UUID) -> list[Act]:
    """Return what was done with a request, in order."""
    query = select(act_table).where(act_table.c.approval_id == approval_id).order_by(act_table.c.number)
    return [_act(row) for row in connection.execute(query).mappings()]


def editors_of(connection: Connection, kind: str, object_id: str) -> list[str]:
    """Return who edited an object since it was last approved."""
    granted = select(func.max(table.c.decided_at)).where(
        table.c.kind == kind, table.c.object_id == object_id, table.c.checker.is_not(None)
    )
    query = select(edit_table.c.person).where(
        edit_table.c.kind == kind,
        edit_table.c.object_id == object_id,
        edit_table.c.recorded_at > func.coalesce(granted.scalar_subquery(), text("'-infinity'::timestamptz")),
    )
    return list(connection.scalars(query))


def take_turns(connection: Connection, kind: str, object_id: str) -> None:
    """Let one transaction at a time change the requests of an object."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"approval:{kind}:{object_id}"})


def locked(connection: Connection, approval_id: UUID) -> Approval:
    """Return a request that stays as it is until this transaction ends."""
    query = select(table).where(table.c.approval_id == approval_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise errors.no_such("approval", str(approval_id))
    return _approval(row)


def shared(connection: Connection, kind: str, object_id: str) -> Approval | None:
    """Return the latest request about an object; nobody changes it until this transaction ends, others may look."""
    latest = approval_of(connection, kind, object_id)
    if latest is None:
        return None
    query = select(table).where(table.c.approval_id == latest.approval_id).with_for_update(read=True)
    return _approval(connection.execute(query).mappings().one())


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a request."""
    connection.execute(table.insert().values(**values))


def change(connection: Connection, approval_id: UUID, **values: Any) -> None:
    """Change a request's standing; what was submitted stays."""
    connection.execute(update(table).where(table.c.approval_id == approval_id).values(**values))


def add_act(
    connection: Connection,
    found: Approval,
    name: str,
    state: ApprovalState,
    comment: str = "",
    stage: Stage | None = None,
    attachments: Sequence[Attachment] = (),
) -> None:
    """Append what the principal did with a request."""
    acting = principal_of(connection)
    query = select(func.coalesce(func.max(act_table.c.number), 0)).where(act_table.c.approval_id == found.approval_id)
    connection.execute(
        act_table.insert().values(
            approval_id=found.approval_id,
            number=(connection.scalar(query) or 0) + 1,
            act=name,
            stage=stage,
            person=acting.id,
            acting_for=acting.acting_for or None,
            comment=comment,
            attachments=[{"name": one.name, "digest": one.digest} for one in attachments],
            digest=found.digest,
            state=state,
            unit_id=found.unit_id,
        )
    )


def note_editor(connection: Connection, kind: str, object_id: str, person: str) -> None:
    """Remember who edited an object."""
    now = now_of(connection)
    values = {"kind": kind, "object_id": object_id, "person": person, "recorded_at": now}
    add_or_renew = (
        insert(edit_table)
        .values(**values)
        .on_conflict_do_update(index_elements=["kind", "object_id", "person"], set_={"recorded_at": now})
    )
    connection.execute(add_or_renew)


def _approval(row: Mapping[Any, Any]) -> Approval:
    return Approval(
        **{
            **row,
            "state": ApprovalState(row["state"]),
            "lane": Lane(row["lane"]),
            "route": tuple(Stage(stage) for stage in row["route"]),
        }
    )


def _act(row: Mapping[Any, Any]) -> Act:
    return Act(
        number=row["number"],
        act=row["act"],
        stage=None if row["stage"] is None else Stage(row["stage"]),
        person=row["person"],
        acting_for=row["acting_for"],
        comment=row["comment"],
        attachments=tuple(Attachment(one["name"], one["digest"]) for one in row["attachments"]),
        state=ApprovalState(row["state"]),
        recorded_at=row["recorded_at"],
    )
