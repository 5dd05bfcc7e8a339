"""Sources that are a query: the answer is written as a Parquet file under data/incoming/drawn and loads as any other.

A database is only read: one statement, in a transaction that is undone. Files are read as their entry says, then asked in
an engine that reaches nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy
import sqlglot
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlglot import exp

from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake import errors, files, incoming
from bankloop.lake.engine import name
from bankloop.lake.incoming import DRAWN, Delivery
from bankloop.lake.readers import cell_text, read_file
from bankloop.lake.service import Lake
from bankloop.lake.sources import Query, Source

# Rows in memory at a time, however many a query gives.
_BATCH = 20_000
# A snapshot's answers that stay: of the version that is read now, and of the one before.
_KEPT = 2
_INPUTS = b"bankloop.inputs"
_DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "mssql": "tsql", "oracle": "oracle", "sqlite": "sqlite"}  # fmt: skip
_READ_ONLY = {"sqlite": "PRAGMA query_only = ON", "mysql": "SET TRANSACTION READ ONLY", "mariadb": "SET TRANSACTION READ ONLY", "oracle": "SET TRANSACTION READ ONLY"}  # fmt: skip
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_NO_COLUMN = re.compile(r"[Cc]olumn (?:named )?\"([^\"]+)\"")
_DOES_NOT_FIT = Text("其中一处与数据不符", "a part of it does not fit the data")
_QUERY_FAULTS: tuple[tuple[type[duckdb.Error], Text], ...] = (
    (duckdb.ParserException, Text("不是合法的 SQL", "it is no SQL")),
    (duckdb.CatalogException, Text("用了没有的表或函数", "it names a table or a function that there is not")),
    (
        duckdb.BinderException,
        Text("用了没有的字段，或类型不合", "a column that there is not, or types that do not go together"),
    ),
    (duckdb.ConversionException, Text("有一个值转换不成要求的类型", "a value cannot be made what it is asked to be")),
    (duckdb.OutOfRangeException, Text("算出的数超过能表示的范围", "a number grows beyond what can be kept")),
    (duckdb.PermissionException, Text("查询不能读别的文件", "a query may read no other files")),
)
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Command, exp.Into)


def draw(
    lake: Lake, sources: Sequence[Source], scratch: Path, superseded: list[str]
) -> tuple[list[Delivery], list[str]]:
    """Return the answers to all sources' queries as deliveries, and which wait for files.

    A database's answer is of today; that over files is of the day of their folder; days before the one that is loaded
    are added to ``superseded``. Raises ``SpecError`` for what is no
    query, ``EnvironmentFault`` for a database that does not answer, ``DataError`` for a query that cannot.
    """
    found: list[Delivery] = []
    waiting: list[str] = []
    for source in sources:
        query = source.query
        if source.rows:
            found.append(Delivery(source, None, (_from_rows(lake, source),)))
        if query is None:
            continue
        if query.database:
            found.append(Delivery(source, lake.today(), (_from_database(lake, source, query),)))
            continue
        for day, paths in _days(lake, source, query, waiting, superseded):
            found.append(Delivery(source, day, (_from_files(lake, source, query, day, paths, scratch),)))
    return found, waiting


# What stands in bank.yaml


def _from_rows(lake: Lake, source: Source) -> Path:
    columns = sorted({column for row in source.rows for column in row})
    cells = {column: pa.array([row.get(column) for row in source.rows], pa.string()) for column in columns}
    target = lake.folder / "data" / "incoming" / source.path
    rows = pa.table(cells)
    return _written_to(target, iter([rows.schema.empty_table(), rows]), digest(list(source.rows)))


# A database


def _from_database(lake: Lake, source: Source, query: Query) -> Path:
    url = database_url(source.place, query.database)
    _check_reads(source, query.sql, _DIALECTS.get(url.get_backend_name()))
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    except (NoSuchModuleError, ImportError) as error:
        raise errors.no_driver(source.place, query.database, url.drivername) from error
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise errors.database_failed(source.place, query.database, answer_reason(error)) from error
    try:
        with connection:
            batches = answer(connection, query.sql, lake.today())
            return _written(lake, source, lake.today(), batches, "")
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise errors.database_failed(source.place, query.database, answer_reason(error)) from error
        raise errors.query_failed(source.place, answer_reason(error)) from error
    finally:
        engine.dispose()


def database_url(place: str, variable: str) -> sqlalchemy.URL:
    """Return the address that an environment variable holds; raise ``EnvironmentFault`` where it holds none."""
    try:
        return sqlalchemy.make_url(os.environ[variable])
    except (KeyError, SQLAlchemyError) as error:
        # What stands there may be a password: it is not repeated.
        raise errors.no_database_url(place, variable) from error


def answer(connection: sqlalchemy.Connection, sql: str, today: date) -> Iterator[pa.Table]:
    """Yield the rows as text, a batch at a time: the first has the columns, be there rows or none."""
    backend = connection.dialect.name
    options: dict[str, Any] = {"stream_results": True, "yield_per": _BATCH}
    if backend == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
    if backend in _READ_ONLY:
        connection.exec_driver_sql(_READ_ONLY[backend])
    asked = sqlalchemy.text(sql)
    values = {"today": today} if "today" in asked.compile().params else {}
    with connection.execution_options(**options).execute(asked, values) as result:
        columns = list(result.keys())
        schema = pa.schema([(column, pa.string()) for column in columns])
        yield schema.empty_table()
        for rows in result.partitions(_BATCH):
            cells = zip(*rows, strict=True)
            yield pa.table([pa.array(map(_text, one), pa.string()) for one in cells], schema=schema)


def _text(value: Any) -> str | None:
    match value:
        case Decimal():
            return format(value, "f")
        case bytes() | memoryview():
            return bytes(value).hex()
    return cell_text(value)


def answer_reason(error: Exception) -> Text:
    """Return what a bank's own database answered, as a quotation: what it says of its tables nobody says better."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    said = str(cause or "").strip().splitlines()
    if not said:
        return Text("没有应答", "no answer")
    return Text(f"数据库答：{said[0]}", f"the database says: {said[0]}")


