"""One source's files of one day: read, typed, checked, the good rows selected, the bad ones named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake.engine import arrow, literal, name, parquet
from bankloop.lake.mapping import Mapped, conversion_checks, map_columns, plain_of, typed_sql
from bankloop.lake.quarantine import Violations, violations
from bankloop.lake.readers import RawFile, read_file
from bankloop.lake.rules import ColumnCheck, any_broken, row_checks
from bankloop.lake.sources import Source

# When a row was written down is no part of what it says: the same event sent again may be stamped anew.
_RECORDED = "recorded_at"
# Of fewer numbers nothing is said of the column.
_FEW = 20
_NOTHING = pa.schema(
    [
        ("_file", pa.int32()),
        ("_row", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class Conformed:
    """The result: ``verbatim`` are the files, by place, that can be stored as they are, ``good`` SQL of the rows of the rest.

    ``lines`` is SQL of their keys with ``_file`` and ``_line``, the place and physical line that each came from.
    ``personal`` is SQL by kind of identifier: (key, token, value) of the good rows that have one.
    """

    good: str
    lines: str
    read: int
    known: int
    bad: Violations
    verbatim: frozenset[int]
    files: Sequence[RawFile]
    personal: Mapping[str, str]

    @property
    def loaded(self) -> int:
        """Return the rows that ``good`` gives."""
        return self.read - self.known - self.bad.rows


def conform_files(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    paths: Sequence[Path],
    scratch: Path,
    *,
    now: datetime,
    today: date,
    stored: Sequence[str],
    references: Mapping[str, Sequence[str]],
) -> Conformed:
    """Return what of ``paths`` can be stored and what cannot.

    ``stored`` are the Parquet files that hold the table's rows so far in this version (their keys are taken),
    ``references`` the files of the tables that may be referred to; a table that is not there is not checked.
    """
    files = [read_file(connection, source, path, scratch) for path in paths]
    mapped = [map_columns(source, raw) for raw in files]
    checks = checks_of(source, mapped, now, today)
    create_views(connection, source, files, mapped, checks)
    _check_numbers(connection, source, mapped[0])
    read, broken = connection.execute("SELECT count(*), count(*) FILTER (WHERE NOT _ok) FROM typed").fetchall()[0]
    found = [_details(connection, mapped[0], checks)] if broken else []
    known = drop_doubles(connection, source, stored, found)
    found.extend(drop_dangling(connection, source, references))
    bad = violations(pa.concat_tables(found) if found else _NOTHING.empty_table(), files)
    rejected = sum(raw.rejected for raw in files)
    touched = {int(row[0]) for row in connection.execute("SELECT DISTINCT _file FROM dropped").fetchall()}
    columns = ", ".join(name(c) for c in source.contract.names)
    kept = "FROM typed WHERE _ok"
    if touched:
        kept += " AND NOT EXISTS (FROM dropped d WHERE d._file = typed._file AND d._row = typed._row)"
    good = f"SELECT {columns} {kept}"
    touched |= {int(place) for table in found for place in pc.unique(table["_file"]).to_pylist()}
    verbatim = _as_they_are(source, files, mapped) - touched
    if verbatim:
        kept_here = f"{kept} AND _file NOT IN ({', '.join(map(str, sorted(verbatim)))})"
        good = f"SELECT {columns} {kept_here}"
    lines = _lines(connection, source, files, kept_here if verbatim else kept)
    return Conformed(good, lines, int(read) + rejected, known, bad, verbatim, files, _personal(source, mapped[0], kept))


def _check_numbers(connection: duckdb.DuckDBPyConnection, source: Source, mapped: Sequence[Mapped]) -> None:
    """Raise ``DataError`` where most of a column's numbers to call are none: a wrong column, or one that was cut."""
    for m in (m for m in mapped if m.pii == "phone"):
        query = f"SELECT count({plain_of(m.column)}), count({name(m.column.name)}) FROM typed"
        written, valid = connection.execute(query).fetchall()[0]
        if written >= _FEW and valid * 2 < written:
            raise _mostly_invalid(f"{source.name} ({source.place})", m.column.name, written - valid, written)


def _mostly_invalid(place: str, column: str, invalid: int, rows: int) -> DataError:
    return DataError(
        "lake.mostly_invalid",
        Text(
            "{place}：{column} 的 {rows} 个号码中有 {invalid} 个不是手机号；请核对映射和导出格式",
            "{place}: {invalid} of {rows} numbers of {column} are no mobile numbers; check its mapping and the export",
        ),
        place=place,
        column=column,
        invalid=f"{invalid:,}",
        rows=f"{rows:,}",
    )


