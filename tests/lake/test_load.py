"""Loading a bank's files: good rows in, bad rows named, a broken contract stops everything."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bankloop.kit.errors import BankloopError, DataError, NotFoundError, SpecError
from bankloop.lake.contracts import LoadReport, RuleCount, Scope
from bankloop.lake.engine import schema_of
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

DAY = "2026-11-21"
UNITS = "unit_id,parent_id,kind,name_zh,name_en\n0000,,head_office,总行,Head office\n0100,0000,branch,分行,Branch\n"
BANK = """
time_zone: Asia/Shanghai
sources:
  units: {table: unit, path: "*/unit.csv", format: csv}
  employers:
    table: employer
    path: "*/employer.csv"
    format: csv
    encoding: gbk
    delimiter: "|@|"
    reject_above: 40%
    columns: {employer_id: 单位号, name_zh: 名称, payday: 发薪日, unit_id: 机构}
    ignore: [备注]
  events: {table: event, path: "*/event.parquet", format: parquet, reject_above: 50%}
"""
EMPLOYERS = [("E1", "泉江钢铁", "10", "0100"), ("E2", "泉江纺织", "15", "0100"), ("E3", "泉江学校", "25", "0000")]


def write(folder: Path, name: str, content: str | bytes, day: str = DAY, *, ok: bool = True) -> Path:
    path = folder / "data" / "incoming" / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if ok:
        (path.parent / ".ok").touch()
    return path


def employers(*rows: tuple[str, ...]) -> bytes:
    lines = ["单位号|@|名称|@|发薪日|@|机构|@|备注"] + ["|@|".join((*row, "")) for row in rows]
    return ("\n".join(lines) + "\n").encode("gbk")


def event(event_id: int, **given: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 20, 1, tzinfo=UTC)
    plain = {"source": "core", "event_id": event_id, "customer_no": "1", "type": "login", "occurred_at": at}
    return {"recorded_at": at, "channel": "app", "scene": None, "amount_fen": None, **plain, **given}


def write_events(folder: Path, *events: dict[str, Any], day: str = DAY) -> Path:
    path = write(folder, "event.parquet", b"", day)
    pq.write_table(pa.Table.from_pylist(list(events), schema=schema_of_event()), path)
    return path


def schema_of_event() -> pa.Schema:
    from bankloop.lake.conformed import CONTRACTS

    return schema_of(CONTRACTS["event"])


def read(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.connection(Scope.whole_bank("test")) as connection:
        return connection.execute(query).fetchall()


def one(report: LoadReport, source: str) -> Any:
    return next(s for s in report.sources if s.source == source)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(BANK, encoding="utf-8")
    write(tmp_path, "unit.csv", "\ufeff" + UNITS)
    write(tmp_path, "employer.csv", employers(*EMPLOYERS))
    write_events(tmp_path, event(1), event(2))
    return tmp_path


def test_a_day_loads_with_bom_gbk_and_long_delimiters(bank: Path, lake: Lake) -> None:
    seen: list[tuple[str, int, int]] = []
    report = load_bank(bank, lake, lambda *step: seen.append(step))
    assert {s.source: (s.rows_read, s.loaded) for s in report.sources} == {
        "units": (2, 2),
        "employers": (3, 3),
        "events": (2, 2),
    }
    assert seen[-1][1:] == (3, 3)
    assert read(lake, "SELECT name_zh, payday FROM employer ORDER BY employer_id") == [
        ("泉江钢铁", 10),
        ("泉江纺织", 15),
        ("泉江学校", 25),
    ]
    assert lake.version("unit").as_of == date(2026, 11, 21)


def test_the_same_files_again_change_nothing(bank: Path, lake: Lake, manifest: MemoryManifest) -> None:
    load_bank(bank, lake)
    before = list(manifest.rows)
    again = load_bank(bank, lake)
    assert not again.changed
    assert manifest.rows == before
    assert len(again.already_loaded) == 3


def test_a_folder_without_its_flag_waits(bank: Path, lake: Lake) -> None:
    write(bank, "unit.csv", UNITS + "0200,0000,branch,新分行,New\n", "2026-11-22", ok=False)
    report = load_bank(bank, lake)
    assert report.waiting == ("2026-11-22",)
    assert lake.version("unit").rows == 2
    (bank / "data/incoming/2026-11-22/.ok").touch()
    assert load_bank(bank, lake).waiting == ()
    assert lake.version("unit").rows == 3


def test_a_file_s_own_flag_is_enough_and_its_row_count_is_checked(bank: Path, lake: Lake) -> None:
    write(bank, "unit.csv", UNITS, "2026-11-22", ok=False)
    write(bank, "unit.csv.ok", "rows=3", "2026-11-22", ok=False)
    with pytest.raises(DataError, match=r"lake\.control_total.*rows is 2.*3"):
        load_bank(bank, lake)
    write(bank, "unit.csv.ok", "2", "2026-11-22", ok=False)
    assert load_bank(bank, lake).changed


def test_bad_rows_are_named_and_the_good_ones_load(bank: Path, lake: Lake) -> None:
    bad = [("E4", "甲", "xx", "0100"), ("E5", "乙", "32", "0100"), ("E6", "丙", "9", "9999"), ("E1", "丁", "9", "0100")]
    write(bank, "employer.csv", employers(*EMPLOYERS, *EMPLOYERS[:0], *bad, ("", "戊", "9", "0100")))
    (bank / "bank.yaml").write_text(BANK.replace("40%", "90%"), encoding="utf-8")
    found = one(load_bank(bank, lake), "employers")
    assert (found.rows_read, found.loaded, found.quarantined) == (8, 3, 5)
    assert set(found.rules) == {
        RuleCount("type", "payday", 1),
        RuleCount("range", "payday", 1),
        RuleCount("reference", "unit_id", 1),
        RuleCount("duplicate_key", "employer_id", 1),
        RuleCount("null", "employer_id", 1),
    }
    table = pq.read_table(bank / found.report.replace(".csv", ".parquet"))
    named = {(r["line"], r["column"], r["rule"], r["value"]) for r in table.to_pylist()}
    assert named == {
        (5, "payday", "type", "xx"),
        (6, "payday", "range", "32"),
        (7, "unit_id", "reference", "9999"),
        (8, "employer_id", "duplicate_key", "E1"),
        (9, "employer_id", "null", None),
    }
    assert "类型不符" in (bank / found.report).read_text(encoding="utf-8-sig")


def test_one_broken_line_costs_that_line_and_keeps_the_numbers(bank: Path, lake: Lake) -> None:
    lines = employers(*EMPLOYERS).split(b"\n")
    lines[2] = b"E2|@|\xff\xff|@|15|@|0100|@|"
    lines.insert(3, b"")
    lines.insert(5, b"E8|@|short")
    lines.insert(6, "E9|@|坏|@|x|@|0100|@|".encode("gbk"))
    write(bank, "employer.csv", b"\n".join(lines))
    (bank / "bank.yaml").write_text(BANK.replace("40%", "90%"), encoding="utf-8")
    found = one(load_bank(bank, lake), "employers")
    assert (found.rows_read, found.loaded, found.quarantined) == (5, 2, 3)
    table = pq.read_table(bank / found.report.replace(".csv", ".parquet"))
    assert sorted((r["line"], r["rule"]) for r in table.to_pylist()) == [(3, "encoding"), (6, "fields"), (7, "type")]
    assert read(lake, "SELECT employer_id FROM employer ORDER BY 1") == [("E1",), ("E3",)]


def corrupt(bank: Path, name: str) -> None:
    path = bank / "data" / "incoming" / DAY / name
    path.write_bytes(path.read_bytes()[:-40])


def header_in_utf8(bank: Path) -> None:
    write(bank, "employer.csv", employers(*EMPLOYERS).decode("gbk").replace("单位号", "单位号码").encode() + b"\xff")


def too_bad(bank: Path) -> None:
    write(bank, "employer.csv", employers(*EMPLOYERS, *[(f"X{i}", "n", "late", "0100") for i in range(9)]))


def future(bank: Path) -> None:
    write_events(bank, event(1, occurred_at=datetime(2030, 1, 1, tzinfo=UTC)))


def wrong_type(bank: Path) -> None:
    write(bank, "employer.csv", employers(("E1", "a", "tenth", "0100")))


def unknown_column(bank: Path) -> None:
    write(
        bank,
        "unit.csv",
        UNITS.replace("name_en", "name_en,coluor").replace("Head office", "a,b").replace("Branch", "c,d"),
    )


def missing_column(bank: Path) -> None:
    write(bank, "unit.csv", UNITS.replace("kind", "knid"))


@pytest.mark.parametrize(
    ("breaking", "code", "says"),
    [
        (lambda b: corrupt(b, "event.parquet"), "lake.unreadable_file", "event.parquet"),
        (lambda b: write(b, "unit.csv", b""), "lake.empty_file", "unit.csv"),
        (lambda b: write(b, "event.parquet", b""), "lake.empty_file", "event.parquet"),
        (header_in_utf8, "lake.encoding", "line 1"),
        (lambda b: write(b, "employer.csv", b"\xff\xff\n"), "lake.encoding", "gbk"),
        (too_bad, "lake.too_many_bad_rows", "payday"),
        (wrong_type, "lake.too_many_bad_rows", "wrong type"),
        (future, "lake.too_many_bad_rows", "in the future"),
        (unknown_column, "lake.unknown_column", "coluor"),
        (missing_column, "lake.missing_column", "did you mean knid"),
    ],
)
def test_a_broken_contract_stops_the_load_and_changes_nothing(
    bank: Path, lake: Lake, manifest: MemoryManifest, breaking: Any, code: str, says: str
) -> None:
    breaking(bank)
    with pytest.raises(BankloopError) as caught:
        load_bank(bank, lake)
    assert caught.value.code == code
    assert says in str(caught.value)
    assert caught.value.message.zh != caught.value.message.en
    assert manifest.rows == []
    assert [p.name for p in lake.root.iterdir() if p.is_dir() and list(p.iterdir())] == []


@pytest.mark.capability("B13")
def test_an_event_is_stored_once_however_often_it_comes(bank: Path, lake: Lake) -> None:
    write_events(bank, event(1), event(2), event(2))
    assert one(load_bank(bank, lake), "events").already_known == 1
    write_events(bank, event(2), event(3), event(1, source="app"), day="2026-11-22")
    found = one(load_bank(bank, lake), "events")
    assert (found.rows_read, found.loaded, found.already_known) == (3, 2, 1)
    assert read(lake, "SELECT source, event_id FROM event ORDER BY ALL") == [
        ("app", 1),
        ("core", 1),
        ("core", 2),
        ("core", 3),
    ]


def test_a_file_without_a_bad_row_is_stored_as_it_is_beside_one_with(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "bank.yaml").write_text(BANK.replace("*/event.parquet", "*/event-*.parquet"), encoding="utf-8")
    for name, events in {
        "a": [event(1)],
        "b": [event(2), event(3, occurred_at=datetime(2030, 1, 1, tzinfo=UTC))],
        "c": [event(4), event(1)],
    }.items():
        path = write(tmp_path, f"event-{name}.parquet", b"")
        pq.write_table(pa.Table.from_pylist(events, schema=schema_of_event()), path)
    found = one(load_bank(tmp_path, lake), "events")
    assert (found.loaded, found.quarantined, found.already_known) == (3, 1, 1)
    assert read(lake, "SELECT event_id FROM event ORDER BY ALL") == [(1,), (2,), (4,)]
    stored = [(lake.root / file).read_bytes() for file in lake.version("event").files]
    given = {name: (path.parent / f"event-{name}.parquet").read_bytes() for name in "abc"}
    assert [name for name in "abc" if given[name] in stored] == ["a"]


def test_upsert_changes_rows_by_key_and_a_late_snapshot_does_not_win(bank: Path, lake: Lake) -> None:
    load_bank(bank, lake)
    (bank / "bank.yaml").write_text(BANK.replace("format: csv}", "format: csv, mode: upsert}", 1), encoding="utf-8")
    write(bank, "unit.csv", UNITS.splitlines()[0] + "\n0100,0000,branch,改名,Renamed\n", "2026-11-22")
    load_bank(bank, lake)
    assert read(lake, "SELECT unit_id, name_zh FROM unit ORDER BY 1") == [("0000", "总行"), ("0100", "改名")]
    (bank / "bank.yaml").write_text(BANK, encoding="utf-8")
    write(bank, "unit.csv", UNITS, "2026-11-20")
    assert load_bank(bank, lake).superseded == ("2026-11-20/unit.csv",)
    assert read(lake, "SELECT name_zh FROM unit WHERE unit_id = '0100'") == [("改名",)]


def test_two_days_at_once_load_in_order(bank: Path, lake: Lake, manifest: MemoryManifest) -> None:
    write(bank, "unit.csv", UNITS + "0200,0000,branch,新,New\n", "20261122")
    load_bank(bank, lake)
    assert [v.rows for v in manifest.versions("unit")] == [2, 3]


CUSTOMERS = """
sources:
  customers:
    table: customer
    path: customer.xlsx
    format: xlsx
    reject_above: 50%
    columns:
      customer_no: 客户号
      name_token: {pii: name, from: 姓名}
      phone_token: {pii: phone, from: 手机号}
      phone_valid: {constant: true}
      opened_on: {from: 开户日, date: "%Y%m%d"}
      marketing_consent: {from: 同意, yes: [同意], no: [拒绝]}
      acquisition_cost_fen: {from: 成本, money: yuan}
      overdue_days: {constant: 0}
      branch_id: {constant: "0100"}
      sub_branch_id: {constant: "0101"}
