"""The workbench on a phone that loses its network: notes and visits written then reach the bank once each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.organization.principals import system
from bankloop.organization.task import dispatch_tasks, events_of, open_tasks_for
from bankloop.store.embedded import EmbeddedServer
from tests.bankfixture import TEMPLATE, open_small_bank
from tests.web.conftest import Staffed, listening, staff

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank of this story's own, with tasks of a manager due today."""
    small = open_small_bank(tmp_path_factory.mktemp("offline"), store_server, TEMPLATE, clock, "offline")
    staffed = staff(small)
    manager = staffed.of("relationship_manager")
    with small.open.store.begin(system()) as connection:
        for name in small.open.spec.campaigns:
            dispatch_tasks(connection, name, 1)
        connection.execute(
            text("UPDATE staff_task SET due_on = :day WHERE staff_id = :m"),
            {"day": small.open.lake.today(), "m": manager},
        )
    yield staffed
    small.open.store.close()


def phone(chromium: Any, address: str, token: str) -> Any:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.add_cookies(
        [{"name": "session", "value": token, "url": address}, {"name": "language", "value": "en", "url": address}]
    )
    return context


@pytest.mark.capability("D9")
def test_a_visit_and_a_note_written_without_a_network_count_once(own: Staffed, chromium: Any) -> None:
    store, manager = own.small.open.store, own.of("relationship_manager")
    with store.begin(system()) as connection:
        one, two = open_tasks_for(connection, manager, own.small.open.lake.today())[:2]
    with listening(own.app) as address:
        context = phone(chromium, address, own.token(manager))
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/workbench")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.goto(f"{address}/workbench/{one.task_id}")
        assert wrong == []  # nothing that the policy forbids
        context.set_offline(True)
        page.check("form[data-offline=visit] input[value=company]")
        page.fill("#v-met", "the owner")
        page.fill("#v-matter", "machines at two sites")
        page.click("form[data-offline=visit] button")
        page.wait_for_selector("#offline:visible")
        assert "1" in page.locator("#offline").inner_text()

        # A page that was never open: the one that is kept takes a note for a task of the day's list.
        page.goto(f"{address}/workbench/{two.task_id}")
        assert "No network" in page.locator("h1").inner_text()
        assert one.customer_no not in page.content()
        page.select_option("#offline-task", str(two.task_id))
        page.select_option("#o-outcome", "considering")
        page.fill("#o-note", "on the train")
        page.click("form[data-offline=log] button")
        assert "2" in page.locator("#offline").inner_text()

        context.set_offline(False)
        with page.expect_response(lambda answer: answer.url.endswith("/log")):
            page.goto(f"{address}/workbench")
        page.wait_for_selector("#offline", state="hidden")
        kept = page.evaluate("localStorage.getItem('bankloop.notes')")
        assert kept == "[]"
        page.goto(f"{address}/workbench")  # nothing is sent again
        context.close()
    with store.begin(system()) as connection:
        first, second = (events_of(connection, [t.task_id]) for t in (one, two))
    assert [(e.act, e.note) for e in first] == [("visited", "company · the owner · machines at two sites")]
    assert [(e.act, e.outcome, e.note) for e in second] == [("logged", "considering", "on the train")]


def test_what_the_bank_refuses_stays_on_the_phone_with_its_reason(own: Staffed, chromium: Any) -> None:
    store, manager = own.small.open.store, own.of("relationship_manager")
    with store.begin(system()) as connection:
        task = open_tasks_for(connection, manager, own.small.open.lake.today())[0]
    with listening(own.app) as address:
        context = phone(chromium, address, own.token(manager))
        page = context.new_page()
        page.goto(f"{address}/workbench/{task.task_id}")
        context.set_offline(True)
        page.check("form[data-offline=log] input[value=interested]")
        page.fill("#next_at", "2020-01-01T10:00")
        page.click("form[data-offline=log] button")
        context.set_offline(False)
        page.goto(f"{address}/workbench")
        page.wait_for_selector("#offline [data-refused]:not(:empty)")
        assert "has passed" in page.locator("#offline").inner_text()
        context.close()


def test_the_workbench_is_installable_and_keeps_no_customer(own: Staffed) -> None:
    client = own.client(own.of("relationship_manager"))
    manifest = client.get("/workbench.webmanifest").json()
    assert (manifest["start_url"], manifest["display"]) == ("/workbench", "standalone")
    page = client.get("/workbench")
    assert 'rel="manifest"' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    kept = client.get("/workbench/offline")
    assert "csrf" not in kept.text
    assert own.of("relationship_manager") not in kept.text
    assert own.client().get("/workbench/offline").text == kept.text
    assert "script-src" not in client.get("/customers").headers["content-security-policy"]
    task = page.text.split('href="/workbench/')[1].split('"')[0]
    form = client.get(f"/workbench/{task}").text
    proof = form.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    sent = {"csrf": proof, "place": "home", "met": "", "matter": " "}
    assert "请写明" in client.post(f"/workbench/{task}/visit", data=sent).text  # the same without a script
    assert client.post(f"/workbench/{task}/visit", data={**sent, "matter": "看房"}).status_code == 200
    assert "看房" in client.get(f"/workbench/{task}").text
