"""«不要再联系» said in a call holds at once: on the list, and for every other marketing task about the customer."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from bankloop.contact.by_hand import log_contact
from bankloop.customer.consent import Purpose, holds, standing_of
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, TaskKind, TaskState, open_task, task_of
from bankloop.store.database import Store
from tests.contact.decisions import decisions_by_class
from tests.organization.conftest import Folk, folk
from tests.organization.task.test_tasks import NOW, plan

__all__ = ["folk"]


def test_who_asks_not_to_be_contacted_is_heard_at_once(folk: Folk, store: Store) -> None:
    one, other = plan(folk, "C0000", "C0001")
    with store.begin(system()) as connection:
        late = NOW + timedelta(hours=5)
        listed, care = (
            open_task(connection, NewTask(key, kind, "C0000", "S0001", "x", NOW, late, "M00001"))
            for key, kind in (("a", TaskKind.LIST), ("b", TaskKind.CARE))
        )
    with store.begin(folk.who("M00001", "service")) as connection:
        note = f"phone/{one}"
        done = log_contact(connection, one, "stop", "别再打了", client_key=note)
        assert done.task.state is TaskState.DONE
        assert log_contact(connection, one, "stop", "别再打了", client_key=note).known
        found = standing_of(connection, "C0000")
        assert holds(found.words, Purpose.DO_NOT_CONTACT)
    with store.begin(system()) as connection:
        states = [task_of(connection, task_id).state for task_id in (listed.task_id, care.task_id, other)]
    # The list's task is marketing and over; care is service and goes on, as do tasks about others.
    assert states == [TaskState.EXPIRED, TaskState.ASSIGNED, TaskState.ASSIGNED]


def test_another_outcome_says_nothing_of_consent(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    with store.begin(folk.who("M00001", "service")) as connection:
        log_contact(connection, one, "declined", "not this one")
        assert not holds(standing_of(connection, "C0000").words, Purpose.DO_NOT_CONTACT)


def test_a_call_by_hand_is_a_decision_of_a_person_and_what_a_plan_decided_stays_one(folk: Folk, store: Store) -> None:
    (planned,) = plan(folk, "C0000")
    with store.begin(system()) as connection:
        late = NOW + timedelta(hours=5)
        own = open_task(connection, NewTask("b", TaskKind.FOLLOW_UP, "C0000", "S0001", "x", NOW, late, "M00001"))
    with store.begin(folk.who("M00001", "service")) as connection:
        for note in ("one", "one", "two"):
            log_contact(connection, own.task_id, "interested", "明天10点回电" if note == "two" else "", client_key=note)
    with store.begin(folk.who("M00001", "service")) as connection:
        log_contact(connection, planned, "not_reached")
    with store.begin(system()) as connection:
        assert decisions_by_class(connection) == {("contact:by_hand", 0, "human"): 1}
        found = connection.execute(text("SELECT decision_id, customer_no, reasons FROM decision")).all()
        assert [tuple(row) for row in found] == [(own.task_id, "C0000", ["interested"])]
        counted = connection.execute(text("SELECT decision_id, contact_class FROM contact")).all()
        assert [tuple(row) for row in counted] == [(own.task_id, "marketing")]


def test_what_was_agreed_in_a_service_call_is_service(folk: Folk, store: Store) -> None:
    (one,) = plan(folk, "C0000")
    with store.begin(system()) as connection:
        late = NOW + timedelta(hours=5)
        care = open_task(connection, NewTask("b", TaskKind.CARE, "C0000", "S0001", "x", NOW, late, "M00001"))
    with store.begin(folk.who("M00001", "service")) as connection:
        follow = log_contact(connection, care.task_id, "considering", "明天10点回电").follow_up
        assert follow is not None
        # A phone whose clock runs ahead loses no stop.
        log_contact(connection, one, "stop", happened_at=NOW + timedelta(minutes=5))
        assert holds(standing_of(connection, "C0000").words, Purpose.DO_NOT_CONTACT)
    with store.begin(system()) as connection:
        assert task_of(connection, follow.task_id).state is TaskState.ASSIGNED
