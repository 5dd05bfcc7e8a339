"""Head office to manager: a target split over the tree, its tasks stored and each given to somebody, at size."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import text

from bankloop.bench.rights import BenchBank, load_people
from bankloop.kit.clock import FixedClock
from bankloop.organization.principals import system
from bankloop.organization.task import NO_LIMIT, create_tasks, dispatch_tasks, split
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import remove_cluster, start_server

_NOW = datetime(2026, 6, 30, 0, 30, tzinfo=UTC)
_TODAY = date(2026, 6, 30)
_DATABASE = "bankloop"
_CAMPAIGN = "bench"


def measure(tasks: int, staff: int) -> dict[str, Any]:
    """Return ``{tasks, staff, seconds, split_s, stored_s, given_s, sums_exact, left}``: one customer a task."""
    bank = BenchBank(tasks, staff)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home)
        server = start_server(folder)
        try:
            create_database(server, _DATABASE)
            with attach_store(folder, FixedClock(_NOW), server, _DATABASE) as store:
                load_people(store, bank)
                return _measured(store, bank)
        finally:
            remove_cluster(folder)
            server.leave()


def _measured(store: Store, bank: BenchBank) -> dict[str, Any]:
    begin = time.monotonic()
    customers = Counter(number % bank.subs for number in range(bank.customers))
    branches = Counter[str]()
    for sub, count in customers.items():
        branches[f"B{bank.branch_of(sub):03d}"] += count
    by_branch, left = split(bank.customers, branches, branches)
    by_sub: dict[str, int] = {}
    for branch, target in by_branch.items():
        below = {f"S{s:04d}": n for s, n in customers.items() if f"B{bank.branch_of(s):03d}" == branch}
        parts, over = split(target, below, below)
        by_sub |= parts
        left += over
    split_at = time.monotonic()
    with store.begin(system("bench", "test")) as connection:
        create_tasks(connection, _tasks(bank), dict.fromkeys(by_sub, NO_LIMIT))
        stored_at = time.monotonic()
        sent = dispatch_tasks(connection, _CAMPAIGN, 1)
    given_at = time.monotonic()
    with store.begin(system("bench", "test")) as connection:
        rows = connection.execute(
            text("SELECT unit_id, count(*) FROM staff_task WHERE staff_id IS NOT NULL GROUP BY 1")
        )
        found = {row[0]: row[1] for row in rows}
    exact = left == 0 and found == by_sub and sum(by_branch.values()) == bank.customers
    return {
        "tasks": bank.customers,
        "staff": bank.staff,
        "seconds": round(given_at - begin, 1),
        "split_s": round(split_at - begin, 1),
        "stored_s": round(stored_at - split_at, 1),
        "given_s": round(given_at - stored_at, 1),
        "sums_exact": exact,
        "left": sent.left,
    }


def _tasks(bank: BenchBank) -> pa.Table:
    numbers = range(bank.customers)
    n = bank.customers
    return pa.table(
        {
            "decision_id": [str(UUID(int=number + 1)) for number in numbers],
            "campaign": pa.array([_CAMPAIGN] * n),
            "round": pa.array([1] * n, pa.int32()),
            "customer_no": [f"C{number:08d}" for number in numbers],
            "unit_id": [f"S{number % bank.subs:04d}" for number in numbers],
            "due_on": [_TODAY] * n,
            "action": pa.array(["term-deposit-renewal|none|rm_call"] * n),
            "value_fen": list(numbers),
            "script_version": pa.array(["bench/1"] * n),
            "reason": pa.array(["plan"] * n),
        }
    )
