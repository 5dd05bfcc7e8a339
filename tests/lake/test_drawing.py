"""Sources that are a query: over a database, which is only read, and over several files."""

from __future__ import annotations

import gzip
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from bankloop.kit.errors import DataError, EnvironmentFault, SpecError
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.origins import Raw, origin_of
from bankloop.lake.service import Lake
from bankloop.store.database import Store

URL = "TEST_CORE_URL"
UNITS = """
time_zone: Asia/Shanghai
sources:
  core_unit:
    table: unit
    database: TEST_CORE_URL
    query: {query}
    reject_above: 50%
    columns: {{name_zh: name, name_en: name, kind: level}}
"""
QUERY = "SELECT unit_id, parent_id, level, name FROM branch"
JOINED = """
time_zone: Asia/Shanghai
sources:
  owners:
    table: relation
    files:
      disp: {path: "*/DISP_*.csv", format: csv, encoding: gbk}
      account: {path: "account.csv.gz", format: csv}
    query: >
      SELECT o.客户 AS from_no, d.客户 AS to_no, 'family' AS kind, account.opened AS since
      FROM disp o JOIN disp d USING (账户) JOIN account ON account.no = 账户
      WHERE o.类型 = '主' AND d.类型 = '副'
"""


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A core system's database with 25,000 units, more than a batch."""
    path = tmp_path / "core.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE branch (unit_id TEXT, parent_id TEXT, level TEXT, name TEXT)")
        connection.execute("INSERT INTO branch VALUES ('0000', NULL, 'head_office', '总行')")
        rows = [(f"{n:05}", "0000", "branch", f"分行{n}") for n in range(10_001, 35_000)]
        connection.executemany("INSERT INTO branch VALUES (?, ?, ?, ?)", rows)
    connection.close()
    monkeypatch.setenv(URL, f"sqlite:///{path}")
    return path


def bank(lake: Lake, content: str) -> None:
    (lake.folder / "bank.yaml").write_text(content, "utf-8")


def rows(lake: Lake, table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(lake.paths(lake.version(table))).to_pylist()
    return found


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_a_database_is_read_in_batches_and_its_answer_loads_as_a_file_does(lake: Lake, core: Path) -> None:
    change(core, "INSERT INTO branch VALUES ('x', '0000', 'kiosk', '亭')")
    bank(lake, UNITS.format(query=QUERY))
    report = load_bank(lake.folder, lake)
    (source,) = report.sources
    assert (source.rows_read, source.loaded, source.quarantined) == (25_001, 25_000, 1)
    drawn = lake.folder / "data" / "incoming" / "drawn" / "core_unit-20261122.parquet"
    assert pq.ParquetFile(drawn).num_row_groups > 1
    assert stat.S_IMODE(drawn.stat().st_mode) == 0o600
    found = origin_of(lake, "unit", ["10001"])
    assert (found.raw, found.file) == (Raw.READ, "drawn/core_unit-20261122.parquet")
    assert {cell.column: cell.raw for cell in found.cells}["kind"] == "branch"


def test_the_same_answer_is_known_and_another_one_replaces_it(lake: Lake, core: Path) -> None:
    bank(lake, UNITS.format(query=QUERY))
    load_bank(lake.folder, lake)
    assert load_bank(lake.folder, lake).already_loaded == ("drawn/core_unit-20261122.parquet",)
    change(core, "DELETE FROM branch WHERE unit_id > '10005'")
    load_bank(lake.folder, lake, accept_loss=["unit"])
    assert len(rows(lake, "unit")) == 6


def test_an_answer_without_rows_has_its_columns(lake: Lake, core: Path) -> None:
    bank(lake, UNITS.format(query=f"{QUERY} WHERE name = 'nobody'"))
    load_bank(lake.folder, lake)
    assert rows(lake, "unit") == []


def test_the_day_is_given_to_a_query_that_asks_for_it(lake: Lake, core: Path) -> None:
    bank(lake, UNITS.format(query=f"\"{QUERY} WHERE :today = '2026-11-22' AND unit_id < '10003'\""))
    load_bank(lake.folder, lake)
    assert len(rows(lake, "unit")) == 3


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM branch",
        '"SELECT 1; DELETE FROM branch"',
        "WITH gone AS (DELETE FROM branch RETURNING unit_id) SELECT * FROM gone",
        "PRAGMA user_version = 7",
        "SELECT FROM WHERE",
    ],
)
def test_what_is_not_one_reading_statement_is_refused_with_its_place(lake: Lake, core: Path, query: str) -> None:
    bank(lake, UNITS.format(query=query))
    before = core.read_bytes()
    with pytest.raises(SpecError) as refused:
        load_bank(lake.folder, lake)
    assert "bank.yaml:4" in str(refused.value)
    assert core.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "query", "error", "code"),
    [
        (None, QUERY, EnvironmentFault, "lake.database_url"),
        ("not a url: hunter2", QUERY, EnvironmentFault, "lake.database_url"),
        ("nosuch://hunter2@host/db", QUERY, EnvironmentFault, "lake.database_driver"),
        ("sqlite:////nowhere/hunter2/core.db", QUERY, EnvironmentFault, "lake.database_failed"),
        ("", "SELECT unit_id FROM brunch", DataError, "lake.query_failed"),
    ],
)
def test_a_database_that_does_not_answer_changes_nothing_and_tells_no_password(
    lake: Lake, core: Path, monkeypatch: pytest.MonkeyPatch,
    url: str | None, query: str, error: type[Exception], code: str,
) -> None:  # fmt: skip
    if url is None:
        monkeypatch.delenv(URL)
    elif url:
        monkeypatch.setenv(URL, url)
    bank(lake, UNITS.format(query=query))
    with pytest.raises(error) as refused:
        load_bank(lake.folder, lake)
    assert getattr(refused.value, "code", "") == code
    assert "hunter2" not in str(refused.value)
    assert lake.manifest.current("unit") is None
    assert not list((lake.folder / "data" / "incoming").glob("drawn/*"))


