"""Tasks that are called off: about who may no longer be contacted, and of a campaign that was stopped.

What such a task was made for is undone by the rooms above, in the same transaction: they are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, update

from bankloop.organization.tables import staff_task as table
from bankloop.organization.task.contracts import TaskKind, TaskState
from bankloop.organization.task.rules import MARKETING, OPEN
from bankloop.store.database import bank_wide, now_of

# Who is told of the decisions whose tasks were called off, and why.
Told = Callable[[Connection, Sequence[str], str], object]
_TOLD: list[Told] = []


def when_called_off(told: Told) -> None:
    """Take what is to be done about the decisions whose tasks are called off; there is one such thing."""
    _TOLD[:] = [told]


def call_off_tasks(connection: Connection, customers: Sequence[str], reason: str) -> int:
    """Close the open marketing tasks about customers who may no longer be contacted and return how many.

    Service goes on: care, alerts, referrals and support are no marketing. The caller's verb records it.
    """
    which = (table.c.customer_no.in_(list(customers)), table.c.kind.in_(MARKETING))
    return _called_off(connection, TaskState.EXPIRED, reason, *which)


def call_off_campaign(connection: Connection, campaign: str, reason: str) -> int:
    """Take back the open tasks of a campaign that was stopped and return how many; what a customer asked for goes on.

    Who stops a campaign need see none of its customers. The caller's verb records it.
    """
    which = (table.c.campaign == campaign, table.c.kind == TaskKind.CAMPAIGN)
    with bank_wide(connection):
        return _called_off(connection, TaskState.RECALLED, reason, *which)


def _called_off(connection: Connection, state: TaskState, reason: str, *which: ColumnElement[bool]) -> int:
    ended = {"state": state, "state_reason": reason, "updated_at": now_of(connection)}
    query = update(table).where(table.c.state.in_(OPEN), *which).values(**ended).returning(table.c.task_id)
    gone = [str(one) for one in connection.scalars(query)]
    for told in _TOLD if gone else ():
        told(connection, gone, reason)
    return len(gone)
