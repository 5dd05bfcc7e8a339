"""What serving does beside its requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.account.sessions import open_session
from bankloop.organization.approval import Demand, Limits, approval_by_id, approve, submit_approval
from bankloop.organization.principals import auditor, checker, maker, product_manager, system
from bankloop.organization.task import NewTask, TaskKind, open_task, task_of
from bankloop.store.audit import (
    anchor_file,
    check_audit,
    last_check,
    place_hold,
    read_audit,
    record_access,
    record_audit,
    seal_age,
)
from bankloop.store.contracts import Role
from bankloop.store.database import Store
from bankloop.store.shelf import add_notice
from bankloop.web.shell import upkeep
from bankloop.web.shell.upkeep import ShelfWatch, keep_clocks, keep_sealed, keep_up


def sessions(store: Store) -> int:
    with store.begin(account.SIGN_IN) as connection:
        return connection.scalar(text("SELECT count(*) FROM session")) or 0


def test_what_nobody_foresaw_ends_nothing_and_is_told_by_its_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def work() -> None:
        done.append(1)
        if len(done) == 1:
            raise KeyError("13800138000")

    async def twice() -> None:
        task = asyncio.create_task(upkeep._forever(work, 0.0))
        while len(done) < 2:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(twice())
    assert "KeyError" in caplog.text
    assert "13800138000" not in caplog.text


def unsealed(store: Store) -> int:
    with store.begin(system(), Role.AUDITOR) as connection:
        return seal_age(connection).rows


def test_serving_seals_the_trail(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "one", None, None)
    bank = Bank(store.folder, store, open_lake(store.folder, store, system("lake")), store.clock)
    done: list[int] = []
    monkeypatch.setattr(upkeep, "CLOCK_SECONDS", 0.0)
    monkeypatch.setattr(upkeep, "keep_up", lambda _: None)
    monkeypatch.setattr(upkeep, "keep_clocks", lambda _, zone: None)
    monkeypatch.setattr(upkeep.ShelfWatch, "look", lambda _: None)
    monkeypatch.setattr(upkeep.DailyRound, "look", lambda _: None)

    def seal(one: Store) -> None:
        keep_sealed(one)
        done.append(unsealed(one))

    monkeypatch.setattr(upkeep, "keep_sealed", seal)

    async def serving() -> None:
        async with upkeep.upkeep(bank):
            while len(done) < 3:
                await asyncio.sleep(0)

    asyncio.run(serving())
    assert set(done) == {0}
    assert anchor_file(store.folder).exists()


def test_a_minute_seals_and_a_cut_trail_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(60):
        with store.begin(system()) as connection:
            record_audit(connection, "test.act", "thing", str(number), None, None)
        if number % 10 == 9:
            keep_sealed(store)
    assert unsealed(store) == 0
    assert caplog.text == ""
    with store.begin(system(), Role.OWNER) as connection:
        connection.execute(text("DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id DESC LIMIT 50)"))
        connection.execute(text("DELETE FROM audit_seal WHERE seal > 1"))
    keep_sealed(store)
    assert "audit_broken" in caplog.text
    assert not check_audit(store).ok


def test_the_trail_is_verified_once_a_day_and_ended_sessions_are_forgotten(store: Store) -> None:
    with store.begin(account.SIGN_IN) as connection:
        open_session(connection, "somebody", account.SignInStep.FULL, "password")
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


def test_the_shelf_is_screened_when_a_notice_begins_and_each_hour_then(store: Store) -> None:
    start = store.clock.now()
    watch, content = (
        ShelfWatch(cast(Bank, SimpleNamespace(store=store, spec=SimpleNamespace(products={})))),
        {"available": {"on": False}},
    )
    with store.begin(product_manager()) as connection:
        number = submit_approval(connection, "product", "card", "d1", demand=Demand(limits=Limits(start_days=0)))
        add_notice(connection, number, "card", content, start + timedelta(minutes=30))
    with store.begin(checker()) as connection:
        approve(connection, number)

    def screened(minutes: int) -> int:
        store.clock = FixedClock(start + timedelta(minutes=minutes))
        watch.look()
        with store.begin(auditor(), Role.AUDITOR) as connection:
            return len(connection.scalars(text("SELECT 1 FROM audit WHERE verb = 'product.screen'")).all())

    assert [screened(m) for m in (0, 29, 30, 31, 91, 92)] == [0, 0, 1, 1, 2, 2]


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


def test_rows_of_the_trail_are_purged_when_their_term_is_over(store: Store) -> None:
    with store.begin(system()) as connection:
        for seen in (["C1"], ["C2"], ["C1", "C2"], ["C1", "C3"]):
            record_access(connection, "customer", seen, ["name"])
        place_hold(connection, "customer", "C2", "lawsuit")
    keep_up(store)
    store.clock = FixedClock(store.clock.now() + timedelta(days=4 * 366))
    keep_up(store)
    with store.begin(auditor(), Role.AUDITOR) as connection:
        rows = read_audit(connection)
    left = [(row.after or {})["first"] for row in rows if row.class_ == "access"]
    assert left == [["C1", "C2"], ["C2"]]  # what names the customer on hold stays, the newest first
    assert [row.verb for row in rows].count("audit.purge") == 1