@pytest.fixture
def joined(lake: Lake) -> Callable[[str, str], None]:
    """Delivers dispositions of a day; the accounts lie outside dated folders."""
    root = lake.folder / "data" / "incoming"
    root.mkdir(parents=True)
    (root / "account.csv.gz").write_bytes(gzip.compress(b"no,opened\nA1,2020-01-02\nA2,2021-03-04\n"))
    bank(lake, JOINED)

    def deliver(day: str, content: str) -> None:
        (root / day).mkdir(exist_ok=True)
        (root / day / "DISP_1.csv").write_bytes(content.encode("gbk"))
        (root / day / ".ok").touch()

    return deliver


def test_a_query_joins_files_of_a_day_and_is_asked_once(lake: Lake, joined: Callable[[str, str], None]) -> None:
    joined("2026-11-20", "账户,客户,类型\nA1,C1,主\nA1,C2,副\nA2,C3,主\n")
    joined("2026-11-21", "账户,客户,类型\nA1,C1,主\nA1,C2,副\nA2,C3,主\nA2,C4,副\n")
    report = load_bank(lake.folder, lake)
    assert [(s.day and s.day.day, s.loaded) for s in report.sources] == [(20, 1), (21, 2)]
    found = {(row["from_no"], row["to_no"], str(row["since"])) for row in rows(lake, "relation")}
    assert found == {("C1", "C2", "2020-01-02"), ("C3", "C4", "2021-03-04")}
    assert origin_of(lake, "relation", ["C3", "C4", "family"]).raw is Raw.READ
    drawn = lake.folder / "data" / "incoming" / "drawn" / "owners-20261121.parquet"
    made = drawn.stat().st_mtime_ns
    assert "drawn/owners-20261121.parquet" in load_bank(lake.folder, lake).already_loaded
    assert drawn.stat().st_mtime_ns == made


def test_a_day_waits_for_the_file_that_is_lacking(lake: Lake, joined: Callable[[str, str], None]) -> None:
    joined("2026-11-21", "账户,客户,类型\nA1,C1,主\n")
    (lake.folder / "data" / "incoming" / "account.csv.gz").unlink()
    report = load_bank(lake.folder, lake)
    assert report.waiting == ("2026-11-21 owners: account",)
    assert lake.manifest.current("relation") is None


def test_a_line_that_cannot_be_read_stops_a_join(lake: Lake, joined: Callable[[str, str], None]) -> None:
    joined("2026-11-21", "账户,客户,类型\nA1,C1,主\nA1,C2\n")
    with pytest.raises(DataError, match=r"DISP_1\.csv") as refused:
        load_bank(lake.folder, lake)
    assert refused.value.code == "lake.joined_line"
    assert "3" in str(refused.value)


def test_a_query_over_files_reaches_nothing_else(lake: Lake, joined: Callable[[str, str], None]) -> None:
    joined("2026-11-21", "账户,客户,类型\nA1,C1,主\n")
    secret = lake.folder / "secret.csv"
    secret.write_text("from_no,to_no,kind\nC1,C2,family\n", "utf-8")
    (lake.folder / "bank.yaml").write_text(
        JOINED.split("    query:")[0] + f"    query: SELECT * FROM read_csv('{secret}')\n", "utf-8"
    )
    with pytest.raises(DataError) as refused:
        load_bank(lake.folder, lake)
    assert refused.value.code == "lake.query_failed"


