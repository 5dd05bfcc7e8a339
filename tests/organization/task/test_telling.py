"""What a manager logs is an event of the customer, once, and counts among the customer's contacts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from bankloop.contact.by_hand import log_contact
from bankloop.contact.contracts import Cap
from bankloop.contact.gate import reserve_contacts
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, Task, TaskKind, log_outcome, open_task, task_of
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from tests.organization.conftest import Folk
from tests.store.test_contacts import NOON, table

CAP = Cap("*", 1, 7)


def opened(folk: Folk, customer: str = "C0000", kind: TaskKind = TaskKind.FOLLOW_UP, campaign: str = "") -> Task:
    now = folk.store.clock.now()
    asked = NewTask(
        f"{kind}/{customer}", kind, customer, "S0001", "x", now, now + timedelta(hours=2), "M00001", campaign=campaign
    )
    with folk.store.begin(system()) as connection:
        return open_task(connection, asked)


def told(store: Store) -> list[tuple[str, str, str]]:
    with store.begin(system()) as connection:
        rows = connection.execute(
            text("SELECT customer_no, type, scene FROM event WHERE source = 'task' ORDER BY event_id")
        )
        return [tuple(row) for row in rows]


def log(folk: Folk, task: UUID, outcome: str, **more: object) -> None:
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        log_contact(connection, task, outcome, **more)  # type: ignore[arg-type]


def test_a_call_is_an_event_of_the_customer_once_however_often_its_note_is_sent(folk: Folk, store: Store) -> None:
    task = opened(folk, campaign="keep-deposits")
    log(folk, task.task_id, "interested", client_key="n1")
    log(folk, task.task_id, "interested", client_key="n1")
    assert told(store) == [("C0000", "call_connected", "keep-deposits")]
    log(folk, task.task_id, "sold")
    assert sorted(kind for _, kind, _ in told(store)) == ["call_connected", "call_connected", "task_done"]


def test_who_was_not_reached_was_not_contacted(folk: Folk, store: Store) -> None:
    log(folk, opened(folk).task_id, "not_reached")
    assert told(store) == [("C0000", "call_missed", "")]
    with store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 0


def test_a_bot_s_call_is_no_person_s(folk: Folk, store: Store) -> None:
    task = opened(folk)
    log(folk, task.task_id, "interested", human=False)
    assert told(store) == [("C0000", "bot_connected", "")]
    with store.begin(system()) as connection:
        assert task_of(connection, task.task_id).responded_at is None
    log(folk, task.task_id, "interested")
    with store.begin(system()) as connection:
        assert task_of(connection, task.task_id).responded_at is not None


@pytest.mark.parametrize(("kind", "accepted"), [(TaskKind.FOLLOW_UP, False), (TaskKind.CARE, True)])
def test_marketing_by_hand_counts_in_the_caps_and_service_does_not(
    folk: Folk, store: Store, allow: object, kind: TaskKind, accepted: bool
) -> None:
    allow(["C0000"])  # type: ignore[operator]
    log(folk, opened(folk, kind=kind).task_id, "sold")
    with store.begin(Principal("system:test", frozenset({"system"}), ("*",), "campaign")) as connection:
        (found,) = reserve_contacts(connection, table([(1, "C0000", "sms", NOON)]), (CAP,))["accepted"].to_pylist()
    assert found is accepted


def test_who_may_log_but_sees_no_other_customer_is_heard_too(folk: Folk, store: Store) -> None:
    task = opened(folk)
    with store.begin(system()) as connection:
        connection.execute(text("UPDATE staff_task SET staff_id = 'R00001' WHERE task_id = :t"), {"t": task.task_id})
    with store.begin(folk.who("R00001", "tasks")) as connection:
        log_outcome(connection, task.task_id, "interested")
        assert connection.scalar(text("SELECT count(*) FROM event")) == 0  # written, not shown
    assert len(told(store)) == 1
