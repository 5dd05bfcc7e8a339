"""Look at a file that nobody described: its format, encoding, delimiter, header, and what each column holds.

The rows are read by the reader that loads them, so that what is seen here is what a load sees. Of a large file the
first part is looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from bankloop.kit import grammar
from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake import errors
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import literal, name
from bankloop.lake.kinds import check_kind, file_format
from bankloop.lake.outside import GZIP, whole_lines
from bankloop.lake.proposal.contracts import ColumnLook, FileLook
from bankloop.lake.proposal.words import words
from bankloop.lake.readers import read_file
from bankloop.lake.sources import Source

# Longer signs first: "|" is part of "|@|".
_DELIMITERS = ("|@|", "||", "@|@", "\t", "|", ";", "\x01", "^", ",")
_HEAD, _LINES = 1 << 20, 50
# As much of a large file as a glance needs; a load reads it all.
SAMPLE = 32 << 20
_VALUES = 60
_CUT = "\x00"
# How banks write days and moments, each with what makes it plain which is which.
PATTERNS = (
    "%Y%m%d",
    "%Y年%m月%d日",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%Y%m%d %H:%M:%S",
)
_KINDS = {
    "int": grammar.INTEGER,
    "amount": grammar.AMOUNT,
    "day": grammar.DAY,
    "moment": grammar.MOMENT,
    "phone": r"(\+?86|0086)?[- ]?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}(\.0+)?",
    "id_no": r"[0-9]{17}[0-9Xx]",
}
_DATED = re.compile(r"(?<!\d)(20\d{2})[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_NOT_A_NAME = re.compile(r"[-+]?[0-9][0-9.,:/-]*|1[0-9]{10}")


def look_at(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> FileLook:
    """Return what a file is; raise ``DataError`` for one that cannot be read.

    ``EnvironmentFault`` where it may not be.
    """
    with errors.guarded(path.name):
        source, sampled = _reading(path, scratch)
        seen = sampled or path
        raw = read_file(connection, source, seen, scratch)
        columns = tuple(_look(connection, raw.relation, column) for column in raw.columns)
        rows = int(connection.execute(f"SELECT count(*) FROM ({raw.relation})").fetchall()[0][0])
        alike = _alike(connection, raw.relation, columns)
    day = _day_in(path.name)
    return FileLook(
        path.name,
        source.format,
        source.encoding,
        source.delimiter,
        source.header,
        columns,
        rows,
        day,
        _pattern(path.name),
        sampled is not None,
        alike=alike,
    )


def look_at_rows(connection: duckdb.DuckDBPyConnection, table: str, relation: str, database: str) -> FileLook:
    """Return what a table of a database is, by some of its rows."""
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    columns = tuple(_look(connection, relation, str(row[0])) for row in described)
    rows = int(connection.execute(f"SELECT count(*) FROM ({relation})").fetchall()[0][0])
    return FileLook(
        table,
        "query",
        "utf-8",
        ",",
        None,
        columns,
        rows,
        sampled=True,
        database=database,
        alike=_alike(connection, relation, columns),
    )


def _reading(path: Path, scratch: Path) -> tuple[Source, Path | None]:
    """Return how a file is read, and the first part of it where it is large."""
    if path.is_dir():
        raise no_file(path)
    if path.stat().st_size == 0:
        raise errors.empty_file(path.name)
    kind = file_format(path)
    source = Source(path.stem, "customer", path.name, kind, path.name)
    check_kind(source, path)
    if kind != "csv":
        return source, None
    head = next(whole_lines(path, chunk=_HEAD), b"")
    encoding = _encoding(head, path.name)
    text = head.decode("gb18030" if encoding == "gbk" else "utf-8-sig", "replace")
    delimiter = _delimiter(text)
    header = _header(text, delimiter)
    source = Source(path.stem, "customer", path.name, kind, path.name, encoding, delimiter, header)
    return source, _first_part(path, scratch)


def _first_part(path: Path, scratch: Path) -> Path | None:
    if path.stat().st_size <= SAMPLE:
        return None
    part = scratch / f"part-{path.name.removesuffix(GZIP)}"
    part.write_bytes(next(whole_lines(path, chunk=SAMPLE)))
    return part


def _encoding(head: bytes, place: str) -> str:
    """Return the encoding of a text: UTF-8 where it is that, else what Chinese systems write."""
    for encoding, said in (("utf-8", "utf-8"), ("gb18030", "gbk")):
        try:
            # The last line may be cut within a character.
            head[: head.rfind(b"\n") + 1 or len(head)].decode(encoding)
        except UnicodeDecodeError:
            continue
        return said
    # Broken in both: some lines are; the reader sets them aside.
    wrong = {one: len(re.findall("�", head.decode(one, "replace"))) for one in ("utf-8", "gb18030")}
    return "utf-8" if wrong["utf-8"] <= wrong["gb18030"] else "gbk"


def _delimiter(text: str) -> str:
    """Return the sign that parts every line into the same number of fields, the more fields the better."""
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    best, found = ",", (0.0, 0)
    for sign in _DELIMITERS:
        counts = [len(_split(line, sign)) for line in lines]
        usual, times = Counter(counts).most_common(1)[0] if counts else (1, 0)
        if usual > 1 and len(sign) > 1 and times == len(lines):
            return sign
        if usual > 1 and (times / len(lines), usual) > found:
            best, found = sign, (times / len(lines), usual)
    return best


def _split(line: str, sign: str) -> list[str]:
    if len(sign) > 1:
        return line.split(sign)
    # Every other part between quotes stands outside of them.
    parts = line.split('"')
    return "".join(part if at % 2 else part.replace(sign, _CUT) for at, part in enumerate(parts)).split(_CUT)


def _header(text: str, delimiter: str) -> tuple[str, ...] | None:
    """Return names for the columns of a file whose first line is a row, None where it is a header."""
    first = _split(next((line for line in text.splitlines() if line.strip()), ""), delimiter)
    cells = [cell.strip() for cell in first]
    if any(cell and _NOT_A_NAME.fullmatch(cell) for cell in cells):
        return tuple(f"列{place}" for place in range(1, len(cells) + 1))
    return None


def _day_in(file: str) -> date | None:
    found = _DATED.search(file)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _pattern(file: str) -> str:
    """Return the pattern of a file's deliveries: the day in its name is another each time."""
    found = _DATED.search(file)
    return file if found is None else f"{file[: found.start()]}[0-9]*{file[found.end() :]}"


