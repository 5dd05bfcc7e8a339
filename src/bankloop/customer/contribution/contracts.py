"""What crosses the door of contribution: rates, a customer's statement line by line, money that came or only moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bankloop.kit.ids import digest


@dataclass(frozen=True, slots=True)
class Rates:
    """What one kind of holding brings: ppm a year of the average balance, and fen a year of each holding."""

    spread: int
    fee: int = 0
    cost: int = 0
    loss: int = 0
    capital: int = 0
    fee_each: int = 0
    cost_each: int = 0


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates from a day on, by product class and, before that, by product."""

    since: date
    classes: Mapping[str, Rates]
    products: Mapping[str, Rates]

    @property
    def digest(self) -> str:
        """Return the sha256 of what the card says."""

        def plain(rates: Mapping[str, Rates]) -> dict[str, list[int]]:
            return {name: [getattr(one, field) for field in Rates.__slots__] for name, one in rates.items()}

        return digest([self.since.isoformat(), plain(self.classes), plain(self.products)])


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement, fen a year: what a product's average balance brings and takes; the total is their sum."""

    product_class: str
    product_id: str
    average_fen: int
    spread: int
    fees: int
    cost: int
    loss: int
    capital: int

    @property
    def total(self) -> int:
        """Return what is left."""
        return self.spread + self.fees - self.cost - self.loss - self.capital


@dataclass(frozen=True, slots=True)
class Statement:
    """What one customer contributed in the twelve months to a day; ``days`` of them are known, and it is for a whole year."""

    customer_no: str
    as_of: date
    days: int
    lines: tuple[StatementLine, ...]

    @property
    def total(self) -> int:
        """Return the contribution in fen a year."""
        return sum(line.total for line in self.lines)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a customer's assets went between two days, fen: from outside, to outside, and only between products here."""

    since: date
    until: date
    new: int
    displaced: int
    lost: int
