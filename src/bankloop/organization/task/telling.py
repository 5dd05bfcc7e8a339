"""What people do by hand as events of the customer: read by funnels, seen where it touches a control.

An event's number comes from the note that it tells of, so that a note sent twice is one event. A bot's call is an event of
its own kind: it answers nothing and stops nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.clock import local_day
from bankloop.organization.task.contracts import OutcomeSpec, Task
from bankloop.store.database import bank_wide, now_of

SOURCE = "task"
REACHED, MISSED, DONE, BOT = "call_connected", "call_missed", "task_done", "bot_connected"
_CALL = "rm_call"
_POSITIVE = (1 << 63) - 1
# One note makes at most two events: that somebody was spoken to, and that the task is done.
_DONE_BIT = 1


def channel_of(task: Task) -> str:
    """Return what a task is worked over: what its action names, else a call."""
    return task.action.rpartition("|")[2] or _CALL


def tell(
    connection: Connection,
    task: Task,
    note: UUID,
    spec: OutcomeSpec,
    at: datetime,
    zone: str,
    *,
    ends: bool,
    human: bool,
) -> None:
    """Append what a logged contact says of the customer."""
    import pyarrow as pa

    from bankloop.store.history import append_events

    number = (note.int & _POSITIVE) & ~_DONE_BIT
    spoke = (BOT if spec.reached else MISSED) if not human else REACHED if spec.reached else MISSED
    events = [(number, spoke), *([(number | _DONE_BIT, DONE)] if ends and human else [])]
    channel = channel_of(task)
    rows = [
        {
            "source": SOURCE, "event_id": event, "customer_no": task.customer_no, "unit_id": task.unit_id, "type": kind,
            "occurred_on": local_day(at, zone), "occurred_at": at, "recorded_at": now_of(connection), "channel": channel,
            "scene": task.campaign, "properties": json.dumps({"task": str(task.task_id), "outcome": spec.code}),
        }
        for event, kind in events
    ]  # fmt: skip
    with bank_wide(connection):
        append_events(connection, pa.Table.from_pylist(rows))
