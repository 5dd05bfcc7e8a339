"""DuckDB as the lake uses it: limits set, sessions in UTC, contract types as the engine and Arrow name them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.kit.later import later
from bankloop.lake.contracts import ColumnType, TableContract

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
else:
    duckdb, pa = later("duckdb"), later("pyarrow")

DUCK_TYPE = {
    ColumnType.STR: "VARCHAR",
    ColumnType.INT: "BIGINT",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}


def connect(scratch: Path, memory: str, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection that spills to ``scratch`` and keeps under ``memory``."""
    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": threads or os.cpu_count() or 2,
            "temp_directory": str(scratch),
        }
    )
    return _set(connection)


def session(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return another session on what ``connection`` holds, so that two threads ask at once; settings are of a session."""
    return _set(connection.cursor())


def _set(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false").fetchall()
    return connection


def schema_of(contract: TableContract) -> pa.Schema:
    """Return the Arrow schema of a contract."""
    types = _arrow_types()
    return pa.schema([pa.field(c.name, types[c.type], nullable=c.nullable) for c in contract.columns])


@cache
def _arrow_types() -> dict[ColumnType, pa.DataType]:
    return {
        ColumnType.STR: pa.string(),
        ColumnType.INT: pa.int64(),
        ColumnType.BOOL: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    }


def name(identifier: str) -> str:
    """Return ``identifier`` quoted for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a value as an SQL literal (text, or anything whose text is an SQL text literal's content)."""
    return "'" + str(value).replace("'", "''") + "'"


def parquet(files: list[str], extra: str = "") -> str:
    """Return the table function that reads ``files`` as one relation."""
    return f"read_parquet([{', '.join(literal(f) for f in files)}]{extra})"


def arrow(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Return the whole answer to ``query`` as an Arrow table."""
    return connection.sql(query).to_arrow_table()
