"""Which columns a table from outside has: each stays at its place, unnamed ones are passed over, doubled ones refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake import errors

# What a spreadsheet leaves in a header without anybody seeing it.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00]")


@dataclass(frozen=True, slots=True)
class Layout:
    """The named columns of a table of ``width`` columns and the 0-based place of each."""

    names: tuple[str, ...]
    places: tuple[int, ...]
    width: int

    def named(self, place: int) -> str:
        """Return the name of the column at a place; one that no file has, where it is unnamed."""
        return self.names[self.places.index(place)] if place in self.places else f"_unnamed_{place}"


def lay_out(cells: Sequence[str | None], place: str) -> Layout:
    """Return the columns that a header names; raise ``DataError`` where it names none, or one twice, also by case."""
    found = [(at, clean_name(cell or "")) for at, cell in enumerate(cells)]
    named = [(at, name) for at, name in found if name]
    if not named:
        raise errors.empty_file(place)
    first: dict[str, int] = {}
    for at, name in named:
        key = name.casefold()
        if key in first:
            raise duplicate_column(place, found[first[key]][1], first[key] + 1, name, at + 1)
        first[key] = at
    return Layout(tuple(name for _, name in named), tuple(at for at, _ in named), len(cells))


def clean_name(cell: str) -> str:
    """Return a column's name without blanks around it and without what cannot be seen."""
    return _INVISIBLE.sub("", cell).strip().strip('"').strip()


def duplicate_column(place: str, first: str, first_at: int, second: str, second_at: int) -> DataError:
    """Two columns of one name, or of names that differ by case alone."""
    return DataError(
        "lake.duplicate_column",
        Text(
            "{place}：第 {first_at} 列 {first} 与第 {second_at} 列 {second} 重名；请改名或删去一列",
            "{place}: column {first_at} {first} and column {second_at} {second} have the same name; rename or remove one",
        ),
        place=place,
        first=first,
        first_at=first_at,
        second=second,
        second_at=second_at,
    )
