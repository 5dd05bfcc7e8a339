"""The ``columns:`` of a source: where each conformed column comes from, and how what stands there becomes its value.

```yaml
      gender: {from: 性别, values: {男: M, 女: F, 未知: null}}    # a code of the bank's → ours; null is an empty cell
      region: {from: 地区, values: {"": 未知}}                   # "" is an empty cell
      pension: {constant: false}                               # no file says it: the same for every row
```
A value that ``values`` does not name stays as it is and is judged by the column's own rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.kit import grammar
from bankloop.kit.errors import InputError
from bankloop.kit.located import Located, Route, nearest
from bankloop.kit.text import Text
from bankloop.lake.contracts import ColumnType, ContractColumn, TableContract
from bankloop.lake.errors import source_spec

PII_KINDS = ("name", "phone", "id_no")
_KEYS = ("from", "constant", "values", "date", "timestamp", "zone", "yes", "no", "money", "pii", "matches")
_FOR = {
    "date": ColumnType.DATE,
    "timestamp": ColumnType.TIMESTAMP,
    "zone": ColumnType.TIMESTAMP,
    "yes": ColumnType.BOOL,
    "no": ColumnType.BOOL,
    "matches": ColumnType.BOOL,
    "money": ColumnType.INT,
    "pii": ColumnType.STR,
}
# How a value of each type is written where nobody converts it: in a constant, and as what ``values`` makes of a code.
_WRITTEN: Mapping[ColumnType, str] = {
    ColumnType.STR: r"(?s).*",
    ColumnType.INT: grammar.INTEGER,
    ColumnType.BOOL: "true|false",
    ColumnType.DATE: grammar.DAY,
    ColumnType.TIMESTAMP: grammar.MOMENT,
}


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """Where one conformed column comes from: a source column, converted, or a constant as the column's type writes it.

    ``values`` are pairs of what stands there ("" for an empty cell) and what is taken for it (None for nothing).
    """

    source: str | None = None
    constant: str | None = None
    pattern: str | None = None
    zone: str | None = None
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    yuan: bool = False
    pii: str | None = None
    matches: str | None = None
    values: tuple[tuple[str, str | None], ...] = ()


def read_columns(
    bank: Located, route: Route, contract: TableContract, entries: Mapping[str, Any]
) -> dict[str, ColumnSource]:
    """Return how a table's columns are read; raise ``SpecError`` with file and line."""
    if not isinstance(entries, dict):
        raise source_spec(bank.place(*route), Text("columns 应为映射", "columns must be a mapping"))
    found = {}
    for key, entry in entries.items():
        one_of(bank.place(*route, str(key)), "column", str(key), contract.names)
        found[str(key)] = read_column(bank, (*route, str(key)), entry, contract.column(str(key)))
    return found


def read_column(bank: Located, route: Route, entry: Any, column: ContractColumn) -> ColumnSource:
    """Return how one column is read; raise ``SpecError`` with file and line."""
    if not isinstance(entry, dict):
        return ColumnSource(source=str(entry))
    place = bank.place(*route)
    for key in entry:
        one_of(bank.place(*route, str(key)), "key", str(key), _KEYS)
    if ("from" in entry) == ("constant" in entry):
        raise source_spec(place, Text("from 与 constant 必须且只能写一个", "write either from or constant"))
    _fits(place, entry, column.type)
    if "constant" in entry:
        return ColumnSource(constant=_constant(place, entry, column))
    pattern = entry.get("date") or entry.get("timestamp")
    return ColumnSource(
        source=str(entry["from"]),
        pattern=None if pattern is None else str(pattern),
        zone=entry.get("zone"),
        yes=tuple(map(plain, listed(entry.get("yes", ())))),
        no=tuple(map(plain, listed(entry.get("no", ())))),
        yuan=entry.get("money") == "yuan",
        pii=None if "pii" not in entry else one_of(place, "pii", entry["pii"], PII_KINDS),
        matches=None if "matches" not in entry else one_of(place, "matches", entry["matches"], ("phone",)),
        values=_values(bank, (*route, "values"), entry, column),
    )


def _constant(place: str, entry: Mapping[str, Any], column: ContractColumn) -> str:
    if beside := [key for key in entry if key not in ("constant", "money")]:
        reason = Text(f"constant 旁边不写 {beside[0]}", f"a constant takes no {beside[0]} beside it")
        raise source_spec(place, reason)
    value = plain(entry["constant"])
    if entry.get("money") == "yuan":
        try:
            return str(grammar.read_amount(value))
        except InputError as error:
            raise source_spec(place, error.message) from error
    return _written(place, value, column)


def _values(
    bank: Located, route: Route, entry: Mapping[str, Any], column: ContractColumn
) -> tuple[tuple[str, str | None], ...]:
    given = entry.get("values", {})
    if not isinstance(given, dict):
        raise source_spec(
            bank.place(*route), Text("values 应为映射：原值 → 值", "values maps what stands there to a value")
        )
    if given and ("pii" in entry or "matches" in entry):
        raise source_spec(
            bank.place(*route), Text("values 不能与 pii、matches 并用", "values goes with neither pii nor matches")
        )
    # Where an entry says how its column is written, what a code becomes is written so too, and judged with the rest.
    as_written = any(key in entry for key in ("date", "timestamp", "yes", "no", "money"))
    pairs = []
    for code, value in given.items():
        target = None if value is None else plain(value)
        if target is not None and not as_written:
            target = _written(bank.place(*route, str(code)), target, column)
        pairs.append((grammar.clean_text(plain(code)), target))
    return tuple(pairs)


def _written(place: str, value: str, column: ContractColumn) -> str:
    """Return a value as its column's type writes it; raise ``SpecError`` for one that it could not hold."""
    if column.allowed:
        return one_of(place, column.name, value, column.allowed)
    if not re.fullmatch(_WRITTEN[column.type], value):
        reason = Text(
            f"“{value}”不是 {column.name} 的值；它的类型是 {column.type.value}",
            f"'{value}' is no value of {column.name}, which is of type {column.type.value}",
        )
        raise source_spec(place, reason)
    return value


def _fits(place: str, entry: Mapping[str, Any], kind: ColumnType) -> None:
    for key in entry:
        if key in _FOR and _FOR[key] is not kind:
            reason = Text(
                f"{key} 只用于类型 {_FOR[key].value}，此字段是 {kind.value}",
                f"{key} is for type {_FOR[key].value}; this column is {kind.value}",
            )
            raise source_spec(place, reason)
    if "money" in entry:
        one_of(place, "money", entry["money"], ("yuan", "fen"))


def one_of(place: str, what: str, value: Any, known: Iterable[str]) -> str:
    """Return ``value`` where it is known; raise ``SpecError`` with the nearest that is."""
    names = list(known)
    if value in names:
        return str(value)
    close = nearest(str(value), names)
    reason = Text(
        f"未知的 {what}：{value}；" + (f"是否指 {close}？" if close else "") + f"可用：{'、'.join(names)}",
        f"unknown {what} {value}; " + (f"did you mean {close}? " if close else "") + f"known: {', '.join(names)}",
    )
    raise source_spec(place, reason)


def listed(value: Any) -> list[Any]:
    """Return a list as it is, anything else as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [value]


def plain(value: Any) -> str:
    """Return a value of YAML as a file would write it."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
