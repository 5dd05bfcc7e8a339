"""The commands of work: what is due is done once and said, dead jobs are listed, tried again and cancelled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bankloop.kit.clock import SystemClock
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from bankloop.store.jobs import JobState, enqueue_job, job_of
from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]

PROGRAM = system("test", "test")


def test_what_is_due_is_done_and_a_job_that_nobody_knows_waits_for_a_person(bank: Path, folk: Folk) -> None:
    who = ("--as", folk.roles["hq_strategist"])
    with open_store(bank, SystemClock()) as store, store.begin(PROGRAM) as connection:
        job = enqueue_job(connection, "teleport", {}).job_id
    done = run(bank, "work", "--once")[1]
    assert done["jobs"] == 1
    assert done["duties"] > 0
    listed = run(bank, "jobs", *who)[1]["jobs"]
    assert [(one["job_id"], one["state"]) for one in listed] == [(str(job), "dead")]
    assert run(bank, "jobs", "--retry", str(job), *who)[1]["jobs"][0]["state"] == "waiting"
    assert run(bank, "jobs", "--cancel", str(job), *who)[1]["jobs"] == []
    assert run(bank, "jobs", "--cancel", str(job), *who)[1]["error"]["code"] == "job.over"
    assert run(bank, "work", "--once")[1]["jobs"] == 0


def test_a_process_works_until_it_is_stopped(bank: Path) -> None:
    with open_store(bank, SystemClock()) as store:
        child = subprocess.Popen([Path(sys.executable).with_name("bankloop"), "work", "--bank", bank], env=os.environ)
        try:
            with store.begin(PROGRAM) as connection:
                job = enqueue_job(connection, "teleport", {}).job_id
            state = JobState.WAITING
            while state is not JobState.DEAD and child.poll() is None:
                with store.begin(PROGRAM) as connection:
                    state = job_of(connection, job).state
            assert state is JobState.DEAD
            child.send_signal(signal.SIGTERM)
            assert child.wait(60) == 0
        finally:
            child.kill()
            child.wait()
