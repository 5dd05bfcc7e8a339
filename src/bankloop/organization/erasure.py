"""Erasing a customer's personal data (个人信息清除): asked for, seen by compliance, approved by two, then done by the program.

The customer's data key and identifiers go; the trail keeps what happened, and its chain holds without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.ids import digest
from bankloop.organization import errors
from bankloop.organization.approval import approval_of, close_request, hold_in_force, start_request, submit_approval
from bankloop.store.audit import holds_on, record_audit
from bankloop.store.vault import erase_sealed
from bankloop.store.verbs import verb

KIND = "erasure"


def ask_erasure(connection: Connection, customer_no: str, reason: str) -> UUID:
    """Ask that a customer's personal data be erased, and return the request; the reason is the customer's own wish or a term."""
    if not reason.strip():
        raise errors.needs_reason()
    what = {"customer": customer_no, "reason": reason}
    found: UUID = submit_approval(connection, KIND, customer_no, digest(what), content=what, reason=reason)
    return found


@verb("erasure.run")
def erase_customer(
    connection: Connection, customer_no: str, *, sealed: bool = True, detail: Mapping[str, object] | None = None
) -> Mapping[str, int]:
    """Erase what was approved to be erased, once, and return what went.

    Without ``sealed`` the identifiers stay, as a term of retention asks; ``detail`` says so in the trail. Raises ``ConflictError`` without an approval in force, and while a legal hold keeps the customer.
    """
    for hold in holds_on(connection, "customer", customer_no):
        raise errors.on_hold(customer_no, str(hold.hold_id))
    request = approval_of(connection, KIND, customer_no)
    held = hold_in_force(connection, KIND, customer_no, request.digest if request else "")
    start_request(connection, held.approval_id, "erasure.run")
    gone = erase_sealed(connection, customer_no) if sealed else {}
    after = {**gone, **({"retention": detail} if detail else {})}
    record_audit(connection, "erasure.run", "customer", customer_no, None, after, held.reason, class_="security")
    close_request(connection, held.approval_id, "", "erasure.run")
    return gone
