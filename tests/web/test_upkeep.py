"""What serving does beside its requests."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from bankloop.kit import FixedClock
from bankloop.organization import (
    NewTask,
    TaskKind,
    account,
    approval_by_id,
    maker,
    open_task,
    submit_approval,
    system,
    task_of,
)
from bankloop.organization.account.sessions import open_session
from bankloop.store import Store, last_check, record_audit
from bankloop.web.upkeep import keep_clocks, keep_up


def sessions(store: Store) -> int:
    with store.begin(account.SIGN_IN) as connection:
        return connection.scalar(text("SELECT count(*) FROM session")) or 0


def test_the_trail_is_verified_once_a_day_and_ended_sessions_are_forgotten(store: Store) -> None:
    with store.begin(account.SIGN_IN) as connection:
        open_session(connection, "somebody", account.Step.FULL, "password")
        record_audit(connection, "test.act", "thing", "one", None, None)
    keep_up(store)
    with store.begin(system()) as connection:
        first = last_check(connection)
    assert first is not None
    assert first.ok
    keep_up(store)
    with store.begin(system()) as connection:
        assert last_check(connection) == first
    assert sessions(store) == 1
    store.clock = FixedClock(store.clock.now() + timedelta(days=2))
    keep_up(store)
    with store.begin(system()) as connection:
        again = last_check(connection)
    assert again is not None
    assert again.at > first.at
    assert sessions(store) == 0


def test_a_request_that_nobody_decided_is_closed(store: Store) -> None:
    with store.begin(maker()) as connection:
        number = submit_approval(connection, "model", "x", "d1")
    store.clock = FixedClock(store.clock.now() + timedelta(days=15))
    keep_up(store)
    with store.begin(system()) as connection:
        assert approval_by_id(connection, number).state.value == "expired"


def test_clocks_run_while_serving(store: Store) -> None:
    start = store.clock.now()
    with store.begin(system()) as connection:
        late = start + timedelta(hours=2)
        task = open_task(connection, NewTask("k", TaskKind.CARE, "C1", "B01", "x", start, late, "M1"))
    store.clock = FixedClock(start + timedelta(days=3))
    keep_clocks(store, "Asia/Shanghai")
    with store.begin(system()) as connection:
        assert task_of(connection, task.task_id).escalated == 3


def test_a_task_that_nobody_did_for_a_month_ends(store: Store) -> None:
    start = store.clock.now()
    with store.begin(system()) as connection:
        late = start + timedelta(hours=2)
        task = open_task(connection, NewTask("k", TaskKind.CARE, "C1", "B01", "x", start, late, "M1"))
    for days, state in ((20, "ASSIGNED"), (40, "EXPIRED")):
        store.clock = FixedClock(start + timedelta(days=days))
        keep_up(store)
        with store.begin(system()) as connection:
            assert task_of(connection, task.task_id).state.value == state
