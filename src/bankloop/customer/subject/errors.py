"""The errors of a person's rights: place, reason and cure."""

from __future__ import annotations

from collections.abc import Sequence

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text


def unknown_category(place: str, name: str, known: Sequence[str]) -> SpecError:
    """A category of data that there is not."""
    return SpecError(
        "subject.category",
        Text("{place}：没有数据类别 {name}；可用：{known}", "{place}: no category {name}; known: {known}"),
        place=place,
        name=name,
        known=", ".join(known),
    )


def bad_years(place: str, name: str) -> SpecError:
    """Years of retention that cannot be."""
    return SpecError(
        "subject.years",
        Text(
            "{place}：{name} 的 years 应为 0 到 100 的整数", "{place}: years of {name} are a whole number from 0 to 100"
        ),
        place=place,
        name=name,
    )
