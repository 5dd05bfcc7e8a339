"""A manager's morning on a phone, and a leader's look at it, in a browser without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.loop import run as loop
from bankloop.organization.principals import auditor, system
from bankloop.organization.task import (
    NewTask,
    TaskKind,
    dispatch_tasks,
    events_of,
    log_outcome,
    open_task,
    open_tasks_for,
)
from bankloop.store.contracts import Role
from bankloop.store.embedded import EmbeddedServer
from tests.bankfixture import TEMPLATE, open_small_bank
from tests.web.conftest import Staffed, listening, staff

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank of this story's own."""
    small = open_small_bank(tmp_path_factory.mktemp("morning"), store_server, TEMPLATE, clock, "morning")
    staffed = staff(small)
    # Its people came after its first round: what the plan asks of staff is sent down now.
    with small.open.store.begin(system()) as connection:
        for name in small.open.spec.campaigns:
            dispatch_tasks(connection, name, 1)
    yield staffed
    small.open.store.close()


def phone(chromium: Any, address: str, token: str) -> Any:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}, has_touch=True)
    context.add_cookies(
        [{"name": "session", "value": token, "url": address}, {"name": "language", "value": "en", "url": address}]
    )
    return context.new_page()


def fits(chromium: Any, address: str, token: str, path: str) -> bool:
    """Return whether a page fits a phone's width; without scripts a page cannot be asked, so another context asks."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": "session", "value": token, "url": address}])
    page = context.new_page()
    page.goto(address + path)
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    context.close()
    return not wide


@pytest.mark.capability("A16")
def test_a_task_is_done_on_a_phone_without_scrolling_sideways(own: Staffed, chromium: Any) -> None:
    store, manager = own.small.open.store, own.of("relationship_manager")
    today = own.small.open.lake.today()
    with store.begin(system()) as connection:
        connection.execute(
            text("UPDATE staff_task SET due_on = :day WHERE staff_id = :m"), {"day": today, "m": manager}
        )
        before = open_tasks_for(connection, manager, today)
    assert before
    with listening(own.app) as address:
        token = own.token(manager)
        page = phone(chromium, address, token)
        page.goto(address + "/workbench")
        assert f"{len(before)} to do" in page.locator("p.answer").inner_text()
        page.locator("main a[href^='/workbench/']").first.click()
        path = page.url.removeprefix(address)
        assert fits(chromium, address, token, "/workbench")
        assert fits(chromium, address, token, path)

        # The number shows once the task is taken, for this task's reason.
        assert page.locator("a[href^='tel:']").count() == 0
        page.click("main button:has-text('Take it and show the number')")
        assert page.locator("a[href^='tel:1']").count() == 1
        assert fits(chromium, address, token, path)

        # What is wrong is said and nothing that was written is lost.
        page.check("input[value=interested]")
        page.fill("#note", "tomorrow at 10, ask for the card")
        page.fill("#next_at", "2020-01-01T10:00")
        page.click("main button:has-text('Keep')")
        assert "has passed" in page.locator("[role=alert]").inner_text()
        assert page.input_value("#note").startswith("tomorrow at 10")
        page.fill("#next_at", "")
        page.click("main button:has-text('Keep')")
        assert page.url == address + "/workbench"
        assert f"{len(before) - 1} to do" in page.locator("p.answer").inner_text()

        with store.begin(system()) as connection:
            follow = [
                t
                for t in open_tasks_for(connection, manager, today + timedelta(days=2))
                if t.kind is TaskKind.FOLLOW_UP
            ]
            assert [t.due_on for t in follow] == [today + timedelta(days=1)]
            assert follow[0].parent_id is not None
            assert [e.act for e in events_of(connection, [follow[0].parent_id])] == ["accepted", "logged"]
        with store.begin(auditor(), Role.AUDITOR) as connection:
            seen = connection.execute(
                text("SELECT ticket, fields FROM unmasking WHERE person_id = :m"), {"m": manager}
            ).all()
        assert [(row.ticket, row.fields) for row in seen] == [(path.rpartition("/")[2], ["name_token", "phone_token"])]


def test_a_call_by_hand_to_a_control_is_reported_as_contamination(own: Staffed) -> None:
    bank, manager = own.small.open, own.of("relationship_manager")
    name = "keep-deposits" if "keep-deposits" in bank.spec.campaigns else next(iter(bank.spec.campaigns))
    before = loop.evaluate(bank, system(), name, [1], keep=False)
    with bank.store.begin(system()) as connection:
        customer, unit = connection.execute(
            text(
                "SELECT customer_no, unit_id FROM decision WHERE campaign = :c AND cell = 'control' ORDER BY 1 LIMIT 1"
            ),
            {"c": name},
        ).one()
        now = bank.clock.now()
        task = open_task(connection, NewTask("hand/1", TaskKind.FOLLOW_UP, customer, unit, "x", now, now + timedelta(hours=2), manager))  # fmt: skip
        log_outcome(connection, task.task_id, "interested")
    after = loop.evaluate(bank, system(), name, [1], keep=False)
    assert after.contaminated == before.contaminated + 1
    assert (after.control, after.treated) == (before.control, before.treated)


def test_a_leader_sees_what_is_overdue_and_gives_it_to_a_colleague(own: Staffed, chromium: Any) -> None:
    store, head = own.small.open.store, own.of("sub_branch_head")
    with store.begin(system()) as connection:
        unit = connection.scalar(text("SELECT unit_id FROM staff_post WHERE staff_id = :h"), {"h": head})
    with listening(own.app) as address:
        page = phone(chromium, address, own.token(head))
        page.goto(address + "/warroom")
        assert "units have tasks this month" in page.locator("p.answer").inner_text()
        page.goto(f"{address}/warroom/{unit}")
        rows = page.locator("main tbody tr")
        assert rows.count() > 0
        options = rows.first.locator("option")
        wanted = options.nth(options.count() - 1).get_attribute("value")
        task = rows.first.locator("input[name=task]").get_attribute("value")
        rows.first.locator("select").select_option(wanted)
        rows.first.locator("button").click()
        with store.begin(system()) as connection:
            given = connection.scalar(
                text("SELECT staff_id FROM staff_task WHERE task_id = CAST(:t AS uuid)"), {"t": task}
            )
        assert given == wanted
        assert page.goto(f"{address}/warroom/NOWHERE").status == 404


def test_the_desks_open_to_whom_they_are_for(own: Staffed) -> None:
    for person, path, status in (
        (own.of("relationship_manager"), "/workbench", 200),
        (own.of("relationship_manager"), "/warroom", 403),
        (own.of("branch_commander"), "/warroom", 200),
        (own.of("branch_commander"), "/workbench", 403),
        ("auditor", "/workbench", 403),
    ):
        assert own.client(person).get(path).status_code == status, (person, path)
