"""Every conformed row leads back to its raw line: through rejects, blank lines, snapshots, changed rows, and copies."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from tests.lake.conftest import NOW
from tests.lake.test_load import BANK, UNITS, employers, event, write, write_events

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import NotFoundError
from bankloop.lake.load import load_bank
from bankloop.lake.origins import Raw, origin_of
from bankloop.lake.service import Lake

NEXT = "2026-11-22"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(BANK.replace("reject_above: 40%", "reject_above: 90%"), encoding="utf-8")
    write(tmp_path, "unit.csv", "\ufeff" + UNITS)
    return tmp_path


def raw_of(found: object) -> dict[str, str]:
    return {cell.column: cell.raw for cell in found.cells if cell.column}  # type: ignore[attr-defined]


def test_a_row_after_lines_that_are_none_names_its_own_line(bank: Path, lake: Lake) -> None:
    lines = employers(("E1", "甲", "10", "0100"), ("E2", "乙", "99", "0100"), ("E3", "丙", "15", "0100")).decode("gbk")
    broken = lines.replace("E3|@|", "一列\nE3|@|")  # a line of one field before E3
    write(bank, "employer.csv", broken.encode("gbk"))
    report = load_bank(bank, lake)
    found = origin_of(lake, "employer", ["E3"])
    assert (found.raw, found.source, found.file) == (Raw.READ, "employers", "2026-11-21/employer.csv")
    assert broken.splitlines()[found.line - 1].startswith("E3|@|")
    assert raw_of(found) == {"employer_id": "E3", "name_zh": "丙", "payday": "15", "unit_id": "0100"}
    assert found.load_id == report.load_id
    assert str(found.day) == "2026-11-21"
    first = origin_of(lake, "employer", ["E1"])
    assert broken.splitlines()[first.line - 1].startswith("E1|@|")
    assert {cell.source: cell.raw for cell in first.cells if not cell.column} == {"备注": "***"}
    with pytest.raises(NotFoundError):
        origin_of(lake, "employer", ["E2"])  # in quarantine
    with pytest.raises(NotFoundError):
        origin_of(lake, "employer", ["E1", "E1"])


def test_a_parquet_file_stored_as_it_came_is_its_own_origin(bank: Path, lake: Lake) -> None:
    write_events(bank, event(1), event(2, type="payroll"), event(3))
    load_bank(bank, lake)
    found = origin_of(lake, "event", ["core", "2"])
    assert (found.raw, found.line, found.file) == (Raw.READ, 2, "2026-11-21/event.parquet")
    assert raw_of(found)["type"] == "payroll"
    # One of a future moment goes to quarantine: the file is converted, and its rows still know their lines.
    later = event(4, occurred_at=event(1)["occurred_at"].replace(year=2099))
    write_events(bank, later, event(5), event(1), event(6), day=NEXT)
    load_bank(bank, lake)
    for number, line in ((5, 2), (6, 4)):
        found = origin_of(lake, "event", ["core", str(number)])
        assert (found.file, found.line) == (f"{NEXT}/event.parquet", line)
        assert raw_of(found)["event_id"] == str(number)
    assert origin_of(lake, "event", ["core", "1"]).file == "2026-11-21/event.parquet"  # stored once, from the first


def test_rows_that_stayed_keep_their_origin_when_others_change(bank: Path, lake: Lake) -> None:
    text = BANK.replace("units: {table: unit,", "units: {table: unit, mode: upsert,")
    (bank / "bank.yaml").write_text(text, encoding="utf-8")
    first = load_bank(bank, lake)
    write(
        bank,
        "unit.csv",
        UNITS.splitlines()[0] + "\n0100,0000,branch,一分行,First branch\n0200,0000,branch,新,New\n",
        NEXT,
    )
    second = load_bank(bank, lake)
    stayed, changed, new = (origin_of(lake, "unit", [key]) for key in ("0000", "0100", "0200"))
    assert (stayed.file, stayed.line, stayed.load_id) == ("2026-11-21/unit.csv", 2, first.load_id)
    assert (changed.file, changed.line, changed.load_id) == (f"{NEXT}/unit.csv", 2, second.load_id)
    assert (new.file, new.line) == (f"{NEXT}/unit.csv", 3)
    lake.clock = FixedClock(NOW + timedelta(days=1))
    write(bank, "unit.csv", UNITS.splitlines()[0] + "\n0300,0000,branch,再,Again\n", "2026-11-23")
    load_bank(bank, lake)
    assert origin_of(lake, "unit", ["0000"]).load_id == first.load_id
    assert origin_of(lake, "unit", ["0200"]).load_id == second.load_id


def test_a_file_that_was_changed_or_taken_away_is_said_to_be(bank: Path, lake: Lake) -> None:
    file = write(bank, "employer.csv", employers(("E1", "甲", "10", "0100")))
    load_bank(bank, lake)
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"10", b"11"))
    found = origin_of(lake, "employer", ["E1"])
    assert (found.raw, found.line) == (Raw.CHANGED, 2)
    assert raw_of(found)["payday"] == ""
    file.unlink()
    assert origin_of(lake, "employer", ["E1"]).raw is Raw.GONE
    file.write_bytes(kept)
    assert raw_of(origin_of(lake, "employer", ["E1"]))["payday"] == "10"


def test_an_xlsx_row_names_the_sheet_s_row(bank: Path, lake: Lake) -> None:
    text = BANK.replace(
        'path: "*/employer.csv"\n    format: csv\n    encoding: gbk\n    delimiter: "|@|"',
        'path: "*/employer.xlsx"\n    format: xlsx',
    )
    (bank / "bank.yaml").write_text(text, encoding="utf-8")
    book = openpyxl.Workbook()
    for row in (("单位号", "名称", "发薪日", "机构"), ("E1", "甲", 10, "0100"), (), ("E2", "乙", 15, "0100")):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    write(bank, "employer.xlsx", out.getvalue())
    load_bank(bank, lake)
    found = origin_of(lake, "employer", ["E2"])
    assert (found.raw, found.line) == (Raw.READ, 4)
    assert raw_of(found)["name_zh"] == "乙"


def test_the_same_content_is_the_same_version_whatever_brought_it(bank: Path, lake: Lake) -> None:
    write(bank, "employer.csv", employers(("E1", "甲", "10", "0100")))
    load_bank(bank, lake)
    before = lake.version("employer")
    write(bank, "employer.csv", employers(("E1", "甲", "10", "0100")) + b"\n")
    load_bank(bank, lake)
    assert lake.version("employer") == before
    assert origin_of(lake, "employer", ["E1"]).line == 2
