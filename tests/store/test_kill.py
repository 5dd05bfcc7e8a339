"""Kills in the middle of appending: what was committed is there, what was not is not, and the same batch completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import EnvironmentFault
from bankloop.store.contracts import DecisionBatch, Principal
from bankloop.store.database import Store, open_store
from bankloop.store.embedded import remove_cluster, start_server
from bankloop.store.history import append_decisions

pytestmark = pytest.mark.soak

Decisions = Callable[..., DecisionBatch]

# Appends ten more decisions per commit and says how far it is. It ends by itself: a server that dies between two commits
# is revived, and then nothing ends it.
APPENDER = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
import pyarrow as pa
from bankloop.kit.clock import FixedClock
from bankloop.kit.ids import uuid7
import bankloop.wiring
from bankloop.store.contracts import DecisionBatch, Principal
from bankloop.store.database import open_store
from bankloop.store.history import append_decisions
now = datetime(2026, 6, 30, tzinfo=UTC)
with open_store(Path(sys.argv[1]), FixedClock(now)) as store:
    for start in range(0, 600, 10):
        n = range(start, start + 10)
        table = pa.table({
            "decision_id": [str(uuid7(0)) for _ in n], "campaign": ["c"] * 10,
            "round": pa.array([1] * 10, pa.int32()), "customer_no": [f"C{i:07d}" for i in n],
            "unit_id": ["B01"] * 10, "placement": ["batch"] * 10, "window_start": [date(2026, 6, 30)] * 10,
            "window_end": [date(2026, 6, 30)] * 10, "lock_digest": ["x"] * 10, "as_of": [date(2026, 6, 29)] * 10,
            "state_digest": ["y"] * 10, "cell": ["optimize"] * 10, "recorded_at": [now] * 10,
        })
        with store.begin(Principal("system", units=("*",))) as connection:
            append_decisions(connection, DecisionBatch(table))
        print(start + 10, flush=True)
"""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    remove_cluster(tmp_path)


def numbers(store: Store, system: Principal) -> tuple[int, int, int]:
    """Return decisions, different customers among them, and keys."""
    with store.begin(system) as connection:
        row = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM decision), (SELECT count(DISTINCT customer_no) FROM decision), "
                "(SELECT count(*) FROM decision_key)"
            )
        ).one()
        return row[0], row[1], row[2]


@pytest.mark.parametrize("victim", ["client", "server"])
@pytest.mark.parametrize("kill_after", [1, 7, 23])
def test_nothing_committed_is_lost_and_nothing_doubled(
    bank: Path, clock: FixedClock, system: Principal, victim: str, kill_after: int
) -> None:
    holder = start_server(bank)
    child = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(bank)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    said = 0
    for _ in range(kill_after):
        said = int(child.stdout.readline())
    if victim == "server":
        holder.kill()
    else:
        child.send_signal(signal.SIGKILL)
    last = child.stdout.read().split()  # what it still said before it noticed, or died
    child.wait()
    child.stdout.close()
    said = int(last[-1]) if last else said
    with open_store(bank, clock) as store:
        decisions, customers, keys = numbers(store, system)
    assert decisions == customers == keys
    assert decisions in (said, said + 10)  # the last commit may have been made and not been said
    holder.leave()


def test_a_big_batch_killed_halfway_is_stored_whole_by_the_same_command(
    bank: Path, clock: FixedClock, system: Principal, decisions: Decisions
) -> None:
    holder = start_server(bank)
    batch = decisions(20_000)

    def killed(store: Store) -> None:
        with store.begin(system) as connection:
            append_decisions(connection, batch)
            holder.kill()

    with open_store(bank, clock) as store:
        with pytest.raises(EnvironmentFault, match="unreachable"):
            killed(store)
        assert numbers(store, system) == (0, 0, 0)
        for expected in (20_000, 0):
            with store.begin(system) as connection:
                assert append_decisions(connection, batch) == expected
        assert numbers(store, system) == (20_000, 20_000, 20_000)
    holder.leave()