""" + "".join(
    f"      {c}: {{constant: false}}\n"
    for c in [
        "pension",
        "merchant_owner",
        "is_staff",
        "is_staff_relative",
        "do_not_contact",
        "personalisation_off",
        "app_registered",
        "push_allowed",
        "wecom_friend",
        "frozen",
        "watchlist",
        "wallet_bound",
    ]
)


def test_xlsx_with_personal_data_becomes_tokens(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "bank.yaml").write_text(CUSTOMERS, encoding="utf-8")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ("客户号", "姓名", "手机号", "开户日", "同意", "成本"),
        ("1", "王小明", "138 0000 0000", 20200131, "同意", 12.345),
        ("2", "李雷", "+86-13800000000", "20200229", "拒绝", "1,000"),
        ("3", "韩梅", "1380000", "20200229", "拒绝", 0),
    ):
        sheet.append(row)
    path = tmp_path / "data" / "incoming" / "customer.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    found = one(load_bank(tmp_path, lake), "customers")
    assert found.rules == (RuleCount("phone", "phone_token", 1),)
    assert "1380000" not in (tmp_path / found.report).read_text(encoding="utf-8-sig")
    rows = read(
        lake,
        "SELECT phone_token, opened_on, marketing_consent, acquisition_cost_fen FROM customer ORDER BY customer_no",
    )
    assert [row[1:] for row in rows] == [(date(2020, 1, 31), True, 1235), (date(2020, 2, 29), False, 100_000)]
    assert rows[0][0] == rows[1][0]
    assert len(rows[0][0]) == 32
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600


def test_tokens_are_hmac_sha256(tmp_path: Path, lake: Lake) -> None:
    import hmac

    test_xlsx_with_personal_data_becomes_tokens(tmp_path, lake)
    key = bytes.fromhex((tmp_path / "data" / "secret.key").read_text().strip())
    wanted = hmac.digest(key, b"phone:13800000000", "sha256").hex()[:32]
    assert read(lake, "SELECT DISTINCT phone_token FROM customer") == [(wanted,)]


def test_local_timestamps_become_utc(tmp_path: Path, lake: Lake) -> None:
    columns = (
        "source: {constant: app}, occurred_at: {from: t, timestamp: '%Y%m%d %H%M%S'}, recorded_at: t2, event_id: id"
    )
    (tmp_path / "bank.yaml").write_text(
        f"sources: {{e: {{table: event, path: e.csv, format: csv, header: [id, customer_no, type, t, t2], columns: {{{columns}}}}}}}"
    )
    path = tmp_path / "data" / "incoming" / "e.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "7,1,login,20261120 080000,2026-11-20 09:00:00\n8,1,login,20261120 080000,2026-11-20T09:00:00+09:00\n"
    )
    load_bank(tmp_path, lake)
    assert read(
        lake, "SELECT CAST(occurred_at AS VARCHAR), CAST(recorded_at AS VARCHAR) FROM event ORDER BY event_id"
    ) == [
        ("2026-11-20 00:00:00+00", "2026-11-20 01:00:00+00"),
        ("2026-11-20 00:00:00+00", "2026-11-20 00:00:00+00"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("table: unit", "table: units", 4, "did you mean unit"),
        ("format: csv}", "fromat: csv}", 4, "did you mean format"),
        ("payday: 发薪日", "pay_day: 发薪日", 12, "did you mean payday"),
        ("payday: 发薪日", "payday: {from: 发薪日, date: '%d'}", 12, "is for type date"),
        ("encoding: gbk", "encoding: big6", 9, "unknown encoding"),
        ("40%", "400%", 11, "0% to 100%"),
        ("40%", ".nan", 11, "0% to 100%"),
        ("40%", "'1e99999999%'", 11, "0% to 100%"),
        ("Asia/Shanghai", "Asia/Shanghia", 2, "unknown time zone"),
    ],
)
def test_a_wrong_entry_of_bank_yaml_is_named_with_its_line(
    bank: Path, lake: Lake, old: str, new: str, line: int, says: str
) -> None:
    (bank / "bank.yaml").write_text(BANK.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_bank(bank, lake)
    assert f"bank.yaml:{line}" in str(caught.value)
    assert says in str(caught.value)


PEOPLE = "客户号,手机号,机构\n"
PHONES = """
sources:
  customers:
    table: customer
    path: "*/customer.csv"
    format: csv
    reject_above: 2%
    columns:
      customer_no: 客户号
      phone_token: {pii: phone, from: 手机号}
      phone_valid: {constant: true}
      opened_on: {constant: "2020-01-31"}
      marketing_consent: {constant: true}
      acquisition_cost_fen: {constant: 0}
      overdue_days: {constant: 0}
      branch_id: {constant: "0100"}
      sub_branch_id: 机构