def _look(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> ColumnLook:
    written = f"trim(CAST({name(column)} AS VARCHAR), {literal(grammar.BLANKS + grammar.INVISIBLE)})"
    texts = f"(SELECT nullif({written}, '') AS t FROM ({relation}))"
    kinds = [f"count(*) FILTER (WHERE regexp_full_match(t, {literal(pattern)}))" for pattern in _KINDS.values()]
    days = [f"count(*) FILTER (WHERE year(try_strptime(t, {literal(p)})) BETWEEN 1900 AND 2100)" for p in PATTERNS]
    query = f"SELECT count(*), count(t), count(DISTINCT t), {', '.join(kinds + days)} FROM {texts}"
    rows, filled, distinct, *counts = connection.execute(query).fetchall()[0]
    shares = {
        kind: count / filled for kind, count in zip((*_KINDS, *PATTERNS), counts, strict=True) if filled and count
    }
    commonest = connection.execute(
        f"SELECT t, count(*) FROM {texts} WHERE t IS NOT NULL GROUP BY t ORDER BY 2 DESC, 1 LIMIT {_VALUES}"
    ).fetchall()
    return ColumnLook(column, rows, filled, distinct, shares, tuple((str(v), int(n)) for v, n in commonest))


def _alike(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[ColumnLook]
) -> dict[str, frozenset[str]]:
    """Return, by a column that is called as a customer's number is, the columns that have one value for each."""
    number = CONTRACTS["customer"].column("customer_no")
    keys = [one.name for one in columns if not one.unique and words().likeness("customer", number, one.name)]
    return {key: _one_each(connection, relation, key, [one.name for one in columns if one.name != key]) for key in keys}


def _one_each(connection: duckdb.DuckDBPyConnection, relation: str, key: str, columns: Sequence[str]) -> frozenset[str]:
    """Return the columns that have one value for each key: what is the customer's and not the account's."""
    if not columns:
        return frozenset()
    counts = ", ".join(f"count(DISTINCT {name(c)}) <= 1 AS {name(c)}" for c in columns)
    shares = ", ".join(f"avg({name(c)}::INT)" for c in columns)
    query = f"SELECT {shares} FROM (SELECT {counts} FROM ({relation}) GROUP BY {name(key)})"
    found = connection.execute(query).fetchall()[0]
    return frozenset(c for c, share in zip(columns, found, strict=True) if (share or 0.0) >= _MOSTLY)


_MOSTLY = 0.99


def no_file(path: Path) -> DataError:
    """What is no file, where one was named."""
    return DataError(
        "init.no_file",
        Text("{path} 不是文件；请写 CSV、xlsx 或 Parquet 文件", "{path} is no file; name CSV, xlsx or Parquet files"),
        path=path,
    )
