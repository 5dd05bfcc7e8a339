"""A mapping that is put right is put to use, a table that nobody delivers stands in bank.yaml, an empty load says why."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.lake.conftest import NOW

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DataError, NotFoundError, SpecError
from bankloop.kit.text import Text
from bankloop.lake.contracts import Scope
from bankloop.lake.filelog import mapping_of
from bankloop.lake.inventory import deliveries
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.lake.sources import read_sources
from bankloop.lake.standstill import beside, check_units, why_nothing

DAY = "2026-11-21"
UNITS = """
sources:
  units:
    table: unit
    path: "*/unit.csv"
    format: csv
    columns:
      unit_id: 机构号
      parent_id: {from: 上级, values: {无: null}}
      kind: {from: 层级, values: {总行: head_office, 分行: branch, "": branch}}
      name_zh: 名称
      name_en: {from: 名称, values: {泉江: Quanjiang}}
"""
FILE = "机构号,上级,层级,名称\n0000,无,总行,泉江\n0100,0000,分行,东城\n0200,0000,,西城\n"
EVENTS = """
sources:
  events:
    table: event
    path: "*/event.csv"
    format: csv
    columns: {source: {constant: core}, event_id: id, customer_no: who, type: {from: what, values: {L: login}}, occurred_at: at, recorded_at: at}
"""


def write(folder: Path, name: str, content: str, day: str = DAY) -> Path:
    path = folder / "data" / "incoming" / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    (path.parent / ".ok").touch()
    return path


def bank(folder: Path, sources: str) -> None:
    (folder / "bank.yaml").write_text(sources, encoding="utf-8")


def read(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.connection(Scope.whole_bank("test")) as connection:
        return connection.execute(query).fetchall()


def test_codes_become_ours_and_an_empty_cell_may_have_one(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, UNITS)
    write(tmp_path, "unit.csv", FILE)
    load_bank(tmp_path, lake)
    assert read(lake, "SELECT unit_id, parent_id, kind, name_en FROM unit ORDER BY 1") == [
        ("0000", None, "head_office", "Quanjiang"), ("0100", "0000", "branch", "东城"), ("0200", "0000", "branch", "西城"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("分行: branch", "分行: brunch", "did you mean branch"),
        ("values: {泉江: Quanjiang}", "values: 泉江", "maps what stands there"),
        ("parent_id: {from: 上级, values: {无: null}}", "parent_id: {constant: a, from: b}", "either from or constant"),
        ("name_zh: 名称", "name_zh: {constant: x, values: {a: b}}", "takes no values beside it"),
        ("name_zh: 名称", "name_zh: 名称\n      name_zh: 层级", "is there twice"),
    ],
)
def test_a_map_that_cannot_be_is_refused_with_its_line(tmp_path: Path, was: str, now: str, says: str) -> None:
    bank(tmp_path, UNITS.replace(was, now))
    with pytest.raises(SpecError) as caught:
        read_sources(tmp_path)
    assert says in caught.value.message.en
    assert "bank.yaml:" in caught.value.message.en


@pytest.mark.parametrize("constant", ["minutes_per_day: {constant: many}", "on_leave: {constant: perhaps}"])
def test_a_constant_that_its_column_cannot_hold_is_refused_before_anything_is_read(
    tmp_path: Path, constant: str
) -> None:
    bank(tmp_path, f"sources: {{s: {{table: staff, path: s.csv, format: csv, columns: {{{constant}}}}}}}")
    with pytest.raises(SpecError, match="is no value of"):
        read_sources(tmp_path)


def test_a_file_known_by_another_mapping_is_said_and_made_anew_when_asked(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, UNITS)
    write(tmp_path, "unit.csv", FILE)
    assert load_bank(tmp_path, lake).remapped == ()
    assert load_bank(tmp_path, lake).already_loaded == ("2026-11-21/unit.csv",)
    bank(tmp_path, UNITS.replace("泉江: Quanjiang", "泉江: QJ"))
    report = load_bank(tmp_path, lake)
    assert (report.changed, report.remapped) == (False, ("unit: 2026-11-21/unit.csv",))
    assert "bankloop load --again unit" in beside(report)[0].en
    assert load_bank(tmp_path, lake, again=["unit"]).versions.keys() == {"unit"}
    assert read(lake, "SELECT name_en FROM unit ORDER BY unit_id")[0] == ("QJ",)
    assert load_bank(tmp_path, lake).remapped == ()
    assert [(one.rows, one.files) for one in deliveries(lake)] == [(3, 1)], "loading again counts once"


def test_an_append_table_is_made_anew_of_all_its_days(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, EVENTS)
    write(tmp_path, "event.csv", "id,who,what,at\n1,A,L,2026-11-19 09:00\n", "2026-11-20")
    write(tmp_path, "event.csv", "id,who,what,at\n2,B,P,2026-11-20 09:00\n")
    load_bank(tmp_path, lake)
    bank(tmp_path, EVENTS.replace("L: login", "L: login, P: payment"))
    report = load_bank(tmp_path, lake, again=["event"])
    assert [(one.loaded, one.already_known) for one in report.sources] == [(1, 0), (1, 0)]
    assert read(lake, "SELECT event_id, type FROM event ORDER BY 1") == [(1, "login"), (2, "payment")]


def test_what_is_not_there_any_more_is_not_lost_by_loading_again(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, EVENTS)
    gone = write(tmp_path, "event.csv", "id,who,what,at\n1,A,L,2026-11-19 09:00\n", "2026-11-20")
    write(tmp_path, "event.csv", "id,who,what,at\n2,B,L,2026-11-20 09:00\n")
    load_bank(tmp_path, lake)
    gone.unlink()
    with pytest.raises(DataError) as caught:
        load_bank(tmp_path, lake, again=["event"])
    assert caught.value.code == "lake.files_gone"
    assert "2026-11-20/event.csv" in caught.value.message.en
    assert load_bank(tmp_path, lake, again=["event"], accept_loss=["event"]).sources[0].loaded == 1
    assert read(lake, "SELECT event_id FROM event") == [(2,)]


def test_a_table_that_is_none_is_not_made_anew(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, UNITS)
    with pytest.raises(NotFoundError, match="unit"):
        load_bank(tmp_path, lake, again=["units"])


ROWS = """
sources:
  unit:
    table: unit
    rows:
      - {unit_id: HQ, kind: head_office, name_zh: 总行, name_en: Head office}
