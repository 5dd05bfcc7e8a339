"""What other rooms ask of tasks: who has how many, who is met through one, which lie ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.organization.task.rules import MARKETING, OPEN

_OVER = "('DONE', 'REJECTED', 'RECALLED', 'EXPIRED')"
_QUEUES = text(
    f"SELECT staff_id, count(*) FILTER (WHERE state NOT IN {_OVER}), "
    f"count(*) FILTER (WHERE state NOT IN {_OVER} AND due_at < bankloop_now()), count(*) FILTER (WHERE state = 'DONE') "
    "FROM staff_task WHERE campaign = :campaign AND staff_id IS NOT NULL GROUP BY 1 ORDER BY 1"
)
_MET = text(
    "SELECT true FROM staff_task WHERE customer_no = ANY (:numbers) "
    "AND state IN ('ASSIGNED', 'ACCEPTED', 'IN_PROGRESS', 'DONE') LIMIT 1"
)
_RECALLED = text("SELECT task_id::text FROM staff_task WHERE list_id = :list AND state = 'RECALLED'")
_AHEAD = text(
    "SELECT coalesce(staff_id, unit_id) AS hands, due_on, count(*) AS n FROM staff_task WHERE kind IN "
    "('campaign', 'list') "
    "AND state NOT IN ('REJECTED', 'RECALLED', 'EXPIRED') AND due_on BETWEEN :first AND :last "
    "AND (staff_id = ANY (:hands) OR (staff_id IS NULL AND unit_id = ANY (:hands))) GROUP BY 1, 2"
)


def marketing_tasks_ahead(
    connection: Connection, hands: Sequence[str], first: date, last: date
) -> dict[tuple[str, date], int]:
    """Return by person (or unit where nobody has them) and day how many tasks of campaigns and lists there are."""
    found = connection.execute(_AHEAD, {"hands": list(hands), "first": first, "last": last})
    return {(row.hands, row.due_on): row.n for row in found}


def queues_of(connection: Connection, campaign: str) -> list[tuple[str, int, int, int]]:
    """Return by person how many tasks of a campaign are open, of them overdue, and done, as far as who acts sees them."""
    return [tuple(row) for row in connection.execute(_QUEUES, {"campaign": campaign})]


def met_by_task(connection: Connection, numbers: Sequence[str]) -> bool:
    """Return whether who acts meets the person of these numbers through a task."""
    return bool(connection.scalar(_MET, {"numbers": list(numbers)}))


def recalled_tasks(connection: Connection, list_id: UUID) -> list[str]:
    """Return the tasks of a list that were taken back."""
    return list(connection.scalars(_RECALLED, {"list": list_id}))


def marketing_task_open(number: str) -> str:
    """Return the condition that a marketing task about ``number``, a piece of SQL, is open."""
    kinds, states = (", ".join(f"'{one}'" for one in names) for names in (MARKETING, sorted(OPEN)))
    return f"EXISTS (SELECT FROM staff_task t WHERE t.customer_no = {number} AND t.kind IN ({kinds}) AND t.state IN ({states}))"
