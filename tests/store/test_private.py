"""Nobody but the bank's own user gets at its data, whatever the shell that started a command says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.store.database import attach_store
from bankloop.store.embedded import EmbeddedServer, remove_cluster
from bankloop.store.embedded.places import make_root
from bankloop.store.private import close_to_others, open_to_others

# A command under the umask of most shells, which lets everybody read.
COMMAND = "import os, sys; os.umask(0o022); from bankloop.cli import main; main()"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_what_is_open_is_closed_and_what_is_deeper_is_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    deep = data / "lake" / "customer"
    deep.mkdir(parents=True)
    rows = deep / "part-0.parquet"
    rows.write_bytes(b"rows")
    for path, wide in ((data, 0o755), (data / "lake", 0o755), (deep, 0o750), (rows, 0o644)):
        path.chmod(wide)
    (data / "link").symlink_to("/")
    close_to_others(tmp_path)
    assert (mode(data), mode(data / "lake")) == (0o700, 0o700)
    assert sorted(open_to_others(tmp_path)) == [deep, rows]
    for path in (deep, rows):
        path.chmod(mode(path) & 0o700)
    assert list(open_to_others(tmp_path)) == []


def test_a_folder_without_data_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    close_to_others(tmp_path)
    assert mode(tmp_path) == 0o755
    assert list(open_to_others(tmp_path)) == []


def test_opening_a_bank_closes_its_data(
    store_server: EmbeddedServer, database: str, clock: FixedClock, tmp_path: Path
) -> None:
    delivery = tmp_path / "data" / "delivery"
    delivery.mkdir(parents=True)
    for path in (delivery.parent, delivery):
        path.chmod(0o755)
    attach_store(tmp_path, clock, store_server, database).close()
    assert (mode(delivery.parent), mode(delivery)) == (0o700, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the database to another user")
def test_the_database_s_user_passes_whatever_the_umask(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & stat.S_IXOTH == 0:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    before = os.umask(0o077)
    try:
        make_root(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o755, 0o755)


def test_what_commands_write_is_for_their_own_user(own_state: None, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    commands = (
        ["simulate", str(bank), "--customers", "2000"],
        ["load", "--bank", str(bank)],
        ["audit", "anchor", "--bank", str(bank)],
        ["backup", str(tmp_path / "backup"), "--bank", str(bank)],
    )
    try:
        for command in commands:
            subprocess.run([sys.executable, "-c", COMMAND, *command], check=True, capture_output=True)
        written = [path for place in (bank, tmp_path / "backup") for path in (place, *place.rglob("*"))]
        assert {path.parent.name for path in written} >= {"lake", "data", "quarantine"}
        assert [path for path in written if mode(path) & 0o077 and not path.is_symlink()] == []
    finally:
        remove_cluster(bank)
