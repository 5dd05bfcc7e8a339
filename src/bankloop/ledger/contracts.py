"""What crosses the ledger's doors: assets, accounts, a request's lines, what became of it, what an account tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bankloop.kit.text import Text

# No single amount is above this, so that no sum of an account leaves what the database counts with.
MAX_AMOUNT = 10**15
MAX_LINES = 100
MAX_SHARDS = 64


@dataclass(frozen=True, slots=True)
class LedgerAsset:
    """What is counted: its name, and how many decimals people see, fixed when it is made."""

    asset: str
    title: Text
    scale: int = 0


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """Where an asset lies. A bounded account never holds less than nothing; a hot one is spread over ``shards``."""

    account: str
    asset: str
    bounded: bool = True
    shards: int = 1
    customer_no: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRef:
    """One line of an earlier request."""

    request: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a request as the database takes it: a ``move``, ``hold``, ``take``, ``release`` or ``reverse``."""

    asked: Mapping[str, Any]


def move(debit: str, credit: str, amount: int, reason: str) -> Line:
    """Move an amount from ``debit`` to ``credit``."""
    return Line({"kind": "post", "debit": debit, "credit": credit, "amount": amount, "reason": reason})


def hold(debit: str, credit: str, amount: int, reason: str, expires_at: datetime | None = None) -> Line:
    """Set an amount aside until it is taken or released, or the moment has come."""
    until = expires_at.isoformat() if expires_at else None
    return Line(
        {
            "kind": "hold",
            "debit": debit,
            "credit": credit,
            "amount": amount,
            "reason": reason,
            "expires_at": until,
        }
    )


def take(held: EntryRef, reason: str, amount: int | None = None) -> Line:
    """Take what was set aside, or a part of it: the rest is free again."""
    return _ending("take", held, reason, amount)


def release(held: EntryRef, reason: str) -> Line:
    """Give back what was set aside."""
    return _ending("release", held, reason)


def reverse(posted: EntryRef, reason: str) -> Line:
    """Move an earlier amount back, whole: the one way in which an entry is corrected."""
    return _ending("reverse", posted, reason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: done now, done earlier (``again``), or refused for good, by which of its lines."""

    request: str
    again: bool = False
    refused: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """An account's balance: what it holds, what of it is set aside, what is on its way to it."""

    account: str
    asset: str
    posted: int
    held_out: int
    held_in: int

    @property
    def available(self) -> int:
        """What may be moved from it."""
        return self.posted - self.held_out


@dataclass(frozen=True, slots=True)
class HeldLine:
    """What a line set aside of an account, and how it ended: '' while it is open, ``take``, ``release``, ``expire``."""

    line: int
    account: str
    amount: int
    expires_at: datetime | None
    ended: str
    ended_by: str
    reversed: bool


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An entry as one account sees it: ``change`` above nought came in, ``balance`` is what it held afterwards."""

    request: str
    line: int
    kind: str
    other: str
    change: int
    balance: int
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerMovement:
    """What moved in a month from one kind of account to another."""

    month: date
    source: str
    target: str
    amount: int


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """Something about the ledger that must not be so."""

    what: str
    where: str
    expected: int
    found: int


def _ending(kind: str, of: EntryRef, reason: str, amount: int | None = None) -> Line:
    asked = {"kind": kind, "of_request": of.request, "of_line": of.line, "reason": reason}
    return Line(asked if amount is None else {**asked, "amount": amount})