def _lines(connection: duckdb.DuckDBPyConnection, source: Source, files: Sequence[RawFile], kept: str) -> str:
    """Return SQL of each kept row's key, its file's place and its line; lines set aside before it are counted in."""
    gone = [(place, start, n + 1) for place, raw in enumerate(files) for n, start in enumerate(raw.gone.tolist())]
    first = " ".join(f"WHEN {place} THEN {raw.first_line - 1}" for place, raw in enumerate(files))
    keys = ", ".join(f"t.{name(key)}" for key in source.contract.key)
    rows = f"(SELECT * {kept}) t"
    line, shift = f"t._row + CASE t._file {first} END", ""
    if gone:
        place, start, n = (pa.array(column, pa.int64()) for column in zip(*gone, strict=True))
        connection.register("gone_lines", pa.table({"_file": place, "start": start, "n": n}))
        rows += " ASOF LEFT JOIN gone_lines g ON t._file = g._file AND t._row >= g.start"
        shift = " + coalesce(g.n, 0)"
    return f"SELECT {keys}, t._file, {line}{shift} AS _line FROM {rows}"


def _personal(source: Source, mapped: Sequence[Mapped], kept: str) -> dict[str, str]:
    key = name(source.contract.key[0])
    return {
        m.pii: f"SELECT {key} AS key, {name(m.column.name)} AS token, {plain_of(m.column)} AS value {kept} "
        f"AND {name(m.column.name)} IS NOT NULL"
        for m in mapped
        if m.pii
    }


def _as_they_are(source: Source, files: Sequence[RawFile], mapped: Sequence[Sequence[Mapped]]) -> frozenset[int]:
    """Return the places of the files that hold the contract's own columns and types, each line of them a row."""
    if source.format != "parquet":
        return frozenset()
    return frozenset(
        i
        for i, (raw, columns) in enumerate(zip(files, mapped, strict=True))
        if raw.columns == source.contract.names and not raw.rejects and all(m.exact for m in columns)
    )


def checks_of(source: Source, mapped: Sequence[Sequence[Mapped]], now: datetime, today: date) -> list[ColumnCheck]:
    """Return the checks of a source's rows; what a file lacks altogether is a fault of the mapping, not of each row."""
    lacking = {m.column.name for columns in mapped for m in columns if m.missing}
    flags = {check.column for columns in mapped for check in conversion_checks(columns) if check.rule == "type"}
    phones = {check.column for columns in mapped for check in conversion_checks(columns) if check.rule == "phone"}
    checks = [ColumnCheck("type", c, name(f"_t_{c}")) for c in source.contract.names if c in flags]
    checks += [ColumnCheck("phone", c, name(f"_p_{c}")) for c in source.contract.names if c in phones]
    for check in (one for one in row_checks(source.contract, now, today) if one.column not in lacking):
        if check.rule == "null" and check.column in flags:
            check = ColumnCheck("null", check.column, f"{check.broken} AND NOT {name('_t_' + check.column)}")
        checks.append(check)
    return checks


def create_views(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    files: Sequence[RawFile],
    mapped: Sequence[Sequence[Mapped]],
    checks: Sequence[ColumnCheck],
) -> None:
    """Make ``raw`` and ``typed``: views on Parquet, which is scanned again cheaply; a table where text was converted."""
    for kind, relation in connection.execute(
        "SELECT table_type, table_name FROM information_schema.tables WHERE table_name IN ('raw', 'typed', 'dropped')"
    ).fetchall():
        connection.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {relation}").fetchall()
    parts = [f"SELECT {i}::INTEGER AS _file, * FROM ({raw.relation})" for i, raw in enumerate(files)]
    connection.execute(f"CREATE TEMP VIEW raw AS {' UNION ALL BY NAME '.join(parts)}").fetchall()
    pieces = []
    for i, (raw, columns) in enumerate(zip(files, mapped, strict=True)):
        relation = f"(SELECT {i}::INTEGER AS _file, * FROM ({raw.relation}))"
        pieces.append(typed_sql(columns, relation))
    typed = " UNION ALL BY NAME ".join(pieces)
    flags = [check.broken for check in checks if check.rule in ("type", "phone")]
    filled = ", ".join(f"coalesce({flag}, false) AS {flag}" for flag in flags)
    replaced = f"* REPLACE ({filled})" if filled else "*"
    body = f"SELECT *, NOT ({any_broken(checks)}) AS _ok FROM (SELECT {replaced} FROM ({typed}))"
    kind = "VIEW" if source.format == "parquet" else "TABLE"
    connection.execute(f"CREATE TEMP {kind} typed AS {body}").fetchall()
    connection.execute("CREATE TEMP TABLE dropped (_file INTEGER, _row BIGINT)").fetchall()


def _details(
    connection: duckdb.DuckDBPyConnection, mapped: Sequence[Mapped], checks: Sequence[ColumnCheck]
) -> pa.Table:
    return arrow(connection, violations_sql(mapped, checks)).cast(_NOTHING)


