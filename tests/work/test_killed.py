"""A worker process that is killed in the middle of a job: another takes the job over, once its lease is out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit
from bankloop.store.database import Store
from bankloop.store.jobs import LEASE, JobState, job_of
from bankloop.wiring import workplace
from bankloop.work import queue
from bankloop.work.jobs import Arguments, JobKind
from bankloop.work.queue import Worker, ask_job
from bankloop.work.rounds import Say
from bankloop.work.workplace import Workplace

PROGRAM = system("test", "test")
# Does half of a job, says so, and waits to be killed.
HALFWAY = """
import sys
from datetime import datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from bankloop.wiring import workplace
from bankloop.work import queue
from bankloop.work.jobs import Arguments, JobKind
from tests.work.test_killed import half

def halfway(place, who, asked, say):
    half(place, say)
    print("halfway", flush=True)
    sys.stdin.read()

queue.JOBS = {"toy": JobKind("round.run", halfway, Arguments)}
folder, clock = Path(sys.argv[1]), FixedClock(datetime.fromisoformat(sys.argv[2]))
with open_store(folder, clock) as store:
    bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
    queue.Worker(workplace(bank)).wait()
"""


def half(place: Workplace, say: Say) -> None:
    """Do the first half of the job: a row of the trail."""
    say("plan")
    with place.bank.store.begin(PROGRAM) as connection:
        record_audit(connection, "test.half", "job", "toy", None, None)


def test_a_job_killed_halfway_is_taken_over_by_another_process(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = workplace(Bank(tmp_path, store, open_lake(tmp_path, store, system("lake")), store.clock))
    done: list[str] = []

    def whole(place: Workplace, _who: object, _asked: Arguments, say: Say) -> str:
        half(place, say)
        done.append("whole")
        return "whole"

    monkeypatch.setattr(queue, "JOBS", {"toy": JobKind("round.run", whole, Arguments)})
    with store.begin(PROGRAM) as connection:
        job = ask_job(connection, place.bank, "toy", {}).job_id
    child = subprocess.Popen(
        [sys.executable, "-c", HALFWAY, str(tmp_path), store.clock.now().isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BANKLOOP_DATABASE_URL": database_url},
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "halfway\n"
    assert Worker(place).wait() == 0  # it is at work
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    child.stdin.close()
    with store.begin(PROGRAM) as connection:
        left = job_of(connection, job)
    assert (left.state, left.step, left.attempts) == (JobState.RUNNING, "plan", 1)
    store.clock = FixedClock(store.clock.now() + LEASE - timedelta(seconds=1))
    assert Worker(place).wait() == 0  # it may be late
    store.clock = FixedClock(store.clock.now() + timedelta(seconds=1))
    assert Worker(place).wait() == 1
    with store.begin(PROGRAM) as connection:
        found = job_of(connection, job)
    assert (found.state, found.result, found.attempts, done) == (JobState.DONE, "whole", 2, ["whole"])
