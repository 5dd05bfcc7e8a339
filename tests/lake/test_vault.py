"""Identifiers of loaded customers lie sealed in the vault, as the files last said them, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text
from tests.lake.test_load import CUSTOMERS

from bankloop.kit.errors import DataError
from bankloop.lake.load import load_bank
from bankloop.lake.service import Lake, open_lake
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.store.vault import erase_sealed, find_by_identifier, read_identifiers

LOADER = Principal("system:lake", frozenset({"system"}), ("*",), "load", rights=frozenset({"*"}))
KEPT = [("1", "name", "王小明"), ("1", "phone", "13800000000"), ("2", "name", "李雷"), ("2", "phone", "13900000000")]


@pytest.fixture
def lake(store: Store) -> Lake:
    (store.folder / "bank.yaml").write_text(CUSTOMERS, encoding="utf-8")
    return open_lake(store.folder, store, LOADER, memory="512MB", threads=2)


def deliver(folder: Path, *people: tuple[str, str, str]) -> None:
    book = openpyxl.Workbook()
    book.active.append(("客户号", "姓名", "手机号", "开户日", "同意", "成本"))
    for number, name, phone in people:
        book.active.append((number, name, phone, "20200229", "同意", 0))
    path = folder / "data" / "incoming" / "customer.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def kept(store: Store) -> list[tuple[str, str, str]]:
    with store.begin(LOADER) as connection:
        found = read_identifiers(connection, ["1", "2", "3"], ["name", "phone"])
    return [(one.customer_no, one.kind, one.value) for one in found]


FIRST = (("1", "王小明", "138 0000 0000"), ("2", "李雷", "+86-13900000000"), ("3", "韩梅", "1380000"))


def test_loading_fills_the_vault_with_the_good_rows(store: Store, lake: Lake) -> None:
    deliver(store.folder, *FIRST)
    load_bank(store.folder, lake)
    assert kept(store) == KEPT
    with store.begin(LOADER) as connection:
        assert find_by_identifier(connection, "phone", "139-0000-0000") == ["2"]
    written = [path.read_bytes() for path in (store.folder / "data").rglob("*.parquet")]
    assert written
    assert not any(b"13800000000" in body or "王小明".encode() in body for body in written)


def test_only_what_changed_is_sealed_again(store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(store.folder, *FIRST)
    load_bank(store.folder, lake)
    seen: list[tuple[str, list[str]]] = []
    keep = lake.vault.keep
    monkeypatch.setattr(
        type(lake.vault),
        "keep",
        lambda _, kind, who, what, first: seen.append((kind, list(who))) or keep(kind, who, what, first=first),
    )
    load_bank(store.folder, lake)
    assert seen == []
    deliver(store.folder, ("1", "王小明", "13800000001"), *FIRST[1:2])
    load_bank(store.folder, lake)
    assert seen == [("phone", ["1"])]
    assert kept(store) == [KEPT[0], ("1", "phone", "13800000001"), *KEPT[2:]]


def test_who_was_erased_does_not_come_back_with_the_next_file(store: Store, lake: Lake) -> None:
    deliver(store.folder, *FIRST)
    load_bank(store.folder, lake)
    with store.begin(LOADER) as connection:
        erase_sealed(connection, "1")
    deliver(store.folder, ("1", "王小明", "13800000001"), ("2", "李磊", "13900000000"))
    load_bank(store.folder, lake)
    assert kept(store) == [("2", "name", "李磊"), ("2", "phone", "13900000000")]


def test_a_load_that_is_refused_leaves_the_vault_as_it_was(store: Store, lake: Lake) -> None:
    deliver(store.folder, *FIRST)
    load_bank(store.folder, lake)
    wrong = [(str(number), "某", "13700000000") for number in range(1, 3)]
    deliver(store.folder, *wrong, *[(str(number), "某", "12") for number in range(3, 9)])
    with pytest.raises(DataError, match=r"bad|reject"):
        load_bank(store.folder, lake)
    assert kept(store) == KEPT


def test_a_vault_that_was_never_filled_gets_everybody(store: Store, lake: Lake) -> None:
    deliver(store.folder, *FIRST)
    load_bank(store.folder, lake)
    with store.begin(LOADER) as connection:
        connection.execute(text("DELETE FROM identifier"))
    deliver(store.folder, *FIRST, ("4", "新客", "13600000000"))
    load_bank(store.folder, lake)
    assert kept(store) == KEPT


def test_of_two_days_at_once_the_second_brings_what_it_changed(
    store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.folder / "bank.yaml").write_text(
        CUSTOMERS.replace("path: ", 'path: "*/').replace(".xlsx", '.xlsx"'), encoding="utf-8"
    )
    for day, people in (("2026-06-29", FIRST), ("2026-06-30", (("1", "王小明", "13800000001"), *FIRST[1:2]))):
        deliver(store.folder, *people)
        place = store.folder / "data" / "incoming" / day
        place.mkdir()
        (place.parent / "customer.xlsx").rename(place / "customer.xlsx")
        (place / ".ok").touch()
    seen: list[tuple[str, list[str]]] = []
    keep = lake.vault.keep
    monkeypatch.setattr(
        type(lake.vault),
        "keep",
        lambda _, kind, who, what, first: seen.append((kind, sorted(who))) or keep(kind, who, what, first=first),
    )
    load_bank(store.folder, lake)
    assert seen == [("name", ["1", "2"]), ("phone", ["1", "2"]), ("phone", ["1"])]
    assert kept(store) == [KEPT[0], ("1", "phone", "13800000001"), *KEPT[2:]]
