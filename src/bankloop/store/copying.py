"""Columns in and out of PostgreSQL by COPY: the only fast way for hundreds of thousands of rows."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy import Connection

from bankloop.kit.later import later
from bankloop.store import errors

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pcsv
else:
    pa, pc, pcsv = later("pyarrow"), later("pyarrow.compute"), later("pyarrow.csv")

_PIECE_ROWS = 20_000
_READ_BLOCK = 1 << 24
# A table of their own costs the catalogue more than so few rows are worth.
FEW_ROWS = 50


@dataclass(frozen=True, slots=True)
class BroughtRows:
    """Rows for one statement: ``name`` stands in its FROM, ``head`` after WITH; ``values`` fill the head's places."""

    name: str
    head: str = ""
    values: Mapping[str, Any] | None = None


@cache
def _sql_types() -> dict[pa.DataType, str]:
    return {
        pa.string(): "text",
        pa.int64(): "bigint",
        pa.int32(): "integer",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.timestamp("us", tz="UTC"): "timestamptz",
        pa.list_(pa.string()): "text[]",
    }


def _array_type(kind: pa.DataType) -> str:
    """Return what a column of rows in an array is: lists are no rows of an array, they go as they are written."""
    return "text" if kind == pa.list_(pa.string()) else _sql_types()[kind]


def fitted(what: str, table: pa.Table, schema: pa.Schema, defaults: Mapping[str, object]) -> pa.Table:
    """Return ``table`` with exactly the columns and types of ``schema``, defaults filled in.

    Raises ``DataError`` naming the column that is missing, unknown, of another type or null where it must not be.
    """
    for name in table.column_names:
        if name not in schema.names:
            raise errors.bad_column(what, name, f"unknown; known are {', '.join(schema.names)}")
    return pa.table([_fitted_column(what, table, field, defaults) for field in schema], schema=schema)


def copy_in(connection: Connection, table: pa.Table) -> str:
    """Copy a table into a new temporary table that ends with the transaction; return its name."""
    name = f"incoming_{uuid.uuid4().hex[:12]}"
    columns = ", ".join(f'"{field.name}" {_sql_types()[field.type]}' for field in table.schema)
    cursor = _cursor(connection)
    with cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
            for piece in _written(table).to_batches(max_chunksize=_PIECE_ROWS):
                copy.write(_csv(piece))
        # A tenth of the usual sample: sizes and keys are what plans need, and wide bodies are dear to read.
        cursor.execute("SET LOCAL default_statistics_target = 10")
        cursor.execute(f"ANALYZE {name}")
    return name


def bring_in(connection: Connection, table: pa.Table) -> BroughtRows:
    """Bring rows to one statement: few go along with it, many lie in a temporary table."""
    if table.num_rows > FEW_ROWS:
        return BroughtRows(copy_in(connection, table))
    plain = _written(table)
    arrays = ", ".join(f"%({one.name})s::{_array_type(one.type)}[]" for one in table.schema)
    columns = ", ".join(
        f"{one.name}{'::text[]' if _array_type(one.type) != _sql_types()[one.type] else ''}" for one in table.schema
    )
    head = f"brought AS (SELECT {columns} FROM unnest({arrays}) AS r ({', '.join(table.schema.names)})), "
    return BroughtRows("brought", head, {name: plain[name].to_pylist() for name in plain.column_names})


def copy_out(
    connection: Connection, query: str, schema: pa.Schema, values: Mapping[str, Any] | None = None
) -> pa.Table:
    """Return the rows of a query as a table of ``schema``; ``values`` fill its ``%(named)s`` places."""
    raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with psycopg.ClientCursor(raw) as cursor:
        filled = cursor.mogrify(query, values or {})
    found = _copied(raw, f"COPY ({filled}) TO STDOUT (FORMAT csv)".encode())
    return _read(found, schema) if len(found) else schema.empty_table()


