"""The ``sources:`` section of bank.yaml: which files bring which conformed table, and how their columns become its.

```yaml
time_zone: Asia/Shanghai
sources:
  core_customer:                      # the name of the source
    table: customer                   # a conformed table
    path: "*/CUST_*.csv"              # under data/incoming; the first folder is the T+1 day (2026-11-21 or 20261121)
    format: csv                       # csv, xlsx or parquet
    encoding: gbk                     # utf-8 (a BOM is fine), gbk or gb18030
    delimiter: "|@|"                  # "," when left out
    header: true                      # or the list of column names of a file without one
    mode: replace                     # replace, append or upsert; the table's own when left out
    reject_above: 2%                  # more bad rows than this stop the load
    ignore: [证件号]                   # columns of the file that are not loaded; "*" ignores all that are not mapped
    columns:                          # what is not mapped is read from the column of the same name, if there
      customer_no: 客户号
      name_token: {pii: name, from: 姓名}
      phone_token: {pii: phone, from: 手机号}
      opened_on: {from: 开户日, date: "%Y%m%d"}
      marketing_consent: {from: 营销同意, yes: [Y], no: [N]}
      acquisition_cost_fen: {from: 获客成本, money: yuan}
      source: {constant: core}
      phone_valid: {from: 手机号, matches: phone}
```
What a source promises beside that (``control``, ``quality``, ``block``) is in ``expectations``. Timestamps take ``{from: …, timestamp: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai}``; the zone is the bank's when left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bankloop.kit import Text
from bankloop.kit.located import Located, nearest, read_located
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType, TableContract
from bankloop.lake.errors import source_spec
from bankloop.lake.expectations import Expected, read_expected
from bankloop.lake.settings import read_zone

FORMATS = ("csv", "xlsx", "parquet")
MODES = ("replace", "append", "upsert")
ENCODINGS = ("utf-8", "utf-8-sig", "gbk", "gb18030")
PII_KINDS = ("name", "phone", "id_no")
# What the platform keeps about loading itself.
OWN = ("loaded_file", "quality")
# A source that is worse than this on one day has changed its layout rather than made mistakes.
DEFAULT_REJECT_PPM = 20_000

_KEYS = (
    "name",
    "table",
    "path",
    "format",
    "encoding",
    "delimiter",
    "header",
    "mode",
    "reject_above",
    "ignore",
    "columns",
    "control",
    "quality",
    "block",
)
_COLUMN_KEYS = ("from", "constant", "date", "timestamp", "zone", "yes", "no", "money", "pii", "matches")


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """Where one conformed column comes from: a source column, converted, or a constant."""

    source: str | None = None
    constant: str | None = None
    pattern: str | None = None
    zone: str | None = None
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    yuan: bool = False
    pii: str | None = None
    matches: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of ``sources:``; ``place`` is its file and line."""

    name: str
    table: str
    path: str
    format: str
    place: str
    encoding: str = "utf-8"
    delimiter: str = ","
    header: tuple[str, ...] | None = None
    mode: str = "replace"
    reject_ppm: int = DEFAULT_REJECT_PPM
    ignore: tuple[str, ...] = ()
    columns: Mapping[str, ColumnSource] = field(default_factory=dict)
    zone: str = "Asia/Shanghai"
    expected: Expected = field(default_factory=Expected)

    @property
    def contract(self) -> TableContract:
        """Return the contract of the table this source brings."""
        return CONTRACTS[self.table]


def read_sources(folder: Path) -> tuple[Source, ...]:
    """Return the sources of a bank folder in the order their tables load; raise ``SpecError`` with file and line."""
    bank = read_located(folder / "bank.yaml")
    zone = read_zone(folder)
    entries = (bank.content or {}).get("sources") or {}
    if isinstance(entries, list):
        found = [
            _source(bank, ("sources", index), str(e.get("name", index)), e, zone) for index, e in enumerate(entries)
        ]
    elif isinstance(entries, dict):
        found = [_source(bank, ("sources", str(key)), str(key), entry, zone) for key, entry in entries.items()]
    else:
        raise source_spec(bank.place("sources"), Text("sources 应为映射", "sources must be a mapping"))
    order = list(CONTRACTS)
    return tuple(sorted(found, key=lambda source: order.index(source.table)))


