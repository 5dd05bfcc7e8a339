"""The embedded server: shared, left by the last one, revived, never started over a newer cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, EnvironmentFault
from bankloop.kit.text import Language
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, open_store
from bankloop.store.embedded import cluster as cluster_module
from bankloop.store.embedded import places as places_module
from bankloop.store.embedded import remove_cluster, start_server
from bankloop.store.embedded.cluster import Cluster
from bankloop.store.embedded.handles import add_handle, living_handles
from bankloop.store.embedded.places import Places, make_private
from bankloop.store.outbox import enqueue, waiting_messages

pytestmark = pytest.mark.soak
ROOT = Principal("root", units=("*",))

# Opens the bank, says so, and leaves when told to.
USER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.store.database import open_store
with open_store(Path(sys.argv[1]), FixedClock(datetime(2026, 6, 30, tzinfo=UTC))):
    print("open", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Path]:
    """A bank folder whose cluster is deleted in the end."""
    yield tmp_path
    remove_cluster(tmp_path)


class User:
    """Another process on the same bank."""

    def __init__(self, bank: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(bank)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.read() == "left"
        self.close()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def count(store: Store) -> int:
    with store.begin(ROOT) as connection:
        return connection.scalar(text("SELECT count(*) FROM decision")) or 0


def running(bank: Path) -> bool:
    return Cluster.of(Places.of(bank)).running()


def test_two_processes_share_one_server_and_the_last_one_stops_it(bank: Path, clock: FixedClock) -> None:
    first, second = User(bank), User(bank)  # at once, on a bank that has no cluster yet
    assert first.read() == second.read() == "open"
    with open_store(bank, clock) as store:
        assert count(store) == 0
        first.leave()
        assert running(bank)
        second.kill()
        assert count(store) == 0
    assert not running(bank)
    assert list(Places.of(bank).handles.iterdir()) == []


def test_a_server_left_behind_is_joined_and_one_that_died_is_revived(bank: Path, clock: FixedClock) -> None:
    user = User(bank)
    assert user.read() == "open"
    user.kill()
    assert running(bank)
    server = start_server(bank)
    with open_store(bank, clock) as store:
        assert len(living_handles(Places.of(bank).handles)) == 2
        assert count(store) == 0
        server.kill()
        assert count(store) == 0
    server.leave()
    assert not running(bank)


def test_a_pid_that_another_process_took_over_is_not_our_server(bank: Path, clock: FixedClock) -> None:
    with open_store(bank, clock):
        kept = (Places.of(bank).data / "postmaster.pid").read_text()
    stale = Places.of(bank).data / "postmaster.pid"
    stale.write_text(kept.replace(kept.split()[0], str(os.getpid()), 1))
    with open_store(bank, clock) as store:
        assert count(store) == 0


def test_dead_handles_are_pruned(tmp_path: Path) -> None:
    mine = add_handle(tmp_path)
    started = psutil.Process().create_time()
    (tmp_path / "1-reused.json").write_text(json.dumps({"pid": os.getpid(), "started": started - 100}))
    (tmp_path / "2-gone.json").write_text(json.dumps({"pid": 2**22 + 1, "started": started}))
    (tmp_path / "3-cut.json").write_text('{"pid":')
    assert living_handles(tmp_path) == [mine]
    assert list(tmp_path.iterdir()) == [mine]


@pytest.mark.parametrize(("version", "code"), [("99", "store.newer_major"), ("15", "store.older_major")])
def test_another_major_is_refused_with_the_cure(bank: Path, clock: FixedClock, version: str, code: str) -> None:
    open_store(bank, clock).close()
    (Places.of(bank).data / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(EnvironmentFault) as caught:
        open_store(bank, clock)
    assert caught.value.code == code
    assert version in caught.value.say(Language.ZH)
    assert not running(bank)


def test_a_full_disk_is_said_before_the_start(bank: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cluster_module, "MIN_FREE_BYTES", 2**62)
        with pytest.raises(EnvironmentFault, match="disk_full"):
            open_store(bank, clock)
    open_store(bank, clock).close()


def test_a_kill_while_the_cluster_is_made_is_made_good(bank: Path, clock: FixedClock) -> None:
    cluster = Cluster.of(Places.of(bank))
    draft = cluster.places.root / "draft"
    make_private(draft, cluster.runner)
    (draft / "PG_VERSION").write_text("18\n")
    open_store(bank, clock).close()
    assert not draft.exists()


def test_a_moved_bank_keeps_its_database_and_a_copy_does_not_begin_empty(tmp_path: Path, clock: FixedClock) -> None:
    first, second, copy = tmp_path / "first", tmp_path / "second", tmp_path / "copy"
    first.mkdir()
    with open_store(first, clock) as store, store.begin(ROOT) as connection:
        enqueue(connection, "mail", "1", "B01", {})
    first.rename(second)
    with open_store(second, clock) as store, store.begin(ROOT) as connection:
        assert waiting_messages(connection, "mail") == 1
    shutil.copytree(second, copy)
    with pytest.raises(ConflictError, match=r"store\.elsewhere"):
        open_store(copy, clock)
    (copy / "data" / "cluster").unlink()
    with open_store(copy, clock) as store, store.begin(ROOT) as connection:
        assert waiting_messages(connection, "mail") == 0
    remove_cluster(second)
    remove_cluster(copy)
    assert not Places.of(first).root.exists()


def test_a_new_folder_in_the_place_of_a_deleted_one_does_not_get_its_database(bank: Path, clock: FixedClock) -> None:
    open_store(bank, clock).close()
    mark = Places.of(bank).mark
    said = mark.read_text()
    shutil.rmtree(bank)
    bank.mkdir()
    with pytest.raises(ConflictError, match=r"store\.left_behind"):
        open_store(bank, clock)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(said)
    open_store(bank, clock).close()
    shutil.rmtree(bank)
    bank.mkdir()
    remove_cluster(bank)
    open_store(bank, clock).close()


def test_folders_are_private(bank: Path, clock: FixedClock) -> None:
    places = Places.of(bank)
    with open_store(bank, clock) as store:
        for path, mode in ((places.data, 0o700), (places.sockets, 0o700), (places.secrets, 0o600)):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert (places.data.stat().st_uid == 0) is False
        with store.begin(ROOT) as connection:
            assert connection.scalar(text("SHOW listen_addresses")) == ""
            assert connection.scalar(text("SHOW fsync")) == "on"
            assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
            assert connection.scalar(text("SELECT current_user")) == Role.APP


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(EnvironmentFault, match="unsafe_place"):
        make_private(tmp_path / "link", None)


def test_a_long_path_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Places(tmp_path, tmp_path / ("x" * 90) / "0123")
    assert places_module.fits(deep.sockets)
    monkeypatch.setattr(places_module.tempfile, "gettempdir", lambda: str(tmp_path / ("y" * 100)))
    with pytest.raises(EnvironmentFault, match="socket_too_long"):
        _ = Places(tmp_path, tmp_path / ("x" * 90) / "4567").sockets


def test_an_external_server_serves_the_same_roles(
    database_url: str, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    with open_store(tmp_path, clock) as store:
        for role in Role:
            with store.begin(ROOT, role) as connection:
                assert connection.scalar(text("SELECT current_user")) == role
        assert "***" in store.place
    assert not (tmp_path / "data").exists()


def test_an_unreachable_server_is_said(clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", f"postgresql://x:y@/none?host={tmp_path}")
    with pytest.raises(EnvironmentFault, match="unreachable"):
        open_store(tmp_path, clock)


def test_threads_opening_at_once_share_one_server(bank: Path, clock: FixedClock) -> None:
    gate = threading.Barrier(3)

    def work(_: int) -> int:
        gate.wait()
        with open_store(bank, clock) as store:
            return count(store)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(3))) == [0, 0, 0]
    assert not running(bank)
