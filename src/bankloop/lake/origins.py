"""Where every row is from: of each data file, the source file and line of its rows; from a row back to the raw line.

Beside a data file that was converted stands ``….lines`` with the key, source file (by digest) and line of each row. One
without it is a source file as it came: it is its own origin, row by row. What the platform makes itself has neither.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np

from bankloop.lake import errors, files
from bankloop.lake.conforming import Conformed
from bankloop.lake.contracts import ContractColumn, DataClass, TableContract
from bankloop.lake.engine import literal, name, parquet
from bankloop.lake.readers import read_file
from bankloop.lake.service import Lake, contract_of
from bankloop.lake.sources import Source, read_sources
from bankloop.store.contracts import LakeVersion

LINES = ".lines"
MASKED = "***"
_LOG = "loaded_file"


class Raw(StrEnum):
    """What is known of the raw line: read again, or why it could not be."""

    READ = "read"
    CHANGED = "changed"
    GONE = "gone"
    MADE = "made"


@dataclass(frozen=True, slots=True)
class OriginCell:
    """One value of a conformed row beside what the source said: personal and confidential values are masked."""

    column: str
    source: str
    raw: str
    conformed: str


@dataclass(frozen=True, slots=True)
class RowOrigin:
    """From a conformed row back to its raw line: the version it is in, the load that brought it, file and line.

    ``raw`` says whether the line could be read again: a file may have been changed or taken away since it was loaded,
    and what the platform made itself has no file.
    """

    table: str
    key: tuple[str, ...]
    version: str
    as_of: date
    raw: Raw
    source: str
    file: str
    line: int
    load_id: str
    day: date | None
    cells: tuple[OriginCell, ...]


def write_lines(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    part: Path,
    result: Conformed,
    digests: Mapping[Path, str],
) -> None:
    """Write beside a data file where each of its rows is from."""
    places = " ".join(f"WHEN {i} THEN {literal(digests[raw.path])}" for i, raw in enumerate(result.files))
    keys = ", ".join(name(key) for key in contract.key)
    query = f"SELECT {keys}, CASE _file {places} END AS _from, _line FROM ({result.lines})"
    connection.execute(f"COPY ({query}) TO {literal(part.with_suffix(LINES))} (FORMAT parquet)").fetchall()


def keep_lines(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, old: Sequence[str], new: str, part: Path
) -> None:
    """Carry over where the rows that stayed are from, as those of ``new`` (SQL) replaced the others."""
    keys = ", ".join(name(key) for key in contract.key)
    parts = " UNION ALL ".join(_rows_from(contract, Path(path)) for path in old)
    query = f"SELECT * FROM ({parts}) ANTI JOIN (FROM {new}) USING ({keys})"
    connection.execute(f"COPY ({query}) TO {literal(part.with_suffix(LINES))} (FORMAT parquet)").fetchall()


def origin_of(lake: Lake, table: str, key: Sequence[str], version: LakeVersion | None = None) -> RowOrigin:
    """Return where a row of a table is from, in its current version or the one given.

    ``key`` are the values of the table's key, as text. Raises ``NotFoundError`` for a row that is not there.
    """
    contract, found = contract_of(table), version or lake.version(table)
    with lake.engine() as engine:
        part, row = _find(engine, lake, contract, key, found)
        digest, line = _place(engine, contract, Path(part), key)
        loaded = _loaded(engine, lake, digest)
        plain = {column.name: _said(row[column.name], hidden=_hidden(column)) for column in contract.columns}
        if loaded is None:
            cells = tuple(OriginCell(column, "", "", value) for column, value in plain.items())
            return RowOrigin(table, tuple(key), found.version, found.as_of, Raw.MADE, "", "", 0, "", None, cells)
        source_name, file, day, load_id = loaded
        source = next((one for one in read_sources(lake.folder) if one.name == source_name), None)
        state, raw = _raw_line(engine, lake, source, file, digest, line)
        cells = _beside(contract, source, raw, plain)
    return RowOrigin(table, tuple(key), found.version, found.as_of, state, source_name, file, line, load_id, day, cells)


def _find(
    engine: duckdb.DuckDBPyConnection, lake: Lake, contract: TableContract, key: Sequence[str], version: LakeVersion
) -> tuple[str, dict[str, Any]]:
    if len(key) != len(contract.key):
        raise errors.no_row(contract.name, ", ".join(key), ", ".join(contract.key))
    where = " AND ".join(f"CAST({name(k)} AS VARCHAR) = ?" for k in contract.key)
    columns = ", ".join(name(c) for c in contract.names)
    query = f"SELECT filename, {columns} FROM {parquet(lake.paths(version), ', filename = true')} WHERE {where} LIMIT 1"
    found = _rows(engine, query, key)
    if not found:
        raise errors.no_row(contract.name, ", ".join(key), ", ".join(contract.key))
    return str(found[0].pop("filename")), found[0]


def _place(
    engine: duckdb.DuckDBPyConnection, contract: TableContract, part: Path, key: Sequence[str]
) -> tuple[str, int]:
    """Return the digest of the source file and the line that a row of ``part`` came from; 0 where nothing says."""
    where = " AND ".join(f"CAST({name(k)} AS VARCHAR) = ?" for k in contract.key)
    found = _rows(engine, f"SELECT _from, _line FROM ({_rows_from(contract, part)}) WHERE {where}", key)
    return (str(found[0]["_from"]), int(found[0]["_line"])) if found else ("", 0)


def _rows_from(contract: TableContract, part: Path) -> str:
    """Return SQL of (key, _from, _line) of a data file's rows: as written beside it, else the file is its own source."""
    keys = ", ".join(name(key) for key in contract.key)
    beside = part.with_suffix(LINES)
    if beside.exists():
        return f"SELECT {keys}, _from, _line FROM {parquet([str(beside)])}"
    digest = literal(files.file_digest(part))
    return f"SELECT {keys}, {digest} AS _from, file_row_number + 1 AS _line FROM {parquet([str(part)], ', file_row_number = true')}"