def _source(bank: Located, route: tuple[str | int, ...], name: str, entry: Any, zone: str) -> Source:
    place = bank.place(*route)
    if not isinstance(entry, dict):
        raise source_spec(place, Text(f"来源 {name} 应为映射", f"source {name} must be a mapping"))
    for key in entry:
        _one_of(bank.place(*route, str(key)), "key", str(key), _KEYS)
    for needed in ("table", "path", "format"):
        if needed not in entry:
            raise source_spec(place, Text(f"来源 {name} 缺少 {needed}", f"source {name} lacks {needed}"))
    table = _one_of(bank.place(*route, "table"), "table", entry["table"], [t for t in CONTRACTS if t not in OWN])
    header = entry.get("header", True)
    return Source(
        name=name,
        table=table,
        path=str(entry["path"]),
        format=_one_of(bank.place(*route, "format"), "format", entry["format"], FORMATS),
        place=place,
        encoding=_one_of(
            bank.place(*route, "encoding"), "encoding", str(entry.get("encoding", "utf-8")).lower(), ENCODINGS
        ),
        delimiter=_delimiter(bank.place(*route, "delimiter"), entry.get("delimiter", ",")),
        header=tuple(map(str, header)) if isinstance(header, list) else None,
        mode=_one_of(bank.place(*route, "mode"), "mode", entry.get("mode", CONTRACTS[table].mode), MODES),
        reject_ppm=_share(bank.place(*route, "reject_above"), entry.get("reject_above")),
        ignore=tuple(_names(entry.get("ignore", ()))),
        columns=_columns(bank, (*route, "columns"), CONTRACTS[table], entry.get("columns") or {}),
        zone=zone,
        expected=read_expected(entry, place),
    )


def _columns(
    bank: Located, route: tuple[str | int, ...], contract: TableContract, entries: Mapping[str, Any]
) -> dict[str, ColumnSource]:
    found = {}
    for key, entry in entries.items():
        place = bank.place(*route, str(key))
        _one_of(place, "column", str(key), contract.names)
        found[str(key)] = _column(bank, (*route, str(key)), entry, contract.column(str(key)).type)
    return found


def _column(bank: Located, route: tuple[str | int, ...], entry: Any, kind: ColumnType) -> ColumnSource:
    if not isinstance(entry, dict):
        return ColumnSource(source=str(entry))
    place = bank.place(*route)
    for key in entry:
        _one_of(bank.place(*route, str(key)), "key", str(key), _COLUMN_KEYS)
    if ("from" in entry) == ("constant" in entry):
        raise source_spec(place, Text("from 与 constant 必须且只能写一个", "write either from or constant"))
    if "constant" in entry:
        return ColumnSource(constant=_plain(entry["constant"]))
    _fits(place, entry, kind)
    pattern = entry.get("date") or entry.get("timestamp")
    return ColumnSource(
        source=str(entry["from"]),
        pattern=None if pattern is None else str(pattern),
        zone=entry.get("zone"),
        yes=tuple(map(_plain, _names(entry.get("yes", ())))),
        no=tuple(map(_plain, _names(entry.get("no", ())))),
        yuan=entry.get("money") == "yuan",
        pii=None if "pii" not in entry else _one_of(place, "pii", entry["pii"], PII_KINDS),
        matches=None if "matches" not in entry else _one_of(place, "matches", entry["matches"], ("phone",)),
    )


def _fits(place: str, entry: Mapping[str, Any], kind: ColumnType) -> None:
    wanted = {
        "date": ColumnType.DATE,
        "timestamp": ColumnType.TIMESTAMP,
        "zone": ColumnType.TIMESTAMP,
        "yes": ColumnType.BOOL,
        "no": ColumnType.BOOL,
        "matches": ColumnType.BOOL,
        "money": ColumnType.INT,
        "pii": ColumnType.STR,
    }
    for key in entry:
        if key in wanted and wanted[key] is not kind:
            reason = Text(
                f"{key} 只用于类型 {wanted[key].value}，此字段是 {kind.value}",
                f"{key} is for type {wanted[key].value}; this column is {kind.value}",
            )
            raise source_spec(place, reason)
    if "money" in entry:
        _one_of(place, "money", entry["money"], ("yuan", "fen"))


def _one_of(place: str, what: str, value: Any, known: Iterable[str]) -> str:
    names = list(known)
    if value in names:
        return str(value)
    close = nearest(str(value), names)
    reason = Text(
        f"未知的 {what}：{value}；" + (f"是否指 {close}？" if close else "") + f"可用：{'、'.join(names)}",
        f"unknown {what} {value}; " + (f"did you mean {close}? " if close else "") + f"known: {', '.join(names)}",
    )
    raise source_spec(place, reason)


def _delimiter(place: str, value: Any) -> str:
    # The engine's reader takes up to four bytes.
    if isinstance(value, str) and 0 < len(value.encode()) <= 4:
        return value
    raise source_spec(place, Text("delimiter 应为 1 到 4 个字节的文本", "delimiter must be a text of 1 to 4 bytes"))


def _share(place: str, value: Any) -> int:
    if value is None:
        return DEFAULT_REJECT_PPM
    try:
        text = str(value).strip()
        share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        reason = Text(f"reject_above 应为 0% 到 100%，不是 {value}", f"reject_above is 0% to 100%, not {value}")
        raise source_spec(place, reason)
    return int(share * 1_000_000)


def _names(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _plain(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