"""


def test_rows_that_stand_in_the_bank_s_file_load_once_and_anew_when_they_change(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, ROWS)
    assert load_bank(tmp_path, lake).versions.keys() == {"unit"}
    assert read(lake, "SELECT unit_id, parent_id, kind FROM unit") == [("HQ", None, "head_office")]
    assert not load_bank(tmp_path, lake).changed
    bank(tmp_path, ROWS + "      - {unit_id: B1, parent_id: HQ, kind: branch, name_zh: 东, name_en: East}\n")
    load_bank(tmp_path, lake)
    assert read(lake, "SELECT count(*) FROM unit") == [(2,)]


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("rows:", "path: x.csv\n    rows:", "take no path"),
        ("unit_id: HQ", "unit_no: HQ", "did you mean unit_id"),
        ("  unit:", "  机构:", "letters, digits"),
        ("- {", "- no\n      - {", "a list of 1 to 200"),
    ],
)
def test_rows_that_cannot_be_are_refused(tmp_path: Path, was: str, now: str, says: str) -> None:
    bank(tmp_path, ROWS.replace(was, now, 1))
    with pytest.raises(SpecError) as caught:
        read_sources(tmp_path)
    assert says in caught.value.message.en


def said(folder: Path, lake: Lake) -> list[Text]:
    return list(why_nothing(load_bank(folder, lake), read_sources(folder)))


def test_an_empty_load_says_why(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, "name: {zh: 行, en: Bank}")
    assert "init --from" in said(tmp_path, lake)[0].en
    bank(tmp_path, UNITS)
    assert "they ask for */unit.csv" in said(tmp_path, lake)[0].en
    path = write(tmp_path, "unit.csv", FILE)
    (path.parent / ".ok").unlink()
    assert "still wait for .ok or for files: 2026-11-21" in said(tmp_path, lake)[0].en
    (path.parent / ".ok").touch()
    assert said(tmp_path, lake) == []
    assert "have not changed" in said(tmp_path, lake)[0].en


def test_a_file_that_nobody_reads_is_named(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, UNITS)
    write(tmp_path, "unit.csv", FILE)
    write(tmp_path, "Unit_new.csv", FILE)
    report = load_bank(tmp_path, lake)
    assert report.unread == ("2026-11-21/Unit_new.csv",)
    assert "Unit_new.csv" in beside(report)[0].zh


def test_customers_without_units_are_a_clear_stop(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, "sources: {people: {table: customer, path: c.csv, format: csv}}")
    with pytest.raises(SpecError) as caught:
        check_units(lake)
    assert caught.value.code == "lake.no_units"
    assert "rows: [{unit_id: HQ" in caught.value.message.zh
    bank(tmp_path, ROWS + "  people: {table: customer, path: c.csv, format: csv}\n")
    check_units(lake)


def test_a_log_from_before_mappings_were_kept_is_still_read(tmp_path: Path, lake: Lake) -> None:
    import pyarrow.parquet as pq

    bank(tmp_path, UNITS)
    write(tmp_path, "unit.csv", FILE)
    load_bank(tmp_path, lake)
    path = Path(lake.paths(lake.version("loaded_file"))[0])
    pq.write_table(pq.read_table(path).drop_columns(["mapping"]), path)
    bank(tmp_path, UNITS.replace("泉江: Quanjiang", "泉江: QJ"))
    report = load_bank(tmp_path, lake)
    assert (report.already_loaded, report.remapped) == (("2026-11-21/unit.csv",), ())
    write(tmp_path, "unit.csv", FILE, "2026-11-22")
    assert load_bank(tmp_path, lake).sources[0].day == date(2026, 11, 22)


QUERY = """
sources:
  units:
    table: unit
    files: {rows: {path: "*/unit.csv", format: csv}}
    query: SELECT "机构号" AS unit_id, NULL AS parent_id, 'branch' AS kind, "名称" AS name_zh, "名称" AS name_en FROM rows
