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
A source may be a query instead of a ``path``: over a database, or over several files, each a table of that name.
```yaml
  core_account:
    table: holding
    database: CORE_DATABASE_URL       # the environment variable with its SQLAlchemy URL
    query: SELECT account_no, customer_no, balance FROM account
  dispositions:
    table: relation
    files:
      disp: {path: "*/DISP_*.csv", format: csv, encoding: gbk}
    query: SELECT a.client AS from_no, b.client AS to_no FROM disp a JOIN disp b USING (account) WHERE …
```
A small table that no system delivers stands here itself, by the conformed columns.
```yaml
  unit:
    table: unit
    rows: [{unit_id: "0000", kind: head_office, name_zh: 总行, name_en: Head office}]
```
What a file says beyond the table's columns is declared under ``extra`` (see ``extras``).
What a source promises beside that (``control``, ``quality``, ``block``) is in ``expectations``. Timestamps take ``{from: …, timestamp: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai}``; the zone is the bank's when left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text
from bankloop.lake.columns import ColumnSource, listed, one_of, plain, read_columns
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import TableContract
from bankloop.lake.errors import source_spec
from bankloop.lake.expectations import Expected, read_expected
from bankloop.lake.extras import extras_of, with_extras
from bankloop.lake.settings import read_zone

FORMATS = ("csv", "xlsx", "parquet")
MODES = ("replace", "append", "upsert")
ENCODINGS = ("utf-8", "utf-8-sig", "gbk", "gb18030")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
# What the platform keeps about loading itself.
OWN = ("loaded_file", "quality")
# A source that is worse than this on one day has changed its layout rather than made mistakes.
DEFAULT_REJECT_PPM = 20_000

