"""A further source of a bank that has its data: by the command and in the browser the same, and nothing else changes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, InputError, SpecError
from bankloop.lake.proposal.adding import check_new, names_there, settle_sources
from bankloop.lake.proposal.bringing import look_at_all, make_bank
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.sources import read_sources
from bankloop.organization.principals import system
from bankloop.store.embedded import EmbeddedServer
from bankloop.wiring import load
from tests.web.test_bringing import (
    FILES,
    Fresh,
    answer,
    begun,
    brought,
    form_of,
    hidden,
    made,
    refusal,
    send,
    write_files,
)

pytestmark = pytest.mark.bank
CUSTOMERS = 60
NOTE = "# 卡系统九月上线，先别动。 Leave the next source alone.\n"
HEADS = ["卡号", "客户号", "余额", "开户日期", "卡产品", "备用栏"]


@pytest.fixture(scope="module")
def loaded(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fresh]:
    """A bank whose three files are loaded, with a comment of somebody's in its bank.yaml."""
    with begun(store_server, clock, tmp_path_factory.mktemp("open") / "bank") as fresh:
        place = tmp_path_factory.mktemp("sent")
        write_files(place, CUSTOMERS, clock.now().date())
        given, folder = [str(place / one) for one in FILES], fresh.bank.folder
        day = fresh.bank.lake.today().replace(day=29)
        make_bank(folder, given, propose(look_at_all(given, day), {}, day))
        lines = (folder / "bank.yaml").read_text(encoding="utf-8").replace("  holding:\n", f"  {NOTE}  holding:\n", 1)
        (folder / "bank.yaml").write_text(lines, encoding="utf-8")
        load(fresh.bank)
        yield fresh


@pytest.fixture
def kept(loaded: Fresh) -> Iterator[Fresh]:
    """The same bank for every test: its bank.yaml and its files are put back."""
    folder = loaded.bank.folder
    before, lying = (folder / "bank.yaml").read_bytes(), set((folder / "data" / "incoming").rglob("*"))
    yield loaded
    (folder / "bank.yaml").write_bytes(before)
    for one in set((folder / "data" / "incoming").rglob("*")) - lying:
        one.unlink()
    shutil.rmtree(folder / "data" / "bringing", ignore_errors=True)


def numbers(fresh: Fresh) -> list[str]:
    with fresh.bank.lake.engine() as engine:
        rows = fresh.bank.lake.reading(fresh.bank.lake.version("customer"))
        return [str(row[0]) for row in engine.execute(f"SELECT customer_no FROM {rows} ORDER BY 1 LIMIT 60").fetchall()]


