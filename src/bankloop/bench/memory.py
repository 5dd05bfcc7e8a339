"""The peak memory of a command: its process tree, the bank's PostgreSQL included, sampled while it runs.

Pages that processes share (PostgreSQL's buffers, the same libraries) are counted once. Resident and shared pages are
what the kernel counts anyway; asking it for proportional sizes instead walks every page and slows what is measured.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 0.5
# Who is there is looked up in one sample of so many: going through all of a machine costs more than weighing a few.
_LOOK_AROUND = 10
_MB = 1024 * 1024


class PeakMemory:
    """A context manager; ``peak_mb`` is the highest sum seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._peak = self._samples = 0
        self._tree: dict[int, psutil.Process] = {}
        self._served: list[psutil.Process] = []

    @property
    def peak_mb(self) -> int:
        """Return the highest sum so far, MB."""
        return self._peak // _MB

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            self._sample()

    def _sample(self) -> None:
        if self._samples % _LOOK_AROUND == 0:
            me = psutil.Process()
            self._tree = {p.pid: p for p in [me, *me.children(recursive=True)]}
            self._served = [process for process in self._server() if process.pid not in self._tree]
        self._samples += 1
        sizes = [_size(process) for process in self._tree.values()]
        served = [_size(process) for process in self._served]
        own = sum(private + shared for private, shared in sizes)
        server = sum(private for private, _ in served) + max((shared for _, shared in served), default=0)
        self._peak = max(self._peak, own + server)

    def _server(self) -> list[psutil.Process]:
        """The bank's own PostgreSQL, which is nobody's child."""
        from bankloop.store.embedded import server_pid

        pid = server_pid(self._folder)
        if pid is None:
            return []
        try:
            server = psutil.Process(pid)
            return [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _size(process: psutil.Process) -> tuple[int, int]:
    """Return (private, shared) resident bytes; nothing for a process that has ended."""
    try:
        found = process.memory_info()
    except psutil.Error:
        return 0, 0
    shared = min(int(getattr(found, "shared", 0)), int(found.rss))
    return int(found.rss) - shared, shared
