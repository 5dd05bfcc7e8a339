"""The errors of rate files: place, reason and cure."""

from __future__ import annotations

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text


def rate_spec(place: str, zh: str, en: str) -> SpecError:
    """A rate card that cannot be."""
    return SpecError(
        "contribution.rates",
        Text("{place}：价值贡献参数：{reason}", "{place}: rates of contribution: {reason}"),
        place=place,
        reason=Text(zh, en),
    )
