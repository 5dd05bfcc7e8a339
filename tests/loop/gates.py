"""What tests of gates share: a channel that counts, and the states of the loaded bank, which are made once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# The customers are the same in every test: their state is made once.
STATES: dict[Any, Any] = {}


class Sent:
    """A channel that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    @property
    def contacts(self) -> int:
        """How many contacts went out."""
        return len(self.given)

    def send(self, key: str, channel: str, due_on: str, contacts: Iterable[Any]) -> None:
        self.given += list(contacts)