def violations_sql(mapped: Sequence[Mapped], checks: Sequence[ColumnCheck]) -> str:
    """Return the query of what every broken row of ``typed`` breaks.

    Its place, the column, the rule, the value shown.
    """
    shown = {m.column.name: m.shown for m in mapped}
    cases = ", ".join(
        f"CASE WHEN {check.broken} THEN {{'column': {literal(check.column)}, 'rule': {literal(check.rule)}, "
        f"'value': CAST({shown[check.column]} AS VARCHAR)}} END"
        for check in _qualified(checks)
    )
    return f"""
        SELECT _file, _row, hit.column AS "column", hit.rule AS rule, hit.value AS value
        FROM (SELECT t._file, t._row, unnest([{cases}]) AS hit
              FROM (FROM typed WHERE NOT _ok) AS t JOIN raw AS r USING (_file, _row))
        WHERE hit IS NOT NULL"""


def _qualified(checks: Sequence[ColumnCheck]) -> list[ColumnCheck]:
    """Return the checks with their columns taken from the typed row, as raw columns may bear the same names."""
    found = []
    for check in checks:
        broken = check.broken
        for prefix in ("", "_t_", "_p_"):
            field = name(prefix + check.column)
            broken = broken.replace(field, f"t.{field}")
        found.append(ColumnCheck(check.rule, check.column, broken))
    return found


def drop_doubles(
    connection: duckdb.DuckDBPyConnection, source: Source, stored: Sequence[str], found: list[pa.Table]
) -> int:
    """Drop rows whose key came before; return how many of them are merely known already (append: stored once).

    What comes again with other content is not known: it is a contradiction, and a row of the quarantine.
    """
    keys = ", ".join(name(k) for k in source.contract.key)
    twice = f"SELECT {keys} FROM typed WHERE _ok GROUP BY ALL HAVING count(*) > 1"
    connection.execute(
        f"""INSERT INTO dropped SELECT _file, _row FROM (
            SELECT _file, _row, row_number() OVER (PARTITION BY {keys} ORDER BY _file, _row) AS n
            FROM (FROM typed WHERE _ok) SEMI JOIN ({twice}) USING ({keys})) WHERE n > 1"""
    ).fetchall()
    if stored:
        connection.execute(
            f"""INSERT INTO dropped SELECT _file, _row FROM (SELECT _file, _row, {keys} FROM typed WHERE _ok) AS fresh
                SEMI JOIN {parquet(list(stored))} USING ({keys})
                WHERE NOT EXISTS (FROM dropped d WHERE d._file = fresh._file AND d._row = fresh._row)"""
        ).fetchall()
    count = int(connection.execute("SELECT count(*) FROM dropped").fetchall()[0][0])
    if not count:
        return 0
    label = literal(", ".join(source.contract.key))
    value = " || ', ' || ".join(f"CAST(t.{name(k)} AS VARCHAR)" for k in source.contract.key)
    again = "typed AS t JOIN dropped USING (_file, _row)"
    if source.mode != "append":
        query = f"""SELECT _file, _row, {label} AS "column", 'duplicate_key' AS rule, {value} AS value FROM {again}"""
        found.append(arrow(connection, query).cast(_NOTHING))
        return 0
    contents = [name(c) for c in source.contract.names if c not in (*source.contract.key, _RECORDED)]
    before = f"SELECT {keys}, {', '.join(contents)} FROM (FROM typed WHERE _ok) ANTI JOIN dropped USING (_file, _row)"
    if stored:
        before += f" UNION ALL SELECT {keys}, {', '.join(contents)} FROM {parquet(list(stored))}"
    other = " OR ".join(f"t.{c} IS DISTINCT FROM b.{c}" for c in contents) or "false"
    query = f"""
        SELECT DISTINCT _file, _row, {label} AS "column", 'contradiction' AS rule, {value} AS value
        FROM {again} JOIN ({before}) AS b USING ({keys}) WHERE {other}"""
    contradictions = arrow(connection, query).cast(_NOTHING)
    found.append(contradictions)
    return count - int(contradictions.num_rows)


def drop_dangling(
    connection: duckdb.DuckDBPyConnection, source: Source, references: Mapping[str, Sequence[str]]
) -> list[pa.Table]:
    """Drop rows that refer to nothing; return them."""
    found = []
    for column in source.contract.columns:
        if column.references is None or column.references[0] not in references:
            continue
        field, files = name(column.name), parquet(list(references[column.references[0]]))
        query = f"""
            SELECT _file, _row, {literal(column.name)} AS "column", 'reference' AS rule, {field} AS value
            FROM typed WHERE _ok AND {field} NOT IN (SELECT {name(column.references[1])} FROM {files})
            AND NOT EXISTS (FROM dropped d WHERE d._file = typed._file AND d._row = typed._row)"""
        rows = arrow(connection, query).cast(_NOTHING)
        if rows.num_rows:
            found.append(rows)
    if found:
        connection.register("dangling", pa.concat_tables(found))
        connection.execute("INSERT INTO dropped SELECT DISTINCT _file, _row FROM dangling").fetchall()
        connection.unregister("dangling")
    return found
