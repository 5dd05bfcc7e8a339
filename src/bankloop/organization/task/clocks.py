"""Clocks of tasks: escalation as working time runs out, and how people did what was instructed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, func, select, text

from bankloop.kit.later import later
from bankloop.kit.worktime import WorkTime
from bankloop.organization.tables import staff_task as table
from bankloop.organization.task.contracts import Performance, TaskState
from bankloop.organization.task.rules import DESK_ESCALATED_TO, ESCALATED_TO, OPEN, level_at
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of
from bankloop.store.verbs import verb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = later("numpy")

_OPEN = ", ".join(f"'{state}'" for state in OPEN)
# Tasks of one day share their clock: a bank has few distinct ones, however many tasks.
_CLOCKS = text(
    f"SELECT DISTINCT start_at, due_at, escalated, kind = 'support' AS desk FROM staff_task WHERE state IN ({_OPEN}) AND escalated < 3 "
    "AND start_at <= :now AND due_at IS NOT NULL"
)
_RAISE = text(
    f"WITH raised AS (UPDATE staff_task SET escalated = :level, updated_at = :now WHERE state IN ({_OPEN}) "
    "AND start_at = :start AND due_at = :due AND escalated = :before AND (kind = 'support') = :desk RETURNING task_id) "
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
        for start, due, before, desk in connection.execute(_CLOCKS, {"now": now}).all():
            level = level_at(clock.elapsed(start, now), clock.elapsed(start, due))
            if level <= before:
                continue
            values = {
                "level": level, "before": before, "start": start, "due": due, "now": now, "desk": desk,
                "person": "system:clock", "words": (DESK_ESCALATED_TO if desk else ESCALATED_TO)[level - 1].zh,
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
    responses: bool = True,
) -> list[Performance]:
    """Return by person (``staff_id``) or unit (``unit_id``) how tasks due from ``since`` to ``until`` were done.

    On time is done by its due moment; recalled and rejected tasks were not instructed. Response is the working time
    from a task's start to the first human answer; without ``responses`` it is not read, and None.
    """
    t = table.c
    now, clock, who = now_of(connection), hours or WorkTime(), t[by]
    which = [
        t.due_on.between(since, until), t.state.not_in((TaskState.RECALLED, TaskState.REJECTED)), who.is_not(None),
        *([] if staff is None else [t.staff_id == staff]), *([] if units is None else [t.unit_id.in_(list(units))]),
    ]  # fmt: skip
    counts = connection.execute(select(who, *_counted(now)).where(*which).group_by(who).order_by(who)).all()
    waited = _responses(connection, who, which, clock) if responses else {}
    return [
        Performance(
            row[0], row.instructed, row.on_time, row.done, row.overdue, row.open,
            _quantile(waited.get(row[0], ()), 0.5), _quantile(waited.get(row[0], ()), 0.95),
        )
        for row in counts
    ]  # fmt: skip


def _counted(now: datetime) -> tuple[ColumnElement[int], ...]:
    """What is counted of tasks, each under its own name: a task is in time where it was done by its due moment."""
    t = table.c
    waits = t.state.in_(OPEN)
    done = t.state == TaskState.DONE
    return (
        func.count().label("instructed"),
        func.count().filter(done & (t.due_at.is_(None) | (t.done_at <= t.due_at))).label("on_time"),
        func.count().filter(done).label("done"),
        func.count().filter((waits & (t.due_at < now)) | (t.state == TaskState.EXPIRED)).label("overdue"),
        func.count().filter(waits).label("open"),
    )


def _responses(
    connection: Connection, who: ColumnElement[str], which: Sequence[ColumnElement[bool]], clock: WorkTime
) -> dict[str, NDArray[np.float64]]:
    """Return by whom the working seconds until each first answer."""
    t = table.c
    answered = (t.responded_at.is_not(None), t.start_at.is_not(None))
    query = select(who, t.start_at, t.responded_at).where(*which, *answered).order_by(who)
    rows = connection.execute(query).all()
    seconds = clock.elapsed_many([row.start_at for row in rows], [row.responded_at for row in rows])
    names = np.array([row[0] for row in rows], dtype=str)
    known, first = np.unique(names, return_index=True)
    return dict(zip(known.tolist(), np.split(seconds, first[1:]), strict=True)) if len(rows) else {}


def _quantile(seconds: Sequence[float] | NDArray[np.float64], share: float) -> timedelta | None:
    return timedelta(seconds=float(np.quantile(seconds, share))) if len(seconds) else None
