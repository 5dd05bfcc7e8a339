"""What a bank does every day by itself, once it serves: each part on its own, so that one that cannot be done stops no other.

Every part is safe to do again: what it has made already it does not make twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bankloop.kit import BankloopError
from bankloop.loop.bank import Bank
from bankloop.loop.sales import credit_sales
from bankloop.organization import system

Part = Callable[[Bank, Connection, date], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one part of the day's work: what it did, or why it could not be done."""

    part: str
    result: Any = None
    refused: BankloopError | None = None


# In the order in which they are done; a bank's first morning has no sales yet.
PARTS: Mapping[str, Part] = {"credit": credit_sales}


def work_day(bank: Bank, today: date) -> tuple[Done, ...]:
    """Do the day's work in the program's own name, each part in a transaction of its own, and say what became of each."""
    return tuple(_done(bank, name, part, today) for name, part in PARTS.items())


def _done(bank: Bank, name: str, part: Part, today: date) -> Done:
    try:
        with bank.store.begin(system("daily")) as connection:
            return Done(name, part(bank, connection, today))
    except BankloopError as error:
        return Done(name, refused=error)
