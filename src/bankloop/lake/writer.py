"""One write to the lake: versions of several tables staged side by side and made real by one manifest commit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

from bankloop.kit.ids import digest
from bankloop.lake import files
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.manifest import Manifest
from bankloop.store.contracts import LakeVersion


class LakeWriter:
    """Stages versions under the writer's lock; nothing is visible before ``commit``, nothing stays without it."""

    def __init__(self, root: Path, manifest: Manifest, now: datetime) -> None:
        self.root, self.manifest, self.now = root, manifest, now
        self.staged: list[LakeVersion] = []
        self._made: list[Path] = []
        referenced = (file for table in CONTRACTS for version in manifest.versions(table) for file in version.files)
        files.prune(root, referenced)

    def current(self, table: str) -> LakeVersion | None:
        """Return the version of ``table`` as this write sees it: staged, else committed."""
        staged = next((v for v in reversed(self.staged) if v.table == table), None)
        return staged or self.manifest.current(table)

    def paths(self, version: LakeVersion) -> list[str]:
        """Return the absolute paths of a version's files."""
        return [str(self.root / file) for file in version.files]

    def folder(self) -> Path:
        """Return a new empty staging folder."""
        folder = self.root / files.STAGING / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def stage(self, table: str, folder: Path, rows: int, as_of: date, keep: Sequence[str] = ()) -> LakeVersion:
        """Settle a staging folder as the next version of ``table``; ``keep`` are files it shares with earlier ones.

        Beside a file may stand one of another suffix that says where its rows are from; it is no content. The same content for the same day as the current version is that version: nothing is staged.
        """
        made = sorted(folder.glob("*.parquet"))
        # Files that exist only in a folder no manifest row names are found by their digests, not by their names.
        content = digest([list(keep), [files.file_digest(path) for path in made]])
        current = self.current(table)
        if current is not None and current.digest == content and current.as_of == as_of:
            shutil.rmtree(folder)
            return current
        count = len(self.manifest.versions(table)) + sum(v.table == table for v in self.staged) + 1
        label = f"{as_of:%Y%m%d}-{count:05d}-{content[:8]}"
        final = self.root / table / label
        names = tuple(f"{table}/{label}/{path.name}" for path in made)
        files.settle(folder, final)
        self._made.append(final)
        version = LakeVersion(table, label, (*keep, *names), rows, content, as_of, self.now)
        self.staged.append(version)
        return version

    def commit(self) -> None:
        """Make every staged version real in one transaction."""
        if self.staged:
            self.manifest.publish(self.staged)
        self._made.clear()

    def abandon(self) -> None:
        """Remove what was staged and not committed."""
        for folder in self._made:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.root / files.STAGING, ignore_errors=True)