def _copied(raw: psycopg.Connection[Any], statement: bytes) -> memoryview:
    """Return all that a COPY sends.

    It comes a row at a time, and to wait for each as for an answer costs more than the row.
    """
    line, sink = raw.pgconn, io.BytesIO()
    was = line.nonblocking
    line.nonblocking = 0
    try:
        begun = line.exec_(statement)
        if begun.status != ExecStatus.COPY_OUT:
            raise error_from_result(begun, raw.info.encoding)
        while True:
            length, row = line.get_copy_data(0)
            if length <= 0:
                break
            sink.write(row)
        last = None
        while (ended := line.get_result()) is not None:
            last = ended
        if last is None or last.status != ExecStatus.COMMAND_OK:
            raise (
                psycopg.OperationalError("COPY ended early")
                if last is None
                else error_from_result(last, raw.info.encoding)
            )
    finally:
        line.nonblocking = was
    return sink.getbuffer()


def sole(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> int:
    """Run a statement over rows that were brought in and return how many rows it touched."""
    with _cursor(connection) as cursor:
        cursor.execute(statement.encode(), values or None)
        return cursor.rowcount


def found_rows(
    connection: Connection, statement: str, values: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run a statement over rows that were brought in and return what it returns."""
    with _cursor(connection) as cursor:
        cursor.execute(statement.encode(), values or None)
        return cursor.fetchall()


def _cursor(connection: Connection) -> psycopg.Cursor[Any]:
    raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    return raw.cursor()


def _fitted_column(what: str, table: pa.Table, field: pa.Field, defaults: Mapping[str, object]) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        if field.name not in defaults:
            raise errors.bad_column(what, field.name, "missing")
        return pa.chunked_array([pa.array([defaults[field.name]] * table.num_rows, field.type)], field.type)
    column = table.column(field.name)
    if not field.nullable and column.null_count:
        raise errors.bad_column(what, field.name, f"{column.null_count} nulls")
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise errors.bad_column(what, field.name, str(error)) from error


def _written(table: pa.Table) -> pa.Table:
    """Return the table with lists as PostgreSQL array literals, which CSV can hold."""
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            table = table.set_column(index, field.name, _array_literals(table.column(index)))
    return table


def _array_literals(lists: pa.ChunkedArray) -> pa.Array:
    whole = lists.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], lists.type)
    items = pc.replace_substring(pc.replace_substring(pc.list_flatten(whole), "\\", "\\\\"), '"', '\\"')
    quoted = pc.binary_join_element_wise('"', items, '"', "")
    lengths = pc.fill_null(pc.list_value_length(whole), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, quoted), ",")
    return pc.binary_join_element_wise("{", joined, "}", "")


def _csv(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    # Strings are quoted, nulls are not: that is how COPY tells an empty text from none.
    pcsv.write_csv(batch, sink, pcsv.WriteOptions(include_header=False, quoting_style="needed"))
    return sink.getvalue()


def _read(buffer: memoryview, schema: pa.Schema) -> pa.Table:
    plain = pa.schema([_plain(field) for field in schema])
    table = pcsv.read_csv(
        pa.BufferReader(pa.py_buffer(buffer)),
        read_options=pcsv.ReadOptions(column_names=schema.names, block_size=_READ_BLOCK),
        parse_options=pcsv.ParseOptions(newlines_in_values=True),
        convert_options=pcsv.ConvertOptions(
            column_types=plain,
            true_values=["t"],
            false_values=["f"],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for index, field in enumerate(schema):
        if pa.types.is_list(field.type):  # the query wrote it as JSON
            table = table.set_column(index, field, _lists(table.column(index)))
    return table.cast(schema)


def _plain(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.string()) if pa.types.is_list(field.type) else field


def _lists(column: pa.ChunkedArray) -> pa.Array:
    import json

    known: dict[str, list[str]] = {}
    values = [known[v] if v in known else known.setdefault(v, json.loads(v)) for v in column.to_pylist()]
    return pa.array(values, pa.list_(pa.string()))
