"""The queue: done once however many workers, taken over, tried again, cancelled, put aside, in its asker's name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, EnvironmentFault, NotFoundError
from bankloop.kit.text import Text
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import auditor, maker, steward, system
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.jobs import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    JobState,
    cancel_job,
    claim_job,
    end_job,
    enqueue_job,
    job_of,
    open_jobs,
    own_jobs,
    renew_job,
    retry_job,
    step_job,
)
from bankloop.wiring import workplace
from bankloop.work import queue
from bankloop.work.errors import JobUnreadableError
from bankloop.work.jobs import Act, Arguments, JobKind
from bankloop.work.queue import Worker, ask_job
from bankloop.work.rounds import Say
from bankloop.work.workplace import Workplace

PROGRAM = system("test", "test")
Asks = Callable[[], UUID]


@pytest.fixture
def place(store: Store) -> Workplace:
    return workplace(Bank(store.folder, store, open_lake(store.folder, store, system("lake")), store.clock))


def later(store: Store, length: timedelta) -> None:
    store.clock = FixedClock(store.clock.now() + length)


def asked(place: Workplace, who: Principal = PROGRAM, kind: str = "toy") -> UUID:
    with place.bank.store.begin(who) as connection:
        return ask_job(connection, place.bank, kind, {}).job_id


def seen(place: Workplace, job_id: UUID, who: Principal = PROGRAM) -> Job:
    with place.bank.store.begin(who) as connection:
        return job_of(connection, job_id)


def toy(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    monkeypatch.setattr(queue, "JOBS", {**queue.JOBS, "toy": JobKind("round.run", act, Arguments)})


def test_of_many_workers_one_does_a_job(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    toy(monkeypatch, lambda _place, _who, _asked, _say: done.append("one"))
    jobs = [asked(place) for _ in range(20)]
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(Worker(place).wait())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == sum(counts) == 20
    assert {seen(place, job).state for job in jobs} == {JobState.DONE}


def test_a_job_asked_for_in_a_transaction_that_is_undone_was_never_asked_for(place: Workplace) -> None:
    with place.bank.store.begin(PROGRAM) as connection:
        enqueue_job(connection, "review", {})
        connection.rollback()
    assert Worker(place).wait() == 0


def test_what_could_only_fail_is_refused_at_once(place: Workplace) -> None:
    with place.bank.store.begin(steward()) as connection, pytest.raises(DeniedError):
        ask_job(connection, place.bank, "close", {})
    with place.bank.store.begin(PROGRAM) as connection:
        with pytest.raises(JobUnreadableError):
            ask_job(connection, place.bank, "close", {"month": "soon"})
        with pytest.raises(JobUnreadableError):
            ask_job(connection, place.bank, "close", {"moon": "2026-05-01"})


def test_a_worker_that_is_not_heard_of_is_replaced_and_changes_nothing_any_more(place: Workplace) -> None:
    store, job = place.bank.store, asked(place, kind="review")
    with store.begin(PROGRAM) as connection:
        first = claim_job(connection, "first")
        assert first is not None
        assert claim_job(connection, "second") is None
    later(store, LEASE / 2)
    with store.begin(PROGRAM) as connection:
        assert renew_job(connection, first)
    later(store, LEASE / 2)
    with store.begin(PROGRAM) as connection:
        assert claim_job(connection, "second") is None  # it was renewed
    later(store, LEASE / 2)
    with store.begin(PROGRAM) as connection:
        second = claim_job(connection, "second")
        assert second is not None
        assert (second.job_id, second.attempts) == (job, 2)
        assert not renew_job(connection, first)
        assert step_job(connection, first, "plan") is None
        assert not end_job(connection, first, JobState.FAILED)
        assert not end_job(connection, replace(second, worker="first"), JobState.FAILED)
        assert end_job(connection, second, JobState.DONE, {"opened": 1})
    assert seen(place, job).result == {"opened": 1}


def test_a_job_whose_every_worker_died_is_put_aside(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(monkeypatch, lambda *_: pytest.fail("nobody is to try it once more"))
    job, store = asked(place), place.bank.store
    for _ in range(MAX_ATTEMPTS):
        with store.begin(PROGRAM) as connection:
            assert claim_job(connection, "dies") is not None
        later(store, LEASE)
    assert Worker(place).wait() == 1
    found = seen(place, job)
    assert (found.state, found.error and found.error["code"]) == (JobState.DEAD, "job.lost")


def test_a_machine_that_fails_is_waited_for_longer_each_time_and_then_a_person(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise EnvironmentFault("test.away", Text("不在", "away"))

    toy(monkeypatch, away)
    job, store, worker = asked(place), place.bank.store, Worker(place)
    waits = []
    for _ in range(MAX_ATTEMPTS - 1):
        assert worker.wait() == 1
        found = seen(place, job)
        assert found.state is JobState.WAITING
        waits.append(found.due_at - store.clock.now())
        assert worker.wait() == 0
        later(store, waits[-1])
    assert [wait / timedelta(minutes=1) for wait in waits] == [1, 2, 4, 8]
    assert worker.wait() == 1
    found = seen(place, job)
    assert (found.state, found.error and found.error["code"]) == (JobState.DEAD, "test.away")
    toy(monkeypatch, lambda *_: {"well": True})
    with store.begin(PROGRAM) as connection:
        assert [one.job_id for one in open_jobs(connection)] == [job]
        retry_job(connection, job)
    assert worker.wait() == 1
    assert seen(place, job).state is JobState.DONE


def test_a_rule_s_refusal_is_the_answer_and_what_nobody_foresaw_is_told_by_its_place(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ConflictError("test.no", Text("不行", "no"))

    def break_(*_: object) -> None:
        raise KeyError("13800138000")

    toy(monkeypatch, refuse)
    refused = asked(place)
    Worker(place).wait()
    assert (seen(place, refused).state, seen(place, refused).attempts) == (JobState.FAILED, 1)
    toy(monkeypatch, break_)
    broken = asked(place)
    Worker(place).wait()
    found = seen(place, broken)
    assert (found.state, found.error and found.error["code"]) == (JobState.WAITING, "job.fault")
    assert "KeyError" in caplog.text
    assert "13800138000" not in caplog.text + str(found.error)


def test_a_job_of_a_kind_that_is_no_more_is_put_aside_and_those_behind_it_are_done(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy(monkeypatch, lambda *_: None)
    with place.bank.store.begin(PROGRAM) as connection:
        gone = enqueue_job(connection, "teleport", {"to": "moon"}).job_id
        unreadable = enqueue_job(connection, "close", {"moon": True}).job_id
        behind = enqueue_job(connection, "toy", {}).job_id
    assert Worker(place).wait() == 3
    codes = [(one.error or {}).get("code") for one in (seen(place, job) for job in (gone, unreadable))]
    assert codes == ["job.unknown_kind", "job.unreadable"]
    assert {seen(place, job).state for job in (gone, unreadable)} == {JobState.DEAD}
    assert seen(place, behind).state is JobState.DONE


def test_cancelled_before_it_began_and_at_its_next_step(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def act(place: Workplace, _who: Principal, _asked: Arguments, say: Say) -> None:
        say("plan")
        steps.append("plan")
        with place.bank.store.begin(PROGRAM) as connection:
            assert cancel_job(connection, running) is JobState.RUNNING
        say("run")
        steps.append("run")

    toy(monkeypatch, act)
    waiting = asked(place)
    with place.bank.store.begin(PROGRAM) as connection:
        assert cancel_job(connection, waiting) is JobState.CANCELLED
    running = asked(place)
    assert Worker(place).wait() == 1
    assert steps == ["plan"]
    assert {seen(place, job).state for job in (waiting, running)} == {JobState.CANCELLED}
    with place.bank.store.begin(PROGRAM) as connection:
        for over in (waiting, running):
            with pytest.raises(ConflictError, match="over"):
                cancel_job(connection, over)
            with pytest.raises(ConflictError, match="put aside"):
                retry_job(connection, over)
    with place.bank.store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'job.cancel'")) == 2


def test_a_worker_that_stops_gives_its_job_back(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(place)

    def act(_place: Workplace, _who: Principal, _asked: Arguments, say: Say) -> None:
        worker.stop()
        say("plan")

    toy(monkeypatch, act)
    job = asked(place)
    worker.wait()
    assert (seen(place, job).state, seen(place, job).attempts) == (JobState.WAITING, 0)
    toy(monkeypatch, lambda *_: None)
    assert Worker(place).wait() == 1
    assert seen(place, job).state is JobState.DONE


def test_a_job_is_its_asker_s_own_and_of_those_who_keep_the_queue(place: Workplace) -> None:
    store, mine = place.bank.store, asked(place, steward(), "derive")
    other = Principal("other", frozenset({"data_steward"}), ("*",), "quality", rights=frozenset({"job.cancel"}))
    with store.begin(other) as connection:
        assert own_jobs(connection, 10) == open_jobs(connection) == []
        with pytest.raises(NotFoundError):
            cancel_job(connection, mine)
        with pytest.raises(DeniedError):
            retry_job(connection, mine)
    reader = replace(other, rights=frozenset({"job.cancel", "job.read"}))
    with store.begin(reader) as connection:
        assert [one.job_id for one in open_jobs(connection)] == [mine]
        with pytest.raises(DeniedError):
            cancel_job(connection, mine)
    with store.begin(maker()) as connection:
        assert [one.job_id for one in open_jobs(connection)] == [mine]
        assert own_jobs(connection, 10) == []


def test_who_asked_and_lost_the_right_by_then_is_refused(place: Workplace) -> None:
    job = asked(place, steward("gone"), "derive")  # nobody of that name is on record any more
    Worker(place).wait()
    found = seen(place, job)
    assert found.state is JobState.FAILED
    assert "gone" in str(found.error)
