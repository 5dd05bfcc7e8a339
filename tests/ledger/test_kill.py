"""Kills while the ledger is posted to: what was acknowledged is there, each request has one effect, and the books are right."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.ledger.contracts import Line, hold, move
from bankloop.ledger.posting import post
from bankloop.ledger.statements import balance_of, check_ledger
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from bankloop.store.embedded import remove_cluster, server_pid, start_server

pytestmark = pytest.mark.soak

# Posts one request after another, each committed and then said; asked again from the first, it does what is missing.
POSTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.kit.text import Text
from bankloop.ledger.accounts import open_accounts, open_asset
from bankloop.ledger.contracts import LedgerAccount, LedgerAsset, hold, move
from bankloop.ledger.posting import must_post
from bankloop.organization.principals import system
from bankloop.store.database import open_store
with open_store(Path(sys.argv[1]), FixedClock(datetime(2026, 6, 30, tzinfo=UTC))) as store:
    with store.begin(system("ledger")) as connection:
        open_asset(connection, LedgerAsset("points", Text("积分", "points")))
        open_accounts(connection, [LedgerAccount("issued", "points", bounded=False)])
        open_accounts(connection, [LedgerAccount("a", "points", shards=4), LedgerAccount("b", "points")])
    for n in range(400):
        with store.begin(system("ledger")) as connection:
            must_post(connection, f"r{n}", [move("issued", "a", 10, "x"), move("a", "b", 3, "x"), hold("a", "b", 1, "x")])
        print(n + 1, flush=True)
"""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    remove_cluster(tmp_path)


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("after", [3, 57])
def test_what_was_acknowledged_is_posted_and_everything_once(
    bank: Path, clock: FixedClock, who: str, after: int
) -> None:
    keeper = start_server(bank)
    child = subprocess.Popen([sys.executable, "-c", POSTER, str(bank)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = 0
    for line in child.stdout:
        said = int(line)
        if said == after:
            if who == "client":
                child.kill()
            else:
                pid = server_pid(bank)
                assert pid is not None
                subprocess.run(["kill", f"-{signal.SIGKILL}", str(pid)], check=True)
    child.wait()
    child.stdout.close()
    keeper.leave()
    with open_store(bank, clock) as store, store.begin(system("ledger")) as connection:
        done = int(connection.execute(text("SELECT count(*) FROM ledger_request")).scalar_one())
        assert said <= done <= said + 1
        assert balance_of(connection, "b").posted == 3 * done
        assert balance_of(connection, "a").available == 6 * done
        assert check_ledger(connection) == ()
        for n in range(done + 5):
            post(connection, f"n{n}" if n >= done else f"r{n}", [move("issued", "a", 1, "x")] if n >= done else _same())
        assert balance_of(connection, "b").posted == 3 * done
        assert check_ledger(connection) == ()


def _same() -> list[Line]:
    return [move("issued", "a", 10, "x"), move("a", "b", 3, "x"), hold("a", "b", 1, "x")]
