"""Triggers on a bank: once for each event whatever crashes when and whoever is at work, held back with a reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import text

from bankloop.customer.event import GivenEvent
from bankloop.journey.trigger import (
    FiringState,
    acting,
    days_of_triggers,
    held_back_since,
    notices_for,
    rehearse_trigger,
    standing_of_triggers,
    stop_trigger,
    triggers_of,
    work_triggers,
)
from bankloop.kit.errors import DeniedError, NotFoundError
from bankloop.organization.principals import maker, system
from bankloop.organization.task import tasks_of_customer
from tests.journey.conftest import FILE, ZONE, Desk, enforce


def test_an_arrival_is_a_task_of_the_keeper_and_a_notice_once_with_its_latency(desk: Desk) -> None:
    desk.tell("queue_ticket", "branch", outlet="S0001")
    assert desk.firings() == []
    assert work_triggers(desk.bank).done == 1
    (one,) = desk.firings("arrival")
    assert (one.state, one.code, one.unit_id) == (FiringState.FIRED, "", "S0001")
    assert [effect.partition(":")[0] for effect in one.effects] == ["task", "notice"]
    assert one.fired_at is not None
    assert one.fired_at >= one.accepted_at
    with desk.bank.store.begin(system("test")) as connection:
        (task,) = [t for t in tasks_of_customer(connection, "C0001") if "welcome" in t.reason]
        assert task.staff_id == "M00001"
        (day,) = days_of_triggers(connection, desk.bank.clock.now() - timedelta(days=1), ZONE)
        assert (day.fired, day.suppressed) == (1, 0)
        assert day.p99_ms is not None
    with desk.bank.store.begin(desk.folk.who("sub_branch_head")) as connection:
        assert [(one.trigger, one.customer_no) for one in notices_for(connection)] == [("arrival", "C0001")]
    with desk.bank.store.begin(desk.folk.who("M00001")) as connection:
        assert notices_for(connection) == []
    assert work_triggers(desk.bank).done == 0
    # Another one within its rest is held back, and says why; one whose condition does not hold is nothing at all.
    desk.tell("queue_ticket", "branch", outlet="S0001")
    desk.tell("queue_ticket", "branch", outlet="closed")
    work_triggers(desk.bank)
    assert [(f.state, f.code) for f in desk.firings("arrival")] == [
        (FiringState.SUPPRESSED, "trigger.rest"),
        (FiringState.FIRED, ""),
    ]
    with desk.bank.store.begin(system("test")) as connection:
        (held,) = held_back_since(connection, desk.bank.clock.now() - timedelta(days=1))
    assert (held.code, held.count, "rests" in held.reason.en) == ("trigger.rest", 1, True)


def test_what_is_not_approved_or_stopped_does_nothing_and_a_change_waits_for_its_approval(
    make_desk: Callable[[str], Desk],
) -> None:
    desk = make_desk(FILE)
    desk.tell("queue_ticket", "branch", outlet="S0001")
    work_triggers(desk.bank)
    assert desk.firings() == []
    with pytest.raises(NotFoundError, match="arrival"):
        enforce(desk.bank, "arival")
    enforce(desk.bank, "arrival")
    (desk.bank.folder / "triggers.yaml").write_text(FILE.replace("closed", "S0001"), encoding="utf-8")
    with desk.bank.store.begin(maker()) as connection:
        assert standing_of_triggers(connection, triggers_of(desk.bank))["arrival"] == "changed"
    desk.tell("queue_ticket", "branch", outlet="S0001")
    work_triggers(desk.bank)
    assert len(desk.firings()) == 1
    with desk.bank.store.begin(desk.folk.who("M00001")) as connection, pytest.raises(DeniedError):
        stop_trigger(connection, "arrival", "no more")
    with desk.bank.store.begin(maker()) as connection:
        stop_trigger(connection, "arrival", "no more")
    desk.tell("queue_ticket", "branch", customer="C0002", outlet="S0001")
    work_triggers(desk.bank)
    assert len(desk.firings()) == 1


def test_a_window_is_reached_once_in_any_order_and_a_purchase_keeps_it_from_counting(desk: Desk) -> None:
    for minutes in (-5, -300, -100, -200):
        desk.tell("page_view", "mobile_bank", minutes, page="wealth")
        work_triggers(desk.bank)
    assert Counter(one.state for one in desk.firings("looks")) == {FiringState.FIRED: 1, FiringState.SUPPRESSED: 1}
    desk.tell("wealth_purchase", "core", -50, customer="C0002", amount=10, product="p")
    for minutes in (-30, -60, -90):
        desk.tell("page_view", "mobile_bank", minutes, customer="C0002", page="wealth")
    work_triggers(desk.bank)
    assert [one.customer_no for one in desk.firings("looks")] == ["C0001", "C0001"]


def test_an_absence_waits_and_what_comes_late_but_in_time_ends_it(desk: Desk) -> None:
    start = desk.bank.clock.now()
    for customer in ("C0001", "C0002"):
        desk.tell("cardless_withdraw", "atm", 0, customer=customer, amount=5)
    work_triggers(desk.bank)
    assert {one.state for one in desk.firings("silence")} == {FiringState.WAITING}
    desk.at(start + timedelta(minutes=61))
    desk.tell("login", "mobile_bank", -31, customer="C0002")
    work_triggers(desk.bank)
    assert {one.customer_no: (one.state, one.code) for one in desk.firings("silence")} == {
        "C0001": (FiringState.FIRED, ""),
        "C0002": (FiringState.OVER, "trigger.came"),
    }


def test_a_contact_goes_through_the_gate_waits_out_quiet_hours_and_says_why_it_was_refused(desk: Desk) -> None:
    desk.at(datetime(2026, 6, 30, 13, 30, tzinfo=UTC))  # half past nine in the evening
    desk.tell("salary_paid", "core", amount=5000)
    desk.tell("receipt_scan", "pos", merchant="m-1")
    work_triggers(desk.bank)
    (note,) = desk.firings("note")
    assert (note.state, note.code) == (FiringState.WAITING, "trigger.quiet_hours")
    assert note.due_at == datetime(2026, 7, 1, 1, tzinfo=UTC)
    assert desk.count("contact") == 0
    desk.at(datetime(2026, 7, 1, 1, tzinfo=UTC))
    work_triggers(desk.bank)
    work_triggers(desk.bank)
    (note,), (offer,) = desk.firings("note"), desk.firings("offer")
    assert note.state is FiringState.FIRED
    assert note.effects[0].startswith("contact:letter:")
    # Nobody said that this customer may be sold to: the gate refuses, and its reason is kept.
    assert offer.state is FiringState.SUPPRESSED
    assert offer.code == "consent:no_consent"
    assert offer.reason.zh
    with desk.bank.store.begin(system("test")) as connection:
        sent = connection.scalar(text("SELECT count(*) FROM outbox WHERE topic = 'delivery'"))
        decided = connection.execute(text("SELECT DISTINCT campaign FROM decision")).scalars().all()
    assert sent == 1
    assert sorted(decided) == ["journey:note", "journey:offer"]


def test_an_event_that_became_known_too_late_is_held_back(desk: Desk) -> None:
    desk.tell("queue_ticket", "branch", -60 * 25, outlet="S0001")
    work_triggers(desk.bank)
    assert [(one.state, one.code) for one in desk.firings()] == [(FiringState.SUPPRESSED, "trigger.late")]


def test_two_workers_at_once_and_one_that_breaks_leave_one_effect_an_event(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = desk.bank.clock.now() - timedelta(minutes=1)
    people = [f"C{number:04d}" for number in range(40)]
    events = [GivenEvent(f"q-{who}", "queue_ticket", who, at, "app", {"outlet": "S0001"}) for who in people]
    for part in (events[:25], events[10:], events):
        desk.give("branch", *part)
    whole, broken = acting._notice, iter([True])

    def breaks(*given: object) -> str:
        done = whole(*given)  # type: ignore[arg-type]
        if next(broken, False):
            raise RuntimeError("after the effect, before the commit")
        return done

    monkeypatch.setattr(acting, "_notice", breaks)
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        work_triggers(desk.bank)

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert desk.count("trigger_firing") in (39, 40)  # one waits a minute to be tried again, or the other took it over
    desk.at(desk.bank.clock.now() + timedelta(minutes=2))
    work_triggers(desk.bank)
    assert Counter(one.customer_no for one in desk.firings("arrival")) == dict.fromkeys(people, 1)
    assert desk.count("trigger_notice") == desk.count("staff_task") == 40


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from bankloop.journey.trigger import acting, work_triggers
from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.store.database import open_store

place, clock = sys.argv[3], FixedClock(datetime.fromisoformat(sys.argv[2]))
whole = getattr(acting, place)
def stop(*given, **named):
    if place == "fire":
        print("here", flush=True)
        sys.stdin.read()
    done = whole(*given, **named)
    print("here", flush=True)
    sys.stdin.read()
    return done
setattr(acting, place, stop)
folder = Path(sys.argv[1])
with open_store(folder, clock) as store:
    work_triggers(Bank(folder, store, open_lake(folder, store, system("lake")), clock))
"""


