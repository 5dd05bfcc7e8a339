"""The database is killed again and again under a served bank: what was acknowledged is there, and everything once."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from bankloop.bench.consoles import ServedBank, serve_made_bank
from bankloop.kit.clock import SystemClock
from bankloop.organization.principals import auditor, system
from bankloop.store.audit import seal_audit, verify_audit
from bankloop.store.contracts import Role
from bankloop.store.database import Store, open_store
from bankloop.store.embedded import server_pid

pytestmark = pytest.mark.soak
CUSTOMERS, WRITERS, WRITES, KILL_EVERY = 2_000, 4, 120, 25
PATIENCE = 400


@dataclass
class Answered:
    """What became of writes: the task that each key was acknowledged with, every answer by its status, servers killed."""

    tasks: dict[str, str] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    killed: set[int] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: str, key: str = "", task: str = "") -> int:
        """Write an answer down and return how many writes are acknowledged by now."""
        with self.guard:
            self.statuses[status] += 1
            if task:
                self.tasks[key] = task
            return len(self.tasks)


def write(served: ServedBank, answered: Answered, place: int, customer: str, unit: str) -> None:
    """Open one task, sent again under its key until it is acknowledged; now and then the server dies behind it."""
    clock, key = SystemClock(), f"killed-{place}"
    due = clock.now() + timedelta(days=1)
    body = {
        "key": key, "kind": "care", "customer_no": customer, "unit_id": unit, "reason": "kept in touch",
        "start_at": clock.now().isoformat(), "due_at": due.isoformat(),
    }  # fmt: skip
    headers = {"authorization": f"Bearer {served.leaders['sub_branch_head']}", "idempotency-key": key}
    with httpx.Client(base_url=served.base, timeout=120) as client:
        for _ in range(PATIENCE):
            try:
                answer = client.post("/api/v1/tasks", json=body, headers=headers)
            except httpx.TransportError as error:
                answered.note(type(error).__name__)
                continue
            if answer.status_code == 201:
                done = answered.note("201", key, answer.json()["task_id"])
                if done % KILL_EVERY == 0:
                    answered.killed.update(kill_database(served))
                return
            answered.note(str(answer.status_code))
            assert answer.status_code in (409, 503), answer.text
    raise AssertionError(f"{key} was never acknowledged: {answered.statuses}")


def own_customers(served: ServedBank) -> tuple[str, list[str]]:
    """Return the unit of the bank's head of a sub-branch and customers of it."""
    headers = {"authorization": f"Bearer {served.leaders['sub_branch_head']}"}
    with httpx.Client(
        base_url=served.base, timeout=120, headers=headers, transport=httpx.HTTPTransport(retries=400)
    ) as client:
        while client.get("/readyz").status_code != 200:
            continue
        unit = client.get("/api/v1/me").json()["units"][0]
        return unit, [one["customer_no"] for one in client.get("/api/v1/customers").json()["items"]]


def kill_database(served: ServedBank) -> set[int]:
    """Kill the server as a power cut would and return which it was; one that is not there was killed a moment ago."""
    pid = server_pid(served.folder)
    if pid is None:
        return set()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return set()
    return {pid}


def kept_tasks(store: Store) -> Iterator[tuple[str, str]]:
    """Yield key and id of every task of the test that the bank has."""
    with store.begin(system()) as connection:
        rows = connection.execute(text("SELECT source_key, task_id FROM staff_task WHERE source_key LIKE 'killed-%'"))
        yield from ((row.source_key, str(row.task_id)) for row in rows.all())


def test_what_was_acknowledged_is_there_and_everything_once() -> None:
    answered = Answered()
    with serve_made_bank(CUSTOMERS, 2) as served, open_store(served.folder, SystemClock()) as store:
        unit, customers = own_customers(served)
        whom = itertools.cycle(customers)
        with ThreadPoolExecutor(WRITERS) as pool:
            asked = [pool.submit(write, served, answered, place, next(whom), unit) for place in range(WRITES)]
            for one in asked:
                one.result()
        kept = list(kept_tasks(store))
        assert len(kept) == len(dict(kept)) == WRITES
        assert dict(kept) == answered.tasks
        with store.begin(auditor(), Role.AUDITOR) as connection:
            opened = text("SELECT count(*) FROM audit WHERE verb = 'task.open' AND reason = 'kept in touch'")
            assert connection.scalar(opened) == WRITES
        # Whether a writer notices is a matter of moments; that another server took its place is not.
        assert len(answered.killed) > 1, answered
        seal_audit(store)
        assert verify_audit(store).ok
