"""The channel of every bank from the first day: a file a part, for the bank's own gateway."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text
from bankloop.kit.wording import system_reason

_COLUMNS = ("contact", "customer_no", "campaign", "action", "script")


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Writes a part as a CSV file for the bank's own gateway: ``<channel>/<day>/<part>.csv`` under ``folder``.

    Customers are named by number; the gateway of the bank knows their phones, this file never does.
    """

    folder: Path

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Write the part's file, whole or not at all; the same key writes the same file.

        Raises ``EnvironmentFault`` when the disk is full or the folder cannot be written.
        """
        path = self.folder / channel / due_on / f"{key.replace('/', '-')}.csv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, contacts)
        except OSError as error:
            raise EnvironmentFault(
                "delivery.not_written",
                Text(
                    "写不了投放文件 {path}（{reason}）；腾出空间或改正权限后再执行同一命令，没投出的部分会接着投，投过的不会重投",
                    "the delivery file {path} cannot be written ({reason}); free some space or correct the rights and run "
                    "the same command again: what waits is sent then, what was sent is not sent twice",
                ),
                path=path,
                reason=system_reason(error),
            ) from error


def _write(path: Path, contacts: Sequence[Mapping[str, Any]]) -> None:
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(contacts)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
