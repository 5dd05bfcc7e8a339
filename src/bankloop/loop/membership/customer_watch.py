"""Everybody as they are now, followed: read once, then only those who said something; all again after a merge.

A consent counts for an audience from its commit on. To read a million customers again for one word takes seconds, and
somebody says something every second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.customer.consent import Heard, Permits, hearing_asked, permits, permits_of
from bankloop.customer.identity import MEMBERSHIPS, party_map
from bankloop.loop.bank import Bank
from bankloop.loop.membership.members import CustomersNow
from bankloop.store.database import ask_bank_wide, bank_wide
from bankloop.store.registry import lake_key

# From here on reading everybody is cheaper than looking each of them up.
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read: of which state, how far the ledger and the parties, who is whose further number, and the people."""

    key: tuple[Any, ...]
    heard: Heard
    members: tuple[int, int]
    persons: Mapping[str, str]
    permits: Permits
    people: CustomersNow


class Everybody:
    """The customers of an open bank for one process, for any number of threads."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._known: _Known | None = None
        self._guard = Lock()

    def now(self, connection: Connection) -> CustomersNow:
        """Return all customers as they are and allow now; the same people as long as nothing about them changed."""
        key = (self._bank.lake.today(), lake_key(connection), self._bank.catalogue.digest)
        with self._guard:
            before = self._known if self._known is not None and self._known.key == key else None
            # What comes in between is heard the next time, and read twice.
            asked = hearing_asked(before.heard if before else None)
            hearing, members = ask_bank_wide(connection, asked, MEMBERSHIPS)
            about = set() if before is None else _about(hearing.customers, before.persons)
            # A merge makes other people of the same customers: what they have adds up differently.
            if before is None or before.members != members or hearing.late or len(about) > _MOST:
                self._known = self._read(connection, key, hearing.heard, members)
            else:
                self._known = replace(before, heard=hearing.heard)
                if about:
                    self._known = self._renewed(connection, self._known, sorted(about))
            return self._known.people

    def _read(self, connection: Connection, key: tuple[Any, ...], heard: Heard, members: tuple[int, int]) -> _Known:
        bank, as_of = self._bank, self._bank.lake.today() - timedelta(days=1)
        table = bank.state(as_of).table
        allowed = permits(connection, table["customer_no"])
        people = CustomersNow(allowed.applied(table), bank.catalogue, as_of)
        return _Known(key, heard, members, _persons(connection), allowed, people)

    def _renewed(self, connection: Connection, known: _Known, numbers: Sequence[str]) -> _Known:
        """Return what is known with all numbers of the people whom something happened to as they are now."""
        part = permits_of(connection, numbers, known.persons)
        whose = known.people.table["customer_no"]
        rows, places = _found(whose, numbers)
        allowed = known.permits.renewed(rows, part, places)
        people = known.people.renewed(allowed.applied(known.people.table), rows)
        return replace(known, permits=allowed, people=people)


def _persons(connection: Connection) -> dict[str, str]:
    with bank_wide(connection):
        found = party_map(connection)
    return dict(zip(found["customer_no"].to_pylist(), found["party_no"].to_pylist(), strict=True))


def _about(said: Iterable[str], persons: Mapping[str, str]) -> set[str]:
    """Return all numbers of the people who said something."""
    people = {persons.get(number, number) for number in said}
    return people | {number for number, person in persons.items() if person in people} if people else people


def _found(whose: pa.ChunkedArray, numbers: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows (k,) of those of ``numbers`` who are in the ordered column ``whose``, and their places among them."""
    at = [bisect_left(range(len(whose)), number, key=lambda row: whose[row].as_py()) for number in numbers]
    here = [place for place, row in enumerate(at) if row < len(whose) and whose[row].as_py() == numbers[place]]
    return np.array([at[place] for place in here], np.int64), np.array(here, np.int64)
