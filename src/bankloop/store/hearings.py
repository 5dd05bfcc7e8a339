"""Who hears of events in the transaction that takes them in: rooms above say so at start, before any event is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

Hearing = Callable[[Connection, Sequence[Any]], None]
_hearing: list[Hearing] = []


def when_taken(hearing: Hearing) -> None:
    """Let a room above hear of new events, each a value of who takes them in."""
    if hearing not in _hearing:
        _hearing.append(hearing)


def tell_taken(connection: Connection, fresh: Sequence[Any]) -> None:
    """Tell everybody who hears of the events that are new; nobody is told of none."""
    for hearing in _hearing if fresh else ():
        hearing(connection, fresh)
