"""A row in every table: what an upgrade must not lose, made from the catalogue alone, whatever the schema is at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

# Partitioned by month, each with its one month; what no table may hold beside what else it holds.
_MONTH = "2026-06-01"
_EMPTY = {("customer_key", "erased_at")}
_COLUMNS = text(
    "SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
    "JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
    "AND NOT c.relispartition AND c.relname <> 'alembic_version' AND a.attnum > 0 AND NOT a.attisdropped "
    "AND a.attidentity = '' ORDER BY c.relname, a.attnum"
)
# What a column may be, where a check names the words.
_CHECKS = text(
    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
)
_VALUES: Mapping[str, str] = {
    "bigint": "1",
    "boolean": "true",
    "bytea": "'\\x01'",
    "double precision": "0.5",
    "integer": "1",
    "json": '\'{"title":"t"}\'',
    "jsonb": '\'{"title":"t"}\'',
    "uuid": "'00000000-0000-7000-8000-000000000001'",
}

Rows = Mapping[str, list[dict[str, Any]]]


class _Column(NamedTuple):
    table: str
    name: str
    number: int
    type: str


def fill_every_table(connection: Connection) -> None:
    """Put one row into every table, past triggers and foreign keys; checks hold. The connection is the superuser's."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for parent in ("event", "decision"):
        connection.execute(text("SELECT bankloop_partition(:parent, :month)"), {"parent": parent, "month": _MONTH})
    words = _words(connection)
    tables: dict[str, dict[str, str]] = {}
    for column in map(_Column._make, connection.execute(_COLUMNS)):
        if (column.table, column.name) not in _EMPTY:
            tables.setdefault(column.table, {})[column.name] = _value(column, words)
    for table, row in tables.items():
        connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})")
    connection.execute(text("SET LOCAL session_replication_role = DEFAULT"))


def rows_of(connection: Connection) -> Rows:
    """Return every row of every table."""
    tables = sorted({row.relname for row in connection.execute(_COLUMNS)})
    return {
        table: [row for (row,) in connection.exec_driver_sql(f"SELECT to_jsonb(t) FROM {table} t")] for table in tables
    }


def _words(connection: Connection) -> dict[tuple[str, str], str]:
    found = {}
    for table, check in connection.execute(_CHECKS):
        if one := re.search(r"\((\w+) = ANY \(ARRAY\['(\w+)'", check):
            found[table, one[1]] = one[2]
    return found


def _value(column: _Column, words: Mapping[tuple[str, str], str]) -> str:
    """A value whose order follows the columns', and that no other text column of the table has."""
    if column.type == "date":
        return f"date '{_MONTH}' + {column.number}"
    if column.type == "timestamp with time zone":
        return f"timestamptz '{_MONTH} 00:00+00' + interval '{column.number} minutes'"
    if column.type.endswith("[]"):
        return f"ARRAY['1']::{column.type}"
    if column.type == "text":
        return f"'{words.get((column.table, column.name), column.name)}'"
    return _VALUES[column.type]
