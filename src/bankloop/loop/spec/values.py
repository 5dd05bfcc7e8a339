"""What all of a bank's files are made of: keys, percentages as ppm, money as fen, days, texts in both languages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bankloop.kit.errors import InputError
from bankloop.kit.money import parse_money
from bankloop.kit.text import Text
from bankloop.kit.wording import Unfit

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
ANY_CHANNEL = "any"
_CURRENCY = "CNY"
_NOTHING = "—"
NO_BENEFIT = "none"


def _said(value: object) -> str:
    return _NOTHING if value is None else str(value)


def as_ppm(value: object) -> int:
    """Return a percentage as a file writes it (5%) in ppm; raise ``Unfit`` for what is none."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(value))
    if match is None:
        raise Unfit(f"“{_said(value)}”不是百分数；应写成 5%", f"'{_said(value)}' is no percentage; write 5%")
    return int((Decimal(match[1]) * 10_000).to_integral_value())


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit(f"“{_said(value)}”不是金额；应写成 15000 CNY", f"'{_said(value)}' is no amount; write 15000 CNY")
    try:
        found = parse_money(value)
    except InputError as error:
        raise Unfit(error.message.zh, error.message.en) from error
    if found.currency != _CURRENCY:
        raise Unfit(
            f"金额应为 {_CURRENCY}，不是 {found.currency}", f"an amount is in {_CURRENCY}, not {found.currency}"
        )
    return found.fen


def _days(value: object) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*d?\s*", str(value))
    if match is None:
        raise Unfit(f"“{_said(value)}”不是天数；应写成 30d", f"'{_said(value)}' is no number of days; write 30d")
    return int(match[1])


Ppm = Annotated[int, BeforeValidator(as_ppm), Field(ge=0)]
Fen = Annotated[int, BeforeValidator(_fen), Field(ge=0)]
Days = Annotated[int, BeforeValidator(_days), Field(ge=1, le=3660)]


class Spec(BaseModel):
    """Base of all spec values: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(Spec):
    """A text in both languages; both are demanded."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @property
    def text(self) -> Text:
        """Return it as a ``Text``."""
        return Text(self.zh, self.en)
