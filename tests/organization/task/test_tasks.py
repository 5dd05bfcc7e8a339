"""A manager's tasks: given by the book, accepted, logged with what follows, escalated, recalled, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.ids import uuid7
from bankloop.kit.worktime import WorkTime
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.organization.people import license_staff, record_leave
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import open_customer, unmask
from bankloop.organization.task import (
    NewTask,
    TaskKind,
    TaskState,
    Visit,
    accept_task,
    assign_task,
    check_in,
    create_tasks,
    dispatch_tasks,
    escalate_tasks,
    events_of,
    expire_tasks,
    finish_task,
    hand_over_tasks,
    heed_escalation,
    log_outcome,
    open_task,
    performance,
    recall_tasks,
    reject_task,
    task_of,
    tasks_for,
    withdraw_tasks,
)
from bankloop.store.contracts import Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.verbs import VERBS
from tests.organization.conftest import Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)  # Tuesday, ten in the morning
TODAY = date(2026, 6, 30)
Later = Callable[[timedelta], Store]


@pytest.fixture
def later(store: Store, store_server: EmbeddedServer, database: str) -> Iterator[Later]:
    """The same store, some time later."""
    with ExitStack() as stack:
        yield lambda span: stack.enter_context(
            attach_store(store.folder, FixedClock(NOW + span), store_server, database)
        )


def plan(folk: Folk, *customers: str, risk: int = 0, day: date = TODAY) -> list[UUID]:
    """Make the tasks of a plan for customers and send them down; return their ids."""
    ids = [uuid7(1_780_000_000_000 + place) for place in range(len(customers))]
    n = len(customers)
    rows = pa.table(
        {
            "decision_id": [str(one) for one in ids],
            "campaign": ["keep-deposits"] * n,
            "round": pa.array([1] * n, pa.int32()),
            "customer_no": list(customers),
            "unit_id": ["B001"] * n,
            "due_on": [day] * n,
            "action": ["term-deposit-renewal|none|rm_call"] * n,
            "value_fen": [100_000 - place for place in range(n)],
            "script_version": ["keep-deposits/1"] * n,
            "reason": ["plan"] * n,
            "risk": pa.array([risk] * n, pa.int32()),
            "licence": ["wealth" if risk else ""] * n,
        }
    )
    with folk.store.begin(system()) as connection:
        create_tasks(connection, rows, {"B001": 1_000})
        dispatch_tasks(connection, "keep-deposits", 1)
    return ids


def holders(folk: Folk, ids: list[UUID]) -> list[str | None]:
    with folk.store.begin(system()) as connection:
        return [task_of(connection, one).staff_id for one in ids]


def test_a_task_goes_to_the_customer_s_manager_and_the_pool_is_dealt_out(folk: Folk) -> None:
    ids = plan(folk, "C0000", "C0010", "C0900")
    found = holders(folk, ids)
    assert found[:2] == ["M00001", "M00002"]
    assert found[2] in ("M00001", "M00002")  # nobody's customer: one of the sub-branch's hands
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        assert ids[0] in {task.task_id for task in tasks_for(connection, "M00001", TODAY, TODAY)}


def test_on_leave_the_backup_gets_the_tasks(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("system_admin")) as connection:
        record_leave(connection, "M00001", TODAY, TODAY + timedelta(days=3), "holiday")
    assert holders(folk, plan(folk, "C0000", "C0001")) == ["M00002", "M00002"]


def test_without_a_licence_an_r3_task_finds_no_hands_and_says_so(folk: Folk, store: Store) -> None:
    (left,) = plan(folk, "C0020", risk=3)
    with store.begin(system()) as connection:
        task = task_of(connection, left)
        assert (task.state, task.staff_id, task.state_reason) == (TaskState.ALLOTTED, None, "left")
    with store.begin(folk.who("system_admin")) as connection:
        license_staff(connection, "M00003", "wealth", date(2026, 1, 1), date(2027, 1, 1))
    with store.begin(system()) as connection:
        assert dispatch_tasks(connection, "keep-deposits", 1).keeper == 1
    assert holders(folk, [left]) == ["M00003"]


@pytest.mark.capability("A13")
def test_an_appointment_in_the_note_is_a_follow_up_of_the_next_day_at_ten(
    folk: Folk, store: Store, later: Later
) -> None:
    (one,) = plan(folk, "C0000")
    manager = folk.who("M00001", "service")
    with store.begin(manager) as connection:
        done = log_outcome(connection, one, "interested", "有意向, 明天10点回电")
    assert done.task.state is TaskState.DONE
    assert done.follow_up is not None
    assert done.follow_up.start_at == datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
    assert (done.follow_up.kind, done.follow_up.staff_id, done.follow_up.due_on) == (
        TaskKind.FOLLOW_UP, "M00001", date(2026, 7, 1),
    )  # fmt: skip
    with later(timedelta(days=1)).begin(manager) as connection:
        tomorrow = tasks_for(connection, "M00001", date(2026, 7, 1), date(2026, 7, 1))
        assert [task.task_id for task in tomorrow] == [done.follow_up.task_id]
        assert [e.act for e in events_of(connection, [one])] == ["logged"]


def test_three_tries_are_enough_and_a_bot_stops_no_clock(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    with store.begin(system()) as connection:
        after_bot = log_outcome(connection, one, "interested", "ok", human=False).task
    assert (after_bot.state, after_bot.responded_at, after_bot.attempts) == (TaskState.ASSIGNED, None, 0)
    with store.begin(folk.who("M00001", "service")) as connection:
        first = log_outcome(connection, one, "not_reached").task
        assert (first.state, first.responded_at) == (TaskState.IN_PROGRESS, NOW)
        assert log_outcome(connection, one, "not_reached").task.state is TaskState.IN_PROGRESS
        assert log_outcome(connection, one, "not_reached").task.state is TaskState.DONE


def test_what_is_wrong_with_a_log_is_said(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    folk.give("M00002", "relationship_manager")
    manager, other = folk.who("M00001", "service"), folk.who("M00002", "service")
    with pytest.raises(InputError, match="no_outcome"), store.begin(manager) as connection:
        log_outcome(connection, one, "perhaps")
    with pytest.raises(InputError, match="past_appointment"), store.begin(manager) as connection:
        log_outcome(connection, one, "interested", next_at=NOW - timedelta(hours=1))
    with pytest.raises(NotFoundError), store.begin(other) as connection:
        log_outcome(connection, one, "done")
    with store.begin(manager) as connection:
        log_outcome(connection, one, "declined", "not now")
    for attempt in (accept_task, lambda c, t: log_outcome(c, t, "sold")):
        with pytest.raises(ConflictError, match="task_closed"), store.begin(manager) as connection:
            attempt(connection, one)


def test_a_note_written_offline_counts_once_and_is_never_lost(folk: Folk, store: Store, later: Later) -> None:
    (one, two) = plan(folk, "C0000", "C0001")
    manager = folk.who("M00001", "service")
    for _ in range(2):
        with store.begin(manager) as connection:
            done = log_outcome(connection, one, "interested", "明天10点", client_key="phone-1")
    assert done.known
    with store.begin(manager) as connection:
        assert len(events_of(connection, [one])) == 1
        assert connection.scalar(text("SELECT count(*) FROM staff_task WHERE kind = 'follow_up'")) == 1
        finish_task(connection, two, "paid")
    with later(timedelta(hours=2)).begin(manager) as connection:
        late = log_outcome(connection, two, "considering", "on the train", happened_at=NOW, client_key="phone-2")
        assert late.task.state is TaskState.DONE
        assert [e.act for e in events_of(connection, [two])] == ["logged", "late"]


def test_a_task_untouched_past_its_time_goes_to_the_head_of_the_sub_branch(
    folk: Folk, store: Store, later: Later
) -> None:
    one, two = plan(folk, "C0000", "C0001")
    with store.begin(folk.who("M00001", "service")) as connection:
        log_outcome(connection, two, "sold")
    raised = {}
    for hours in (1, 3, 5, 8, 24, 30):
        with later(timedelta(hours=hours)).begin(system()) as connection:
            raised[hours] = escalate_tasks(connection)
    # Work ends at 17:30: half of its seven hours are over at 13:30 and a half, all of them at the end of the day.
    assert raised == {1: {}, 3: {}, 5: {1: 1}, 8: {2: 1}, 24: {}, 30: {3: 1}}
    with store.begin(system()) as connection:
        assert task_of(connection, one).escalated == 3
        events = events_of(connection, [one])
        assert [(e.act, e.human) for e in events] == [("escalated", False)] * 3
        assert "支行行长" in events[1].note
        assert task_of(connection, two).escalated == 0
    with store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'task.escalate'")) == 3


@pytest.mark.capability("C17")
def test_thirty_of_forty_on_time_are_75_per_cent(folk: Folk, store: Store, later: Later) -> None:
    folk.books |= {f"X{place:03d}": ("S0001", "M00001", "retail") for place in range(40)}
    folk.load()
    ids = plan(folk, *(f"X{place:03d}" for place in range(40)))
    manager = folk.who("M00001", "service")
    with later(timedelta(hours=1)).begin(manager) as connection:
        for one in ids[:30]:
            log_outcome(connection, one, "done")
    after = later(timedelta(days=1))
    with after.begin(manager) as connection:
        for one in ids[30:35]:
            log_outcome(connection, one, "done")
    with after.begin(system()) as connection:
        (found,) = performance(connection, TODAY, TODAY)
    assert (found.who, found.instructed, found.on_time, found.done, found.overdue) == ("M00001", 40, 30, 35, 5)
    assert found.execution_rate == 0.75
    assert found.response_median == timedelta(hours=2)  # from nine to eleven


def test_moved_to_a_colleague_and_refused_to_who_is_away(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    head = folk.who("sub_branch_head", "tasks")
    folk.give("M00002", "relationship_manager")
    with store.begin(folk.who("system_admin")) as connection:
        record_leave(connection, "M00003", TODAY, TODAY, "ill")
    commander = folk.who("branch_commander", "tasks")
    with pytest.raises(ConflictError, match="absent"), store.begin(commander) as connection:
        assign_task(connection, one, "M00003")
    with store.begin(head) as connection:
        assign_task(connection, one, "M00002", "busy")
    with store.begin(folk.who("M00002", "service")) as connection:
        assert accept_task(connection, one).state is TaskState.ACCEPTED
    with store.begin(system()) as connection:
        assert [e.act for e in events_of(connection, [one])] == ["reassigned", "accepted"]


def test_who_lacks_the_licence_neither_takes_nor_logs_an_r3_task(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0020", risk=3)
    folk.give("M00003", "relationship_manager")
    manager = folk.who("M00003", "service")
    for attempt in (accept_task, lambda c, t: log_outcome(c, t, "sold")):
        with pytest.raises(DeniedError, match="licence"), store.begin(manager) as connection:
            attempt(connection, one)


def test_a_leader_gives_tasks_to_people_of_the_own_units_alone(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    with pytest.raises(DeniedError, match="scope"), store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assign_task(connection, one, "M00003")
    with store.begin(folk.who("branch_commander", "tasks")) as connection:
        assign_task(connection, one, "M00003")
    assert holders(folk, [one]) == ["M00003"]


def test_whom_a_task_was_given_opens_its_customer_until_it_is_done(folk: Folk, store: Store, tmp_path: Path) -> None:
    from tests.organization.rights.test_opening import PLAIN

    (one,) = plan(folk, "C0000")
    lake = Lake(tmp_path, MemoryManifest(), store.clock)
    row = {**{c.name: False for c in CONTRACTS["customer"].columns}, **PLAIN, "customer_no": "C0000"}
    row |= {"sub_branch_id": "S0001", "manager_id": "M00001"}
    lake.publish("customer", pa.Table.from_pylist([row]), TODAY)
    folk.give("M00002", "relationship_manager")
    backup = folk.who("M00002", "service")
    with pytest.raises(NotFoundError):
        open_customer(store, lake, backup, "C0000", ["region"])
    with store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assign_task(connection, one, "M00002")
    assert open_customer(store, lake, backup, "C0000", ["region", "birth_date"]).values == {
        "region": "QJ",
        "birth_date": "***",
    }
    with store.begin(backup) as connection:
        unmask(connection, "C0000", ["birth_date"], "call", str(one))
    assert open_customer(store, lake, backup, "C0000", ["birth_date"]).values != {"birth_date": "***"}
    with store.begin(backup) as connection:
        log_outcome(connection, one, "done")
    with pytest.raises(NotFoundError):
        open_customer(store, lake, backup, "C0000", ["region"])


def test_nobody_moves_a_task_to_a_customer_beyond_the_own(folk: Folk, store: Store) -> None:
    plan(folk, "C0000")
    with pytest.raises(DeniedError, match="not theirs"), store.begin(folk.who("M00001", "service")) as connection:
        connection.execute(text("UPDATE staff_task SET customer_no = 'C0030', staff_id = 'M00004'"))


def test_only_who_was_not_reached_is_tried_again_and_again(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    with store.begin(folk.who("M00001", "service")) as connection:
        for outcome in ("considering", "interested", "not_reached", "considering", "not_reached"):
            state = log_outcome(connection, one, outcome).task.state
            assert state is TaskState.IN_PROGRESS
        assert log_outcome(connection, one, "not_reached").task.state is TaskState.DONE


def listed(folk: Folk, number: UUID, *customers: str) -> list[UUID]:
    made = []
    with folk.store.begin(folk.who("hq_strategist", "campaign")) as connection:
        for customer in customers:
            task = open_task(
                connection,
                NewTask(
                    f"list/{number}/{customer}", TaskKind.LIST, customer, "S0001", "spring list", NOW,
                    WorkTime().later(NOW, timedelta(hours=21)), "M00001", list_id=number,
                ),
            )  # fmt: skip
            made.append(task.task_id)
    return made


def test_a_list_is_recalled_where_nobody_has_begun(folk: Folk, store: Store) -> None:
    number = uuid7(1_780_000_000_000)
    one, two, three = listed(folk, number, "C0000", "C0001", "C0002")
    assert listed(folk, number, "C0000") == [one]  # asked twice, there once
    with store.begin(folk.who("M00001", "service")) as connection:
        accept_task(connection, one)
        log_outcome(connection, two, "declined")
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        assert recall_tasks(connection, number, "wrong list") == 1
        assert task_of(connection, three).state is TaskState.RECALLED


def test_a_manager_opens_nothing_beyond_the_own_book(folk: Folk, store: Store) -> None:
    manager = folk.who("M00001", "service")
    (one,) = plan(folk, "C0000")
    with pytest.raises(DeniedError, match=r"task\.open"), store.begin(manager) as connection:
        open_task(connection, NewTask("x", TaskKind.CARE, "C0000", "S0001", "x", NOW, NOW))
    for customer, staff in (("C0010", "M00001"), ("C0000", "M00002")):
        with pytest.raises(DeniedError), store.begin(manager) as connection:
            connection.execute(
                text(
                    "INSERT INTO staff_task (task_id, kind, campaign, round, customer_no, unit_id, staff_id, due_on, action, "
                    "value_fen, script_version, reason, state, state_reason) VALUES (gen_random_uuid(), 'follow_up', '', 0, "
                    ":c, 'S0001', :s, '2026-06-30', '', 0, '', '', 'ASSIGNED', '')"
                ),
                {"c": customer, "s": staff},
            )
    folk.give("M00004", "relationship_manager")
    with store.begin(folk.who("M00004", "service")) as connection:
        assert events_of(connection, [one]) == []


def test_every_verb_of_tasks_leaves_its_row(folk: Folk, store: Store) -> None:
    one, two, three, four, five = plan(folk, "C0000", "C0001", "C0002", "C0003", "C0004")
    number = uuid7(1_780_000_000_000)
    listed(folk, number, "C0009")
    with store.begin(folk.who("M00001", "service")) as connection:
        accept_task(connection, one)
        log_outcome(connection, two, "sold")
        finish_task(connection, three, "done")
        reject_task(connection, four, "moved abroad")
    with store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assign_task(connection, five, "M00002")
        heed_escalation(connection, five, "I call today")
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        recall_tasks(connection, number, "over")
    with store.begin(folk.who("M00001", "service")) as connection:
        check_in(connection, plan(folk, "C0007")[0], Visit("home", "", "moved house"))
    with store.begin(folk.who("system_admin")) as connection:
        record_leave(connection, "M00001", TODAY, TODAY, "ill")
    with store.begin(system()) as connection:
        hand_over_tasks(connection, TODAY)
        withdraw_tasks(connection, plan(folk, "C0008"), "off the shelf")
        expire_tasks(connection, TODAY + timedelta(days=1))
    with store.begin(auditor(), Role.AUDITOR) as connection:
        left = set(connection.scalars(text("SELECT DISTINCT verb FROM audit WHERE verb LIKE 'task.%'")))
    mine = {name for name, act in VERBS.items() if act.__module__.startswith("bankloop.organization.task")}
    assert mine - left == {"task.escalate"}  # its own test