""" + CUSTOMERS[CUSTOMERS.index("      pension:") :]


def people(good: int, bad: int) -> str:
    """Return customers of whom ``bad`` have a phone of ten digits."""
    numbers = [f"138{i:08d}" for i in range(good)] + [f"138{i:07d}" for i in range(bad)]
    return PEOPLE + "".join(f"C{i:04d},{phone},0101\n" for i, phone in enumerate(numbers))


@pytest.mark.capability("B3")
def test_a_batch_of_which_four_in_a_hundred_phones_are_wrong_is_stopped_at_two(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "bank.yaml").write_text(PHONES, encoding="utf-8")
    write(tmp_path, "customer.csv", people(96, 4))
    with pytest.raises(DataError) as caught:
        load_bank(tmp_path, lake)
    assert caught.value.code == "lake.too_many_bad_rows"
    assert "4" in caught.value.message.en
    assert "2%" in caught.value.message.en.replace(" ", "").replace(".00", "").replace(".0", "")
    with pytest.raises(NotFoundError):
        lake.version("customer")
    # At the limit it loads: the two are named, the 98 are there.
    write(tmp_path, "customer.csv", people(98, 2))
    found = one(load_bank(tmp_path, lake), "customers")
    assert (found.rows_read, found.loaded, found.quarantined) == (100, 98, 2)
    assert found.rules == (RuleCount("phone", "phone_token", 2),)


DOMAINS = (
    """
