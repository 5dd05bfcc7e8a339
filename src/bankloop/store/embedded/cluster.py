"""One cluster on disk: made whole or not at all, its version checked, started, found running, stopped."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from bankloop.kit.text import Text
from bankloop.store import errors
from bankloop.store.contracts import Role
from bankloop.store.embedded.handles import process_lives
from bankloop.store.embedded.places import PORT, Places, Runner, binaries, major_of, make_private, make_root

ADMIN = "postgres"

# Room for the log of a start and one checkpoint; less than this ends in a crash that only free space cures.
MIN_FREE_BYTES = 256 * 1024 * 1024
# Replaying the log after a crash takes as long as it takes; this is only a bound on a server that hangs.
RECOVERY_S = 900
# After a kill the last children need a moment to let go of the shared memory.
_LET_GO_TRIES = 60
_STOP_S = 120

_SETTINGS = {
    "listen_addresses": "''",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "'192MB'",
    "work_mem": "'32MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    # Containers often have a tiny /dev/shm; analysis runs in DuckDB, not here.
    "max_parallel_workers_per_gather": "0",
    # Partitions hold a lock each.
    "max_locks_per_transaction": "256",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "password_encryption": "'scram-sha-256'",
}


@dataclass(frozen=True)
class Cluster:
    """The cluster of one bank, with the binaries and the user that run it; callers hold the bank's lock."""

    places: Places
    runner: Runner
    bin: Path

    @classmethod
    def of(cls, places: Places) -> Cluster:
        """Return the cluster of these places, private folders made."""
        runner = Runner.here()
        make_root(places.root.parent)
        make_private(places.root, None, 0o711 if runner.uid is not None else 0o700)
        cluster = cls(places, runner, binaries())
        cluster.settle()
        make_private(places.handles, None)
        make_private(places.sockets, runner)
        make_private(places.log.parent, runner)
        return cluster

    def passwords(self) -> dict[str, str]:
        """Return the password of each role and of the administrator."""
        found: dict[str, str] = json.loads(self.places.secrets.read_text())
        return found

    def running(self) -> bool:
        """Return whether this cluster's own server runs; a pid that another process took over does not count."""
        try:
            lines = (self.places.data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            command = " ".join(psutil.Process(pid).cmdline())
            return str(self.places.data) in command and process_lives(pid, psutil.Process(pid).create_time())
        except (OSError, ValueError, IndexError, psutil.Error):
            return False

    def make(self) -> None:
        """Create the cluster unless it exists: into a draft folder, renamed when complete.

        Raises ``ConflictError`` for a new folder in the place of one that was deleted without its database.
        """
        if (self.places.data / "PG_VERSION").exists():
            if self.places.home.exists() and not self.places.mark.exists():
                raise errors.left_behind(self.places.bank, self.places.root, self.places.mark)
            return
        _check_room(self.places.root)
        draft, pwfile = self.places.root / "draft", self.places.sockets / "first"
        shutil.rmtree(draft, ignore_errors=True)
        make_private(draft, self.runner)
        words = {name: secrets.token_urlsafe(24) for name in (ADMIN, *Role)}
        _write_private(self.places.secrets, json.dumps(words))
        _write_private(pwfile, words[ADMIN])
        self.runner.own(pwfile)
        try:
            done = self.runner.run(
                [
                    str(self.bin / "initdb"),
                    f"--pgdata={draft}",
                    f"--username={ADMIN}",
                    f"--pwfile={pwfile}",
                    "--auth=scram-sha-256",
                    "--locale=C",
                    "--encoding=UTF8",
                ],
                timeout=RECOVERY_S,
            )
        finally:
            pwfile.unlink(missing_ok=True)
        if done.returncode:
            raise self._fault(done.stdout)
        draft.rename(self.places.data)

    def settle(self) -> None:
        """Follow a bank folder that was moved; refuse one whose cluster is elsewhere or gone, rather than start empty.

        Raises ``ConflictError`` for a copy of a bank folder, another state folder and a lost cluster.
        """
        if self.places.data.exists() or not self.places.mark.exists():
            return
        old = Path(self.places.mark.read_text())
        home = Path((old / "bank").read_text()) if (old / "bank").exists() else None
        if home is None or home.exists() or old.parent != self.places.root.parent:
            raise errors.elsewhere(self.places.bank, old, self.places.mark)
        left = Cluster(Places(home, old), self.runner, self.bin)
        left.stop()
        shutil.rmtree(self.places.root)
        old.rename(self.places.root)

    def sign(self) -> None:
        """Note in both folders that they belong together."""
        for note, text in ((self.places.home, self.places.bank), (self.places.mark, self.places.root)):
            if not note.exists() or note.read_text() != str(text):
                _write_private(note, str(text))

    def start(self) -> None:
        """Start the server and wait until it accepts work, crash recovery included; raise a fault with the reason."""
        self._check_version()
        _check_room(self.places.data)
        self._write_settings()
        # Nobody runs it: the caller looked. A killed server that is not reaped yet would still be taken for alive.
        (self.places.data / "postmaster.pid").unlink(missing_ok=True)
        (self.places.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        for _ in range(_LET_GO_TRIES):
            self._rotate_log()
            said = self._pg_ctl("start", "-w", "-t", str(RECOVERY_S), "-l", str(self.places.log))
            if said is None:
                return
            if "still in use" not in self._log_tail():
                break
            self._wait_for_leftovers()
        raise self._fault(f"{said}\n{self._log_tail()}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, open transactions rolled back; ``immediate`` leaves the rest to recovery."""
        if self.running():
            self._pg_ctl("stop", "-w", "-m", mode, "-t", str(_STOP_S))

    def kill(self) -> None:
        """Kill the server as a power cut would: for tests of recovery."""
        pid = int((self.places.data / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=_STOP_S)

    def _pg_ctl(self, *arguments: str) -> str | None:
        command = [str(self.bin / "pg_ctl"), "-D", str(self.places.data), *arguments]
        try:
            done = self.runner.run(command, timeout=RECOVERY_S + 60)
        except subprocess.TimeoutExpired as error:
            raise errors.not_started(self.places.root, f"no answer in {RECOVERY_S} s") from error
        return done.stdout if done.returncode else None

    def _check_version(self) -> None:
        found, ours = (self.places.data / "PG_VERSION").read_text().strip(), major_of(self.bin, self.runner)
        if int(found) > int(ours):
            raise errors.newer_major(self.places.data, found, ours)
        if int(found) < int(ours):
            raise errors.older_major(self.places.data, found, ours)

    def _write_settings(self) -> None:
        lines = [f"{name} = {value}" for name, value in _SETTINGS.items()]
        lines += [f"unix_socket_directories = '{self.places.sockets}'", "unix_socket_permissions = 0700"]
        path = self.places.data / "postgresql.auto.conf"
        _write_private(path, "\n".join(lines) + "\n")
        self.runner.own(path)

    def _wait_for_leftovers(self) -> None:
        uid = self.runner.real_uid
        left = [p for p in psutil.process_iter(["name", "uids"]) if _is_orphan(p, uid, str(self.places.data))]
        psutil.wait_procs(left, timeout=1)

    def _rotate_log(self) -> None:
        self.places.log.unlink(missing_ok=True)

    def _log_tail(self) -> str:
        try:
            return self.places.log.read_text(errors="replace")[-2000:]
        except OSError:
            return ""

    def _fault(self, said: str) -> Exception:
        if "No space left on device" in said or "Disk quota exceeded" in said:
            return errors.disk_full(self.places.root, Text("磁盘空间不足", "the disk is full"))
        lines = [line for line in said.splitlines() if "FATAL" in line or "error" in line.lower()] or said.splitlines()
        return errors.not_started(self.places.root, lines[-1].strip() if lines else "?")


def _is_orphan(process: psutil.Process, uid: int, data: str) -> bool:
    try:
        info = process.info
        if info["name"] != "postgres" or info["uids"].real != uid:
            return False
        return process.cwd() == data
    except psutil.Error:
        return False


def _check_room(place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < MIN_FREE_BYTES:
        raise errors.disk_full(place, f"{free // 2**20} MiB < {MIN_FREE_BYTES // 2**20} MiB")


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
