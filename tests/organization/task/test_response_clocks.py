"""The clocks of one task stand in working time: the first answer, the next one, the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from bankloop.organization.task import Service, Task, TaskEvent, TaskKind, TaskState, clocks_of

ID = UUID(int=1)
NINE = datetime(2026, 6, 30, 1, 0, tzinfo=UTC)  # a Tuesday's opening in the bank's zone
SERVICE = Service(timedelta(hours=2), timedelta(hours=7))
TASK = Task(
    ID, TaskKind.CARE, "", 0, "C1", "S1", "M1", date(2026, 6, 30), "", 0, "", "", TaskState.ASSIGNED, "",
    start_at=NINE, due_at=NINE + timedelta(hours=8, minutes=30),
)  # fmt: skip


def event(at: datetime, *, human: bool = True) -> TaskEvent:
    return TaskEvent(ID, ID, "logged", "M1", human, "considering", "", None, at, at)


def test_the_first_answer_is_due_before_the_task() -> None:
    found = clocks_of(TASK, (), SERVICE, NINE + timedelta(hours=1))
    assert found.first_response is not None
    assert (found.first_response.due_at, found.first_response.left) == (NINE + timedelta(hours=2), timedelta(hours=1))
    assert found.next_response is None
    assert found.resolution is not None
    assert found.resolution.left == timedelta(hours=6)  # the hour and a half of noon is nobody's
    late = clocks_of(TASK, (), Service(timedelta(hours=40), timedelta(hours=70)), NINE)
    assert late.first_response is not None
    assert late.first_response.due_at == TASK.due_at


def test_a_missed_clock_says_by_how_much_and_stays_missed() -> None:
    over = clocks_of(TASK, (), SERVICE, NINE + timedelta(hours=3)).first_response
    assert over is not None
    assert (over.missed, over.left) == (True, -timedelta(hours=1))
    answered = replace(TASK, responded_at=NINE + timedelta(hours=3))
    kept = clocks_of(answered, (), SERVICE, NINE + timedelta(days=3)).first_response
    assert kept is not None
    assert (kept.missed, kept.left) == (True, -timedelta(hours=1))


def test_while_it_is_under_way_the_next_word_is_due() -> None:
    at = NINE + timedelta(minutes=30)
    under_way = replace(TASK, state=TaskState.IN_PROGRESS, responded_at=at)
    found = clocks_of(under_way, (event(at), event(at + timedelta(hours=1), human=False)), SERVICE, at)
    assert found.next_response is not None
    assert found.next_response.due_at == at + timedelta(hours=2)
    done = replace(under_way, state=TaskState.DONE, done_at=at)
    over = clocks_of(done, (event(at),), SERVICE, at)
    assert over.next_response is None
    assert over.resolution is not None
    assert not over.resolution.missed
    assert clocks_of(replace(TASK, start_at=None), (), SERVICE, at).resolution is None
