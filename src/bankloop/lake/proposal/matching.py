"""Which column of a file is which of a table's, and how it is written there: by its name, and by what stands in it.

A name alone is not enough: a column whose values its type cannot hold is not that column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.lake.contracts import ColumnType, ContractColumn, TableContract
from bankloop.lake.proposal.contracts import ColumnLook, FileLook
from bankloop.lake.proposal.looking import PATTERNS
from bankloop.lake.proposal.words import EXACT, normal, words

_PII = {"name_token": "name", "phone_token": "phone"}
_FEN = ("分", "fen", "cent")
_DAYS = tuple(one for one in PATTERNS if "%H" not in one)


@dataclass(frozen=True, slots=True)
class Match:
    """A file's column for a conformed one: what stands in YAML, how sure, and the bank's codes that nobody knows.

    ``either`` are the patterns of a day that its values fit alike: which it is, somebody must say.
    """

    column: str
    source: str
    written: Any
    sure: int
    unknown: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    whole: bool = False


def match_columns(table: TableContract, look: FileLook) -> dict[str, Match]:
    """Return the best column of the file for each of the table's.

    One that is taken by its own name is not taken twice.
    """
    found: list[tuple[int, int, Match]] = []
    for place, column in enumerate(table.columns):
        for seen in look.columns:
            likeness = words().likeness(table.name, column, seen.name)
            if likeness and (match := match_one(column, seen, likeness)) is not None:
                found.append((-likeness, place, match))
    chosen: dict[str, Match] = {}
    taken: set[str] = set()
    for _, _, match in sorted(found, key=lambda one: one[:2]):
        if match.column not in chosen and (match.source not in taken or match.sure == EXACT):
            chosen[match.column] = match
            taken.add(match.source)
    return chosen


def match_one(column: ContractColumn, seen: ColumnLook, sure: int) -> Match | None:
    """Return how a file's column would be read as a conformed one; None where its values cannot be that."""
    if not seen.filled:
        return None if not column.nullable else Match(column.name, seen.name, seen.name, sure)
    if column.name in _PII:
        return Match(column.name, seen.name, {"from": seen.name, "pii": _PII[column.name]}, sure)
    match column.type:
        case ColumnType.STR if column.allowed:
            return _codes(column, seen, sure)
        case ColumnType.STR:
            return Match(column.name, seen.name, seen.name, sure)
        case ColumnType.INT if column.name.endswith("_fen"):
            return _money(column, seen, sure)
        case ColumnType.INT:
            return _number(column, seen, sure)
        case ColumnType.BOOL:
            return _truth(column, seen, sure)
        case ColumnType.DATE:
            return _day(column, seen, sure, "day", "date", _DAYS)
        case ColumnType.TIMESTAMP:
            return _day(column, seen, sure, "moment", "timestamp", PATTERNS)


def _codes(column: ContractColumn, seen: ColumnLook, sure: int) -> Match | None:
    if not seen.few:
        return None
    known = {value: _code(column, value) for value, _ in seen.values}
    if not any(known.values()) and sure < EXACT:
        return None
    values = {value: code for value, code in known.items() if code is not None and code != value}
    unknown = tuple(value for value, code in known.items() if code is None)
    written: Any = {"from": seen.name, "values": values} if values else seen.name
    return Match(column.name, seen.name, written, sure, unknown)


def _code(column: ContractColumn, value: str) -> str | None:
    return value if value in column.allowed else words().code(column.name, value)


def _money(column: ContractColumn, seen: ColumnLook, sure: int) -> Match | None:
    if not seen.is_all("amount"):
        return None
    in_fen = any(sign in seen.name.casefold() for sign in _FEN) and seen.is_all("int")
    whole = seen.is_all("int") and not any(sign in seen.name for sign in ("元", "yuan"))
    written: Any = seen.name if in_fen else {"from": seen.name, "money": "yuan"}
    return Match(column.name, seen.name, written, sure, whole=whole and not in_fen)


def _number(column: ContractColumn, seen: ColumnLook, sure: int) -> Match | None:
    if seen.is_all("int"):
        return Match(column.name, seen.name, seen.name, sure)
    levels = {value: value[1:] for value, _ in seen.values if value[:1] in "CcRr" and value[1:].isdigit()}
    if seen.few and levels and len(levels) == len(seen.values):
        return Match(column.name, seen.name, {"from": seen.name, "values": levels}, sure)
    return None


def _truth(column: ContractColumn, seen: ColumnLook, sure: int) -> Match | None:
    if not seen.few:
        return None
    yes = [value for value, _ in seen.values if normal(value) in words().yes]
    no = [value for value, _ in seen.values if normal(value) in words().no]
    unknown = tuple(value for value, _ in seen.values if value not in yes and value not in no)
    if unknown and (len(seen.values) > _CODES or not (yes or no)):
        return None
    written: dict[str, Any] = {"from": seen.name}
    written |= {key: found for key, found in (("yes", yes), ("no", no)) if found}
    return Match(column.name, seen.name, written, sure, unknown)


_CODES = 6


def _day(
    column: ContractColumn, seen: ColumnLook, sure: int, kind: str, key: str, patterns: tuple[str, ...]
) -> Match | None:
    if seen.is_all(kind):
        return Match(column.name, seen.name, seen.name, sure)
    fits = [pattern for pattern in (*patterns, *PATTERNS) if seen.is_all(pattern)]
    if not fits:
        return None
    best = max(seen.shares[pattern] for pattern in fits)
    same = tuple(dict.fromkeys(p for p in fits if seen.shares[p] == best and p.count("%") == fits[0].count("%")))
    ambiguous = tuple(p for p in same if p.startswith(("%d/%m", "%m/%d")))
    either = ambiguous if len(ambiguous) > 1 else ()
    first = (either or same)[0]
    return Match(column.name, seen.name, {"from": seen.name, key: first}, sure, either=either)


def score(table: TableContract, look: FileLook, matches: Mapping[str, Match]) -> int:
    """Return how much a file looks like a table's: its keys and columns by name, and the file's own name."""
    keys = [key for key in table.key if key not in _MADE]
    if any(key not in matches for key in keys):
        return 0
    # A name that is some table's everywhere says little; one that is this table's alone says much.
    found = sum(1 if match.source in _EVERYWHERE else match.sure for match in matches.values())
    named = any(
        word in normal(look.name.rpartition(".")[0] or look.name) for word in words().tables.get(table.name, ())
    )
    unique = len(keys) == 1 and look.column(matches[keys[0]].source).unique
    return found + (4 if named else 0) + (3 if unique else -3 if keys and len(keys) == len(table.key) else 0)


_EVERYWHERE = ("客户号", "机构号")
# Keys that are made where a file has none of its own.
_MADE = ("source", "event_id", "holding_id")
