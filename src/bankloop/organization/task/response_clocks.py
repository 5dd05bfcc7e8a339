"""The clocks of one task: the first answer, the next one while it is under way, the end; what is left of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bankloop.kit.worktime import WorkTime
from bankloop.organization.task.contracts import Service, Task, TaskClock, TaskClocks, TaskEvent
from bankloop.organization.task.rules import OPEN


def clocks_of(
    task: Task, events: Sequence[TaskEvent], service: Service, now: datetime, hours: WorkTime | None = None
) -> TaskClocks:
    """Return where a task's clocks stand, in working time; a task without a clock of its own has none.

    The first answer is due ``service.response`` after the start and never after the task itself. While a task is
    under way the next word is due as long after the last one that a human noted.
    """
    clock = hours or WorkTime()
    if task.start_at is None or task.due_at is None:
        return TaskClocks(None, None, None)
    first = _clock(clock, min(clock.later(task.start_at, service.response), task.due_at), task.responded_at, now)
    end = _clock(clock, task.due_at, task.done_at, now)
    touched = [one.happened_at for one in events if one.human]
    if task.state not in OPEN or task.responded_at is None or not touched:
        return TaskClocks(first, None, end)
    return TaskClocks(first, _clock(clock, clock.later(max(touched), service.response), None, now), end)


def _clock(hours: WorkTime, due: datetime, met: datetime | None, now: datetime) -> TaskClock:
    at = met or now
    return TaskClock(due, met, hours.elapsed(at, due) if at <= due else -hours.elapsed(due, at), at > due)