def test_a_compressed_file_that_is_cut_short_is_not_loaded(lake: Lake, joined: Callable[[str, str], None]) -> None:
    joined("2026-11-21", "账户,客户,类型\nA1,C1,主\nA1,C2,副\n")
    path = lake.folder / "data" / "incoming" / "account.csv.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError) as refused:
        load_bank(lake.folder, lake)
    assert refused.value.code == "lake.unreadable_file"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{table: unit, query: SELECT 1}", "database"),
        ("{table: unit, database: X, files: {a: {path: a.csv, format: csv}}, query: SELECT 1}", "database"),
        ("{table: unit, database: X}", "query"),
        ("{table: unit, database: X, query: SELECT 1, path: a.csv}", "path"),
        ("{table: unit, files: [a], query: SELECT 1}", "files"),
        ("{table: unit, files: {a: {path: a.csv}}, query: SELECT 1}", "format"),
        ("{table: unit, files: {a: {path: a.csv, format: csv, table: unit}}, query: SELECT 1}", "table"),
        ("{path: a.csv, format: csv}", "table"),
    ],
)
def test_a_source_that_cannot_be_is_refused(lake: Lake, entry: str, said: str) -> None:
    bank(lake, f"sources:\n  odd: {entry}\n")
    with pytest.raises(SpecError, match=said):
        load_bank(lake.folder, lake)


def test_a_query_is_named_so_that_its_file_can_be(lake: Lake) -> None:
    bank(lake, 'sources:\n  "../odd": {table: unit, database: X, query: SELECT 1}\n')
    with pytest.raises(SpecError, match="odd"):
        load_bank(lake.folder, lake)


def test_no_file_pattern_takes_an_answer_for_a_delivery(lake: Lake, core: Path) -> None:
    bank(lake, UNITS.format(query=QUERY))
    load_bank(lake.folder, lake)
    again = Lake(lake.folder, MemoryManifest(), lake.clock)
    bank(again, 'sources:\n  u: {table: unit, path: "*/*.parquet", format: parquet}\n')
    assert load_bank(again.folder, again).sources == ()


@pytest.fixture
def postgres(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A PostgreSQL as the core system has it, under an account that may do everything; gives who changes it."""
    url = f"postgresql+psycopg{store.admin_dsn().removeprefix('postgresql')}"
    monkeypatch.setenv(URL, url)

    def execute(statement: str) -> None:
        with psycopg.connect(store.admin_dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())

    execute("CREATE TABLE core_employer (no text, name text, payday numeric, since timestamp, unit text, fee numeric)")
    execute(
        "INSERT INTO core_employer SELECT 'E' || n, '泉江' || n, 10, now(), '0000', n + 0.25 FROM generate_series(1, 45000) n"
    )
    execute("CREATE FUNCTION emptied() RETURNS text LANGUAGE sql AS 'DELETE FROM core_employer RETURNING no'")
    return execute


EMPLOYERS = """
sources:
  core_employer:
    table: employer
    database: TEST_CORE_URL
    query: {query}
    columns: {{employer_id: no, name_zh: name, payday: payday, unit_id: unit}}
    ignore: ["*"]
"""


def test_a_postgresql_is_read_by_the_batch(lake: Lake, postgres: Callable[[str], None]) -> None:
    bank(lake, EMPLOYERS.format(query='"SELECT * FROM core_employer WHERE since <= CAST(:today AS date) + 36500"'))
    (source,) = load_bank(lake.folder, lake).sources
    assert (source.loaded, source.quarantined) == (45_000, 0)
    drawn = pq.ParquetFile(lake.folder / "data" / "incoming" / "drawn" / "core_employer-20261122.parquet")
    assert drawn.num_row_groups == 3
    assert drawn.read(["fee"])["fee"].to_pylist()[0].endswith(".25")


def test_a_postgresql_lets_no_query_write(lake: Lake, store: Store, postgres: Callable[[str], None]) -> None:
    """A function that deletes looks as harmless as any: the database itself refuses it."""
    bank(lake, EMPLOYERS.format(query="SELECT emptied() AS no, '' AS name, 1 AS payday, '' AS unit"))
    with pytest.raises(DataError) as refused:
        load_bank(lake.folder, lake)
    assert refused.value.code == "lake.query_failed"
    assert "read-only" in str(refused.value)
    with psycopg.connect(store.admin_dsn()) as connection:
        assert connection.execute("SELECT count(*) FROM core_employer").fetchone() == (45_000,)


def test_a_postgresql_that_goes_away_in_the_middle_leaves_nothing(lake: Lake, postgres: Callable[[str], None]) -> None:
    gone = (
        "SELECT no, name, payday, unit, pg_terminate_backend(pg_backend_pid()) FROM core_employer WHERE no = 'E44999'"
    )
    bank(lake, EMPLOYERS.format(query=f"{gone} UNION ALL SELECT no, name, payday, unit, true FROM core_employer"))
    with pytest.raises(EnvironmentFault) as refused:
        load_bank(lake.folder, lake)
    assert refused.value.code == "lake.database_failed"
    assert lake.manifest.current("employer") is None
    assert not list((lake.folder / "data" / "incoming" / "drawn").glob("*"))
