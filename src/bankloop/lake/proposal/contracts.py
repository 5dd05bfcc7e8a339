"""What is seen of a file, what is proposed of it, and what only a person knows. Frozen, free of any engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bankloop.kit.text import Text


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """One column of a file as its first rows show it.

    ``shares`` are the shares of filled values that are of a kind (``int``, ``amount``, ``day``, ``moment``, ``phone``,
    or a pattern of ``strptime``), ``values`` the commonest with their rows.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    shares: Mapping[str, float]
    values: tuple[tuple[str, int], ...]

    @property
    def unique(self) -> bool:
        """Return whether every row has a value of its own."""
        return self.rows > 0 and self.filled == self.rows == self.distinct

    def is_all(self, kind: str) -> bool:
        """Return whether the values are of a kind, but for a few that are broken."""
        return self.filled > 0 and self.shares.get(kind, 0.0) >= _NEARLY

    @property
    def few(self) -> bool:
        """Return whether the values are codes: all of them are seen."""
        return 0 < self.distinct <= len(self.values)


# Real files have broken rows; what more than one in ten is not, a column is not.
_NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class FileLook:
    """One file, or one table of a database: how it is read, and its columns. ``sampled`` is whether more rows follow.

    ``alike`` are, by a column that may be the customer's number, the columns that have one value for each.
    """

    name: str
    format: str
    encoding: str
    delimiter: str
    header: tuple[str, ...] | None
    columns: tuple[ColumnLook, ...]
    rows: int
    day: date | None = None
    pattern: str = ""
    sampled: bool = False
    database: str = ""
    alike: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def column(self, name: str) -> ColumnLook:
        """Return the column called ``name``."""
        return next(one for one in self.columns if one.name == name)


@dataclass(frozen=True, slots=True)
class BringQuestion:
    """What the files do not say: ``options`` are value and meaning, ``proposed`` what ``--yes`` answers.

    None where nothing may be.
    """

    key: str
    said: Text
    options: tuple[tuple[str, Text], ...]
    proposed: str | None


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """How one conformed column is read: what stands in YAML, and why where it is not plain to see."""

    column: str
    written: Any
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProposedSource:
    """One source of the bank.yaml to be: its reading, its columns, what is left aside and why it is there."""

    name: str
    table: str
    reading: Mapping[str, Any]
    columns: tuple[ColumnEntry, ...] = ()
    ignore: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The sources proposed, the questions that only a person can answer, and what is to be known besides.

    ``choices`` are what the files say and may be changed: which table, which column, what a code means, which unit.
    """

    sources: tuple[ProposedSource, ...]
    questions: tuple[BringQuestion, ...]
    day: date
    notes: tuple[Text, ...] = ()
    skipped: tuple[str, ...] = field(default=())
    choices: tuple[BringQuestion, ...] = ()
