"""What banks call things: the vocabulary beside this file, in one spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bankloop.kit.located import read_located
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ContractColumn

_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_SIGNS = re.compile(r"[\W_]+")
EXACT, WITHIN = 3, 1


@dataclass(frozen=True, slots=True)
class Words:
    """Names of tables, of columns by table, of codes by column, and the words for yes and no."""

    tables: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    codes: Mapping[str, Mapping[str, str]]
    yes: frozenset[str]
    no: frozenset[str]
    balances: tuple[str, ...]

    def likeness(self, table: str, column: ContractColumn, header: str) -> int:
        """Return how much a header looks like a conformed column's: ``EXACT``, ``WITHIN`` it, or 0."""
        found, said = normal(header), self.columns.get(table, {}).get(column.name, ())
        if not found:
            return 0
        known = (
            normal(column.name),
            normal(column.name.removesuffix("_fen").removesuffix("_token")),
            normal(column.label.zh),
        )
        if found in said or found in known:
            return EXACT
        return WITHIN if any(len(word) > 1 and _is_within(word, found) for word in said) else 0

    def code(self, column: str, value: str) -> str | None:
        """Return our code for a bank's, None where nobody knows it."""
        return self.codes.get(column, {}).get(normal(value))


def normal(text: str) -> str:
    """Return a name without case, width, blanks, signs and what stands in brackets."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _SIGNS.sub("", _BRACKETS.sub("", plain)) or _SIGNS.sub("", plain)


def _is_within(word: str, header: str) -> bool:
    # A short Latin word is within too many others: "rm" in "term".
    return word in header and (not word.isascii() or len(word) >= _LONG)


_LONG = 5


@cache
def words() -> Words:
    """Return the vocabulary."""
    content = read_located(Path(__file__).with_name("words.yaml")).content
    columns = {
        table: {column: tuple(map(normal, map(str, names))) for column, names in found.items()}
        for table, found in content["columns"].items()
    }
    for table, found in columns.items():
        for column in found:
            CONTRACTS[table].column(column)
    codes = {
        column: {normal(str(word)): ours for ours, said in found.items() for word in said}
        for column, found in content["codes"].items()
    }
    tables = {table: tuple(map(normal, said)) for table, said in content["tables"].items()}
    yes, no = (frozenset(normal(str(word)) for word in content[key]) for key in ("yes", "no"))
    return Words(tables, columns, codes, yes, no, tuple(map(normal, content["balances"])))
