"""Clocks of tasks: escalation as working time runs out, and how people did what was instructed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, text

from bankloop.kit import WorkTime
from bankloop.organization.tables import staff_task as table
from bankloop.organization.task.contracts import Performance, TaskState
from bankloop.organization.task.rules import ESCALATED_TO, OPEN, level_at
from bankloop.store import bank_wide, now_of, record_audit, verb

_OPEN = ", ".join(f"'{state}'" for state in OPEN)
# Tasks of one day share their clock: a bank has few distinct ones, however many tasks.
_CLOCKS = text(
    f"SELECT DISTINCT start_at, due_at, escalated FROM staff_task WHERE state IN ({_OPEN}) AND escalated < 3 "
    "AND start_at <= :now AND due_at IS NOT NULL"
)
_RAISE = text(
    f"WITH raised AS (UPDATE staff_task SET escalated = :level, updated_at = :now WHERE state IN ({_OPEN}) "
    "AND start_at = :start AND due_at = :due AND escalated = :before RETURNING task_id) "
    "INSERT INTO task_event (event_id, task_id, act, person, human, note, happened_at) "
    "SELECT gen_random_uuid(), task_id, 'escalated', :person, false, :words, :now FROM raised"
)


@verb("task.escalate")
def escalate_tasks(connection: Connection, hours: WorkTime | None = None) -> dict[int, int]:
    """Escalate open tasks whose working time runs out, each level once, and return how many were raised to each level.

    Half of the time reminds the manager, all of it tells the head of the sub-branch, half as much again the branch.
    """
    clock, now = hours or WorkTime(), now_of(connection)
    raised: dict[int, int] = {}
    with bank_wide(connection):
        for start, due, before in connection.execute(_CLOCKS, {"now": now}).all():
            level = level_at(clock.elapsed(start, now), clock.elapsed(start, due))
            if level <= before:
                continue
            values = {
                "level": level, "before": before, "start": start, "due": due, "now": now,
                "person": "system:clock", "words": ESCALATED_TO[level - 1].zh,
            }  # fmt: skip
            raised[level] = raised.get(level, 0) + connection.execute(_RAISE, values).rowcount
    if raised:
        after = {str(level): count for level, count in sorted(raised.items())}
        record_audit(connection, "task.escalate", "task", now.isoformat(), None, after)
    return raised


def performance(
    connection: Connection,
    since: date,
    until: date,
    *,
    by: str = "staff_id",
    units: Sequence[str] | None = None,
    staff: str | None = None,
    hours: WorkTime | None = None,
) -> list[Performance]:
    """Return by person (``staff_id``) or unit (``unit_id``) how tasks due from ``since`` to ``until`` were done.

    On time is done by its due moment; recalled and rejected tasks were not instructed. Response is the working time
    from a task's start to the first human answer.
    """
    t = table.c
    who = t[by]
    query = select(who, t.state, t.start_at, t.due_at, t.responded_at, t.done_at).where(
        t.due_on.between(since, until),
        t.state.not_in((TaskState.RECALLED, TaskState.REJECTED)),
        who.is_not(None),
    )
    if staff is not None:
        query = query.where(t.staff_id == staff)
    if units is not None:
        query = query.where(t.unit_id.in_(list(units)))
    rows: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        rows.setdefault(row[0], []).append(row)
    now, clock = now_of(connection), hours or WorkTime()
    return [_performance(name, found, now, clock) for name, found in sorted(rows.items())]


def _performance(who: str, rows: Sequence[Any], now: Any, clock: WorkTime) -> Performance:
    done = [row for row in rows if row.state == TaskState.DONE]
    late = [row for row in rows if row.state in OPEN and row.due_at is not None and row.due_at < now]
    spans = sorted(_responses(rows, clock))
    return Performance(
        who=who,
        instructed=len(rows),
        on_time=sum(row.due_at is None or (row.done_at is not None and row.done_at <= row.due_at) for row in done),
        done=len(done),
        overdue=len(late) + sum(row.state == TaskState.EXPIRED for row in rows),
        open=sum(row.state in OPEN for row in rows),
        response_median=_quantile(spans, 0.5),
        response_p95=_quantile(spans, 0.95),
    )


def _responses(rows: Iterable[Any], clock: WorkTime) -> Iterable[timedelta]:
    for row in rows:
        if row.responded_at is not None and row.start_at is not None:
            yield clock.elapsed(row.start_at, row.responded_at)


def _quantile(spans: Sequence[timedelta], share: float) -> timedelta | None:
    if not spans:
        return None
    return timedelta(seconds=float(np.quantile([span.total_seconds() for span in spans], share)))
