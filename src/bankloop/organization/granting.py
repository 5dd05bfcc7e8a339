"""Roles granted and books passed on by approval: asked for by one, consented to by another, then in force.

Both are requests like any other (经办-复核-审批): sent back, recalled, void or too late, what was asked for ends with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.organization import errors
from bankloop.organization.approval import (
    Approval,
    Demand,
    Effects,
    approval_of,
    approve,
    have_effect,
    recall,
    reject,
    submit_approval,
    void_approvals,
)
from bankloop.organization.people import Transfer, end_transfer, keep_transfer, pass_book, transfer_of
from bankloop.organization.rights import Grant, GrantState, end_grant, grant_of, keep_grant, open_grant, refuse_grant
from bankloop.store.contracts import EVERY_LINE
from bankloop.store.verbs import verb

_GRANT, _TRANSFER = "grant", "transfer"


@verb("grant.submit")
def ask_grant(
    connection: Connection,
    person_id: str,
    role: str,
    reason: str,
    *,
    units: Sequence[str] = (),
    lines: Sequence[str] = (EVERY_LINE,),
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Grant:
    """Ask that a role be given to a person; a second security administrator approves it.

    ``units`` are roots of subtrees; none means the unit of the person's post, wherever that moves. Raises
    ``DeniedError`` where the three administrators would be combined, or for oneself.
    """
    made = keep_grant(connection, person_id, role, reason, tuple(units), tuple(lines), valid_from, valid_to)
    what = made.plain()
    demand = Demand(parties=(person_id,))
    submit_approval(
        connection, _GRANT, str(made.grant_id), digest(what), demand=demand, effect=_given(made), content=what, reason=reason
    )  # fmt: skip
    return made


def approve_grant(connection: Connection, grant_id: UUID, reason: str = "") -> Grant:
    """Give the role that was asked for, as another person than who asked and who receives; twice is once."""
    approve(connection, _request(connection, _GRANT, grant_id).approval_id, reason=reason)
    return grant_of(connection, grant_id)


def reject_grant(connection: Connection, grant_id: UUID, reason: str) -> Grant:
    """Refuse what was asked for, with a reason."""
    reject(connection, _request(connection, _GRANT, grant_id).approval_id, reason)
    return grant_of(connection, grant_id)


@verb("grant.revoke")
def revoke_grant(connection: Connection, grant_id: UUID, reason: str) -> Grant:
    """End a grant now, or what is asked for: the next request of the person is refused."""
    before = grant_of(connection, grant_id)
    ended = end_grant(connection, grant_id, reason)
    if before.state is GrantState.REQUESTED:
        void_approvals(connection, _GRANT, str(grant_id), "")
    return ended


@verb("transfer.submit")
def submit_transfer(
    connection: Connection,
    from_staff: str,
    to_staff: str,
    reason: str,
    *,
    customers: Sequence[str] = (),
    line: str = "retail",
    effective_at: datetime | None = None,
) -> Transfer:
    """Ask that a book, or named customers of it, pass to another manager from a moment on; nothing moves yet."""
    made, size = keep_transfer(connection, from_staff, to_staff, reason, tuple(customers), line, effective_at)
    what = {
        "from": from_staff,
        "to": to_staff,
        "line": line,
        "customers": list(made.customers) or "*",
        "at": made.effective_at.isoformat(),
    }
    demand = Demand(customers=size, unit_id=made.unit_id, parties=(from_staff, to_staff))
    submit_approval(
        connection, _TRANSFER, str(made.transfer_id), digest(what), demand=demand, effect=_passed(size), content=what, reason=reason
    )  # fmt: skip
    return made


def approve_transfer(connection: Connection, transfer_id: UUID, reason: str = "") -> Transfer:
    """Let a transfer take effect, once, as a person who neither made it nor is a party, and answers for both units."""
    approve(connection, _request(connection, _TRANSFER, transfer_id).approval_id, reason=reason)
    return transfer_of(connection, transfer_id)


def reject_transfer(connection: Connection, transfer_id: UUID, reason: str) -> Transfer:
    """Refuse a transfer, with a reason."""
    reject(connection, _request(connection, _TRANSFER, transfer_id).approval_id, reason)
    return transfer_of(connection, transfer_id)


def recall_transfer(connection: Connection, transfer_id: UUID, reason: str = "") -> Transfer:
    """Take a transfer back, as its maker."""
    recall(connection, _request(connection, _TRANSFER, transfer_id).approval_id, reason)
    return transfer_of(connection, transfer_id)


def _request(connection: Connection, kind: str, made: UUID) -> Approval:
    """Return the request about a grant or a transfer that the principal may see."""
    found = approval_of(connection, kind, str(made))
    if found is None:
        raise errors.no_such(kind, str(made))
    return found


def _given(made: Grant) -> dict[str, dict[str, str]]:
    units = ", ".join(made.units) or "—"
    return {
        "role": {"zh": "角色", "en": "Role", "value": made.role},
        "person": {"zh": "授予", "en": "Given to", "value": made.person_id},
        "units": {"zh": "机构（— 为随岗位）", "en": "Units (— follows the post)", "value": units},
    }


def _passed(size: int) -> dict[str, dict[str, str]]:
    return {"customers": {"zh": "划转客户数", "en": "Customers that pass", "value": f"{size:,}"}}


have_effect(
    _GRANT,
    Effects(
        Text("角色随即生效", "the role holds at once"),
        lambda connection, found: open_grant(connection, UUID(found.object_id), found.reason),
        lambda connection, found: refuse_grant(connection, UUID(found.object_id), found.reason),
    ),
)
have_effect(
    _TRANSFER,
    Effects(
        Text(
            "客户到约定的时刻归新的客户经理", "the customers are the new manager's from the moment that was asked for"
        ),
        lambda connection, found: pass_book(connection, UUID(found.object_id), found.reason),
        lambda connection, found: end_transfer(connection, UUID(found.object_id), found.reason),
    ),
)
