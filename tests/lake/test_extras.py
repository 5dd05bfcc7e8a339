"""Columns of a bank's own: loaded by name and type, attributes in every plane, masked as their class asks."""

from __future__ import annotations

from datetime import date

import pytest
from tests.lake.test_load import UNITS, write

from bankloop.customer.buckets import Buckets, Happened
from bankloop.customer.catalogue import frozen_catalogue, read_catalogue
from bankloop.customer.contracts import Catalogue
from bankloop.customer.state import build_state
from bankloop.customer.tracing import rows_behind
from bankloop.kit.errors import SpecError
from bankloop.kit.expression import parse, to_function
from bankloop.lake.contracts import DataClass, LoadReport, Scope
from bankloop.lake.load import load_bank
from bankloop.lake.service import Lake
from bankloop.lake.sources import read_sources

AS_OF = date(2026, 11, 21)
_FLAGS = (
    "pension, merchant_owner, is_staff, is_staff_relative, marketing_consent, do_not_contact, personalisation_off, "
    "app_registered, push_allowed, wecom_friend, frozen, watchlist, wallet_bound, phone_valid"
)
BANK = """
time_zone: Asia/Shanghai
sources:
  units: {table: unit, path: "*/unit.csv", format: csv}
  core:
    table: customer
    path: "*/customer.csv"
    format: csv
    reject_above: 60%
    columns:
      customer_no: 客户号
      branch_id: {constant: "0100"}
      sub_branch_id: {constant: "0100"}
      opened_on: {constant: "2020-01-02"}
      overdue_days: {constant: 0}
      acquisition_cost_fen: {constant: 0}
FLAGS
    extra:
      vip_grade: {from: 贵宾等级, type: string, class: C1, zh: 贵宾等级, en: VIP grade, owner: private}
      income: {from: 年收入, type: money, money: yuan, class: C2, zh: 年收入, en: Annual income}
      children: {from: 子女, type: int, class: C2, zh: 子女数, en: Children}
      club_since: {from: 入会日, type: date, date: "%Y%m%d", class: C1, zh: 入会日, en: In the club since}
      homeowner: {from: 有房, type: bool, yes: [有], no: [无], class: C1, zh: 有房, en: Owns a home}
  pos:
    table: event
    path: "*/event.csv"
    format: csv
    extra:
      merchant_kind: {from: 商户类, type: string, class: C1, zh: 商户类, en: Kind of merchant}
      points: {from: 积分, type: int, class: C1, zh: 积分, en: Points}
""".replace("FLAGS", "\n".join(f"      {flag}: {{constant: false}}" for flag in _FLAGS.split(", ")))
CUSTOMERS = """客户号,贵宾等级,年收入,子女,入会日,有房
C1,金,"123,456.78",2,20240131,有
C2,银,0.50,,,无
C3,,,x,,
"""
EVENTS = """source,event_id,customer_no,type,occurred_at,recorded_at,amount_fen,商户类,积分
pos,1,C1,purchase,2026-11-20 10:00:00,2026-11-20 10:00:00,5000,餐饮,12
pos,2,C1,purchase,2026-11-21 23:30:00,2026-11-21 23:30:00,700,餐饮,3
pos,3,C1,purchase,2026-11-19 10:00:00,2026-11-19 10:00:00,900,加油,50
pos,4,C2,purchase,2026-11-01 00:30:00,2026-11-01 00:30:00,100,,
"""
OWN = """
attributes:
  dined_30d:
    {type: int, zh: 就餐, en: Dined, owner: cards, window: {events: [purchase], days: 30, measure: count, where: "merchant_kind = '餐饮' and points >= 10"}}
  dining_fen: {type: money, zh: 餐饮, en: Dining, owner: cards, window: {events: [purchase], days: 30, measure: sum, where: merchant_kind like '餐%'}}
  last_purchase: {type: date, zh: 最近消费日, en: Last purchase, owner: cards, window: {events: [purchase], measure: last}}
  golden: {type: bool, zh: 金卡, en: Golden, owner: cards, rule: vip_grade = '金' and income >= 100000}
"""
NAMES = (
    "vip_grade", "income", "children", "club_since", "homeowner", "dined_30d", "dining_fen", "last_purchase", "golden",
)  # fmt: skip
RIGHT = {
    "C1": ("金", 12_345_678, 2, date(2024, 1, 31), True, 1, 5_700, date(2026, 11, 21), True),
    "C2": ("银", 50, None, None, False, 0, 0, date(2026, 11, 1), False),
    "C3": (None, None, None, None, None, 0, 0, None, None),
}


@pytest.fixture
def loaded(lake: Lake) -> tuple[Lake, LoadReport]:
    folder = lake.folder
    (folder / "bank.yaml").write_text(BANK, encoding="utf-8")
    (folder / "attributes").mkdir()
    (folder / "attributes" / "own.yaml").write_text(OWN, encoding="utf-8")
    for name, content in (("unit.csv", UNITS), ("customer.csv", CUSTOMERS), ("event.csv", EVENTS)):
        write(folder, name, content)
    return lake, load_bank(folder, lake)


def values(lake: Lake, catalogue: Catalogue) -> dict[str, tuple[object, ...]]:
    table = build_state(lake, catalogue, AS_OF, names=NAMES).table
    return {row["customer_no"]: tuple(row[name] for name in NAMES) for row in table.to_pylist()}


