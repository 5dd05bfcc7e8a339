"""What all of a bank's files are made of: keys, percentages as ppm, money as fen, days, texts in both languages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bankloop.kit.errors import InputError
from bankloop.kit.money import parse_money
from bankloop.kit.text import Text

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
ANY_CHANNEL = "any"
NO_BENEFIT = "none"


def _ppm(value: object) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(value))
    if match is None:
        raise ValueError(f"'{value}' is no percentage; write 5%")
    return int((Decimal(match[1]) * 10_000).to_integral_value())


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"'{value}' is no amount; write 15000 CNY")
    try:
        return parse_money(value).fen
    except InputError as error:
        raise ValueError(error.message.en) from error


def _days(value: object) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*d?\s*", str(value))
    if match is None:
        raise ValueError(f"'{value}' is no number of days; write 30d")
    return int(match[1])


Ppm = Annotated[int, BeforeValidator(_ppm), Field(ge=0)]
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
