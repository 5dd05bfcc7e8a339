"""A running server as its users see it: joined under the bank's lock, left again, revived when it died meanwhile."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankloop.kit.wording import system_reason
from bankloop.store import errors
from bankloop.store.embedded.cluster import ADMIN, RECOVERY_S, Cluster
from bankloop.store.embedded.handles import add_handle, living_handles
from bankloop.store.embedded.places import PORT, Places, Runner

_LOCK_STEP_S = 0.05


class EmbeddedServer:
    """This process's hold on a bank's server; ``leave`` it, and the last one out stops it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._handle: Path | None = None
        self._pid = os.getpid()
        self._guard = threading.Lock()

    @property
    def places(self) -> Places:
        """Return where the cluster lies."""
        return self._cluster.places

    @property
    def host(self) -> str:
        """Return the folder of the socket."""
        return str(self._cluster.places.sockets)

    @property
    def port(self) -> int:
        """Return the port that names the socket."""
        return PORT

    @property
    def admin(self) -> str:
        """Return the name of the cluster's administrator, who migrates."""
        return ADMIN

    def password(self, user: str) -> str:
        """Return the password of a role or of the administrator."""
        return self._cluster.passwords()[user]

    def join(self) -> None:
        """Hold the server, made and started where needed."""
        with self._guard, bank_lock(self.places):
            living_handles(self.places.handles)
            self._up()
            if self._handle is None:
                self._handle = add_handle(self.places.handles)
        atexit.register(self.leave)

    def revive(self) -> bool:
        """Start the server again if it died; return whether it had."""
        with self._guard, bank_lock(self.places):
            if self._cluster.running():
                return False
            self._up()
            return True

    def leave(self) -> None:
        """Let go; stop the server when no living process holds it. A forked child leaves nothing of its parent's."""
        atexit.unregister(self.leave)
        if self._handle is None or self._pid != os.getpid():
            return
        with self._guard, bank_lock(self.places):
            if self._handle is not None:
                self._handle.unlink(missing_ok=True)
                self._handle = None
            if not living_handles(self.places.handles):
                self._cluster.stop()

    def kill(self) -> None:
        """Kill the server as a power cut would: for tests of recovery."""
        self._cluster.kill()

    def _up(self) -> None:
        if not self._cluster.running():
            self._cluster.make()
            self._cluster.sign()
            self._cluster.start()


def start_server(bank: Path) -> EmbeddedServer:
    """Return a held server of the bank folder; raise a fault with place, reason and cure."""
    places = Places.of(bank)
    try:
        with bank_lock(places):
            cluster = Cluster.of(places)
        server = EmbeddedServer(cluster)
        server.join()
    except OSError as error:
        raise _as_fault(places, error) from error
    return server


def remove_cluster(bank: Path) -> None:
    """Stop the bank's server and delete its cluster with everything in it; there is no way back."""
    places = Places.of(bank)
    if not places.root.exists():
        return
    with bank_lock(places):
        Cluster.of(places).stop("immediate")
        shutil.rmtree(places.sockets, ignore_errors=True)
        shutil.rmtree(places.root)
        places.mark.unlink(missing_ok=True)


def server_pid(bank: Path) -> int | None:
    """Return the process id of the bank's server as its data folder says; None when none is noted."""
    try:
        return int((Places.of(bank).data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


@contextmanager
def bank_lock(places: Places, patience_s: float = RECOVERY_S + 120) -> Iterator[None]:
    """Hold the lock file in the bank folder; another command may be waiting for a crash recovery meanwhile."""
    places.lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience_s
    with places.lock.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise errors.locked(places.lock, f"{patience_s:.0f} s") from None
                time.sleep(_LOCK_STEP_S)
        yield


def _as_fault(places: Places, error: OSError) -> Exception:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return errors.disk_full(places.root, system_reason(error))
    return errors.unsafe_place(Path(error.filename or places.root), system_reason(error))


__all__ = ["EmbeddedServer", "Runner", "remove_cluster", "start_server"]
