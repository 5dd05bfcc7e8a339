"""Attribute files: what they may say, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.kit.errors import NotFoundError, SpecError

PLAIN = "type: {type}, zh: 甲, en: A, owner: retail"


def write(folder: Path, *lines: str, name: str = "own.yaml") -> Path:
    path = folder / "attributes" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("attributes:\n" + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    return folder


def test_the_built_in_catalogue_has_what_the_demo_campaigns_need() -> None:
    catalogue = read_catalogue()
    needed = "age has_debit_card wallet_bound payroll has_wealth aum term_maturing_60d is_staff overdue_days frozen"
    assert set(needed.split()) <= set(catalogue.attributes)
    for attribute in catalogue.attributes.values():
        assert attribute.owner
        assert attribute.label.zh != attribute.label.en
        assert attribute.reads <= set(catalogue.attributes)


def test_a_bank_adds_and_redefines(tmp_path: Path) -> None:
    write(
        tmp_path,
        "near: {type: bool, zh: 临界, en: Near the next tier, owner: retail, rule: aum between 150000 and 200000}",
        "tier: {type: int, zh: 分层, en: Tier, owner: retail, band: {of: aum, cuts: [100000]}}",
    )
    catalogue = read_catalogue(tmp_path)
    assert catalogue["tier"].body != read_catalogue()["tier"].body
    assert catalogue.digest != read_catalogue().digest
    assert list(catalogue.attributes).index("aum") < list(catalogue.attributes).index("near")
    assert catalogue.closure(["near"])[-1] == "near"


def test_an_edit_changes_the_digest_of_that_attribute_alone(tmp_path: Path) -> None:
    line = "near: {{type: bool, zh: 临界, en: Near, owner: retail, rule: aum between {low} and 200000}}"
    first = read_catalogue(write(tmp_path, line.format(low=150000)))
    second = read_catalogue(write(tmp_path, line.format(low=160000)))
    assert first["near"].digest != second["near"].digest
    assert first["aum"].digest == second["aum"].digest


def test_an_unknown_attribute_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="did you mean wallet_bound"):
        read_catalogue()["walet_bound"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x: {type: int, zh: 甲, en: A, owner: r, fact: overdue_day}", "did you mean overdue_days"),
        ("x: {type: bool, zh: 甲, en: A, owner: r, fact: overdue_days}", "typed bool, but column gives int"),
        ("x: {type: integer, zh: 甲, en: A, owner: r, fact: overdue_days}", "did you mean int"),
        ("x: {type: int, zh: 甲, en: A, owner: r, facts: overdue_days}", "did you mean fact"),
        ("x: {type: int, zh: 甲, owner: r, fact: overdue_days}", "en is missing"),
        ("x: {type: int, zh: 甲, en: A, owner: r}", "write exactly one of fact, window, rule"),
        ("x: {type: bool, zh: 甲, en: A, owner: r, rule: wallet_bond}", "wallet_bound"),
        ("x: {type: int, zh: 甲, en: A, owner: r, rule: wallet_bound}", "bool"),
        ("x: {type: money, zh: 甲, en: A, owner: r, fact: {sum: balance_fen, where: \"product = 'a'\"}}", "product"),
        ("x: {type: int, zh: 甲, en: A, owner: r, window: {events: [login], days: 0, measure: count}}", "days is 1 to"),
        (
            "x: {type: int, zh: 甲, en: A, owner: r, window: {events: [login], days: 9, measure: sums}}",
            "did you mean sum",
        ),
        ("x: {type: int, zh: 甲, en: A, owner: r, window: {days: 9, measure: count}}", "events is missing"),
        ("x: {type: int, zh: 甲, en: A, owner: r, band: {of: aum, cuts: [5, 4]}}", "cuts must rise"),
        ("x: {type: int, zh: 甲, en: A, owner: r, data_class: C3, fact: overdue_days}", "unknown data_class C3"),
        (
            "x: {type: int, zh: 甲, en: A, owner: r, fact: {count: a, of: standing_orders}}",
            "did you mean standing_order",
        ),
        (
            "x: {type: int, zh: 甲, en: A, owner: r, fact: {column: overdue_days, of: holding}}",
            "of is for what is added",
        ),
        ("x: {type: money, zh: 甲, en: A, owner: r, fact: {sum: balance_fen, of: standing_order}}", "balance_fen"),
        ("X: {type: int, zh: 甲, en: A, owner: r, fact: overdue_days}", "small letters"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, line: str, says: str) -> None:
    good = "fine: {type: int, zh: 甲, en: A, owner: r, fact: overdue_days}"
    with pytest.raises(SpecError) as caught:
        read_catalogue(write(tmp_path, good, line))
    assert "own.yaml:3: attribute" in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.message.zh != caught.value.message.en


def test_a_cycle_is_named(tmp_path: Path) -> None:
    kinds = "{type: int, zh: 甲, en: A, owner: r, rule: "
    write(tmp_path, "a: " + kinds + "b + 1}", "b: " + kinds + "c + 1}", "c: " + kinds + "a + 1}")
    with pytest.raises(SpecError, match="a cycle: a → b → c → a"):
        read_catalogue(tmp_path)


def test_an_attribute_that_reads_itself_is_a_cycle_of_one(tmp_path: Path) -> None:
    write(tmp_path, "a: {type: int, zh: 甲, en: A, owner: r, rule: a + 1}")
    with pytest.raises(SpecError, match="a cycle: a → a"):
        read_catalogue(tmp_path)


def test_the_same_name_in_two_files_is_refused(tmp_path: Path) -> None:
    line = "x: {type: int, zh: 甲, en: A, owner: r, fact: overdue_days}"
    write(tmp_path, line)
    write(tmp_path, line, name="second.yaml")
    with pytest.raises(SpecError, match=r"second.yaml:2.*defined already at own.yaml:2"):
        read_catalogue(tmp_path)
