"""Who was told of a fall, and how: the one contact that each holder has for it, and the task where a manager calls."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.care.maturity.contracts import Drawdown, Told
from bankloop.care.maturity.rules import DRAWDOWN
from bankloop.kit.ids import digest
from bankloop.store.copying import copy_in

_TOLD = """
SELECT n.customer_no, CASE WHEN c.accepted THEN c.channel ELSE '' END AS channel, t.task_id, coalesce(t.state, '') AS state,
    t.staff_id FROM {name} n LEFT JOIN contact c ON c.decision_id = CAST(n.decision_id AS uuid)
LEFT JOIN staff_task t ON t.task_id = CAST(n.decision_id AS uuid) ORDER BY n.customer_no
"""


def telling_id(fall: Drawdown, customer_no: str) -> str:
    """Return the id of the one contact that tells a holder of a fall, however often it is asked for."""
    return care_id([DRAWDOWN, fall.product_id, customer_no, fall.since.isoformat()])


def care_id(key: Sequence[object]) -> str:
    """Return the id of what a key asks for."""
    return str(UUID(digest(list(key))[:32]))


def told(connection: Connection, fall: Drawdown, holders: Sequence[str]) -> list[Told]:
    """Return by holder how they were told of a fall, in order of their numbers, as far as who acts sees it."""
    if not holders:
        return []
    ids = [telling_id(fall, number) for number in holders]
    name = copy_in(connection, pa.table({"customer_no": list(holders), "decision_id": ids}))
    return [Told(*row) for row in connection.execute(text(_TOLD.format(name=name)))]
