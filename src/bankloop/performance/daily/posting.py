"""How a report leaves the house: files for the bank's own gateway (mail, WeCom), whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bankloop.kit.wording import system_reason
from bankloop.performance.daily import errors


@dataclass(frozen=True, slots=True)
class FilePost:
    """Writes ``<day>/<unit>/<person>.<ending>`` under ``folder``; the same key writes the same files."""

    folder: Path

    def hand_over(self, key: str, pages: Mapping[str, bytes]) -> None:
        """Write the pages; raise ``EnvironmentFault`` where the disk is full or the folder cannot be written."""
        place = self.folder.joinpath(*key.split("/"))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            for ending, content in sorted(pages.items()):
                _write(place.parent / f"{place.name}.{ending}", content)
        except OSError as error:
            raise errors.not_written(str(place), system_reason(error)) from error


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
