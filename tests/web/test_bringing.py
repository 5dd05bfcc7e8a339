"""Files brought in a browser: from an empty folder to the first plan, the same bank.yaml as the command writes, and what is refused."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.lake.proposal.bringing import begin_empty, look_at_all, make_bank
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.simulate.service import write_templates
from bankloop.store.database import attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.web.shell.app import create_app

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from newcomer import write_files  # noqa: E402

pytestmark = pytest.mark.bank
FILES = ("customers.csv", "accounts.csv", "transactions.csv")
CUSTOMERS = 400


@dataclass
class Fresh:
    """A bank that has no files yet, its console, and a browser of whoever set it up."""

    bank: Bank
    app: FastAPI
    local: str

    def browser(self, person: str = "steward") -> TestClient:
        """A browser without a window, let in by the address that the terminal said."""
        opened = TestClient(self.app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))
        assert opened.get(self.local, follow_redirects=False).status_code == 303
        opened.cookies.set("language", "en")
        if person != "steward":
            opened.post("/signin/switch", data={"person": person})
        return opened

    def work(self) -> None:
        """Do the jobs that wait."""
        self.app.state.jobs.wait()

    def trail(self, verb: str) -> list[Any]:
        """The rows of the trail of one verb."""
        with self.bank.store.begin(system()) as connection:
            return list(connection.execute(text("SELECT * FROM audit WHERE verb = :verb ORDER BY id"), {"verb": verb}))


_numbers = iter(range(1, 1_000))


@pytest.fixture
def fresh(store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path) -> Iterator[Fresh]:
    folder, database = tmp_path / "bank", f"bringing_{os.getpid()}_{next(_numbers)}"
    begin_empty(folder)
    write_templates(folder)
    create_database(store_server, database, "template_bank")
    with attach_store(folder, clock, store_server, database) as store:
        bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
        said: list[str] = []
        rates = ("100000/minute", "100000/minute")
        app = create_app(lambda: nullcontext(bank), rates=rates, say_local=said.append)
        with TestClient(app, base_url="http://127.0.0.1"):
            yield Fresh(bank, app, said[0])


@pytest.fixture
def files(tmp_path: Path, clock: FixedClock) -> Path:
    place = tmp_path / "sent"
    place.mkdir()
    write_files(place, CUSTOMERS, clock.now().date())
    return place


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the form of answers: the options that are selected, else the first."""
    found = {name: hidden(page, name) for name in ("csrf", "seen")}
    for select in re.finditer(r'<select [^>]*name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', select[2]) or re.search(r'value="([^"]*)"', select[2])
        assert chosen is not None
        found[unescape(select[1])] = unescape(chosen[1])
    return found


def send(browser: TestClient, *paths: Path, names: dict[str, str] | None = None) -> Any:
    page = browser.get("/bring").text
    parts = [("files", ((names or {}).get(one.name, one.name), one.read_bytes())) for one in paths]
    return browser.post("/bring/files", data={"csrf": hidden(page, "csrf")}, files=parts)


def answer(browser: TestClient, **given: str) -> Any:
    return browser.post("/bring/answers", data={**form_of(browser.get("/bring").text), **given})


def made(browser: TestClient) -> Any:
    page = browser.get("/bring").text
    return browser.post("/bring/make", data={name: hidden(page, name) for name in ("csrf", "seen")})


def test_from_three_files_to_the_first_plan_without_a_file_edited(fresh: Fresh, files: Path, tmp_path: Path) -> None:
    browser = fresh.browser()
    assert browser.get("/", follow_redirects=False).headers["location"] == "/bring"
    shown = send(browser, *(files / one for one in FILES))
    assert shown.status_code == 200, shown.text
    assert "csv gbk ," in shown.text
    assert "csv utf-8 tab" in shown.text
    fresh.work()
    answered = answer(browser)
    assert answered.status_code == 200, answered.text
    fresh.work()
    page = browser.get("/bring").text
    assert "Nothing stands against it" in page
    assert page.count("<td") > 20 * 8
    assert "王" not in page.split('id="trial"')[1], "names are dots"
    done = made(browser)
    assert "Next steps" in done.text, done.text

    # The command writes the same for the same answers, byte for byte.
    given = [str(files / one) for one in FILES]
    looks = look_at_all(given, fresh.bank.lake.today())
    beside = tmp_path / "beside"
    day = fresh.bank.lake.today().replace(day=29)
    make_bank(beside, given, propose(looks, {}, day))
    for file in ("bank.yaml", *(f"data/incoming/2026-06-29/{one}" for one in (*FILES, ".ok"))):
        assert (fresh.bank.folder / file).read_bytes() == (beside / file).read_bytes(), file
    assert not (fresh.bank.folder / "data" / "bringing").exists()

    fresh.work()
    page = browser.get("/bring").text
    assert f"{CUSTOMERS:,}" in page
    marketer = fresh.browser("strategist")
    page = marketer.get("/begin", params={"expression": "term_maturing_60d >= 20000"}).text
    assert "may be reached" in page
    wrong = marketer.get("/begin", params={"expression": "term_maturing >= 20000"}).text
    assert "term_maturing_60d" in wrong, "the nearest name is said"
    csrf = {"csrf": hidden(page, "csrf")}
    begun = {**csrf, "template": "savers", "expression": "term_maturing_60d >= 20000"}
    done = marketer.post("/begin/campaign", data=begun)
    assert done.status_code == 200, done.text
    tutorial = (Path(__file__).parents[2] / "docs" / "tutorial" / "own-bank.md").read_text(encoding="utf-8")
    written = (fresh.bank.folder / "campaigns" / "savers.yaml").read_text(encoding="utf-8")
    assert f"```yaml\n{written}```" in tutorial
    marketer.post("/begin/learn", data={**csrf, "campaign": "savers"})
    fresh.work()
    page = marketer.get("/begin").text
    approve(fresh, page, ("checker",))
    page = marketer.get("/begin").text
    assert "champion" in page
    marketer.post("/campaigns/savers/submit", data=csrf)
    page = marketer.get("/begin").text
    approve(fresh, page, ("consumer", "compliance", "checker", "checker2"))
    marketer.post("/begin/plan", data=csrf)
    fresh.work()
    page = marketer.get("/begin").text
    assert "The first plan" in page, page
    assert len(fresh.trail("lake.bring")) == 3
    assert len(fresh.trail("lake.settle")) == 1


def approve(fresh: Fresh, page: str, people: tuple[str, ...]) -> None:
    """Let each of these people pass what waits, where it waits for them."""
    found = re.search(r'href="(/approvals/[0-9a-f-]{36})"', page)
    assert found is not None, page
    for person in people:
        browser = fresh.browser(person)
        shown = browser.get(found[1]).text
        if 'value="pass"' in shown or "/pass" in shown:
            done = browser.post(f"{found[1]}/pass", data={"csrf": hidden(shown, "csrf"), "comment": "in order"})
            assert done.status_code == 200, done.text
