"""Delivery: queued file parts go out through a channel, each exactly once however often the sender dies.

A part has a fixed key and content; a channel that is handed the same key again must end in the same place. The file
channel does: it writes under the key's own name and renames.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bankloop.loop.reach.issue import DELIVERY_TOPIC
from bankloop.store import Principal, Store, claim_outbox, mark_done

_COLUMNS = ("contact", "customer_no", "campaign", "action", "script")


class Channel(Protocol):
    """Takes contacts to people. Handed the same key twice, it must not reach anybody twice."""

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Send one part."""
        ...


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Writes a part as a CSV file for the bank's own gateway: ``<channel>/<day>/<part>.csv`` under ``folder``.

    Customers are named by number; the gateway of the bank knows their phones, this file never does.
    """

    folder: Path

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Write the part's file, whole or not at all; the same key writes the same file."""
        path = self.folder / channel / due_on / f"{key.replace('/', '-')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(contacts)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def deliver(store: Store, principal: Principal, channel: Channel) -> int:
    """Send every waiting part and return how many contacts went out; each part is marked in its own transaction."""
    sent = 0
    while True:
        with store.begin(principal) as connection:
            parts = claim_outbox(connection, DELIVERY_TOPIC, 1)
            if not parts:
                return sent
            body = parts[0].payload
            channel.send(parts[0].key, body["channel"], body["due_on"], body["contacts"])
            mark_done(connection, [parts[0].id])
            sent += len(body["contacts"])
