"""Source files as raw relations of the engine: text columns and the row's place in the file, nothing judged yet.

A line that cannot be read (broken encoding, wrong number of fields) is set aside with its number; the others go on.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import duckdb
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bankloop.lake import errors
from bankloop.lake.engine import literal
from bankloop.lake.sources import Source

_CHUNK = 1 << 24
_STEP = 1 << 16
_NUMBERS = itertools.count(1)
_SAMPLE = 60
_GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that could not be read as a row."""

    line: int
    rule: str
    value: str


@dataclass
class RawFile:
    """One source file as SQL: ``relation`` has ``_row`` (1-based, rejects not counted) and the file's columns."""

    path: Path
    relation: str
    columns: tuple[str, ...]
    types: dict[str, str]
    first_line: int = 2
    rejects: list[Reject] = field(default_factory=list)
    skipped: tuple[int, ...] = ()

    @property
    def gone(self) -> NDArray[np.int64]:
        """Return of each line that is no row, in order, the number of the first row after it."""
        lines = np.array(sorted({r.line for r in self.rejects} | set(self.skipped)), dtype=np.int64)
        return lines - self.first_line - np.arange(len(lines)) + 1

    def lines(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the 1-based physical lines of the rows numbered ``rows``."""
        return rows + self.first_line - 1 + np.searchsorted(self.gone, rows, side="right")


def read_file(connection: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path) -> RawFile:
    """Return ``path`` as a raw relation; raise ``DataError`` when empty, cut short or not in its encoding."""
    if path.stat().st_size == 0:
        raise errors.empty_file(path.name)
    match source.format:
        case "parquet":
            return _read_parquet(connection, path)
        case "xlsx":
            return _read_xlsx(connection, source, path)
    return _read_csv(connection, source, path, scratch)


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> RawFile:
    try:
        pq.ParquetFile(path).close()
        found = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    except (pa.ArrowException, OSError, duckdb.Error) as error:
        raise errors.unreadable_file(path.name, str(error).splitlines()[0]) from error
    types = {str(row[0]): str(row[1]) for row in found}
    relation = (
        f"SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({literal(path)}, file_row_number = true)"
    )
    return RawFile(path, relation, tuple(types), types, first_line=1)


def _read_xlsx(connection: duckdb.DuckDBPyConnection, source: Source, path: Path) -> RawFile:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet: list[tuple[Any, ...]] = list(book.worksheets[0].iter_rows(values_only=True))
        book.close()
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise errors.unreadable_file(path.name, type(error).__name__) from error
    columns = source.header or tuple(str(v) for v in (sheet[0] if sheet else ()) if v is not None)
    if not columns:
        raise errors.empty_file(path.name)
    first = 1 if source.header else 2
    body = sheet[first - 1 :]
    blank = tuple(n for n, row in enumerate(body, first) if all(v is None for v in row))
    rows = [row for row in body if any(v is not None for v in row)]
    arrays = [
        pa.array([cell_text(row[i] if i < len(row) else None) for row in rows], pa.string())
        for i in range(len(columns))
    ]
    table = f"_raw_{next(_NUMBERS)}"
    connection.register(table, pa.table([pa.array(range(1, len(rows) + 1), pa.int64()), *arrays], ["_row", *columns]))
    return RawFile(path, f"SELECT * FROM {table}", columns, dict.fromkeys(columns, "VARCHAR"), first, skipped=blank)


def cell_text(value: Any) -> str | None:
    """Return a value of a sheet or a database as a source file would write it; None for nothing."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat(" ")
        case date():
            return value.isoformat()
    return str(value)


def _read_csv(connection: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path) -> RawFile:
    try:
        text, broken, blank = as_utf8(path, source.encoding, scratch)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise errors.unreadable_file(path.name, type(error).__name__) from error
    first = 1 if source.header else 2
    if broken and broken[0].line < first:
        raise errors.broken_encoding(path.name, source.encoding, broken[0].line)
    columns = source.header or _header(text, source, path)
    raw = RawFile(path, "", columns, dict.fromkeys(columns, "VARCHAR"), first, skipped=blank)
    fields = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns)
    relation = (
        f"SELECT * FROM read_csv({literal(text)}, columns = {{{fields}}}, "
        f"delim = {literal(source.delimiter)}, header = {'false' if source.header else 'true'}, auto_detect = false, "
        f"quote = '\"', escape = '\"', store_rejects = true, rejects_limit = 0, max_line_size = 2000000)"
    )
    table = f"_raw_{next(_NUMBERS)}"
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {relation}").fetchall()
        refused = connection.execute("SELECT DISTINCT line, csv_line FROM reject_errors ORDER BY line").fetchall()
        connection.execute("DROP TABLE reject_errors").fetchall()
        connection.execute("DROP TABLE reject_scans").fetchall()
    except duckdb.Error as error:
        raise errors.unreadable_file(path.name, str(error).splitlines()[0]) from error
    # A table made in one go numbers its rows in the order of the file; counting them on the way would be one thread's work.
    raw.relation = f"SELECT rowid + 1 AS _row, * FROM {table}"
    removed = np.array([r.line for r in broken], dtype=np.int64)
    for line, content in refused:
        # Lines are counted in the decoded copy, which lacks the lines that could not be decoded.
        shifted = int(line) + int(np.searchsorted(removed - np.arange(len(removed)), int(line), side="right"))
        raw.rejects.append(Reject(shifted, "fields", str(content).strip()[:_SAMPLE]))
    raw.rejects.extend(broken)
    return raw