def test_own_columns_are_attributes_and_a_broken_value_costs_no_customer(loaded: tuple[Lake, LoadReport]) -> None:
    lake, report = loaded
    catalogue = read_catalogue(lake.folder)
    assert values(lake, catalogue) == RIGHT
    counts = {one.source: (one.loaded, one.quarantined) for one in report.sources}
    assert counts["core"] == (3, 0)
    assert counts["core__children"] == (2, 1)
    income = catalogue["income"]
    assert (income.data_class, income.owner, income.label.en) == (DataClass.C2, "retail", "Annual income")
    assert catalogue["vip_grade"].owner == "private"
    # A lock alone says all that the state needs, bank.yaml or not.
    assert values(lake, frozen_catalogue(catalogue.only(NAMES).definitions)) == RIGHT
    (behind,) = rows_behind(lake, catalogue, "vip_grade", ["C1"], AS_OF, lake.current_versions())
    assert (behind.table, behind.keys) == ("customer_extra", (("C1", "vip_grade"),))
    dined = rows_behind(lake, catalogue, "dined_30d", ["C1"], AS_OF, lake.current_versions())
    assert [one.keys for one in dined] == [(("pos", "1"),)]


def test_who_reads_the_table_itself_sees_no_value_plain(loaded: tuple[Lake, LoadReport]) -> None:
    lake, _ = loaded
    seen = lake.table("customer_extra", Scope.whole_bank("test")).to_pyarrow().to_pylist()
    assert {one["name"] for one in seen} == {"vip_grade", "income", "children", "club_since", "homeowner"}
    assert {one["text_value"] for one in seen} == {"***"}
    assert {one["value_fen"] for one in seen} | {one["day_value"] for one in seen} == {None}


def test_a_column_declared_later_is_read_out_of_the_files_that_are_there(lake: Lake) -> None:
    folder = lake.folder
    (folder / "bank.yaml").write_text(BANK.split("    extra:", 1)[0] + "    ignore: ['*']\n", encoding="utf-8")
    write(folder, "unit.csv", UNITS)
    write(folder, "customer.csv", CUSTOMERS)
    load_bank(folder, lake)
    assert "vip_grade" not in read_catalogue(folder)
    (folder / "bank.yaml").write_text(BANK, encoding="utf-8")
    report = load_bank(folder, lake)
    assert set(report.versions) == {"customer_extra"}
    found = build_state(lake, read_catalogue(folder), AS_OF, names=["vip_grade"])
    assert found.row("C2")["vip_grade"] == "银"
    # The next day's file is the newer word, of an empty cell too.
    write(folder, "customer.csv", CUSTOMERS.replace("金", "钻").replace("C2,银", "C2,"), "2026-11-22")
    load_bank(folder, lake)
    later = build_state(lake, read_catalogue(folder), date(2026, 11, 22), names=["vip_grade"])
    assert [later.row(number)["vip_grade"] for number in ("C1", "C2", "C3")] == ["钻", None, None]


def test_in_real_time_an_event_s_properties_count_as_in_the_batch(loaded: tuple[Lake, LoadReport]) -> None:
    lake, _ = loaded
    catalogue = read_catalogue(lake.folder)
    buckets = Buckets(catalogue, lake.zone)
    with lake.connection(Scope.whole_bank("test")) as engine:
        rows = engine.sql(
            "SELECT e.type, e.occurred_at, e.channel, e.scene, e.amount_fen, "
            "max(x.text_value) FILTER (x.name = 'merchant_kind') AS kind, max(x.number_value) FILTER (x.name = 'points') AS points "
            "FROM event e JOIN event_extra x USING (source, event_id) WHERE e.customer_no = 'C1' GROUP BY ALL"
        ).to_arrow_table()
    for row in rows.to_pylist():
        said = {"merchant_kind": row.pop("kind"), "points": row.pop("points")}
        buckets.add(Happened(**row, properties=said))
    found = buckets.values(AS_OF)
    assert (found["dined_30d"], found["dining_fen"], found["last_purchase"]) == (1, 5_700, date(2026, 11, 21))
    rule = to_function(parse("vip_grade like '金%' and income > 100", catalogue.types))
    assert rule({"vip_grade": "金", "income": 12_345_678}) is True


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("type: string, class: C1, zh: 贵宾等级", "type: text, class: C1, zh: 贵宾等级", "unknown type text"),
        ("class: C1, zh: 贵宾等级", "class: C3, zh: 贵宾等级", "unknown class C3"),
        ("zh: 贵宾等级, ", "", "vip_grade lacks zh"),
        ("vip_grade:", "region:", "no column of customer"),
        ("vip_grade:", "VIP:", "small letters"),
        ("from: 子女, type: int", "from: 子女, date: '%Y', type: int", "date is for type date"),
        ("table: event", "table: holding", "extra is for the tables customer, event"),
    ],
)
def test_what_an_own_column_cannot_be_is_refused_with_its_line(lake: Lake, old: str, new: str, says: str) -> None:
    (lake.folder / "bank.yaml").write_text(BANK.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=says) as caught:
        read_sources(lake.folder)
    assert "bank.yaml" in caught.value.message.en


def test_a_window_s_condition_is_about_the_event_alone(loaded: tuple[Lake, LoadReport]) -> None:
    lake, _ = loaded
    own = lake.folder / "attributes" / "own.yaml"
    own.write_text(OWN.replace("points >= 10", "points > 1 and today > date '2026-01-01'"), encoding="utf-8")
    with pytest.raises(SpecError, match="has no today"):
        read_catalogue(lake.folder)
    own.write_text(OWN.replace("points >= 10", "pionts >= 10"), encoding="utf-8")
    with pytest.raises(SpecError, match="the nearest is points"):
        read_catalogue(lake.folder)