@pytest.mark.parametrize("place", ["fire", "_task", "_notice", "_set"])
def test_killed_between_the_event_and_its_effect_it_has_one_effect_after_the_restart(
    desk: Desk, database_url: str, place: str
) -> None:
    desk.tell("queue_ticket", "branch", outlet="S0001")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(desk.bank.folder), desk.bank.clock.now().isoformat(), place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BANKLOOP_DATABASE_URL": database_url},
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "here\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    child.stdin.close()
    # The server lets go of what the killed one held as soon as it notices.
    for _ in range(100):
        work_triggers(desk.bank)
        if desk.firings():
            break
        sleep(0.1)
    work_triggers(desk.bank)
    assert [one.state for one in desk.firings()] == [FiringState.FIRED]
    assert desk.count("staff_task") == desk.count("trigger_notice") == 1


def test_a_rehearsal_says_what_would_happen_and_leaves_nothing(desk: Desk) -> None:
    for minutes in (-300, -200, -100):
        desk.tell("page_view", "mobile_bank", minutes, page="wealth")
    work_triggers(desk.bank)
    desk.tell("page_view", "mobile_bank", -50, page="wealth")
    before = [desk.count(table) for table in ("trigger_firing", "staff_task", "trigger_notice")]
    found = rehearse_trigger(desk.bank, maker(), "looks", 3)
    assert (found.events, Counter(one.state for one in found.firings)) == (
        4,
        {FiringState.FIRED: 1, FiringState.SUPPRESSED: 3},
    )
    assert [desk.count(table) for table in ("trigger_firing", "staff_task", "trigger_notice")] == before
    with pytest.raises(DeniedError):
        rehearse_trigger(desk.bank, desk.folk.who("M00001"), "looks", 3)
