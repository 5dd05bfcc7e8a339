"""Registers of customers beside the lake's tables: the ``identities:`` section of bank.yaml, and the rows of their files.

```yaml
identities:
  loan:                                # the source system, as golden fields name it; core's keys are customer numbers
    path: "*/LOAN_CUST_*.csv"          # under data/incoming, by T+1 day with .ok, as for sources
    format: csv                        # csv, xlsx or parquet; encoding, delimiter and header as for sources
    line: retail                       # the business line that keeps the register
    columns: {source_key: 客户编号, name: 姓名, birth: 出生日期, phone: 手机, document_no: 证件号码}
    also: {account: 账号}               # further identifiers: kind → column
```
Rows pass through memory once, on their way to being sealed; nothing of them is kept in the lake.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.lake import errors, files, incoming
from bankloop.lake.engine import arrow, literal, name
from bankloop.lake.readers import read_file
from bankloop.lake.service import Lake
from bankloop.lake.settings import read_zone
from bankloop.lake.sources import FORMATS, Source

_KEYS = ("path", "format", "encoding", "delimiter", "header", "line", "columns", "also")
FIELDS = ("source_key", "name", "birth", "gender", "phone", "email", "address", "document_type", "document_no")


@dataclass(frozen=True, slots=True)
class Register:
    """One register: how its files are read, whose it is, and which columns say what."""

    name: str
    line: str
    reading: Source
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    also: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A file of a register that has arrived whole."""

    register: Register
    day: date | None
    path: Path
    label: str
    digest: str


def read_registers(folder: Path) -> tuple[Register, ...]:
    """Return the registers of a bank's folder; raise ``SpecError`` with file and line for what cannot be."""
    if not (folder / "bank.yaml").exists():
        return ()
    bank, zone = read_located(folder / "bank.yaml"), read_zone(folder)
    entries = (bank.content or {}).get("identities") or {}
    if not isinstance(entries, dict):
        raise errors.source_spec(bank.place("identities"), Text("identities 应为映射", "identities must be a mapping"))
    return tuple(_register(bank.place("identities", key), str(key), entry, zone) for key, entry in entries.items())


def arrived(lake: Lake) -> list[RegisterFile]:
    """Return the files of registers under data/incoming that are complete, the oldest day first."""
    registers = {one.name: one for one in read_registers(lake.folder)}
    root = lake.folder / "data" / "incoming"
    deliveries, _ = incoming.find(root, [one.reading for one in registers.values()])
    return [
        RegisterFile(
            registers[one.source.name], one.day, path, path.relative_to(root).as_posix(), files.file_digest(path)
        )
        for one in deliveries
        for path in one.files
    ]


def records_in(lake: Lake, file: RegisterFile) -> pa.Table:
    """Return a file's records as text, a column a field, ``also`` as ``kind:value``; raise ``DataError`` for a broken file."""
    scratch = lake.folder / "data" / "tmp" / f"register-{uuid4().hex}"
    scratch.mkdir(parents=True)
    try:
        with lake.engine() as engine, errors.guarded("data/tmp"):
            raw = read_file(engine, file.register.reading, file.path, scratch)
            if raw.rejects:
                raise errors.joined_line(file.path.name, raw.rejects[0].line, raw.rejects[0].rule)
            missing = sorted({*file.register.columns.values(), *file.register.also.values()} - set(raw.columns))
            if missing:
                raise errors.missing_column(file.register.name, missing[0], raw.columns)
            return arrow(engine, f"SELECT {', '.join(_shown(file.register))} FROM ({raw.relation}) ORDER BY _row")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _shown(register: Register) -> Sequence[str]:
    shown = []
    for field in FIELDS:
        given = register.columns.get(field)
        value = f"nullif(trim(CAST({name(given)} AS VARCHAR)), '')" if given else "CAST(NULL AS VARCHAR)"
        shown.append(f"{literal(register.constants[field]) if field in register.constants else value} AS {field}")
    parts = [
        f"{literal(kind + ':')} || nullif(trim(CAST({name(column)} AS VARCHAR)), '')"
        for kind, column in register.also.items()
    ]
    further = f"list_filter([{', '.join(parts)}], lambda x: x IS NOT NULL)" if parts else "CAST([] AS VARCHAR[])"
    return [*shown, f"{further} AS also"]


def _register(place: str, key: str, entry: Any, zone: str) -> Register:
    if not isinstance(entry, dict) or "path" not in entry or "columns" not in entry:
        raise errors.source_spec(
            place, Text(f"登记簿 {key} 应写 path 和 columns", f"register {key} needs path and columns")
        )
    if unknown := sorted(set(entry) - set(_KEYS)):
        raise errors.source_spec(
            place,
            Text(
                f"登记簿 {key} 不认识 {unknown[0]}；可用：{'、'.join(_KEYS)}",
                f"register {key} knows no {unknown[0]}; known: {', '.join(_KEYS)}",
            ),
        )
    columns = entry["columns"] or {}
    if odd := sorted(set(columns) - set(FIELDS)):
        raise errors.source_spec(
            place,
            Text(
                f"登记簿没有字段 {odd[0]}；有：{'、'.join(FIELDS)}",
                f"a register has no field {odd[0]}; there are {', '.join(FIELDS)}",
            ),
        )
    if "source_key" not in columns or str(entry.get("format", "csv")) not in FORMATS:
        raise errors.source_spec(
            place,
            Text(
                f"登记簿 {key} 要有 source_key，格式为 {'、'.join(FORMATS)}",
                f"register {key} needs source_key and a format of {', '.join(FORMATS)}",
            ),
        )
    header = entry.get("header", True)
    reading = Source(
        key, "customer", str(entry["path"]), str(entry.get("format", "csv")), place, str(entry.get("encoding", "utf-8")).lower(),
        str(entry.get("delimiter", ",")), tuple(map(str, header)) if isinstance(header, list) else None, zone=zone,
    )  # fmt: skip
    constants = {f: str(v["constant"]) for f, v in columns.items() if isinstance(v, dict) and "constant" in v}
    plain = {f: str(v) for f, v in columns.items() if f not in constants}
    return Register(
        key,
        str(entry.get("line", "retail")),
        reading,
        plain,
        constants,
        {str(k): str(v) for k, v in (entry.get("also") or {}).items()},
    )