def _header(text: Path, source: Source, path: Path) -> tuple[str, ...]:
    with text.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline().rstrip("\r\n")
    if not line.strip():
        raise errors.empty_file(path.name)
    cells = (
        next(csv.reader([line], delimiter=source.delimiter))
        if len(source.delimiter) == 1
        else line.split(source.delimiter)
    )
    return tuple(cell.strip().strip('"') for cell in cells)


def as_utf8(path: Path, encoding: str, scratch: Path) -> tuple[Path, list[Reject], tuple[int, ...]]:
    """Return a UTF-8 text of ``path``, the lines left out of it because they do not decode, and the blank lines.

    A file that is UTF-8 already is returned itself. Others, and those compressed by gzip, are decoded in large pieces of whole lines; where a piece
    fails, the line that breaks it is left out and the rest goes on, so that one broken line costs that line.
    """
    plain = encoding in ("utf-8", "utf-8-sig")
    if plain and path.suffix != _GZIP:
        broken, blank = _decode(path, None, "utf-8")
        if not broken:
            return path, [], blank
    target = scratch / f"{path.parent.name}-{path.name}.utf8"
    broken, blank = _decode(path, target, "utf-8" if plain else encoding)
    return target, broken, blank


def _decode(path: Path, target: Path | None, encoding: str) -> tuple[list[Reject], tuple[int, ...]]:
    broken: list[Reject] = []
    blank: list[int] = []
    line = 1
    with _bytes_of(path) as file, _Writer(target) as out:
        for piece in _whole_lines(file):
            for text, reject in _decoded(piece, encoding, line):
                if out is not None:
                    out.write(text)
                if reject is not None:
                    broken.append(reject)
            if b"\n\n" in piece or b"\n\r\n" in piece or piece.startswith((b"\n", b"\r\n")):
                blank.extend(_blank_lines(piece, line))
            line += piece.count(b"\n")
    return broken, tuple(blank)


def _bytes_of(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.suffix == _GZIP else path.open("rb")


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in large pieces that end where a line ends."""
    tail = b""
    while piece := file.read(_CHUNK):
        joined = tail + piece
        end = joined.rfind(b"\n") + 1
        tail = joined[end:]
        if end:
            yield joined[:end]
    if tail:
        yield tail


def _decoded(piece: bytes, encoding: str, first: int) -> Iterator[tuple[str, Reject | None]]:
    """Yield the text of a piece up to each line that does not decode, and that line, counted from ``first``.

    After a broken line it goes on in small steps that grow again: a failure costs what was tried.
    """
    start, line, step = 0, first, len(piece)
    while start < len(piece):
        stop = piece.find(b"\n", start + step - 1) + 1 or len(piece)
        try:
            yield piece[start:stop].decode(encoding), None
            line += piece.count(b"\n", start, stop)
            start, step = stop, step * 2
        except UnicodeDecodeError as error:
            begin = piece.rfind(b"\n", start, start + error.start) + 1 or start
            line += piece.count(b"\n", start, begin)
            reject = Reject(line, "encoding", piece[begin : begin + _SAMPLE].decode("ascii", "replace").strip())
            yield piece[start:begin].decode(encoding), reject
            start = piece.find(b"\n", begin) + 1 or len(piece)
            line, step = line + 1, _STEP


def _blank_lines(piece: bytes, first: int) -> Iterator[int]:
    lines = piece.split(b"\n")
    return (n for n, content in enumerate(lines[:-1], first) if content in (b"", b"\r"))


class _Writer:
    """A text file to write, or nothing when there is no target."""

    def __init__(self, target: Path | None) -> None:
        self.file = None if target is None else target.open("w", encoding="utf-8", newline="")

    def __enter__(self) -> Any:
        return self.file

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