# Several files


def _days(
    lake: Lake, source: Source, query: Query, waiting: list[str], superseded: list[str]
) -> Iterator[tuple[date | None, Mapping[str, tuple[Path, ...]]]]:
    """Yield each day of which all files are there; what lies outside dated folders is of every day."""
    found, not_ready = incoming.find(lake.folder / "data" / "incoming", list(query.files.values()))
    incoming.check_days(found, lake.today())
    waiting += [folder for folder in not_ready if folder not in waiting]
    by_day: dict[date | None, dict[str, tuple[Path, ...]]] = {}
    for one in found:
        by_day.setdefault(one.day, {})[one.source.name] = one.files
    always, current = by_day.pop(None, {}), lake.manifest.current(source.table)
    days: list[date | None] = [*sorted(day for day in by_day if day is not None)] or [None]
    for day in days:
        paths = {**always, **by_day.get(day, {})}
        lacking = [alias for alias in query.files if alias not in paths]
        if lacking and paths:
            waiting.append(f"{day or ''} {source.name}: {', '.join(lacking)}".strip())
        elif not lacking and day and source.mode == "replace" and current and current.as_of > day:
            superseded.append(f"{day} {source.name}")
        elif not lacking:
            yield day, paths


def _from_files(
    lake: Lake, source: Source, query: Query, day: date | None, paths: Mapping[str, tuple[Path, ...]], scratch: Path
) -> Path:
    inputs = digest([query.sql, {alias: [files.file_digest(one) for one in found] for alias, found in paths.items()}])
    target = _target(lake, source, day)
    if target.exists() and (pq.read_schema(target).metadata or {}).get(_INPUTS) == inputs.encode():
        return target
    _check_reads(source, query.sql, "duckdb")
    with lake.engine() as engine:
        for alias, found in paths.items():
            _create_table(engine, query.files[alias], found, scratch)
        engine.execute("SET enable_external_access = false").fetchall()
        try:
            # One order, so that the same files make the same answer and are recognised.
            batches = engine.sql(f"SELECT * FROM ({query.sql}) ORDER BY ALL").to_arrow_reader(_BATCH)
            tables = (pa.Table.from_batches([batch]) for batch in batches)
            return _written(lake, source, day, _with_columns(batches.schema, tables), inputs)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise errors.query_failed(source.place, query_reason(error)) from error


def query_reason(error: duckdb.Error) -> Text:
    """Return why a query over files does not run: the name that there is not, else of what kind the fault is."""
    said = str(error)
    if found := _NO_TABLE.search(said):
        return Text(f"没有表 {found[1]}", f"there is no table {found[1]}")
    if found := _NO_COLUMN.search(said):
        return Text(f"没有字段 {found[1]}", f"there is no column {found[1]}")
    return next((text for kind, text in _QUERY_FAULTS if isinstance(error, kind)), _DOES_NOT_FIT)


def _create_table(engine: duckdb.DuckDBPyConnection, read: Source, paths: Sequence[Path], scratch: Path) -> None:
    relations = []
    for path in paths:
        raw = read_file(engine, read, path, scratch)
        if raw.rejects:
            raise errors.joined_line(path.name, raw.rejects[0].line, raw.rejects[0].rule)
        relations.append(f"SELECT * EXCLUDE (_row) FROM ({raw.relation})")
    engine.execute(f"CREATE TABLE {name(read.name)} AS {' UNION ALL BY NAME '.join(relations)}").fetchall()


def _with_columns(schema: pa.Schema, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield schema.empty_table()
    yield from tables


# Both


def _check_reads(source: Source, sql: str, dialect: str | None) -> None:
    """Raise ``SpecError`` unless ``sql`` is one statement that only reads."""
    try:
        statements = sqlglot.parse(sql, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        found = getattr(error, "errors", None) or [{}]
        line, column = found[0].get("line") or 1, found[0].get("col") or 1
        reason = Text(
            f"query 第 {line} 行第 {column} 列起不是 SQL", f"query is no SQL from line {line}, column {column}"
        )
        raise errors.source_spec(source.place, reason) from error
    only = statements[0] if len(statements) == 1 else None
    if not isinstance(only, exp.Query) or only.find(*_WRITES) is not None:
        reason = Text("query 只能是一条 SELECT", "query must be one SELECT and nothing else")
        raise errors.source_spec(source.place, reason)


def _target(lake: Lake, source: Source, day: date | None) -> Path:
    return lake.folder / "data" / "incoming" / DRAWN / f"{source.name}-{day or lake.today():%Y%m%d}.parquet"


def _written(lake: Lake, source: Source, day: date | None, tables: Iterator[pa.Table], inputs: str) -> Path:
    """Write an answer as a whole or not at all, for its owner alone; the oldest of a snapshot's answers go."""
    target = _written_to(_target(lake, source, day), tables, inputs)
    if source.mode == "replace":
        for old in sorted(target.parent.glob(f"{source.name}-????????.parquet"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    return target


def _written_to(target: Path, tables: Iterator[pa.Table], inputs: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{uuid4().hex}.partial")
    try:
        first = next(tables)
        schema = first.schema.with_metadata({_INPUTS: inputs.encode()})
        os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
        with pq.ParquetWriter(partial, schema) as writer:
            for table in tables:
                writer.write_table(table.cast(schema))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target