# How files are read, and what a query takes in their place.
_READING = ("path", "format", "encoding", "delimiter", "header")
_QUERY = ("query", "database", "files")
# Rows that stand in bank.yaml itself; a longer table is a file.
_ROWS = "rows"
_MOST_ROWS = 200
_KEYS = (
    "name",
    "table",
    *_READING,
    *_QUERY,
    _ROWS,
    "mode",
    "reject_above",
    "ignore",
    "columns",
    "extra",
    "control",
    "quality",
    "block",
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a source asks for: SQL over a ``database`` (the variable of its URL), or over ``files``, by table name."""

    sql: str
    database: str = ""
    files: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of ``sources:``; ``place`` is its file and line. The answer to a ``query`` is kept as a Parquet file."""

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
    query: Query | None = None
    rows: tuple[Mapping[str, str], ...] = ()

    @property
    def drawn(self) -> bool:
        """Return whether nobody delivers it: it is asked for, or stands in bank.yaml."""
        return self.query is not None or bool(self.rows)

    @property
    def contract(self) -> TableContract:
        """Return the contract of the table this source brings."""
        return CONTRACTS[self.table]

    @property
    def reads(self) -> frozenset[str]:
        """Return the columns of the file that are mapped, or bear the name of a contract's."""
        return frozenset((*self.contract.names, *(c.source for c in self.columns.values() if c.source)))

    def ignores(self, column: str) -> bool:
        """Return whether a column of the file is one that nobody wants."""
        return "*" in self.ignore or column in self.ignore


def read_sources(folder: Path) -> tuple[Source, ...]:
    """Return the sources of a bank folder in the order their tables load; raise ``SpecError`` with file and line."""
    bank = read_located(folder / "bank.yaml")
    zone = read_zone(folder)
    entries = (bank.content or {}).get("sources") or {}
    if isinstance(entries, list):
        parts = [_sources(bank, ("sources", index), _name_in(e, index), e, zone) for index, e in enumerate(entries)]
    elif isinstance(entries, dict):
        parts = [_sources(bank, ("sources", str(key)), str(key), entry, zone) for key, entry in entries.items()]
    else:
        raise source_spec(bank.place("sources"), Text("sources 应为映射", "sources must be a mapping"))
    order = list(CONTRACTS)
    found = [source for part in parts for source in part]
    return tuple(sorted(found, key=lambda source: order.index(source.table)))


def _name_in(entry: Any, index: int) -> str:
    """Return how an entry of a list is called."""
    return str(entry.get("name", index)) if isinstance(entry, Mapping) else str(index)


def _sources(bank: Located, route: tuple[str | int, ...], name: str, entry: Any, zone: str) -> list[Source]:
    """Return a source with those of its own columns."""
    found = _source(bank, route, name, entry, zone)
    if "extra" not in entry:
        return [found]
    if found.rows:
        reason = Text("rows 旁边不写 extra", "rows take no extra beside them")
        raise source_spec(bank.place(*route, "extra"), reason)
    _check_name(found.place, name)
    return with_extras(found, extras_of(bank, route, found.table, entry["extra"]))


def _source(bank: Located, route: tuple[str | int, ...], name: str, entry: Any, zone: str) -> Source:
    place = bank.place(*route)
    if not isinstance(entry, dict):
        raise source_spec(place, Text(f"来源 {name} 应为映射", f"source {name} must be a mapping"))
    for key in entry:
        one_of(bank.place(*route, str(key)), "key", str(key), _KEYS)
    if "table" not in entry:
        raise source_spec(place, Text(f"来源 {name} 缺少 table", f"source {name} lacks table"))
    table = one_of(bank.place(*route, "table"), "table", entry["table"], [t for t in CONTRACTS if t not in OWN])
    asked = any(key in entry for key in _QUERY)
    reader = _standing if _ROWS in entry else _asked if asked else _delivered
    reading = reader(bank, route, name, table, entry)
    return replace(
        reading,
        mode=one_of(bank.place(*route, "mode"), "mode", entry.get("mode", CONTRACTS[table].mode), MODES),
        reject_ppm=_share(bank.place(*route, "reject_above"), entry.get("reject_above")),
        ignore=tuple(listed(entry.get("ignore", ()))),
        columns=read_columns(bank, (*route, "columns"), CONTRACTS[table], entry.get("columns") or {}),
        zone=zone,
        expected=read_expected(entry, place),
    )


def _delivered(bank: Located, route: tuple[str | int, ...], name: str, table: str, entry: Mapping[str, Any]) -> Source:
    """Return where a source's files are and how they are read."""
    place = bank.place(*route)
    for needed in ("path", "format"):
        if needed not in entry:
            raise source_spec(place, Text(f"来源 {name} 缺少 {needed}", f"source {name} lacks {needed}"))
    header, encoding = entry.get("header", True), str(entry.get("encoding", "utf-8")).lower()
    return Source(
        name=name,
        table=table,
        path=str(entry["path"]),
        format=one_of(bank.place(*route, "format"), "format", entry["format"], FORMATS),
        place=place,
        encoding=one_of(bank.place(*route, "encoding"), "encoding", encoding, ENCODINGS),
        delimiter=_delimiter(bank.place(*route, "delimiter"), entry.get("delimiter", ",")),
        header=tuple(map(str, header)) if isinstance(header, list) else None,
    )


def _check_name(place: str, name: str) -> None:
    """Raise ``SpecError`` for a name that cannot be a file's."""
    if not _PLAIN_NAME.fullmatch(name):
        reason = Text(
            f"这种来源的名称只用字母、数字、_ 和 -：{name}",
            f"such a source is named by letters, digits, _ and -: {name}",
        )
        raise source_spec(place, reason)


def _asked(bank: Located, route: tuple[str | int, ...], name: str, table: str, entry: Mapping[str, Any]) -> Source:
    """Return a source that is a query over a database or over files."""
    place = bank.place(*route)
    if "query" not in entry or ("database" in entry) == ("files" in entry):
        reason = Text(
            "查询来源要写 query，并在 database 与 files 中选一", "a query needs query and either database or files"
        )
        raise source_spec(place, reason)
    if odd := [key for key in _READING if key in entry]:
        reason = Text(f"查询来源不写 {odd[0]}；文件的读法写在 files 里", f"a query takes no {odd[0]}; files say theirs")
        raise source_spec(bank.place(*route, odd[0]), reason)
    _check_name(place, name)
    files, database = entry.get("files", {}), str(entry.get("database", ""))
    if (
        not isinstance(files, dict)
        or not all(isinstance(one, dict) for one in files.values())
        or not (files or database)
    ):
        reason = Text("files 应为映射：表名 → 文件", "files maps the name of a table to its files")
        raise source_spec(bank.place(*route, "files"), reason)
    for alias, one in files.items():
        for key in one:
            one_of(bank.place(*route, "files", alias, key), "key", key, _READING)
    read = {
        str(alias): _delivered(bank, (*route, "files", alias), str(alias), table, one) for alias, one in files.items()
    }
    query = Query(str(entry["query"]), database, read)
    return Source(name, table, f"drawn/{name}-*.parquet", "parquet", place, query=query)


def _delimiter(place: str, value: Any) -> str:
    # The engine's reader takes up to four bytes.
    if isinstance(value, str) and 0 < len(value.encode()) <= 4:
        return value
    raise source_spec(place, Text("delimiter 应为 1 到 4 个字节的文本", "delimiter must be a text of 1 to 4 bytes"))


def _standing(bank: Located, route: tuple[str | int, ...], name: str, table: str, entry: Mapping[str, Any]) -> Source:
    """Return a source whose rows stand in bank.yaml."""
    place = bank.place(*route, _ROWS)
    if odd := [key for key in (*_READING, *_QUERY, "columns") if key in entry]:
        raise source_spec(place, Text(f"rows 旁边不写 {odd[0]}", f"rows take no {odd[0]} beside them"))
    _check_name(place, name)
    rows, contract = entry[_ROWS], CONTRACTS[table]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not 0 < len(rows) <= _MOST_ROWS:
        reason = Text(
            f"rows 应为 1 到 {_MOST_ROWS} 行的列表，每行是 字段: 值",
            f"rows are a list of 1 to {_MOST_ROWS}, each a mapping of columns to values",
        )
        raise source_spec(place, reason)
    found = []
    for index, row in enumerate(rows):
        for key in row:
            one_of(bank.place(*route, _ROWS, index, key), "column", str(key), contract.names)
        found.append({str(key): plain(value) for key, value in row.items() if value is not None})
    return Source(name, table, f"drawn/{name}.parquet", "parquet", place, rows=tuple(found))


def _share(place: str, value: Any) -> int:
    if value is None:
        return DEFAULT_REJECT_PPM
    try:
        text = str(value).strip()
        share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ArithmeticError:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= 1:
        reason = Text(f"reject_above 应为 0% 到 100%，不是 {value}", f"reject_above is 0% to 100%, not {value}")
        raise source_spec(place, reason)
    return int(share * 1_000_000)