time_zone: Asia/Shanghai
sources:
"""
    + "".join(
        f"""
  {name}:
    table: holding
    mode: upsert
    path: "*/{name}.csv"
    format: csv
    reject_above: 50%
    columns:
      holding_id: 编号
      customer_no: 客户号
      product_class: {{constant: {product_class}}}
      product_id: 产品
      balance_fen: {{from: 金额, money: yuan}}
      opened_on: {{from: 开立日, date: "%Y%m%d"}}
"""
        for name, product_class in (("loans", "consumer_loan"), ("accounts", "demand_deposit"), ("assets", "wealth"))
    )
    + """
  flows:
    table: event
    path: "*/flows.csv"
    format: csv
    reject_above: 50%
    columns:
      source: {constant: core}
      event_id: 流水号
      customer_no: 客户号
      type: 类型
      occurred_at: {from: 时间, timestamp: "%Y%m%d %H%M%S"}
      recorded_at: {from: 时间, timestamp: "%Y%m%d %H%M%S"}
      amount_fen: {from: 金额, money: yuan}
"""
)


def holdings(prefix: str, count: int) -> str:
    rows = [f"{prefix}{i},C{i:04d},P1,{i}.50,20200131\n" for i in range(count)]
    return "编号,客户号,产品,金额,开立日\n" + "".join(rows)


@pytest.mark.capability("B14")
def test_loans_accounts_flows_and_assets_load_from_csv_and_their_rows_reconcile(tmp_path: Path, lake: Lake) -> None:
    (tmp_path / "bank.yaml").write_text(DOMAINS, encoding="utf-8")
    flows = [f"{i},C{i % 50:04d},salary,20261120 080000,{i}.25\n" for i in range(120)]
    files = {
        "loans": holdings("L", 30),
        "accounts": holdings("A", 50) + "A99,C0001,P1,much,20200131\n",
        "assets": holdings("W", 20),
        "flows": "流水号,客户号,类型,时间,金额\n" + "".join(flows) + flows[0],
    }
    sent = {name: content.count("\n") - 1 for name, content in files.items()}
    for name, content in files.items():
        write(tmp_path, f"{name}.csv", content, ok=False)
        write(tmp_path, f"{name}.csv.ok", f"rows={sent[name]}", ok=False)
    report = load_bank(tmp_path, lake)
    assert {s.source: s.rows_read for s in report.sources} == sent
    assert all(s.rows_read == s.loaded + s.quarantined + s.already_known for s in report.sources)
    loaded = {s.source: s.loaded for s in report.sources}
    assert loaded == {"loans": 30, "accounts": 50, "assets": 20, "flows": 120}
    classes = dict(read(lake, "SELECT product_class, count(*) FROM holding GROUP BY 1"))
    assert classes == {"consumer_loan": 30, "demand_deposit": 50, "wealth": 20}
    assert read(lake, "SELECT count(*), sum(amount_fen) FROM event") == [(120, sum(i * 100 + 25 for i in range(120)))]
    assert read(lake, "SELECT sum(balance_fen) FROM holding WHERE product_class = 'consumer_loan'") == [
        (sum(i * 100 + 50 for i in range(30)),)
    ]
