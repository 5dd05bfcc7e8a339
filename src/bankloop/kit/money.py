"""Money is integer minor units (fen) with a currency; a decimal is rounded half up exactly once, here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from bankloop.kit.errors import InputError
from bankloop.kit.text import Language, Text

MINOR_UNITS = 100
# Beyond this an int64 sum over a bank's customers could overflow.
MAX_FEN = 10**16

# Commas part thousands before the point, or there are none.
AMOUNT = r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?"
_AMOUNT = re.compile(rf"\s*(?P<amount>{AMOUNT})\s*(?P<currency>[A-Z]{{3}})?\s*")
_SYMBOL = {"CNY": "¥", "USD": "$", "EUR": "€", "ZAR": "R"}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (fen) of one currency."""

    fen: int
    currency: str = "CNY"

    def say(self, language: Language) -> str:
        """Return the amount as people read it: 万/亿 in Chinese, k/M in English."""
        return say_fen(self.fen, language, self.currency)


def to_fen(amount: Decimal | int | str) -> int:
    """Return ``amount`` (major units) in fen, rounded half up once; raise ``InputError`` out of range."""
    try:
        value = (Decimal(amount) * MINOR_UNITS).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    except InvalidOperation as error:
        raise InputError(
            "money.unreadable",
            Text("“{amount}”不是金额；请写成 15000 或 0.05", "'{amount}' is not an amount; write 15000 or 0.05"),
            amount=amount,
        ) from error
    if abs(value) > MAX_FEN:
        raise InputError(
            "money.range",
            Text("金额 {amount} 超出范围 ±1e14", "the amount {amount} is outside ±1e14"),
            amount=amount,
        )
    return int(value)


def parse_money(text: str | int | float, currency: str = "CNY") -> Money:
    """Read ``"15000 CNY"``, ``"0.045"`` or a plain number of major units.

    A number that YAML read as a float goes through its shortest decimal form, so that 0.045 stays 0.045. A text is an
    amount by the one grammar: ``1,5`` is neither fifteen nor one and a half.
    """
    match = _AMOUNT.fullmatch(str(text))
    if match is None:
        raise InputError(
            "money.unreadable",
            Text("“{amount}”不是金额；请写成 15000 CNY", "'{amount}' is not an amount; write 15000 CNY"),
            amount=text,
        )
    return Money(to_fen(match["amount"].replace(",", "")), match["currency"] or currency)


def say_fen(fen: float, language: Language, currency: str = "CNY") -> str:
    """Return an amount in fen as people read it, with the unit that suits its size."""
    sign = "−" if fen < 0 else ""
    yuan = abs(fen) / MINOR_UNITS
    symbol = _SYMBOL.get(currency, currency + " ")
    steps = ((1e8, "亿"), (1e4, "万")) if language is Language.ZH else ((1e9, "B"), (1e6, "M"), (1e4, "k"))
    for size, unit in steps:
        if yuan >= size:
            scaled = yuan / (1e3 if unit == "k" else size)
            return f"{sign}{symbol}{scaled:,.2f}{unit}" if scaled < 100 else f"{sign}{symbol}{scaled:,.1f}{unit}"
    if yuan >= 100 or yuan == 0 or (yuan >= 10 and yuan == int(yuan)):
        return f"{sign}{symbol}{yuan:,.0f}"
    return f"{sign}{symbol}{yuan:.3g}" if yuan < 0.1 else f"{sign}{symbol}{yuan:.2f}"
