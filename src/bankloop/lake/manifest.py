"""Which versions of a table exist and which is current: one row a version, committed after its files.

The manifest of a bank is in the store; ``MemoryManifest`` keeps the same promises for a single process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """One immutable version of a table; ``files`` are relative to data/lake and may belong to earlier versions."""

    table: str
    version: str
    files: tuple[str, ...]
    rows: int
    digest: str
    as_of: date
    recorded_at: datetime


class Manifest(Protocol):
    """The rows that make versions real."""

    def publish(self, versions: Sequence[LakeVersion]) -> None:
        """Commit all ``versions`` in one transaction; the last of a table becomes its current one."""
        ...

    def current(self, table: str) -> LakeVersion | None:
        """Return the current version of ``table``, or None."""
        ...

    def versions(self, table: str) -> Sequence[LakeVersion]:
        """Return all versions of ``table``, oldest first."""
        ...


@dataclass
class MemoryManifest:
    """A manifest that lives as long as its process: for tests and throw-away lakes."""

    rows: list[LakeVersion] = field(default_factory=list)

    def publish(self, versions: Sequence[LakeVersion]) -> None:
        """Add ``versions``."""
        self.rows.extend(versions)

    def current(self, table: str) -> LakeVersion | None:
        """Return the version of ``table`` that was added last."""
        return next((row for row in reversed(self.rows) if row.table == table), None)

    def versions(self, table: str) -> Sequence[LakeVersion]:
        """Return the versions of ``table`` in the order they were added."""
        return [row for row in self.rows if row.table == table]
