"""Killed in the middle of a merge, nothing is half merged, and the same command completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.customer.identity import link_identities, party_map, register
from bankloop.kit.clock import FixedClock
from bankloop.store.database import Store, open_store
from bankloop.store.embedded import remove_cluster, start_server
from tests.customer.conftest import DAY, PROGRAM, person, table_of

# Links in a transaction of its own, stops once parties have moved and before the commit, and waits to be killed.
pytestmark = pytest.mark.soak
HALFWAY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bankloop.customer.identity import ledger, link_identities
from bankloop.kit.clock import FixedClock
from bankloop.store.contracts import Principal
from bankloop.store.database import open_store

told = ledger.record_events
def stop(connection, events):
    told(connection, events)
    print("halfway", flush=True)
    sys.stdin.read()
ledger.record_events = stop
with open_store(Path(sys.argv[1]), FixedClock(datetime(2026, 6, 30, 2, tzinfo=UTC))) as store:
    with store.begin(Principal("system:identity", frozenset({"system"}), ("*",), "quality")) as connection:
        link_identities(connection)
"""
TABLES = ("identity_link", "party_member", "merge_event", "match_candidate")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    remove_cluster(tmp_path)


def counts(store: Store) -> list[int]:
    with store.begin(PROGRAM) as connection:
        return [connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in TABLES]


def test_a_merge_killed_halfway_left_nothing_and_completes(bank: Path, clock: FixedClock) -> None:
    holder = start_server(bank)
    pairs = [person(f"{side}{n}", f"王{chr(0x5200 + n)}", phone=f"1380000{n:04}") for n in range(20) for side in "CD"]
    with open_store(bank, clock) as store:
        with store.begin(PROGRAM) as connection:
            register(connection, "core", table_of(pairs), DAY, "L1")
        child = subprocess.Popen(
            [sys.executable, "-c", HALFWAY, str(bank)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "halfway\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        child.stdin.close()
        assert counts(store) == [0, 0, 0, 0]
        with store.begin(PROGRAM) as connection:
            assert link_identities(connection).merges == 20
            assert party_map(connection).num_rows == 20
        after = counts(store)
        with store.begin(PROGRAM) as connection:
            assert link_identities(connection, whole=True).merges == 0
        assert counts(store) == after
    holder.leave()
