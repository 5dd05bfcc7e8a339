"""What a bank does at its times: once whichever clock is first, again where it failed, and what each duty does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text

from bankloop.contact.delivery import DeliveryChannel
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import EnvironmentFault
from bankloop.lake.contracts import LoadReport
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.account.sessions import open_session
from bankloop.organization.approval import Demand, Limits, approval_by_id, approve, submit_approval
from bankloop.organization.people import engage_staff
from bankloop.organization.principals import auditor, checker, maker, product_manager, system
from bankloop.organization.task import NewTask, Task, TaskKind, open_task, task_of
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
from bankloop.store.duties import DutyClaim, claim_duty, end_duty, failed_duties
from bankloop.store.outbox import Drained
from bankloop.store.shelf import add_notice
from bankloop.wiring import workplace
from bankloop.work.clock import (
    MINUTE,
    Duty,
    do_duty,
    every,
    every_morning,
    keep_clocks,
    keep_up,
    seal_trail,
    watch_shelf,
)
from bankloop.work.crew import Crew
from bankloop.work.workplace import Workplace


def sessions(store: Store) -> int:
    with store.begin(account.SIGN_IN) as connection:
        return connection.scalar(text("SELECT count(*) FROM session")) or 0


def place_of(store: Store) -> Workplace:
    return workplace(Bank(store.folder, store, open_lake(store.folder, store, system("lake")), store.clock))


def duty(act: Callable[[Workplace, str], str], name: str = "test") -> Duty:
    return Duty(name, every(MINUTE), act)


def test_what_nobody_foresaw_ends_nothing_is_told_by_its_place_and_done_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    def work(_: Workplace, mark: str) -> str:
        done.append(1)
        if len(done) == 1:
            raise KeyError("13800138000")
        return mark

    assert not do_duty(place_of(store), duty(work), "a")
    assert "KeyError" in caplog.text
    assert "13800138000" not in caplog.text
    with store.begin(system()) as connection:
        assert [(one.name, one.error) for one in failed_duties(connection)] == [("test", "KeyError")]
    assert not do_duty(place_of(store), duty(work), "b")  # not before its minute is over
    later(store, minutes=1)
    assert do_duty(place_of(store), duty(work), "b")
    with store.begin(system()) as connection:
        assert failed_duties(connection) == []


def some_task(store: Store) -> Task:
    """A task of two hours for somebody whom the bank knows, given to a member of its staff."""
    start = store.clock.now()
    with store.begin(system()) as connection:
        connection.execute(
            text(
                "INSERT INTO org_unit (unit_id, kind, line, name_zh, name_en, valid_from) VALUES ('B01', 'branch', '*', 'x', 'x', :at)"
            ),
            {"at": start},
        )
        engage_staff(connection, "M1", "M1", "B01", "relationship_manager")
        connection.execute(
            text(
                "INSERT INTO customer_book (customer_no, line, valid_from, unit_id, says) VALUES ('C1', 'retail', :at, 'B01', '')"
            ),
            {"at": start},
        )
        late = start + timedelta(hours=2)
        return open_task(connection, NewTask("k", TaskKind.CARE, "C1", "B01", "x", start, late, "M1"))


def later(store: Store, **length: int) -> None:
    store.clock = FixedClock(store.clock.now() + timedelta(**length))


def test_of_two_clocks_on_one_bank_one_does_what_is_due(store: Store) -> None:
    done: list[str] = []
    begin = threading.Barrier(2)

    def clock(worker: str, place: Workplace) -> None:
        def work(_: Workplace, mark: str) -> str:
            done.append(worker)
            return f"{mark}{len(done)}"

        begin.wait()
        do_duty(place, duty(work), worker)

    for minute in range(1, 6):
        later(store, minutes=1)
        threads = [threading.Thread(target=clock, args=(name, place_of(store))) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == minute
    with store.begin(system()) as connection:
        assert connection.scalar(text("SELECT mark FROM duty")) == "12345"  # whoever was next knew the last mark


def test_a_duty_under_way_is_not_begun_beside_itself_and_one_left_is_taken_over(store: Store) -> None:
    start = store.clock.now()

    def claim(worker: str, minutes: int) -> DutyClaim | None:
        store.clock = FixedClock(start + timedelta(minutes=minutes))
        with store.begin(system()) as connection:
            return claim_duty(connection, "long", start + timedelta(minutes=minutes), worker)

    assert claim("a", 0) is not None
    assert claim("b", 1) is None  # a is at it
    taken = claim("b", 3)  # a has not been heard of for a lease
    assert taken is not None
    assert claim("a", 2) is None  # a clock that is behind does not do again what was done for a later time
    with store.begin(system()) as connection:
        end_duty(connection, taken, "")
    assert claim("a", 3) is None
    assert claim("a", 4) is not None


def test_the_morning_is_due_once_a_day(store: Store) -> None:
    held = cast(
        Bank, SimpleNamespace(lake=SimpleNamespace(zone="Asia/Shanghai", manifest=SimpleNamespace(current=str)))
    )
    empty = cast(
        Bank, SimpleNamespace(lake=SimpleNamespace(zone="Asia/Shanghai", manifest=SimpleNamespace(current={}.get)))
    )
    early, late = datetime(2026, 6, 30, 0, 29, tzinfo=UTC), datetime(2026, 6, 30, 0, 30, tzinfo=UTC)
    assert every_morning(held, early) is None
    assert (
        every_morning(held, late)
        == every_morning(held, late + timedelta(hours=15))
        == datetime(2026, 6, 28, 16, tzinfo=UTC)
    )
    assert every_morning(empty, late) is None


def unsealed(store: Store) -> int:
    with store.begin(system(), Role.AUDITOR) as connection:
        return seal_age(connection).rows


def test_a_crew_at_work_seals_the_trail_and_once_more_when_it_stops(store: Store) -> None:
    with store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "one", None, None)
    sealed = threading.Event()

    def seal(place: Workplace, mark: str) -> str:
        sealed.set()
        return seal_trail(place, mark)

    crew = Crew(place_of(store), (duty(seal, "seal"),))
    crew.start()
    assert sealed.wait(30)
    with store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "two", None, None)
    crew.stop()
    assert unsealed(store) == 0
    assert anchor_file(store.folder).exists()


def test_a_minute_seals_and_a_cut_trail_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(60):
        with store.begin(system()) as connection:
            record_audit(connection, "test.act", "thing", str(number), None, None)
        if number % 10 == 9:
            seal_trail(place_of(store), "")
    assert unsealed(store) == 0
    assert caplog.text == ""
    with store.begin(system(), Role.OWNER) as connection:
        connection.execute(text("DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id DESC LIMIT 50)"))
        connection.execute(text("DELETE FROM audit_seal WHERE seal > 1"))
    seal_trail(place_of(store), "")
    assert "audit_broken" in caplog.text
    assert not check_audit(store).ok


def test_the_trail_is_verified_once_a_day_and_ended_sessions_are_forgotten(store: Store) -> None:
    with store.begin(account.SIGN_IN) as connection:
        open_session(connection, "somebody", account.SignInStep.FULL, "password")
        record_audit(connection, "test.act", "thing", "one", None, None)
    keep_up(place_of(store), "")
    with store.begin(system()) as connection:
        first = last_check(connection)
    assert first is not None
    assert first.ok
    keep_up(place_of(store), "")
    with store.begin(system()) as connection:
        assert last_check(connection) == first
    assert sessions(store) == 1
    store.clock = FixedClock(store.clock.now() + timedelta(days=2))
    keep_up(place_of(store), "")
    with store.begin(system()) as connection:
        again = last_check(connection)
    assert again is not None
    assert again.at > first.at
    assert sessions(store) == 0


def test_a_request_that_nobody_decided_is_closed(store: Store) -> None:
    with store.begin(maker()) as connection:
        number = submit_approval(connection, "model", "x", "d1")
    store.clock = FixedClock(store.clock.now() + timedelta(days=15))
    keep_up(place_of(store), "")
    with store.begin(system()) as connection:
        assert approval_by_id(connection, number).state.value == "expired"


def test_the_shelf_is_screened_when_a_notice_begins_and_each_hour_then(store: Store) -> None:
    start = store.clock.now()
    bank = cast(Bank, SimpleNamespace(store=store, spec=SimpleNamespace(products={})))
    place, content, mark = (
        Workplace(bank, cast(DeliveryChannel, None), lambda _: Drained(0), lambda *_: cast(LoadReport, None)),
        {"available": {"on": False}},
        "",
    )
    with store.begin(product_manager()) as connection:
        number = submit_approval(connection, "product", "card", "d1", demand=Demand(limits=Limits(start_days=0)))
        add_notice(connection, number, "card", content, start + timedelta(minutes=30))
    with store.begin(checker()) as connection:
        approve(connection, number)

    def screened(minutes: int) -> int:
        store.clock = FixedClock(start + timedelta(minutes=minutes))
        nonlocal mark
        mark = watch_shelf(place, mark)
        with store.begin(auditor(), Role.AUDITOR) as connection:
            return len(connection.scalars(text("SELECT 1 FROM audit WHERE verb = 'product.screen'")).all())

    assert [screened(m) for m in (0, 29, 30, 31, 91, 92)] == [0, 0, 1, 1, 2, 2]


def test_clocks_run_while_serving(store: Store) -> None:
    start = store.clock.now()
    task = some_task(store)
    store.clock = FixedClock(start + timedelta(days=3))
    keep_clocks(place_of(store), "")
    with store.begin(system()) as connection:
        assert task_of(connection, task.task_id).escalated == 3


def test_a_task_that_nobody_did_for_a_month_ends(store: Store) -> None:
    start = store.clock.now()
    task = some_task(store)
    for days, state in ((20, "ASSIGNED"), (40, "EXPIRED")):
        store.clock = FixedClock(start + timedelta(days=days))
        keep_up(place_of(store), "")
        with store.begin(system()) as connection:
            assert task_of(connection, task.task_id).state.value == state


def test_rows_of_the_trail_are_purged_when_their_term_is_over(store: Store) -> None:
    with store.begin(system()) as connection:
        for seen in (["C1"], ["C2"], ["C1", "C2"], ["C1", "C3"]):
            record_access(connection, "customer", seen, ["name"])
        place_hold(connection, "customer", "C2", "lawsuit")
    keep_up(place_of(store), "")
    store.clock = FixedClock(store.clock.now() + timedelta(days=4 * 366))
    keep_up(place_of(store), "")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        rows = read_audit(connection)
    left = [(row.after or {})["first"] for row in rows if row.class_ == "access"]
    assert left == [["C1", "C2"], ["C2"]]  # what names the customer on hold stays, the newest first
    assert [row.verb for row in rows].count("audit.purge") == 1


def test_a_clock_turned_back_under_a_serving_process_does_no_duty_and_writes_nothing(store: Store) -> None:
    place, now = place_of(store), store.clock.now()
    with store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "a", None, None)
    seal = Duty("seal", every(MINUTE), seal_trail)
    store.clock = FixedClock(now - timedelta(hours=2))
    assert not do_duty(place, seal, "w1")
    with pytest.raises(EnvironmentFault, match=r"store\.clock_behind"), store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "b", None, None)
    store.clock = FixedClock(now + timedelta(minutes=1))
    assert do_duty(place, seal, "w1")
    with store.begin(system()) as connection:
        record_audit(connection, "test.act", "thing", "c", None, None)
