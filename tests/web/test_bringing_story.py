"""A newcomer's way in a browser without scripts: three files, a bank, an audience, a campaign, the first plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.lake.proposal.bringing import begin_empty
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.simulate.service import write_templates
from bankloop.store.database import attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.web.shell.app import create_app
from tests.web.conftest import listening
from tests.web.test_bringing import FILES, files
from tests.web.test_browser import axe, walk

pytestmark = [pytest.mark.browser, pytest.mark.bank]
__all__ = ["axe", "files"]


@pytest.fixture
def begun(store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path) -> Iterator[Any]:
    """An application on a bank without files, and the path that its terminal would say."""
    folder = tmp_path / "bank"
    begin_empty(folder)
    write_templates(folder)
    create_database(store_server, "newcomer", "template_bank")
    with attach_store(folder, clock, store_server, "newcomer") as store:
        bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
        said: list[str] = []
        yield create_app(lambda: nullcontext(bank), say_local=said.append), said


def test_the_newcomer_s_way_without_a_script_and_without_a_file_edited(
    begun: Any, chromium: Any, files: Path, axe: str
) -> None:
    app, said = begun
    with listening(app) as address:
        plain = chromium.new_context(java_script_enabled=False, locale="en-GB")
        plain.add_cookies([{"name": "language", "value": "en", "url": address}])
        page = plain.new_page()
        page.goto(address + said[0])
        looked_at = Looks(chromium, plain, address, axe)
        looked_at.at("/bring")

        page.set_input_files("#files", [str(files / one) for one in FILES])
        page.click("main button:has-text('Send')")
        assert "csv gbk" in page.locator("main").inner_text()
        page.click("main button:has-text('Save and try')")
        until_done(page, "#trial:has-text('Nothing stands against it')")
        looked_at.at("/bring")

        page.click("main button:has-text('Write bank.yaml and load')")
        until_done(page, "main a:has-text('mature in 60 days')").click()
        assert "may be reached" in page.locator("#audience").inner_text()
        looked_at.at("/begin?expression=aum+%3E%3D+1")
        act_as(page, address, "strategist")
        page.goto(address + "/begin?expression=term_maturing_60d+%3E%3D+20000")
        page.fill("#owner", "savings desk")
        page.fill("#source", "the calls of last spring")
        page.click("main button:has-text('Make the campaign')")
        page.click("main button:has-text('Train the model')")
        approval = until_done(page, "main a:has-text('Approve the model')").get_attribute("href")
        passed(page, address, approval, ("checker",))
        act_as(page, address, "strategist")
        page.goto(address + "/begin")
        page.click("main button:has-text('Submit for approval')")
        passed(page, address, page.url.removeprefix(address), ("consumer", "compliance", "checker", "checker2"))
        act_as(page, address, "strategist")
        page.goto(address + "/begin")
        page.click("main button:has-text('Compute the first plan')")
        assert "savers" in until_done(page, "#plan table").inner_text()
        looked_at.at("/begin")
        plain.close()


class Looks:
    """Every page of the way as a reader with a narrow or a wide screen sees it, in both languages."""

    def __init__(self, chromium: Any, plain: Any, address: str, axe: str) -> None:
        self.chromium, self.plain, self.address, self.axe = chromium, plain, address, axe

    def at(self, path: str) -> None:
        """Look at a page: nothing is cut off, and axe finds nothing against it."""
        session = next(one["value"] for one in self.plain.cookies() if one["name"] == "session")
        for width, language in ((390, "zh"), (1440, "en")):
            context = self.chromium.new_context(viewport={"width": width, "height": 900})
            cookies = {"session": session, "language": language}
            context.add_cookies([{"name": key, "value": value, "url": self.address} for key, value in cookies.items()])
            walk(context.new_page(), self.address + path, f"{path} {width}", self.axe)
            context.close()


def until_done(page: Any, selector: str) -> Any:
    """What a page shows when its job is done: it renews itself until then, and whoever left it before would race it."""
    return page.wait_for_selector(f"html:not(:has(meta[http-equiv='refresh'])) {selector}", timeout=120_000)


def act_as(page: Any, address: str, person: str) -> None:
    page.goto(address + "/signin")
    page.click(f"form:has(input[value='{person}']) button")


def passed(page: Any, address: str, approval: str, people: tuple[str, ...]) -> None:
    """Let each of these people pass what waits, where it waits for them."""
    for person in people:
        act_as(page, address, person)
        page.goto(address + approval)
        button = page.locator("#act button:has-text('Approve')")
        if button.count():
            page.fill("#comment", "in order")
            button.first.click()
