"""What a file holds is what a load accounts for: columns at their place, every line somebody's, nothing gone unsaid."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.lake.test_hostile_files import book, with_sheet
from tests.lake.test_load import UNITS, write

from bankloop.kit.errors import DataError, NotFoundError
from bankloop.lake.contracts import LoadReport, Scope, SourceReport
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

_BANK = """
sources:
  units: {table: unit, path: "*/unit.csv", format: csv}
  employers:
    table: employer
    path: "*/employer.*"
    format: FORMAT
    reject_above: LIMIT
    columns: {employer_id: no, name_zh: name, payday: day, unit_id: unit}
    ignore: [helper]
  events:
    table: event
    path: "*/event.csv"
    format: csv
    reject_above: 100%
    columns: {source: {constant: core}, amount_fen: {from: amount, money: yuan}}
"""
_HEAD = "no,name,day,unit\n"
_EVENT = "event_id,customer_no,type,occurred_at,recorded_at,channel,scene,amount\n"


def bank(lake: Lake, form: str = "csv", limit: str = "2%") -> Path:
    (lake.folder / "bank.yaml").write_text(_BANK.replace("FORMAT", form).replace("LIMIT", limit), encoding="utf-8")
    write(lake.folder, "unit.csv", UNITS)
    return lake.folder


def report(load: LoadReport, name: str = "employers") -> SourceReport:
    found = next(one for one in load.sources if one.source == name)
    assert found.rows_read == found.loaded + found.already_known + found.quarantined
    return found


def stored(lake: Lake, query: str) -> list[Any]:
    with lake.connection(Scope.whole_bank("test")) as engine:
        return engine.sql(query).fetchall()


def quarantine(lake: Lake, name: str = "employers") -> list[tuple[int, str, str]]:
    place = next((lake.folder / "data" / "quarantine").glob(f"*/{name}*.parquet"))
    return [tuple(row) for row in stored(lake, f"SELECT line, \"column\", rule FROM '{place}' ORDER BY line")]


def stopped(lake: Lake, code: str) -> str:
    before = {table: lake.manifest.current(table) for table in ("employer", "unit")}
    with pytest.raises(DataError) as caught:
        load_bank(lake.folder, lake)
    assert caught.value.code == code, caught.value
    assert {table: lake.manifest.current(table) for table in before} == before
    return caught.value.message.en


# Columns


def test_a_trailing_comma_in_the_header_is_an_unnamed_column(lake: Lake) -> None:
    write(bank(lake), "employer.csv", "no,name,day,unit ,\nE1,甲,5,0100,\nE2,乙,6,0100,x\n")
    assert report(load_bank(lake.folder, lake)).loaded == 2
    assert stored(lake, "SELECT employer_id, unit_id FROM employer ORDER BY 1") == [("E1", "0100"), ("E2", "0100")]


@pytest.mark.parametrize("second", ["name", "NAME", " name\u200b"])
def test_a_doubled_column_is_named_with_both_places(lake: Lake, second: str) -> None:
    write(bank(lake), "employer.csv", f"no,name,day,unit,{second}\nE1,甲,5,0100,x\n")
    said = stopped(lake, "lake.duplicate_column")
    assert "employer.csv" in said
    assert "column 2 name" in said
    assert "column 5" in said


def test_a_sheet_s_columns_stay_where_they_are(lake: Lake) -> None:
    rows = [("no", "name", None, "day ", "unit"), ("E1", "甲", "=x", 5, "0100"), ("E2", "乙", None, 6, "0100")]
    write(bank(lake, "xlsx"), "employer.xlsx", book(*rows))
    assert report(load_bank(lake.folder, lake)).loaded == 2
    found = stored(lake, "SELECT employer_id, name_zh, payday, unit_id FROM employer ORDER BY 1")
    assert found == [("E1", "甲", 5, "0100"), ("E2", "乙", 6, "0100")]


def test_a_sheet_s_doubled_column_is_refused(lake: Lake) -> None:
    write(
        bank(lake, "xlsx"), "employer.xlsx", book(("no", "name", "day", "unit", "Name"), ("E1", "甲", 5, "0100", "x"))
    )
    assert "column 2 name and column 5 Name" in stopped(lake, "lake.duplicate_column")


@pytest.mark.parametrize(
    ("form", "body", "kind"),
    [
        ("csv", (_HEAD + "E1,甲,5,0100\n").encode("utf-16"), "UTF-16"),
        ("csv", (_HEAD + "E1,甲,5,0100\n").encode("utf-16-be"), "UTF-16"),
        ("csv", book(("no",)), "xlsx"),
        ("xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "97–2003"),
        ("parquet", book(("no",)), "xlsx"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(lake: Lake, form: str, body: bytes, kind: str) -> None:
    write(bank(lake, form), f"employer.{form}", body)
    assert kind in stopped(lake, "lake.other_kind")


# Lines


def test_an_unclosed_quote_counts_every_line_it_takes(lake: Lake) -> None:
    lines = [f"E{n},名{n},5,0100" for n in range(1, 1_001)]
    lines[599] = 'E600,"名600,5,0100'
    write(bank(lake), "employer.csv", _HEAD + "\n".join(lines) + "\n")
    assert "401 of 1000" in stopped(lake, "lake.too_many_bad_rows")
    bank(lake, limit="50%")
    found = report(load_bank(lake.folder, lake))
    assert (found.rows_read, found.loaded, found.quarantined) == (1_000, 599, 401)
    assert quarantine(lake) == [(601, "", "fields")]


def test_a_quote_longer_than_the_engine_keeps_is_counted_whole(lake: Lake) -> None:
    lines = [f"E{n},{'名' * 30},5,0100" for n in range(1, 60_001)]
    lines[10] = 'E11,"名,5,0100'
    write(bank(lake, limit="100%"), "employer.csv", _HEAD + "\n".join(lines) + "\n")
    found = report(load_bank(lake.folder, lake))
    assert found.rows_read == 60_000
    assert found.loaded >= 10


def test_a_row_of_several_lines_moves_no_other_s_number(lake: Lake) -> None:
    rows = 'E1,"甲\n\n乙",5,0100\nE2,x,none,0100\n\nE3,y\nE4,"z\nz",6,0100\nE5,x,none,0100\n'
    write(bank(lake, limit="100%"), "employer.csv", _HEAD + rows)
    found = report(load_bank(lake.folder, lake))
    assert (found.rows_read, found.loaded, found.quarantined) == (5, 2, 3)
    assert quarantine(lake) == [(5, "payday", "type"), (7, "", "fields"), (10, "payday", "type")]


def test_each_reject_counts_its_own_lines(lake: Lake) -> None:
    rows = 'E1,"a\nb"x,5,0100\nE2,x,none,0100\nE3,"a\nb\nc"x,5,0100\nE4,x,none,0100\nE5,x,5,0100\n'
    write(bank(lake, limit="100%"), "employer.csv", _HEAD + rows)
    found = report(load_bank(lake.folder, lake))
    assert (found.rows_read, found.loaded, found.quarantined) == (8, 1, 7)
    assert quarantine(lake) == [(2, "", "fields"), (4, "payday", "type"), (5, "", "fields"), (8, "payday", "type")]


def test_a_sheet_that_understates_itself_loads_whole(lake: Lake) -> None:
    head = "".join(
        f'<c r="{c}1" t="str"><v>{t}</v></c>' for c, t in zip("ABCD", ("no", "name", "day", "unit"), strict=True)
    )
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="str"><v>E{n}</v></c><c r="B{n}" t="str"><v>甲</v></c><c r="C{n}"><v>5</v></c>'
        f'<c r="D{n}" t="str"><v>0100</v></c></row>'
        for n in range(2, 7)
    )
    body = with_sheet(f'<row r="1">{head}</row>{rows}').replace(b"", b"")
    write(bank(lake, "xlsx"), "employer.xlsx", stating(body, "A1:D3"))
    assert report(load_bank(lake.folder, lake)).loaded == 5


def stating(body: bytes, dimension: str) -> bytes:
    import io
    import zipfile

    from tests.lake.test_hostile_files import with_part

    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        sheet = packed.read(name).decode()
    return with_part(body, name, sheet.replace("<sheetData>", f'<dimension ref="{dimension}"/><sheetData>'))


def test_a_cell_without_a_value_to_rely_on_costs_its_row_where_it_is_used(lake: Lake) -> None:
    cells = {
        "2": '<c r="A2"><v>6222021234567890123</v></c>', "3": '<c r="A3" t="e"><v>#N/A</v></c>',
        "4": '<c r="A4"><f>B4</f></c>', "5": '<c r="A5"><v>5</v></c>',
    }  # fmt: skip
    head = "".join(
        f'<c r="{c}1" t="str"><v>{t}</v></c>'
        for c, t in zip("ABCDE", ("no", "name", "day", "unit", "helper"), strict=True)
    )
    rest = '<c r="B{0}" t="str"><v>甲</v></c><c r="C{0}"><v>5</v></c><c r="D{0}" t="str"><v>0100</v></c><c r="E{0}" t="e"><v>#REF!</v></c>'
    rows = "".join(f'<row r="{n}">{cell}{rest.format(n)}</row>' for n, cell in cells.items())
    write(bank(lake, "xlsx", "100%"), "employer.xlsx", with_sheet(f'<row r="1">{head}</row>{rows}'))
    found = report(load_bank(lake.folder, lake))
    assert (found.rows_read, found.loaded) == (4, 1)
    assert quarantine(lake) == [(2, "no", "cell"), (3, "no", "cell"), (4, "no", "cell")]


# Deliveries


def employers(count: int) -> str:
    return _HEAD + "".join(f"E{n},名,5,0100\n" for n in range(count))


def test_a_snapshot_that_loses_most_of_its_rows_stops_and_asks(lake: Lake) -> None:
    write(bank(lake), "employer.csv", employers(100), "2026-11-19")
    load_bank(lake.folder, lake)
    for rows in (0, 49):
        write(lake.folder, "employer.csv", employers(rows), "2026-11-20")
        said = stopped(lake, "lake.lost_rows")
        assert f"{rows} rows of the 100" in said
        assert "--accept-loss employer" in said
    assert report(load_bank(lake.folder, lake, accept_loss=["employer"])).loaded == 49
    write(lake.folder, "employer.csv", employers(25), "2026-11-21")
    assert report(load_bank(lake.folder, lake)).loaded == 25


def test_a_day_to_come_is_refused(lake: Lake) -> None:
    write(bank(lake), "employer.csv", employers(3), "2062-11-21")
    said = stopped(lake, "lake.future_delivery")
    assert "2062-11-21/employer.csv" in said
    assert "2026-11-22" in said


def test_a_version_is_taken_back_and_what_it_superseded_loads(lake: Lake, manifest: MemoryManifest) -> None:
    write(bank(lake), "employer.csv", employers(3), "2026-11-18")
    load_bank(lake.folder, lake)
    with pytest.raises(NotFoundError):
        lake.take_back("employer")
    write(lake.folder, "employer.csv", employers(9), "2026-11-21")
    load_bank(lake.folder, lake)
    write(lake.folder, "employer.csv", employers(5), "2026-11-20")
    assert load_bank(lake.folder, lake).superseded == ("2026-11-20/employer.csv",)
    back = lake.take_back("employer")
    assert (back.rows, back.as_of) == (3, date(2026, 11, 18))
    assert manifest.current("employer") == back
    assert stored(lake, "SELECT count(*) FROM employer") == [(3,)]
    assert report(load_bank(lake.folder, lake)).loaded == 5


def test_the_same_event_with_other_content_is_a_contradiction(lake: Lake) -> None:
    first = "1,C1,transaction,2026-11-19 10:00:00,2026-11-20 00:00:00,app,,100\n"
    write(bank(lake), "event.csv", _EVENT + first, "2026-11-20")
    load_bank(lake.folder, lake)
    again = first.replace("00:00:00", "09:00:00")
    rows = [
        again,
        again.replace(",100", ",200"),
        "2,C1,transaction,2026-11-19 11:00:00,2026-11-20 09:00:00,app,,-200\n",
    ]
    write(lake.folder, "event.csv", _EVENT + "".join(rows) + rows[2] + rows[2].replace("app", "atm"), "2026-11-21")
    found = report(load_bank(lake.folder, lake), "events")
    assert (found.rows_read, found.loaded, found.already_known, found.quarantined) == (5, 1, 2, 2)
    assert [(one.rule, one.rows) for one in found.rules] == [("contradiction", 2)]
    assert [(line, rule) for line, _, rule in quarantine(lake, "events")] == [
        (3, "contradiction"),
        (6, "contradiction"),
    ]
    assert stored(lake, "SELECT event_id, amount_fen FROM event ORDER BY 1") == [(1, 10_000), (2, -20_000)]


# Values


def values(*rows: str) -> str:
    return _HEAD + "".join(f"{row}\n" for row in rows)


def test_a_key_is_a_key_and_nothing_invisible_makes_it_another(lake: Lake) -> None:
    rows = ("6.22202E+18,甲,5,0100", "123.0,甲,5,0100", "K4\t,甲,5,0100", "K3\u200b,甲,5,0100", "\ufeffK2,甲,5,0100",
            "K\u200b5,甲,5,0100", "00123,甲,5,0100", "K6\x00,甲,5,0100", "K7,甲\x00乙,5,0100")  # fmt: skip
    write(bank(lake, limit="100%"), "employer.csv", values(*rows))
    assert report(load_bank(lake.folder, lake)).loaded == 4
    assert stored(lake, "SELECT employer_id FROM employer ORDER BY 1") == [("00123",), ("K2",), ("K3",), ("K4",)]
    assert [line for line, _, _ in quarantine(lake)] == [2, 3, 7, 9, 10]


def test_chinese_of_windows_is_read_with_its_rare_signs(lake: Lake) -> None:
    folder = bank(lake)
    text = (folder / "bank.yaml").read_text(encoding="utf-8").replace("reject_above: 2%", "encoding: gbk")
    (folder / "bank.yaml").write_text(text, encoding="utf-8")
    names = ["王䶮", "王𠮷", "丙"]
    rows = "".join(f"E{n},{name},5,0100\n" for n, name in enumerate(names)).encode("gb18030")
    write(folder, "employer.csv", _HEAD.encode() + rows + b"E3,\x80,5,0100\n")
    assert report(load_bank(lake.folder, lake)).loaded == 4
    assert [name for (name,) in stored(lake, "SELECT name_zh FROM employer ORDER BY employer_id")] == [*names, "€"]


def test_amounts_days_and_moments_are_what_they_say_or_quarantined(lake: Lake) -> None:
    amounts = ["100", '"1,234.56"', '"1.234,56"', '"1,23"', '"12,34,56"', "1e3"]
    rows = [f"{n},C1,transaction,2026-11-19 10:00:00,2026-11-20 00:00:00,app,,{a}\n" for n, a in enumerate(amounts)]
    moments = ["2026-11-19 10:00:00Z", "2026-11-19 10:00:00 UTC", "2026-11-19T18:00:00+08:00", "26-11-19 10:00:00",
               "2026-11-19 10:00:00 PM", "1899-11-19 10:00:00", "epoch"]  # fmt: skip
    rows += [f"{n},C1,login,{m},2026-11-20 00:00:00,app,,1\n" for n, m in enumerate(moments, 10)]
    write(bank(lake), "event.csv", _EVENT + "".join(rows))
    load_bank(lake.folder, lake)
    found = stored(lake, "SELECT event_id, amount_fen, hour(occurred_at) FROM event ORDER BY 1")
    assert found == [(0, 10_000, 2), (1, 123_456, 2), (10, 100, 10), (11, 100, 10), (12, 100, 10)]


def test_a_moment_without_a_zone_is_in_the_source_s_wherever_it_comes_from(lake: Lake) -> None:
    from datetime import datetime

    import pyarrow as pa
    import pyarrow.parquet as pq

    text = _BANK.replace("FORMAT", "csv").replace("LIMIT", "2%").replace("event.csv", "event.parquet")
    (lake.folder / "bank.yaml").write_text(text.replace("format: csv\n    reject_above: 100%", "format: parquet"))
    write(lake.folder, "unit.csv", UNITS)
    at = datetime(2026, 11, 19, 23, 30)  # noqa: DTZ001 - as a source writes it
    table = pa.table({"event_id": [1], "customer_no": ["C1"], "type": ["login"], "occurred_at": [at], "recorded_at": [at],
                      "channel": ["app"], "scene": [""], "amount": ["1"]})  # fmt: skip
    pq.write_table(table, write(lake.folder, "event.parquet", b""))
    load_bank(lake.folder, lake)
    assert stored(lake, "SELECT hour(occurred_at), day(occurred_at) FROM event") == [(15, 19)]


_PEOPLE = """
sources:
  customers:
    table: customer
    path: "*/customer.csv"
    format: csv
    columns:
      name_token: {pii: name, from: name}
      phone_token: {pii: phone, from: phone}
      phone_valid: {from: phone, matches: phone}
