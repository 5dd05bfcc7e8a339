"""Who uses a running server: one small file per open store, with pid and process start time; the dead do not count.

A pid alone may have been given to another process since; pid and start time together are not.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import psutil

# psutil derives the start time from the boot time, which moves when the machine's clock is set.
_START_TOLERANCE_S = 2.0


def add_handle(folder: Path) -> Path:
    """Write a handle of this process and return its file."""
    path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
    path.write_text(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time()}))
    return path


def living_handles(folder: Path) -> list[Path]:
    """Prune the handles of processes that are gone and return the others."""
    living = []
    for path in sorted(folder.glob("*.json")):
        if _lives(path):
            living.append(path)
        else:
            path.unlink(missing_ok=True)
    return living


def process_lives(pid: int, started: float) -> bool:
    """Return whether the very process of that pid and start time still runs."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) <= _START_TOLERANCE_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _lives(path: Path) -> bool:
    try:
        found = json.loads(path.read_text())
        return process_lives(int(found["pid"]), float(found["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # a file cut short by a kill
