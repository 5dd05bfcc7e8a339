"""Files of records: CSV or Parquet with the columns of ``RECORD_SCHEMA``; what is not there is null."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from bankloop.customer.identity import errors
from bankloop.customer.identity.contracts import RECORD_SCHEMA
from bankloop.kit.text import Text
from bankloop.lake.outside import HELD, parquet_within, text_within

_READERS = {".csv": "read_csv(?, all_varchar := true, null_padding := true)", ".parquet": "read_parquet(?)"}
_NO_TABLE = Text("不是完整的 CSV 或 Parquet 文件", "it is no whole file of CSV or Parquet")
_PAIRS = ";"  # between further identifiers in a cell of CSV


def read_records(path: Path) -> pa.Table:
    """Return the records of a file; raise ``InputError`` for one that is no such file."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        raise errors.bad_file(
            path.name, Text("没有这个 CSV 或 Parquet 文件", "there is no such file of CSV or Parquet")
        )
    try:
        if reader.startswith("read_parquet"):
            parquet_within(path, HELD)
        else:
            text_within(path, HELD)
    except OSError:
        raise errors.bad_file(path.name, _NO_TABLE) from None
    with duckdb.connect() as engine:
        try:
            table: pa.Table = engine.sql(f"SELECT * FROM {reader}", params=[str(path)]).to_arrow_table()
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            raise errors.bad_file(path.name, _NO_TABLE) from None
    if "source_key" not in table.column_names:
        raise errors.bad_file(path.name, Text("没有列 source_key", "it has no column source_key"))
    columns = [_column(table, field, path) for field in RECORD_SCHEMA]
    return pa.table(columns, schema=RECORD_SCHEMA)


def _column(table: pa.Table, field: pa.Field, path: Path) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, field.type)], field.type)
    column = table.column(field.name)
    if pa.types.is_list(field.type) and pa.types.is_string(column.type):
        cells = [[x.strip() for x in cell.split(_PAIRS) if x.strip()] if cell else None for cell in column.to_pylist()]
        return pa.chunked_array([pa.array(cells, field.type)])
    try:
        return column.cast(field.type)
    except pa.ArrowException:
        reason = Text("列 {name} 的内容不是要求的类型", "the column {name} holds something else than it should")
        raise errors.bad_file(path.name, reason.filled(name=field.name)) from None