COLUMNS
"""


def people(lake: Lake, phones: list[str]) -> None:
    from bankloop.lake.conformed import CONTRACTS
    from bankloop.lake.contracts import ColumnType

    plain = {ColumnType.BOOL: "false", ColumnType.INT: "0", ColumnType.DATE: "2020-01-01", ColumnType.STR: "x"}
    fixed = [
        f"      {c.name}: {{constant: {(c.allowed or (plain[c.type],))[0]!r}}}"
        for c in CONTRACTS["customer"].columns
        if c.name not in ("customer_no", "name_token", "phone_token", "phone_valid") and not c.nullable
    ]
    (lake.folder / "bank.yaml").write_text(_PEOPLE.replace("COLUMNS", "\n".join(fixed)), encoding="utf-8")
    rows = "".join(f"C{n:03},张三,{phone}\n" for n, phone in enumerate(phones))
    write(lake.folder, "customer.csv", "customer_no,name,phone\n" + rows)


def test_a_number_is_the_same_however_it_was_typed(lake: Lake) -> None:
    typed = ["13900000001", "0086 13900000001", "(+86)13900000001", "13900000001.0", "139\u00a00000\u00a00001", "12"]
    people(lake, typed)
    load_bank(lake.folder, lake)
    found = stored(
        lake, "SELECT phone_valid, count(*), count(DISTINCT phone_token) FROM customer GROUP BY 1 ORDER BY 1"
    )
    assert found == [(False, 1, 0), (True, 5, 1)]


def test_a_column_mostly_invalid_stops_the_load(lake: Lake) -> None:
    people(lake, ["1390000000"] * 11 + ["13900000001"] * 9)
    assert "11 of 20 numbers of phone_token" in stopped(lake, "lake.mostly_invalid")
    people(lake, ["1390000000"] * 10 + ["13900000001"] * 10)
    assert report(load_bank(lake.folder, lake), "customers").loaded == 20
