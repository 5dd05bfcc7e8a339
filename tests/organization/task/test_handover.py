"""Who is away hands over (AB 角): to the backup, the moved customer's new keeper, the sub-branch; visits count once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.organization.people import license_staff, record_leave
from bankloop.organization.principals import auditor, system
from bankloop.organization.task import (
    Dispatched,
    NewTask,
    TaskKind,
    TaskState,
    Visit,
    accept_task,
    assign_task,
    check_in,
    events_of,
    finish_task,
    hand_over_tasks,
    log_outcome,
    open_task,
    open_tasks_for,
    task_of,
)
from bankloop.store.contracts import Role
from bankloop.store.database import Store
from tests.organization.conftest import Folk
from tests.organization.task.test_tasks import NOW, TODAY, Later, holders, later, plan

__all__ = ["later"]
VISIT = Visit("company", "the owner", "machines")


def hand_over(store: Store, day: date = TODAY, *, moved: bool = False) -> Dispatched:
    with store.begin(system("clock")) as connection:
        return hand_over_tasks(connection, day, moved=moved)


def away(folk: Folk, person: str, since: date = TODAY, until: date = TODAY) -> None:
    with folk.store.begin(folk.who("system_admin")) as connection:
        record_leave(connection, person, since, until, "ill")


@pytest.mark.capability("C4")
def test_who_leaves_at_noon_hands_what_is_open_to_the_backup(folk: Folk, store: Store) -> None:
    one, two, three, other = plan(folk, "C0000", "C0001", "C0002", "C0010")
    with store.begin(folk.who("M00001", "service")) as connection:
        log_outcome(connection, one, "sold")
        log_outcome(connection, two, "considering")
    assert hand_over(store) == Dispatched(0, 0, 0, 0)
    away(folk, "M00001")
    assert hand_over(store) == Dispatched(0, 2, 0, 0)
    assert hand_over(store) == Dispatched(0, 0, 0, 0)
    assert holders(folk, [one, two, three, other]) == ["M00001", "M00002", "M00002", "M00002"]
    folk.give("M00002", "relationship_manager")
    with store.begin(folk.who("M00002", "service")) as connection:
        mine = {task.task_id for task in open_tasks_for(connection, "M00002", TODAY)}
        assert mine == {two, three, other}
        found = task_of(connection, two)
        assert found.responded_at == NOW  # what was done so far stays
        acts = [(e.act, e.human) for e in events_of(connection, [two])]
        assert acts == [("logged", True), ("handed_over", False)]
        log_outcome(connection, three, "sold")
    with pytest.raises(ConflictError, match="task_closed"), store.begin(folk.who("M00001", "service")) as connection:
        log_outcome(connection, three, "sold")


@pytest.mark.capability("H11")
def test_a_licence_that_expires_hands_its_r3_tasks_to_a_licensed_colleague(folk: Folk, store: Store) -> None:
    """M00001, of the same sub-branch as M00002, is licensed for longer; M00003 is alone in theirs."""
    until = TODAY + timedelta(days=2)
    with store.begin(folk.who("system_admin")) as connection:
        for one in ("M00002", "M00003"):
            license_staff(connection, one, "wealth", TODAY - timedelta(days=300), until)
            license_staff(connection, one, "training.product", TODAY, TODAY + timedelta(days=300))
    held, lone = plan(folk, "C0010", "C0020", risk=3)
    (plain,) = plan(folk, "C0011")
    tasks = [held, lone, plain]
    assert holders(folk, tasks) == ["M00002", "M00003", "M00002"]
    assert hand_over(store, until - timedelta(days=1)) == Dispatched(0, 0, 0, 0)
    # On the first day without it; where nobody else has one the task waits with the sub-branch.
    done = hand_over(store, until)
    assert (done.pool, done.left) == (1, 1)
    assert holders(folk, tasks) == ["M00001", None, "M00002"]
    with store.begin(folk.who("system_admin")) as connection:
        license_staff(connection, "M00003", "wealth", until, until + timedelta(days=300))
    assert hand_over(store, until, moved=True).left == 0
    assert holders(folk, tasks) == ["M00001", "M00003", "M00002"]


def test_leave_that_ends_before_a_task_is_due_moves_nothing(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000", day=TODAY + timedelta(days=3))
    away(folk, "M00001", TODAY, TODAY + timedelta(days=1))
    assert hand_over(store) == Dispatched(0, 0, 0, 0)
    assert holders(folk, [one]) == ["M00001"]


def test_what_nobody_can_take_waits_and_is_given_when_somebody_is_back(folk: Folk, store: Store, later: Later) -> None:
    (one,) = plan(folk, "C0020")
    away(folk, "M00003")
    assert hand_over(store).left == 1
    with store.begin(system()) as connection:
        assert task_of(connection, one).state is TaskState.ALLOTTED
    tomorrow = later(timedelta(days=1))
    with tomorrow.begin(system("clock")) as connection:
        assert hand_over_tasks(connection, TODAY + timedelta(days=1), moved=True).keeper == 1
    assert holders(folk, [one]) == ["M00003"]


def test_a_seat_of_the_remote_centre_keeps_its_calls(folk: Folk, store: Store) -> None:
    due = NOW + timedelta(hours=8)
    with store.begin(system("remote")) as connection:
        made = open_task(connection, NewTask("r1", TaskKind.CARE, "C0000", "0000", "remote", NOW, due, "R00001"))
    assert hand_over(store, moved=True) == Dispatched(0, 0, 0, 0)
    assert holders(folk, [made.task_id]) == ["R00001"]


def test_a_task_follows_its_customer_to_another_branch(folk: Folk, store: Store, later: Later) -> None:
    one, two = plan(folk, "C0000", "C0001")
    with later(timedelta(hours=1)).begin(system("people")) as connection:
        connection.execute(
            text(
                "UPDATE customer_book SET unit_id = 'S0003', staff_id = 'M00004' WHERE customer_no = 'C0000' AND valid_to IS NULL"
            )
        )
    assert hand_over(store) == Dispatched(0, 0, 0, 0)
    assert hand_over(store, moved=True) == Dispatched(1, 0, 0, 0)
    assert holders(folk, [one, two]) == ["M00004", "M00001"]
    with store.begin(system()) as connection:
        assert task_of(connection, one).unit_id == "S0003"
    folk.give("M00004", "relationship_manager")
    with pytest.raises(NotFoundError), store.begin(folk.who("M00001", "service")) as connection:
        accept_task(connection, one)
    with store.begin(folk.who("M00004", "service")) as connection:
        assert accept_task(connection, one).staff_id == "M00004"


def test_two_managers_logging_the_same_call_are_one_end_and_one_refusal(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    folk.give("M00002", "relationship_manager")
    with store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assign_task(connection, one, "M00002", "busy")
    both = [folk.who("M00001", "service"), folk.who("M00002", "service")]

    def log(place: int) -> str:
        try:
            with store.begin(both[place]) as connection:
                log_outcome(connection, one, "sold")
        except ConflictError as error:
            return error.code
        return "logged"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(log, (0, 1))) == ["logged", "organization.task_closed"]


@pytest.mark.capability("D9")
def test_a_visit_sent_twice_or_late_is_there_once(folk: Folk, store: Store, later: Later) -> None:
    (one,) = plan(folk, "C0000")
    manager = folk.who("M00001", "service")

    def sent(key: str | None, made: Callable[[], Store] = lambda: store) -> bool:
        with made().begin(manager) as connection:
            return check_in(connection, one, VISIT, happened_at=NOW - timedelta(hours=1), client_key=key)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: sent("v1"), range(4))) == [False, False, False, True]
    with store.begin(manager) as connection:
        task = task_of(connection, one)
        assert (task.state, task.responded_at) == (TaskState.ACCEPTED, NOW - timedelta(hours=1))
        assert [(e.act, e.note) for e in events_of(connection, [one])] == [
            ("visited", "company · the owner · machines")
        ]
        finish_task(connection, one, "done")
    assert sent("v2")  # written before, sent after the end
    with pytest.raises(ConflictError, match="task_closed"):
        sent(None)
    for wrong, code in ((Visit("moon", "", "x"), "no_place"), (Visit("home", "", " "), "empty_visit")):
        with pytest.raises(InputError, match=code), store.begin(manager) as connection:
            check_in(connection, one, wrong)
    with store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'task.visit'")) == 2
