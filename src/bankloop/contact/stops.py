"""Contacts that were reserved and will not be made: kept with the reason; what they would have given is free."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.benefit.grants import return_unused
from bankloop.store.copying import copy_in


def stop_contacts(connection: Connection, decision_ids: Sequence[str], reason: str) -> int:
    """Say that reserved contacts will not be made, and why; return how many were not stopped before.

    A benefit that was set aside for one goes back to its budget and stock.
    """
    if not decision_ids:
        return 0
    name = copy_in(connection, pa.table({"id": pa.array(sorted(set(decision_ids)), pa.string())}))
    stopped = connection.scalars(
        text(
            "INSERT INTO contact_stop (decision_id, customer_no, unit_id, campaign, reason) "
            f"SELECT c.decision_id, c.customer_no, c.unit_id, c.campaign, :reason FROM contact c JOIN {name} i "
            "ON c.decision_id = i.id::uuid ON CONFLICT DO NOTHING RETURNING decision_id::text"
        ),
        {"reason": reason},
    ).all()
    return_unused(connection, stopped, reason)
    return len(stopped)
