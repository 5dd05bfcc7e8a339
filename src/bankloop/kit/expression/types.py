"""The types of expressions, format 1: booleans, integers with a decimal scale, strings by code point, dates.

There are no floats. A number is an int64 with a fixed number of decimals: money has 2 (fen), a score has 6 (ppm).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The families of values; comparison needs equal kinds."""

    BOOL = "bool"
    NUMBER = "number"
    STRING = "string"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Type:
    """A kind; for numbers also the decimals kept (``scale``) and whether they are money."""

    kind: Kind
    scale: int = 0
    money: bool = False

    def __str__(self) -> str:
        """Return the name that attribute files use."""
        return next((name for name, type_ in TYPES.items() if type_ == self), f"decimal({self.scale})")


BOOL = Type(Kind.BOOL)
INT = Type(Kind.NUMBER)
MONEY = Type(Kind.NUMBER, 2, money=True)
SCORE = Type(Kind.NUMBER, 6)
STRING = Type(Kind.STRING)
DATE = Type(Kind.DATE)

TYPES: Mapping[str, Type] = {
    "bool": BOOL,
    "int": INT,
    "money": MONEY,
    "score": SCORE,
    "string": STRING,
    "date": DATE,
}

# Quotients keep four decimals: fine enough for rates, and exact in every engine up to ±4.5e11 of the smaller unit.
QUOTIENT_SCALE = 4
MAX_SCALE = 12
# Beyond ±9e18 an int64 result is refused: the guard compares doubles, whose error there is far below the margin.
RANGE_LIMIT = 9.0e18
# Doubles hold every integer up to 2**53, so a quotient of exact multiples below this is exact.
QUOTIENT_LIMIT = 9.0e15

TODAY = "today"
"""The name that stands for the bank-local day of ``as_of``."""
