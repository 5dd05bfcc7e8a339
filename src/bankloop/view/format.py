"""Numbers as people read them, in both languages."""

from __future__ import annotations

from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text


def same(words: object) -> Text:
    """Return words that are the same in both languages."""
    return Text(str(words), str(words))


def money(fen: float, *, sign: bool = False) -> Text:
    """Return an amount in fen; ``sign`` writes the plus of a difference."""
    plus = "+" if sign and fen > 0 else ""
    return Text(plus + say_fen(fen, Language.ZH), plus + say_fen(fen, Language.EN))


def price(fen: float) -> Text:
    """Return a small amount in fen with as many digits as it needs."""
    yuan = abs(fen) / 100
    if yuan < 0.0005:
        return same("¥0")
    digits = (
        f"{yuan:,.0f}"
        if yuan >= 1000
        else f"{yuan:.1f}"
        if yuan >= 10
        else f"{yuan:.2f}"
        if yuan >= 0.1
        else f"{yuan:.3f}"
    )
    return same(("−" if fen < 0 else "") + "¥" + digits)


def count(number: float, *, sign: bool = False) -> Text:
    """Return a whole number with its thousands set apart."""
    words = f"{number:+,.0f}" if sign else f"{number:,.0f}"
    return same(words.replace("-", "−"))


def percent(share: float, digits: int = 1) -> Text:
    """Return a share as a percentage."""
    return same(f"{share * 100:.{digits}f}%".replace("-", "−"))


def points(share: float) -> Text:
    """Return a difference of rates in percentage points."""
    return same(f"{share * 100:+.2f} pp".replace("-", "−"))


def amount(number: float, unit: Text) -> Text:
    """Return so many units of a resource: fen are said as money."""
    if unit.en == "fen":
        return money(number)
    said = count(number)
    return Text(f"{said.zh} {unit.zh}", f"{said.en} {unit.en}")


def gap(share: float) -> Text:
    """Return a certified distance from the optimum; never rounded down to nothing."""
    return same("< 0.001%") if share < 1e-5 else percent(share, 3)


def masked_number(customer_no: str) -> str:
    """Return a customer number of which only the first and the last four characters show."""
    return f"{customer_no[:1]}…{customer_no[-4:]}" if len(customer_no) > 5 else "…"