def cards(
    fresh: Fresh, place: Path, name: str = "cards.xlsx", stranger: str = "", taken: str = "", first: str = "62"
) -> Path:
    """The workbook of a card vendor: a card each for some customers, a column that nobody knows."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADS)
    for at, number in enumerate([*numbers(fresh), *([stranger] if stranger else [])]):
        sheet.append(
            [taken if taken and not at else f"{first}{at:08d}", number, 100.5 + at, "2023-01-05", "信用卡", "x"]
        )
    book.save(place / name)
    return place / name


def rows_of(fresh: Fresh, table: str) -> int:
    found = fresh.bank.lake.manifest.current(table)
    return found.rows if found else 0


def test_a_fourth_file_comes_in_by_the_browser_and_the_command_writes_the_same(kept: Fresh, tmp_path: Path) -> None:
    browser, folder = kept.browser(), kept.bank.folder
    assert "Bring a further source" in browser.get("/bring").text
    before, had = (folder / "bank.yaml").read_text(encoding="utf-8"), read_sources(folder)
    held = rows_of(kept, "holding")
    file = cards(kept, tmp_path, stranger="NOBODY")
    shown = send(browser, file)
    assert shown.status_code == 200, shown.text
    kept.work()
    page = unescape(browser.get("/bring").text)
    trial = page.split('id="trial"')[1]
    assert "refers to nothing: NOBODY" in trial, "keys are looked up among the customers that are loaded"
    assert trial.count("2023-01-05") >= 20
    assert "备用栏" in page.split('id="trial"')[0], "a column that nobody knows is named"
    assert "customer.marketing_consent" not in page, "nothing is derived that the bank has"

    assert answer(browser).status_code == 200
    kept.work()
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("bringing"))
    done = made(browser)
    assert "Next steps" in done.text, refusal(done)
    written = (folder / "bank.yaml").read_text(encoding="utf-8")
    assert written.startswith(before), "what was there stays, comments and all"
    new = [one for one in read_sources(folder) if one.name not in {one.name for one in had}]
    assert [(one.name, one.table) for one in new] == [("holding_2", "holding")]

    # What the command does for the same file and answers.
    day = kept.bank.lake.today()
    proposal = propose(look_at_all([str(file)], day), {}, day.replace(day=29), names_there(copy))
    with kept.bank.store.begin(system("load")) as connection:
        settle_sources(connection, copy, kept.bank.lake, [str(file)], proposal)
        connection.rollback()
    assert (copy / "bank.yaml").read_text(encoding="utf-8") == written
    place = Path("data", "incoming", "2026-06-29", "cards.xlsx")
    assert (copy / place).read_bytes() == (folder / place).read_bytes(), "beside the day that is loaded"

    kept.work()
    assert rows_of(kept, "holding") == held + CUSTOMERS, (
        "the snapshot is of both files, and what refers to nobody stays out"
    )
    settled = kept.trail("lake.settle")[-1]
    assert settled.after["files"] == ["cards.xlsx"]
    assert settled.before["file"] != settled.after["file"]


def test_the_same_file_twice_is_refused_by_its_name_and_by_what_it_holds(kept: Fresh, tmp_path: Path) -> None:
    browser, arrived = kept.browser(), kept.bank.folder / "data" / "incoming" / "2026-06-29"
    known = FILES[0]
    done = send(browser, arrived / known)
    assert (done.status_code, "is read by the source" in refusal(done)) == (409, True)
    other = tmp_path / "other.csv"
    shutil.copyfile(arrived / known, other)
    done = send(browser, other)
    assert (done.status_code, "holds exactly what" in refusal(done)) == (409, True)
    assert brought(kept) == []
    with pytest.raises(ConflictError, match="is read by the source"):
        check_new(kept.bank.folder, {known: arrived / known})


def test_a_key_that_another_source_has_brought_is_found_before_anything_is_written(kept: Fresh, tmp_path: Path) -> None:
    with kept.bank.lake.engine() as engine:
        rows = kept.bank.lake.reading(kept.bank.lake.version("holding"))
        taken = str(engine.execute(f"SELECT min(holding_id) FROM {rows}").fetchall()[0][0])
    browser = kept.browser()
    send(browser, cards(kept, tmp_path, taken=taken, first="77"))
    kept.work()
    trial = unescape(browser.get("/bring").text).split('id="trial"')[1]
    assert re.search(rf"holding_id: 1 rows, [^<]*: {re.escape(taken)};", trial), trial


def test_one_column_for_two_and_nothing_to_load_are_refused(kept: Fresh, tmp_path: Path) -> None:
    browser = kept.browser()
    before = (kept.bank.folder / "bank.yaml").read_bytes()
    send(browser, cards(kept, tmp_path))
    twice = ("holding_2.holding_id.from", "holding_2.customer_no.from")
    form = form_of(browser.get("/bring").text)
    assert {key for key in form if key.startswith("holding_2.")} >= set(twice), form
    both = dict.fromkeys(twice, "余额")
    done = answer(browser, **both)
    assert (done.status_code, "cannot be both" in refusal(done)) == (400, True)
    assert answer(browser, **{"table.cards.xlsx": "skip"}).status_code == 200
    done = made(browser)
    assert (done.status_code, "none of cards.xlsx is to be loaded" in refusal(done)) == (400, True)
    assert (kept.bank.folder / "bank.yaml").read_bytes() == before
    browser.post("/bring/drop", data={"csrf": hidden(done.text, "csrf"), "file": "cards.xlsx"})
    assert brought(kept) == []


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("format: 1\nsources:  # ours\n    a: {table: unit, path: '*/a.csv', format: csv}\n# of the next\nname: {zh: 一, en: A}\n", True),
        ("format: 1\nsources: {}\nname: {zh: 一, en: A}\n", True),
        ("format: 1\nsources: {a: {table: unit, path: '*/a.csv', format: csv}}\n", False),
    ],
)  # fmt: skip
def test_what_stands_in_bank_yaml_stays_or_nothing_is_written(
    kept: Fresh, tmp_path: Path, written: str, fits: bool
) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "bank.yaml").write_text(written, encoding="utf-8")
    file, day = cards(kept, tmp_path), kept.bank.lake.today()
    proposal = propose(look_at_all([str(file)], day), {}, day, frozenset({"a"}))

    def settle() -> Any:
        with kept.bank.store.begin(system("load")) as connection:
            settle_sources(connection, folder, kept.bank.lake, [str(file)], proposal)
            connection.rollback()

    if not fits:
        with pytest.raises(SpecError, match="cannot be written"):
            settle()
        assert (folder / "bank.yaml").read_text(encoding="utf-8") == written
        assert not (folder / "data").exists()
        return
    settle()
    found = (folder / "bank.yaml").read_text(encoding="utf-8")
    kept_lines = [line for line in written.replace("sources: {}", "sources:").splitlines() if line]
    assert [line for line in found.splitlines() if line in kept_lines] == kept_lines
    assert [one.name for one in read_sources(folder)][-1] == "holding"
    assert re.search(r"(?m)^ +holding:$.*^name:", found, re.DOTALL), "below the others, above the next key"


def test_files_that_are_all_left_out_are_no_source(kept: Fresh, tmp_path: Path) -> None:
    file, day = cards(kept, tmp_path), kept.bank.lake.today()
    proposal = propose(look_at_all([str(file)], day), {"table.cards.xlsx": "skip"}, day, frozenset({"customer"}))
    with pytest.raises(InputError, match="no source to write"), kept.bank.store.begin(system("load")) as connection:
        settle_sources(connection, kept.bank.folder, kept.bank.lake, [str(file)], proposal)
