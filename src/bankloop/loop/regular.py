"""What a bank does every day by itself, once it serves: each part on its own, so that one that cannot be done stops no other.

Credit is recorded every day. Care asks people to call, so it is done on working days, and as far as ``care.yaml`` says under
``daily``. Every part is safe to do again: what it has made already it does not make twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bankloop.customer.care import DRAWDOWN, MATURITY, REMOTE, read_care
from bankloop.kit import BankloopError, is_working_day
from bankloop.loop.bank import Bank
from bankloop.loop.care import care_for_maturities, explain_falls, keep_in_touch
from bankloop.loop.sales import credit_sales
from bankloop.organization import system

CREDIT = "credit"
Part = Callable[[Bank, Connection, date], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one part of the day's work: what it did, or why it could not be done."""

    part: str
    result: Any = None
    refused: BankloopError | None = None


# Whose deposit matures is called before the remote centre writes to anybody: one contact, the better one.
PARTS: Mapping[str, Part] = {
    CREDIT: credit_sales,
    MATURITY: care_for_maturities,
    DRAWDOWN: explain_falls,
    REMOTE: keep_in_touch,
}


def work_day(bank: Bank, today: date) -> tuple[Done, ...]:
    """Do the day's work in the program's own name, each part in a transaction of its own, and say what became of each.

    Raises ``SpecError`` for a ``care.yaml`` that cannot be read.
    """
    wanted = {CREDIT, *(read_care(bank.folder).daily if is_working_day(today) else ())}
    return tuple(_done(bank, name, part, today) for name, part in PARTS.items() if name in wanted)


def _done(bank: Bank, name: str, part: Part, today: date) -> Done:
    try:
        with bank.store.begin(system("daily")) as connection:
            return Done(name, part(bank, connection, today))
    except BankloopError as error:
        return Done(name, refused=error)
