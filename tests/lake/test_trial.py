"""Every fault of a bank's files in one run, and nothing changed by looking."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.lake.trial import DataTrial, try_load

CLOCK = FixedClock(datetime(2026, 11, 22, 4, tzinfo=UTC))
BANK = """
sources:
  units: {table: unit, rows: [{unit_id: HQ, kind: head_office, name_zh: 总行, name_en: Head office}]}
  staff:
    table: staff
    path: "*/staff.csv"
    format: csv
    columns: {staff_id: 工号, unit_id: 机构, post: 岗位, on_leave: 休假, minutes_per_day: 分钟}
  people:
    table: employer
    path: "*/firm.csv"
    format: csv
    columns: {employer_id: 号, name_zh: 名, payday: 日, unit_id: 机构}
  holdings:
    table: holding
    path: "*/holding.csv"
    format: csv
    columns:
      holding_id: 号
      customer_no: 客户
      product_class: {from: 类, values: {活期: demand_deposit}}
      product_id: 产品
      balance_fen: {from: 余额, money: yuan}
      opened_on: {from: 开户, date: "%Y%m%d"}
"""
STAFF = "工号,机构,休假,分钟,备注\nS1,HQ,否,240,x\nS2,0900,也许,240,\nS3,0900,是,240,\n"
HOLDINGS = "号,客户,类,产品,余额,开户\n1,C1,活期,P,10.00,20200101\n2,C1,定期,P,1,20200101\n3,C2,定期,P,1,2020-01-01\n4,C2,理财,P,1,20200101\n"


def write(folder: Path, **files: str) -> None:
    place = folder / "data" / "incoming" / "20261121"
    place.mkdir(parents=True)
    (place / ".ok").touch()
    for name, content in files.items():
        (place / f"{name}.csv").write_text(content, encoding="utf-8")
    (folder / "bank.yaml").write_text(BANK, encoding="utf-8")


def found(trial: DataTrial) -> set[tuple[str, str, str, int]]:
    return {(one.source, one.column, one.rule, one.rows) for one in trial.findings}


def test_one_run_names_missing_columns_unknown_codes_and_dangling_keys(tmp_path: Path) -> None:
    write(tmp_path, staff=STAFF, holding=HOLDINGS, other="a\n1\n")
    trial = try_load(tmp_path, CLOCK)
    assert found(trial) == {
        ("staff", "岗位", "missing_column", 0),
        ("staff", "备注", "unknown_column", 0),
        ("staff", "on_leave", "type", 1),
        ("staff", "unit_id", "reference", 1),
        ("people", "", "no_file", 0),
        ("holdings", "product_class", "allowed", 3),
        ("holdings", "opened_on", "type", 1),
    }
    assert trial.unread == ("20261121/other.csv",)
    codes = next(one for one in trial.findings if one.column == "product_class")
    assert codes.examples == ("定期", "理财"), "the commonest first"
    assert "values" in codes.said.zh
    assert "term_deposit" in codes.said.en
    dangling = next(one for one in trial.findings if one.rule == "reference")
    assert "files of unit" in dangling.said.en


def test_the_first_rows_are_shown_as_they_would_load(tmp_path: Path) -> None:
    write(tmp_path, staff=STAFF, holding=HOLDINGS)
    holdings = next(one for one in try_load(tmp_path, CLOCK).sources if one.source == "holdings")
    assert (holdings.read, holdings.good) == (4, 1)
    assert holdings.columns == ("holding_id", "customer_no", "product_class", "product_id", "balance_fen", "opened_on")
    assert holdings.preview == (("1", "C1", "demand_deposit", "P", "1000", "2020-01-01"),)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, staff=STAFF, holding=HOLDINGS)
    before = sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*"))
    try_load(tmp_path, CLOCK)
    assert sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (b"PK\x03\x04rest", "other_kind"),
        (b"\xff\xfea\x00", "other_kind"),
        (b"a,a\n1,2\n", "duplicate_column"),
    ],
)
def test_a_file_that_is_none_is_a_finding_and_the_others_go_on(tmp_path: Path, content: bytes, rule: str) -> None:
    write(tmp_path, holding=HOLDINGS, staff="")
    (tmp_path / "data" / "incoming" / "20261121" / "staff.csv").write_bytes(content)
    trial = try_load(tmp_path, CLOCK)
    assert any(one.source == "staff" and rule in one.rule for one in trial.findings), trial.findings
    assert [one.source for one in trial.sources] == ["units", "holdings"]


def test_a_day_to_come_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, staff=STAFF, holding=HOLDINGS)
    (tmp_path / "data" / "incoming" / "20261121").rename(tmp_path / "data" / "incoming" / "20271121")
    assert {one.rule for one in try_load(tmp_path, CLOCK).findings} >= {"future_delivery"}
