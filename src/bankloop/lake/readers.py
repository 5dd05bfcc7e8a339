"""Source files as raw relations of the engine: text columns and the row's place in the file, nothing judged yet.

A line that cannot be read (broken encoding, wrong number of fields) is set aside with its number; the others go on. Every
physical line is accounted for: it is a row's, a reject's, blank, or the file is refused.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.bounded import columns_within
from bankloop.kit.text import Text
from bankloop.lake import errors
from bankloop.lake.engine import literal, name
from bankloop.lake.kinds import check_kind
from bankloop.lake.layout import Layout, lay_out
from bankloop.lake.lines import Decoded, lines_at, lost_lines, spread_rows
from bankloop.lake.outside import GZIP, MOST_LINE, parquet_within, whole_lines, why_no_parquet
from bankloop.lake.sheets import NoValue, SheetCell, sheet_rows
from bankloop.lake.sources import Source

_CHUNK = 1 << 24
_STEP = 1 << 16
_NUMBERS = itertools.count(1)
_SAMPLE = 60
_AT_ONCE = 20_000
# What calls itself GBK has been written by programs that know its superset, and the euro as one byte before that.
_CHINESE = ("gbk", "gb18030")
_EURO = 0x80
_PACKED = Text("压缩包不完整", "what is packed in it is cut short or damaged")
_NO_LINES = Text("内容不是按这个分隔符分列的文本", "it is no text in columns of this delimiter")
_NO_HEADER = Text(
    "表头读不出来，多半是引号没有成对", "its header cannot be read, most likely for a quote that is not closed"
)
_CHARACTER = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Reject:
    """A line, or ``span`` lines from it on, that could not be read as a row."""

    line: int
    rule: str
    value: str
    column: str = ""
    span: int = 1


@dataclass
class RawFile:
    """One source file as SQL: ``relation`` has ``_row`` (1-based, rejects not counted) and the file's columns."""

    path: Path
    relation: str
    columns: tuple[str, ...]
    types: dict[str, str]
    first_line: int = 2
    rejects: list[Reject] = field(default_factory=list)
    skipped: Sequence[int] = ()

    @property
    def rejected(self) -> int:
        """Return the lines that could not be read."""
        return sum(one.span for one in self.rejects)

    @property
    def gone(self) -> NDArray[np.int64]:
        """Return of each line that is no row's first, in order, the number of the first row after it."""
        away = {line for one in self.rejects for line in range(one.line, one.line + one.span)} | set(self.skipped)
        lines = np.array(sorted(away), dtype=np.int64)
        return lines - self.first_line - np.arange(len(lines)) + 1

    def lines(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the 1-based physical lines of the rows numbered ``rows``."""
        return rows + self.first_line - 1 + np.searchsorted(self.gone, rows, side="right")


def read_file(connection: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path) -> RawFile:
    """Return ``path`` as a raw relation; raise ``DataError`` when empty, cut short, beyond bounds or not what it says."""
    if path.stat().st_size == 0:
        raise errors.empty_file(path.name)
    check_kind(source, path)
    match source.format:
        case "parquet":
            return _read_parquet(connection, path)
        case "xlsx":
            return _read_xlsx(connection, source, path)
    return _read_csv(connection, source, path, scratch)


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> RawFile:
    try:
        lay_out(parquet_within(path), path.name)
        found = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except (OSError, duckdb.Error) as error:
        raise errors.unreadable_file(path.name, why_no_parquet(error)) from error
    types = {str(row[0]): str(row[1]) for row in found}
    relation = (
        f"SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({literal(path)}, file_row_number = true)"
    )
    return RawFile(path, relation, tuple(types), types, first_line=1)


def _read_xlsx(connection: duckdb.DuckDBPyConnection, source: Source, path: Path) -> RawFile:
    rows = sheet_rows(path, path.name)
    head: Sequence[SheetCell] = source.header or next(rows, ())
    layout = lay_out([cell if isinstance(cell, str) else None for cell in head], path.name)
    first = 1 if source.header else 2
    raw = RawFile(path, "", layout.names, dict.fromkeys(layout.names, "VARCHAR"), first)
    schema = pa.schema([(column, pa.string()) for column in layout.names])
    batches = [pa.record_batch(cells, schema=schema) for cells in _sheet_columns(rows, source, layout, raw)]
    table = f"_raw_{next(_NUMBERS)}"
    body = pa.Table.from_batches(batches, schema)
    connection.register(table, body.add_column(0, "_row", pa.array(range(1, len(body) + 1), pa.int64())))
    raw.relation = f"SELECT * FROM {table}"
    return raw


def _sheet_columns(
    rows: Iterator[tuple[SheetCell, ...]], source: Source, layout: Layout, raw: RawFile
) -> Iterator[list[pa.Array]]:
    """Yield the columns of a sheet in batches; blank rows, and those with a cell to rely on for nothing, go to ``raw``."""
    used = [column in source.reads or not source.ignores(column) for column in layout.names]
    blank: list[int] = []
    kept: list[list[str | None]] = []
    for line, row in enumerate(rows, raw.first_line):
        cells = [row[place] if place < len(row) else None for place in layout.places]
        if all(cell is None for cell in cells):
            blank.append(line)
            continue
        broken = next((at for at, cell in enumerate(cells) if used[at] and isinstance(cell, NoValue)), None)
        if broken is not None:
            shown = cells[broken]
            assert isinstance(shown, NoValue)
            raw.rejects.append(Reject(line, "cell", shown.shown[:_SAMPLE], layout.names[broken]))
            continue
        kept.append([None if isinstance(cell, NoValue) else cell for cell in cells])
        if len(kept) == _AT_ONCE:
            yield [pa.array(column, pa.string()) for column in zip(*kept, strict=True)]
            kept = []
    if kept:
        yield [pa.array(column, pa.string()) for column in zip(*kept, strict=True)]
    raw.skipped = tuple(blank)


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
        text, broken = as_utf8(path, source.encoding, scratch)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise errors.unreadable_file(path.name, _PACKED) from error
    if not source.header and ((broken and broken[0].line == 1) or _is_other_encoding(path, source.encoding)):
        raise errors.broken_encoding(path.name, source.encoding, 1)
    layout, first = _header(text.path, source, path)
    raw = RawFile(path, "", layout.names, dict.fromkeys(layout.names, "VARCHAR"), first, list(broken))
    fields = ", ".join(f"{literal(layout.named(at))}: 'VARCHAR'" for at in range(layout.width))
    relation = (
        f"SELECT * FROM read_csv({literal(text.path)}, columns = {{{fields}}}, "
        f"delim = {literal(source.delimiter)}, header = {'false' if source.header else 'true'}, auto_detect = false, "
        f"quote = '\"', escape = '\"', store_rejects = true, rejects_limit = 0, max_line_size = {MOST_LINE})"
    )
    table = f"_raw_{next(_NUMBERS)}"
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {relation}").fetchall()
        refused = connection.execute(
            "SELECT DISTINCT line_byte_position, csv_line FROM reject_errors ORDER BY ALL"
        ).fetchall()
        connection.execute("DROP TABLE reject_errors").fetchall()
        connection.execute("DROP TABLE reject_scans").fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise errors.unreadable_file(path.name, _NO_LINES) from error
    # A table made in one go numbers its rows in the order of the file; counting them on the way would be one thread's work.
    shown = ", ".join(name(column) for column in layout.names)
    raw.relation = f"SELECT rowid + 1 AS _row, {shown} FROM {table}"
    raw.rejects += _refused(text, refused)
    _account(connection, table, layout, text, raw)
    return raw


def _is_other_encoding(path: Path, encoding: str) -> bool:
    """Return whether the header of a file said to be GBK is Chinese in UTF-8: read as GBK it is other characters."""
    if encoding not in _CHINESE:
        return False
    head = next(whole_lines(path, chunk=_STEP), b"").split(b"\n", 1)[0]
    return bool(_CHARACTER.search(head.decode("utf-8", "ignore"))) and head == head.decode("utf-8", "ignore").encode()


def _refused(text: Decoded, refused: Sequence[tuple[int, str]]) -> list[Reject]:
    """Return the lines that the engine refused, by where they begin in the text: it counts rows, not lines."""
    begun = [int(at) - 1 + (len(line) - len(line.lstrip("\r\n"))) for at, line in refused]
    found = []
    for line, (_, content) in zip(lines_at(text.path, begun), refused, strict=True):
        inner = content.strip("\r\n")
        span = inner.count("\n") + 1
        found.append(Reject(text.original(line), "fields", inner.strip()[:_SAMPLE], span=span))
    return found


def _account(connection: duckdb.DuckDBPyConnection, table: str, layout: Layout, text: Decoded, raw: RawFile) -> None:
    """Give every line of the file to a row, a reject or the blank ones; raise ``DataError`` where some are nobody's."""
    rows = int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
    apart = {line for one in raw.rejects for line in range(one.line, one.line + one.span)}
    blank = np.array([line for line in text.blank.tolist() if line >= raw.first_line and line not in apart], np.int64)
    if raw.first_line - 1 + rows + len(blank) + raw.rejected == text.lines:
        raw.skipped = blank.tolist()
        return
    # Some rows go on over several lines.
    breaks = " + ".join(
        f"coalesce(length({name(c)}) - length(replace({name(c)}, chr(10), '')), 0)"
        for c in map(layout.named, range(layout.width))
    )
    spans = connection.execute(
        f"SELECT rowid + 1, {breaks} AS more FROM {table} WHERE more > 0 ORDER BY rowid"
    ).fetchall()
    further, between = spread_rows(raw.first_line, spans, np.array(sorted(apart | set(blank.tolist())), np.int64))
    blank = np.setdiff1d(between, np.array(sorted(apart), np.int64))
    lost = text.lines - (raw.first_line - 1 + rows + len(further) + len(blank) + raw.rejected)
    longest = max(raw.rejects, key=lambda one: (one.span, one.line), default=None)
    if lost < 0 or (lost and longest is None):
        raise lost_lines(raw.path.name, text.lines, text.lines - lost)
    if lost and longest is not None:
        # Of a line longer than it keeps, the engine names the beginning alone: what is missing is the rest of it.
        raw.rejects[raw.rejects.index(longest)] = replace(longest, span=longest.span + lost)
    raw.skipped = np.concatenate([further, blank]).tolist()


def _header(text: Path, source: Source, path: Path) -> tuple[Layout, int]:
    """Return the columns and the first line after the header, which may span lines as any row."""
    if source.header:
        return lay_out(source.header, path.name), 1
    with text.open(encoding="utf-8-sig", newline="") as file:
        try:
            if len(source.delimiter) == 1:
                reader = csv.reader(file, delimiter=source.delimiter)
                cells, lines = next(reader, []), reader.line_num
            else:
                cells, lines = file.readline().rstrip("\r\n").split(source.delimiter), 1
        except csv.Error as error:
            raise errors.unreadable_file(path.name, _NO_HEADER) from error
    columns_within(path.name, len(cells))
    return lay_out(cells, path.name), lines + 1


def as_utf8(path: Path, encoding: str, scratch: Path) -> tuple[Decoded, list[Reject]]:
    """Return a UTF-8 text of ``path`` and the lines left out of it because they do not decode.

    A file that is UTF-8 already, with one kind of line end, is returned itself. Others, and those packed by gzip, are
    decoded in large pieces of whole lines; where a piece fails, the line that breaks it is left out and the rest goes on.
    """
    plain = encoding in ("utf-8", "utf-8-sig")
    encoding = "gb18030" if encoding in _CHINESE else "utf-8"
    if plain and path.suffix != GZIP:
        text, broken, even = _decode(path, None, encoding)
        if even and not broken:
            return text, []
    text, broken, _ = _decode(path, scratch / f"{path.parent.name}-{path.name}.utf8", encoding)
    return text, broken


def _decode(path: Path, target: Path | None, encoding: str) -> tuple[Decoded, list[Reject], bool]:
    """Return the text, the lines left out, and whether every line ends alike."""
    broken: list[Reject] = []
    blank: list[int] = []
    line, ended, even, returns = 1, True, True, 0
    with _Writer(target) as out:
        for given in whole_lines(path, chunk=_CHUNK):
            # Lines end by one sign each; a return that ends none is a blank, but in a file that has no other ends.
            signs = given.count(b"\r")
            pairs = given.count(b"\r\n") if signs else 0
            returns, alone = returns + pairs, signs - pairs
            sign = b"\n" if line == 1 and b"\n" not in given else b" "
            even = even and not alone
            piece = given.replace(b"\r\n", b"\n").replace(b"\r", sign) if out is not None or alone else given
            for text, reject in _decoded(piece, encoding, line):
                if out is not None:
                    out.write(text)
                if reject is not None:
                    broken.append(reject)
            if b"\n\n" in piece or b"\n\r\n" in piece or piece.startswith((b"\n", b"\r\n")):
                blank.extend(_blank_lines(piece, line))
            line += piece.count(b"\n")
            ended = piece.endswith(b"\n")
    lines = line - 1 if ended else line
    left_out = np.array([one.line for one in broken], np.int64)
    text_of = Decoded(target or path, left_out, np.array(blank, np.int64), lines)
    return text_of, broken, even and returns in (0, line - 1)


def _decoded(piece: bytes, encoding: str, first: int) -> Iterator[tuple[str, Reject | None]]:
    """Yield the text of a piece up to each line that does not decode, and that line, counted from ``first``.

    After a broken line it goes on in small steps that grow again: a failure costs what was tried.
    """
    start, line, step = 0, first, len(piece)
    while start < len(piece):
        stop = piece.find(b"\n", start + step - 1) + 1 or len(piece)
        try:
            yield piece[start:stop].decode(encoding, _ERRORS[encoding]), None
            line += piece.count(b"\n", start, stop)
            start, step = stop, step * 2
        except UnicodeDecodeError as error:
            begin = piece.rfind(b"\n", start, start + error.start) + 1 or start
            line += piece.count(b"\n", start, begin)
            reject = Reject(line, "encoding", piece[begin : begin + _SAMPLE].decode("ascii", "replace").strip())
            yield piece[start:begin].decode(encoding, _ERRORS[encoding]), reject
            start = piece.find(b"\n", begin) + 1 or len(piece)
            line, step = line + 1, _STEP


def _euro(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == _EURO:
        return "€", error.start + 1
    raise error


codecs.register_error("bankloop.euro", _euro)
_ERRORS = {"gb18030": "bankloop.euro", "utf-8": "strict"}


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
