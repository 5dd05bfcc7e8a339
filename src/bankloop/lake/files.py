"""Files that are there whole or not at all: staging, fsync, rename, one writer, garbage of crashes removed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bankloop.lake.errors import busy

STAGING = ".staging"
_CHUNK = 1 << 22


@contextmanager
def writer_lock(root: Path) -> Iterator[None]:
    """Hold the one writer's lock of a lake; raise ``LockedError`` at once when another command holds it."""
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy(root.name) from error
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def settle(staged: Path, final: Path) -> None:
    """Move a staged folder to its final name, every file and both parents synced."""
    for file in sorted(staged.iterdir()):
        sync(file)
    sync(staged)
    if not final.parent.exists():
        final.parent.mkdir(parents=True)
        sync(final.parent.parent)
    staged.rename(final)
    sync(final.parent)


def place(source: Path, target: Path) -> None:
    """Give ``source`` a second name ``target``; copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def prune(root: Path, referenced: Iterable[str]) -> list[str]:
    """Remove what no manifest row refers to, left by a crash; return the folders removed, relative to ``root``."""
    keep = {str(Path(file).parent) for file in referenced}
    removed = []
    shutil.rmtree(root / STAGING, ignore_errors=True)
    for table in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for version in sorted(table.iterdir()):
            folder = f"{table.name}/{version.name}"
            if folder not in keep:
                shutil.rmtree(version, ignore_errors=True)
                removed.append(folder)
    return removed
