"""The ``extra:`` columns of a source: what a bank's file says beyond the contract, kept by name and of a stated type.

```yaml
  core_customer:
    table: customer                    # or event, whose extra columns are properties of events
    …
    extra:
      vip_grade: {from: 贵宾等级, type: string, class: C1, zh: 贵宾等级, en: VIP grade}
      income: {from: 年收入, type: money, money: yuan, class: C2, zh: 年收入, en: Annual income, owner: retail}
      club_since: {from: 入会日, type: date, date: "%Y%m%d", class: C1, zh: 入会日, en: In the club since}
```
Each is a source of its own over the same files, so that a broken value is set aside without its customer, and a column
that is declared later is read out of the files that are there. What a source converts, it says as in ``columns``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bankloop.kit.located import Located, Route, read_located
from bankloop.kit.text import Text
from bankloop.lake.columns import ColumnSource, one_of, read_column
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import DataClass
from bankloop.lake.errors import source_spec

if TYPE_CHECKING:
    from bankloop.lake.sources import Source

# Whose rows may have columns of the bank's own, and where these are kept.
KEPT_IN: Mapping[str, str] = {"customer": "customer_extra", "event": "event_extra"}
# In which column a value of each type is kept.
VALUE_OF: Mapping[str, str] = {
    "string": "text_value",
    "int": "number_value",
    "money": "value_fen",
    "date": "day_value",
    "bool": "truth_value",
}
# A name of its own for each, which no source's own files begin with.
_APART = "__"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_SAID = ("type", "class", "zh", "en", "owner", "definition")
_CONVERTED = ("from", "values", "date", "yes", "no", "money")


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """A column of a bank's own: its name, of which table, its type, titles, owner and class, and how it is read."""

    name: str
    table: str
    type: str
    label: Text
    owner: str
    data_class: DataClass
    definition: Text
    read: ColumnSource
    place: str

    @property
    def value(self) -> str:
        """Return the column that keeps its values."""
        return VALUE_OF[self.type]


def read_extras(folder: Path) -> tuple[ExtraColumn, ...]:
    """Return all columns of its own that a bank's sources declare; raise ``SpecError`` with file and line."""
    path = folder / "bank.yaml"
    bank = read_located(path) if path.exists() else Located(path, {}, {})
    entries = (bank.content or {}).get("sources") or {}
    pairs = entries.items() if isinstance(entries, dict) else enumerate(entries) if isinstance(entries, list) else ()
    found: dict[tuple[str, str], ExtraColumn] = {}
    for key, entry in pairs:
        if not isinstance(entry, dict) or "extra" not in entry:
            continue
        for one in extras_of(bank, ("sources", key), str(entry.get("table")), entry["extra"]):
            before = found.setdefault((one.table, one.name), one)
            if (before.type, before.data_class) != (one.type, one.data_class):
                reason = Text(
                    f"{one.name} 与 {before.place} 的类型或分级不同",
                    f"{one.name} has another type or class at {before.place}",
                )
                raise source_spec(one.place, reason)
    return tuple(found.values())


def extras_of(bank: Located, route: Route, table: str, entries: Any) -> tuple[ExtraColumn, ...]:
    """Return the columns of its own that one source declares; raise ``SpecError`` with file and line."""
    place = bank.place(*route, "extra")
    if table not in KEPT_IN:
        known = "、".join(KEPT_IN)
        raise source_spec(place, Text(f"extra 只用于表 {known}", f"extra is for the tables {', '.join(KEPT_IN)}"))
    if not isinstance(entries, dict):
        raise source_spec(place, Text("extra 应为映射：字段名 → 定义", "extra maps a column's name to what it is"))
    return tuple(_extra(bank, (*route, "extra", str(name)), table, str(name), one) for name, one in entries.items())


def _extra(bank: Located, route: Route, table: str, name: str, entry: Any) -> ExtraColumn:
    place = bank.place(*route)
    if not _NAME.fullmatch(name) or name in CONTRACTS[table].names:
        reason = Text(
            f"{name} 不能作本行字段名：用小写字母、数字和下划线，且不与表 {table} 的字段同名",
            f"{name} cannot name a column of the bank's own: small letters, digits and _, and no column of {table}",
        )
        raise source_spec(place, reason)
    if not isinstance(entry, dict):
        raise source_spec(place, Text(f"{name} 应为映射", f"{name} must be a mapping"))
    for key in entry:
        one_of(bank.place(*route, str(key)), "key", str(key), (*_SAID, *_CONVERTED))
    for needed in ("from", "type", "class", "zh", "en"):
        if needed not in entry:
            raise source_spec(place, Text(f"{name} 缺少 {needed}", f"{name} lacks {needed}"))
    type_ = one_of(bank.place(*route, "type"), "type", entry["type"], VALUE_OF)
    data_class = one_of(bank.place(*route, "class"), "class", entry["class"], (DataClass.C1.value, DataClass.C2.value))
    column = CONTRACTS[KEPT_IN[table]].column(VALUE_OF[type_])
    read = read_column(bank, route, {key: entry[key] for key in _CONVERTED if key in entry}, column)
    said = entry.get("definition") or {}
    said = said if isinstance(said, dict) else {"zh": said, "en": said}
    return ExtraColumn(
        name,
        table,
        type_,
        Text(str(entry["zh"]), str(entry["en"])),
        str(entry.get("owner", CONTRACTS[table].owner)),
        DataClass(data_class),
        Text(str(said.get("zh", entry["zh"])), str(said.get("en", entry["en"]))),
        read,
        place,
    )


def with_extras(source: Source, extras: tuple[ExtraColumn, ...]) -> list[Source]:
    """Return a source, which passes its own columns over, and one more for each of these over the same files."""
    passed = tuple(one.read.source for one in extras if one.read.source)
    return [replace(source, ignore=(*source.ignore, *passed)), *(_source_of(source, one) for one in extras)]


def _source_of(source: Source, extra: ExtraColumn) -> Source:
    """Return the source of one column: its row's key and its value; a later file's replaces an earlier one's."""
    contract = CONTRACTS[KEPT_IN[extra.table]]
    keys = (*CONTRACTS[extra.table].key, "customer_no")
    columns = {key: source.columns.get(key, ColumnSource(source=key)) for key in dict.fromkeys(keys)}
    columns |= {"name": ColumnSource(constant=extra.name), extra.value: extra.read}
    name = f"{source.name}{_APART}{extra.name}"
    path = source.path if source.query is None else f"drawn/{name}-*.parquet"
    return replace(
        source,
        name=name,
        table=contract.name,
        path=path,
        place=extra.place,
        mode=contract.mode,
        ignore=("*",),
        columns=columns,
        expected=type(source.expected)(),
    )