"""


def test_a_query_s_mapping_is_its_words_too(tmp_path: Path, lake: Lake) -> None:
    bank(tmp_path, QUERY)
    write(tmp_path, "unit.csv", FILE)
    load_bank(tmp_path, lake)
    (before,) = read_sources(tmp_path)
    bank(tmp_path, QUERY.replace("format: csv", "format: csv, delimiter: ';'"))
    (after,) = read_sources(tmp_path)
    assert mapping_of(before) != mapping_of(after)
    bank(tmp_path, "# a remark\n" + QUERY)
    assert mapping_of(read_sources(tmp_path)[0]) == mapping_of(before)


def test_a_database_s_snapshot_is_made_anew_by_its_answer_of_now(
    tmp_path: Path, manifest: MemoryManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNITS_URL", f"sqlite:///{tmp_path / 'units.db'}")
    with sqlite3.connect(tmp_path / "units.db") as connection:
        connection.execute("CREATE TABLE u AS SELECT 'HQ' AS unit_id, 'head_office' AS kind, 'x' AS name_zh")
    asked = (
        "sources: {u: {table: unit, database: UNITS_URL, query: SELECT * FROM u, columns: {name_en: {constant: A}}}}"
    )
    bank(tmp_path, asked)
    first, later = (FixedClock(NOW + timedelta(days=day)) for day in (0, 1))
    load_bank(tmp_path, Lake(tmp_path, manifest, first))
    bank(tmp_path, asked.replace("constant: A", "constant: B"))
    lake = Lake(tmp_path, manifest, later)
    load_bank(tmp_path, lake, again=["unit"])
    assert read(lake, "SELECT name_en FROM unit") == [("B",)]
