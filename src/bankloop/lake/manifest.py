"""Which versions of a table exist and which is current: one row a version, committed after its files.

The manifest of a bank is in the store; ``MemoryManifest`` keeps the same promises for a single process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bankloop.store.audit import record_audit
from bankloop.store.contracts import LakeVersion, Principal, Role
from bankloop.store.database import Store
from bankloop.store.registry import current_version, current_versions, publish_version, versions_of
from bankloop.store.verbs import verb

# More versions of one table than any bank publishes in its life.
_ALL = 1_000_000


class Manifest(Protocol):
    """The rows that make versions real."""

    def publish(self, versions: Sequence[LakeVersion]) -> None:
        """Commit all ``versions`` in one transaction; the last of a table becomes its current one."""
        ...

    def current(self, table: str) -> LakeVersion | None:
        """Return the current version of ``table``, or None."""
        ...

    def currents(self) -> Mapping[str, LakeVersion]:
        """Return the current version of every table that has one, as one moment saw them."""
        ...

    def versions(self, table: str) -> Sequence[LakeVersion]:
        """Return all versions of ``table``, oldest first."""
        ...


@dataclass(frozen=True)
class StoreManifest:
    """The manifest in the bank's store: ``principal`` publishes as loader, each version with its audit row."""

    store: Store
    principal: Principal

    @verb("lake.publish")
    def publish(self, versions: Sequence[LakeVersion]) -> None:
        """Commit ``versions`` and their audit rows in one transaction."""
        with self.store.begin(self.principal, Role.LOADER) as connection:
            for version in versions:
                publish_version(connection, version)
                after = {"rows": version.rows, "digest": version.digest, "as_of": version.as_of.isoformat()}
                name = f"{version.table}/{version.version}"
                record_audit(connection, "lake.publish", "lake_version", name, None, after, self.principal.purpose)

    def current(self, table: str) -> LakeVersion | None:
        """Return the version of ``table`` that was published last."""
        with self.store.begin(self.principal, Role.LOADER) as connection:
            return current_version(connection, table)

    def currents(self) -> Mapping[str, LakeVersion]:
        """Return the version of each table that was published last, in one read."""
        with self.store.begin(self.principal, Role.LOADER) as connection:
            return current_versions(connection)

    def versions(self, table: str) -> Sequence[LakeVersion]:
        """Return the versions of ``table``, oldest first."""
        with self.store.begin(self.principal, Role.LOADER) as connection:
            return versions_of(connection, table, _ALL)[::-1]


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

    def currents(self) -> Mapping[str, LakeVersion]:
        """Return the version of each table that was added last."""
        return {row.table: row for row in self.rows}

    def versions(self, table: str) -> Sequence[LakeVersion]:
        """Return the versions of ``table`` in the order they were added."""
        return [row for row in self.rows if row.table == table]
