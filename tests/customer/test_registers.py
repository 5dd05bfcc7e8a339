"""Registers are taken in as files arrive, each once; a key given to another person; how far business lines are one customer."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bankloop.customer.identity import conflicts, integration, party_of, take_registers
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DataError, DeniedError, SpecError
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.simulate.service import write_bank
from bankloop.store.database import Store
from tests.customer.conftest import DAY, MANAGER, PROGRAM, STEWARD, Load, linked, person
from tests.customer.test_identity import CARD, OTHER_CARD, TWIN_CARD

BANK = """
time_zone: Asia/Shanghai
identities:
  core:
    {path: "*/cust.csv", line: retail, columns: {source_key: 客户号, name: 姓名, birth: 生日, phone: 手机, document_no: 证件}, also: {account: 账号}}
  rep:
    {path: "*/rep.csv", encoding: gbk, delimiter: "|@|", line: corporate, columns: {source_key: 企业, name: 法人, birth: 生日, document_no: 证件, document_type: {constant: id_card}}}
"""
NAMES = ("赵一", "钱二", "孙三", "李四", "周五", "吴六", "郑七", "王八", "冯九", "陈十")


def card(n: int) -> str:
    """A valid identity card of a person born in 1980."""
    from bankloop.customer.identity.plausible import check_digit

    body = f"11010519800101{n:03d}"
    return body + check_digit(body)


def core(*rows: tuple[str, str, str, str, str, str]) -> bytes:
    lines = ["客户号,姓名,生日,手机,证件,账号"] + [",".join(row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def reps(*rows: tuple[str, str, str, str]) -> bytes:
    lines = ["企业|@|法人|@|生日|@|证件"] + ["|@|".join(row) for row in rows]
    return ("\n".join(lines) + "\n").encode("gbk")


@pytest.fixture
def lake(store: Store, tmp_path: Path) -> Lake:
    (tmp_path / "bank.yaml").write_text(BANK, encoding="utf-8")
    return open_lake(tmp_path, store, system("lake"))


def put(lake: Lake, name: str, body: bytes, day: str = "2026-06-28", *, ok: bool = True) -> None:
    folder = lake.folder / "data" / "incoming" / day
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)
    if ok:
        (folder / ".ok").touch()


def party(store: Store, number: str) -> str:
    with store.begin(PROGRAM) as connection:
        return party_of(connection, number).party_no


def test_a_file_is_taken_in_once_and_tomorrow_s_brings_what_changed(store: Store, lake: Lake) -> None:
    rows = [(f"C{n}", NAMES[n], "1980-01-01", f"1380013800{n}", card(n), f"62{n}") for n in range(5)]
    put(lake, "cust.csv", core(*rows))
    first = take_registers(store, lake)
    assert (first.files, first.new, first.linked is not None) == (1, 5, True)
    again = take_registers(store, lake)
    assert (again.files, again.new, again.linked) == (0, 0, None)
    changed = [
        *rows[:4],
        ("C4", NAMES[4], "1980-01-01", "13900139000", card(4), "624"),
        ("C5", NAMES[5], "1980-01-01", "", card(5), ""),
    ]
    put(lake, "cust.csv", core(*changed), "2026-06-29")
    put(lake, "cust.csv", core(*changed), "2026-06-30", ok=False)  # has not arrived whole
    second = take_registers(store, lake)
    assert (second.files, second.new, second.changed, second.handed_on) == (1, 1, 1, 0)


def test_a_broken_file_stops_there_and_those_before_it_stay(store: Store, lake: Lake) -> None:
    put(lake, "cust.csv", core(("C1", NAMES[0], "1980-01-01", "", card(1), "")))
    put(lake, "rep.csv", "企业|@|法人\nK1|@|甲\n".encode("gbk"))
    with pytest.raises(DataError, match=r"生日|证件"):
        take_registers(store, lake)
    assert party(store, "C1") == "C1"
    put(lake, "rep.csv", reps(("K1", NAMES[0], "1980-01-01", card(1))))
    done = take_registers(store, lake)
    assert (done.files, done.new) == (1, 1)
    assert done.linked is not None
    assert done.linked.merges == 1


@pytest.mark.parametrize("wrong", ['{columns: {source_key: a}}', '{path: "*.csv", columns: {name: a}}', '{path: "*.csv", columns: {source_key: a, nothing: b}}', '{path: "*.csv", nothing: 1, columns: {source_key: a}}'])  # fmt: skip
def test_a_register_that_cannot_be_is_refused(store: Store, lake: Lake, wrong: str) -> None:
    (lake.folder / "bank.yaml").write_text(f"identities:\n  core: {wrong}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"bank\.yaml"):
        take_registers(store, lake)


@pytest.mark.capability("B5")
def test_forty_of_a_hundred_legal_representatives_are_linked_to_retail_customers(store: Store, lake: Lake) -> None:
    people = [(f"C{n}", NAMES[n], "1980-01-01", "", card(n), "") for n in range(4)]
    people += [(f"C{n}", f"某{n}", "1975-02-02", "", OTHER_CARD if n == 10 else "", "") for n in range(10, 13)]
    put(lake, "cust.csv", core(*people))
    # Four of ten are retail customers, one of them under another birth date.
    born = {3: "1981-01-01"}
    put(lake, "rep.csv", reps(*[(f"K{n}", NAMES[n], born.get(n, "1980-01-01"), card(n)) for n in range(10)]))
    take_registers(store, lake)
    with store.begin(STEWARD) as connection:
        found = {one.source: one for one in integration(connection)}
        disagree = conflicts(connection)
    assert (found["rep"].line, found["rep"].records, found["rep"].share("retail")) == ("corporate", 10, 400_000)
    assert (found["core"].records, dict(found["core"].joined)) == (7, {"corporate": 4})
    assert [(one.field, one.one, one.other, one.compared, one.differ) for one in disagree] == [
        ("birth", "core", "rep", 4, 1)
    ]
    from bankloop.kit.text import Language
    from bankloop.web.pages.merges.routes import conflicts_table, integration_table

    assert ["rep", "corporate", "10", "40.0% retail"] in integration_table(tuple(found.values())).said(Language.EN)
    assert conflicts_table(disagree).said(Language.EN)[0][-2:] == ["4", "1"]
    with store.begin(MANAGER) as connection, pytest.raises(DeniedError):
        integration(connection)


def test_in_the_simulated_bank_exactly_those_are_joined_who_stand_in_two_registers(
    store: Store, tmp_path: Path
) -> None:
    made = write_bank(tmp_path, 3_000, 7, months=1, today=store.clock.now().date())
    report = take_registers(store, open_lake(tmp_path, store, system("lake")))
    incoming = tmp_path / "data" / "incoming"

    def told(file: str, delimiter: str = ",", encoding: str = "utf-8-sig") -> list[list[str]]:
        [found] = incoming.glob(f"*/{file}")
        return [line.replace('"', "").split(delimiter) for line in found.read_text(encoding).splitlines()[1:]]

    core = {row[-1] for row in told("core/verified.csv")}
    firms = {row[-1] for row in told("corporate/legal_rep.dat", "|@|", "gbk")}
    shops = [row[-1] for row in told("acquiring/merchant_owner.csv")]
    owner = {row[0]: row[1] for row in told("corporate/merchant.csv")}
    [ties] = incoming.glob("*/ecif/relation.parquet")
    leads = {r["to_no"]: r["from_no"] for r in pq.read_table(ties).to_pylist() if r["kind"] == "legal_representative"}
    assert report.new == made.rows["verified"] + made.rows["legal_rep"] + made.rows["merchant_owner"]
    assert (len(core), len(firms)) == (made.rows["verified"], made.rows["legal_rep"])
    with store.begin(STEWARD) as connection:
        found = {one.source: one for one in integration(connection)}
    assert found["legal_representatives"].joined.get("retail", 0) == sum(leads[one] in core for one in firms) > 0
    assert found["merchant_owners"].joined.get("retail", 0) == sum(owner[one] in core for one in shops) > 0


def test_a_key_given_to_another_person_leaves_the_party_of_the_first(store: Store, load: Load) -> None:
    load(person("C1", "王小明", document_no=CARD))
    load(person("W1", "王小明", document_no=CARD), source="wealth")
    linked(store)
    with store.begin(PROGRAM) as connection:
        second = next(one for one in party_of(connection, "C1").numbers if one != "C1")
    store.clock = FixedClock(store.clock.now().replace(hour=3))
    done = load(
        person("W1", "李大红", birth="1985-03-17", document_no=OTHER_CARD), source="wealth", as_of=DAY.replace(day=30)
    )
    assert done.handed_on == 1
    assert (party(store, "C1"), party(store, second)) == ("C1", second)
    linked(store)
    assert party(store, second) == second
    # The next bearer's own records are found, the first one's never again.
    load(person("C2", "李大红", birth="1985-03-17", document_no=OTHER_CARD))
    load(person("W1", "王小明", document_no=CARD), source="wealth", as_of=DAY.replace(month=7, day=1))
    linked(store)
    assert party(store, second) != party(store, "C1")


@pytest.mark.parametrize(
    "after",
    [
        {"document_no": TWIN_CARD},  # a corrected document
        {"name": "李大红", "document_no": OTHER_CARD},  # born the same day: a new name and a new document
        {"birth": "1985-03-17", "document_no": OTHER_CARD},
        {"name": "李大红", "birth": "1985-03-17"},
        {"name": "李大红", "birth": "1985-03-17", "document_no": None},
    ],
)
def test_a_correction_is_the_same_person(store: Store, load: Load, after: dict[str, str]) -> None:
    load(person("C1", "王小明", document_no=CARD))
    load(person("W1", "王小明", document_no=CARD), source="wealth")
    linked(store)
    changed = {**person("W1", "王小明", document_no=CARD), **after}
    assert load(changed, source="wealth", as_of=DAY.replace(day=30)).handed_on == 0
