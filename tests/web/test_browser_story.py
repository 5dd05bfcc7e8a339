"""One campaign's way through the bank, in a browser without scripts: made, returned, mended, approved, run, killed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.organization.approval import approvals
from bankloop.organization.principals import system
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.registry import read_plans
from tests.bankfixture import TEMPLATE, open_small_bank
from tests.web.conftest import Staffed, listening, staff

pytestmark = pytest.mark.browser
CAMPAIGN = "bind-card"


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank of this story's own: what happens in it happens to nobody else's tests."""
    small = open_small_bank(tmp_path_factory.mktemp("story"), store_server, TEMPLATE, clock, "story")
    yield staff(small)
    small.open.store.close()


class Desk:
    """One person's browser."""

    def __init__(self, chromium: Any, address: str, token: str) -> None:
        context = chromium.new_context(java_script_enabled=False, locale="en-GB")
        context.add_cookies(
            [{"name": "session", "value": token, "url": address}, {"name": "language", "value": "en", "url": address}]
        )
        self.page, self.address = context.new_page(), address

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        return self.page

    def buttons(self) -> list[str]:
        return [text.strip() for text in self.page.locator("#act button").all_inner_texts()]

    def act(self, approval: str, button: str, comment: str) -> None:
        self.open(approval)
        self.page.fill("#comment", comment)
        self.page.click(f"#act button:has-text('{button}')")


def test_the_story(own: Staffed, chromium: Any) -> None:
    with listening(own.app) as address:
        people = ("strategist", "consumer", "compliance", "checker", "checker2")
        maker, consumer, compliance, checker, second = (Desk(chromium, address, own.token(person)) for person in people)

        # The maker changes the file and submits it.
        edit(maker, "65", "64")
        page = maker.open(f"/campaigns/{CAMPAIGN}")
        page.click("main button:has-text('Submit for approval')")
        approval = page.url.removeprefix(address)
        assert approval.startswith("/approvals/")
        assert "64" in page.locator("main").inner_text()  # what exactly changes
        assert "Approve" not in maker.buttons()  # nobody passes their own

        # The reviewer returns it, with a comment that the maker reads.
        consumer.act(approval, "Return", "the age reads 64 and must be 63")
        assert "must be 63" in maker.open(approval).locator("main").inner_text()

        # The maker mends it; two open editors: the second is told and keeps the text.
        slow = Desk(chromium, address, own.token("strategist"))
        slow.open(f"/campaigns/{CAMPAIGN}/edit")
        edit(maker, "64", "63")
        slow.page.fill("#text", slow.page.input_value("#text") + "# mine\n")
        slow.page.click("main button:has-text('Save')")
        assert "changed by somebody else" in slow.page.locator("[role=alert]").inner_text()
        assert "# mine" in slow.page.input_value("#text")
        page = maker.open(f"/campaigns/{CAMPAIGN}")
        page.click("main button:has-text('Submit for approval')")
        approval = page.url.removeprefix(address)

        # Every stage by another person; who has passed one is offered no other.
        consumer.act(approval, "Approve", "wording is in order")
        consumer.open(approval)
        assert "Approve" not in consumer.buttons()
        for desk in (compliance, checker, second):
            desk.open(approval)
            if "Approve" in desk.buttons():
                desk.act(approval, "Approve", "agreed")
        assert state(own) == "approved"

        # The maker looks at the plan and starts the run; asking again sends nothing again.
        day = own.small.open.lake.today() + timedelta(days=31)
        said = [run_round(own, maker, day, button) for button in ("Preview the plan", "Run", "Run")]
        assert "from the best" in said[0]
        assert "contacts reserved" in said[1]
        assert "nothing was decided again" in said[2]
        assert state(own) == "running"

        # Compliance kills it, with a reason; a kill without one is refused and what was written stays.
        compliance.open(approval)
        compliance.page.click("#act button:has-text('Kill')")
        assert state(own) == "running"
        compliance.act(approval, "Kill", "a complaint about the wording")
        assert state(own) == "killed"
        page = maker.open("/rounds")
        assert own.small.open.campaign(CAMPAIGN).title.en not in page.locator("p.answer").inner_text()
        run_round(own, maker, day + timedelta(days=1), "Run")
        with own.small.open.store.begin(system()) as connection:
            assert all(CAMPAIGN not in plan.campaigns for plan in read_plans(connection, day + timedelta(days=1)))


def run_round(own: Staffed, desk: Desk, day: date, button: str) -> str:
    """Ask for a round on the page, wait for the work, and return what the page then says of it."""
    page = desk.open("/rounds")
    page.fill("#round", "2")
    page.fill("#start", day.isoformat())
    page.click(f"main button:has-text('{button}')")
    own.app.state.jobs.wait()
    said: str = desk.open("/rounds").locator("main table tbody tr").first.inner_text()
    return said


def edit(desk: Desk, before: str, after: str) -> None:
    page = desk.open(f"/campaigns/{CAMPAIGN}/edit")
    page.fill("#text", page.input_value("#text").replace(before, after))
    page.click("main button:has-text('Save')")
    assert page.url.endswith(f"/campaigns/{CAMPAIGN}"), page.locator("main").inner_text()


def state(own: Staffed) -> str:
    with own.small.open.store.begin(system()) as connection:
        return approvals(connection, "campaign", CAMPAIGN)[0].state.value
