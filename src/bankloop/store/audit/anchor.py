"""The anchor file: one line a seal, appended and synced outside of the database; it tells where the trail ended.

By default ``data/audit-anchor`` in the bank folder; BANKLOOP_ANCHOR names a place that the database's people cannot
write, such as a share that only appends. A last line without its end is of a crash and is written again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bankloop.kit.ids import canonical_json

ANCHOR = "BANKLOOP_ANCHOR"
# Longer than any line.
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Anchor:
    """One anchored seal; ``chain`` is ``unreadable`` where the file's line is no anchor."""

    seal: int
    chain: str
    restored: bool = False


def anchor_file(folder: Path) -> Path:
    """Return where the anchors of a bank folder are kept."""
    named = os.environ.get(ANCHOR)
    return Path(named) if named else folder / "data" / "audit-anchor"


def read_anchors(folder: Path) -> list[Anchor] | None:
    """Return the anchors, oldest first; None where there is no file."""
    try:
        written = anchor_file(folder).read_bytes()
    except FileNotFoundError:
        return None
    whole = written[: written.rfind(b"\n") + 1]
    found: list[Anchor] = []
    for anchor in map(_anchor, whole.splitlines() if whole else [written]):
        if anchor.restored:  # what was sealed after the restored backup was made is known to be lost
            found = [one for one in found if one.seal <= anchor.seal]
        found.append(anchor)
    return found


def last_anchor(folder: Path) -> Anchor | None:
    """Return the newest anchor; only the file's end is read."""
    try:
        with anchor_file(folder).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            tail = file.read()
    except FileNotFoundError:
        return None
    lines = tail[: tail.rfind(b"\n") + 1].splitlines()
    return _anchor(lines[-1] if lines else tail)


def add_anchor(folder: Path, seal: int, chain: str, at: str) -> None:
    """Append one seal, on the disk when this returns."""
    _append(folder, {"seal": seal, "chain": chain, "at": at})


def add_restore(folder: Path, seal: int, chain: str, at: str) -> None:
    """Append that the trail goes on from an earlier seal, as a backup was restored."""
    _append(folder, {"seal": seal, "chain": chain, "at": at, "restored": True})


def _append(folder: Path, value: dict[str, object]) -> None:
    path = anchor_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if _torn(path):
            file.write(b"\n")
        file.write(canonical_json(value).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _torn(path: Path) -> bool:
    size = path.stat().st_size
    if not size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _anchor(line: bytes) -> Anchor:
    try:
        found = json.loads(line)
        return Anchor(int(found["seal"]), str(found["chain"]), bool(found.get("restored")))
    except (ValueError, KeyError, TypeError):
        return Anchor(0, "unreadable")