def _loaded(engine: duckdb.DuckDBPyConnection, lake: Lake, digest: str) -> tuple[str, str, date | None, str] | None:
    """Return the first load of a file: source, file, day, load; None for what no source brought."""
    log = lake.manifest.current(_LOG)
    if log is None:
        return None
    query = (
        f"SELECT source, file, day, load_id FROM {lake.reading(log)} WHERE digest = ? ORDER BY load_id, file LIMIT 1"
    )
    found = _rows(engine, query, [digest])
    return (found[0]["source"], found[0]["file"], found[0]["day"], found[0]["load_id"]) if found else None


def _raw_line(
    engine: duckdb.DuckDBPyConnection, lake: Lake, source: Source | None, file: str, digest: str, line: int
) -> tuple[Raw, Mapping[str, Any]]:
    """Return a source file's line, read again; nothing where the file is no longer what was loaded."""
    path = lake.folder / "data" / "incoming" / file
    if source is None or not path.exists():
        return Raw.GONE, {}
    if files.file_digest(path) != digest:
        return Raw.CHANGED, {}
    scratch = lake.folder / "data" / "tmp" / f"origin-{uuid4().hex}"
    scratch.mkdir(parents=True)
    try:
        raw = read_file(engine, source, path, scratch)
        # Rows before a line: itself less the head and the lines that are none.
        row = int(np.searchsorted(raw.lines(np.arange(1, line + 1, dtype=np.int64)), line)) + 1
        found = _rows(engine, f"SELECT * EXCLUDE (_row) FROM ({raw.relation}) WHERE _row = ?", [row])
        return (Raw.READ, found[0]) if found else (Raw.CHANGED, {})
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _rows(engine: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.sql(query, params=list(values)).to_arrow_table().to_pylist()
    return found


def _beside(
    contract: TableContract, source: Source | None, raw: Mapping[str, Any], plain: Mapping[str, str]
) -> tuple[OriginCell, ...]:
    """Return each conformed value beside the raw one that it was made of; what no column takes is named and masked."""
    cells, used = [], set()
    for column in contract.columns:
        given = source.columns.get(column.name) if source else None
        origin = given.source if given else column.name if column.name in raw else None
        used.add(origin)
        hidden = _hidden(column) or bool(given and (given.pii or given.matches))
        said = _said(raw.get(origin), hidden=hidden) if origin else (given.constant or "") if given else ""
        cells.append(OriginCell(column.name, origin or "", said, plain[column.name]))
    cells += [OriginCell("", one, MASKED, "") for one in raw if one not in used]
    return tuple(cells)


def _hidden(column: ContractColumn) -> bool:
    return column.data_class is DataClass.C2 or column.confidential


def _said(value: Any, *, hidden: bool) -> str:
    if value is None:
        return ""
    return MASKED if hidden else str(value)
