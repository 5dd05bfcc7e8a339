"""The editor of trigger rules: written, tried, submitted on its page, and three looks without a purchase are one push."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.customer.consent import may_contact, standing_of
from bankloop.journey.trigger import FiringState, hear_events, stop_trigger, submit_trigger, work_triggers
from bankloop.kit.errors import NotFoundError
from bankloop.organization.approval import approval_of, consent, next_stage
from bankloop.organization.people import keeper_of
from bankloop.organization.principals import maker, reviewers, system
from bankloop.organization.task import tasks_of_customer
from bankloop.simulate.service import write_templates
from bankloop.store.hearings import when_taken
from tests.web.conftest import Staffed
from tests.web.test_products import BASE, csrf
from tests.web.test_triggers import fired, tell

RULE = """\
trigger: look-thrice
title: {zh: 三看理财, en: looked three times}
# three looks within a day, and nothing bought
when: {event: page_view, where: "event_page = 'wealth'", times: 3, within: 24h, without: [wealth_purchase]}
rest: 7d
then:
  - contact: {script: wealth-interest, channels: [app_push], class: marketing}
"""


@pytest.fixture
def rules(staffed: Staffed) -> Iterator[Path]:
    """The file of triggers, as it was for whoever comes next; what was put in force is stopped."""
    bank = staffed.small.open
    write_templates(bank.folder)
    vars(bank).pop("spec", None)
    when_taken(hear_events)
    place = bank.folder / "triggers.yaml"
    before = place.read_bytes()
    yield place
    place.write_bytes(before)
    with suppress(NotFoundError), bank.store.begin(maker()) as connection:
        stop_trigger(connection, "look-thrice", "over")


def looks(staffed: Staffed, customer: str, mark: str, many: int) -> None:
    for turn in range(many):
        tell(staffed, f"{mark}-{customer}-{turn}", "page_view", "mobile_bank", customer, page="wealth")
    work_triggers(staffed.small.open)


@pytest.mark.capability("C12")
def test_a_rule_of_the_editor_pushes_once_after_three_looks_and_respects_the_cap(staffed: Staffed, rules: Path) -> None:
    bank, strategist = staffed.small.open, staffed.client("strategist")
    assert 'href="/triggers/rules"' in strategist.get("/triggers").text
    editor = strategist.get("/triggers/rules").text
    seen = re.search(r'name="seen" value="([0-9a-f]*)"', editor)
    assert seen is not None
    assert "event_page" in editor
    form = {"csrf": csrf(editor), "seen": seen[1], "rule": RULE, "act": "ask"}
    answer = strategist.post("/triggers/rules", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/approvals/")
    assert "# three looks within a day" in rules.read_text(encoding="utf-8")
    for person in reviewers():
        with bank.store.begin(person) as connection:
            asked = approval_of(connection, "trigger", "look-thrice")
            if asked is not None and next_stage(asked) is not None:
                consent(connection, asked.approval_id, "seen")
    table = bank.state(bank.lake.today() - timedelta(days=1)).table
    with bank.store.begin(system("test")) as connection:
        kept = {row.customer_no for row in keeper_of(connection, *table["customer_no"].to_pylist())}
        able = [
            row["customer_no"]
            for row in reversed(table.to_pylist())  # other tests of triggers begin with the first
            if row["customer_no"] in kept and row["push_allowed"] and row["age"] and 18 <= row["age"] < 60
            if may_contact(standing_of(connection, row["customer_no"]).words, "app_push").allowed
        ]
    buyer, *others = able
    looks(staffed, others[0], "two", 2)
    assert fired(staffed, "look-thrice", others[0]) == []
    tell(staffed, f"bought-{buyer}", "wealth_purchase", "core", buyer, amount="5000", product="wealth-fixed-income")
    looks(staffed, buyer, "bought", 3)
    assert fired(staffed, "look-thrice", buyer) == []
    pushed = ""
    for customer in others[1:]:
        looks(staffed, customer, "three", 3)
        if (FiringState.FIRED, "") in fired(staffed, "look-thrice", customer):
            pushed = customer
            break
    assert pushed
    looks(staffed, pushed, "more", 3)
    came = fired(staffed, "look-thrice", pushed)
    assert [state for state, _ in came].count(FiringState.FIRED) == 1  # one push, however often they look
    with bank.store.begin(system("test")) as connection:
        query = "SELECT count(*) FROM contact WHERE customer_no = :c AND campaign = 'trigger:look-thrice' AND accepted"
        assert connection.scalar(text(query), {"c": pushed}) == 1
        stop_trigger(connection, "look-thrice", "the cap is looked at")
    # Who had a push today gets none of another rule: the cap of one a day holds for all of them together.
    told = staffed.api("strategist").get(f"{BASE}/triggers/look-thrice/rule").json()
    again = told["rule"].replace("look-thrice", "look-again")
    body = {"rule": again, "seen": told["seen"]}
    saved = staffed.api("strategist").put(
        f"{BASE}/triggers/rules", json=body, headers={"idempotency-key": uuid.uuid4().hex}
    )
    assert saved.status_code == 200, saved.text
    tried = staffed.client("strategist")
    page = tried.get("/triggers/rules/look-again").text
    digest = re.search(r'name="seen" value="([0-9a-f]*)"', page)
    assert digest is not None
    shown = tried.post(
        "/triggers/rules", data={"csrf": csrf(page), "seen": digest[1], "rule": again, "act": "try"}
    ).text
    assert "什么也没有真的做" in shown
    assert "cap:marketing:app_push:1/1d" in shown


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("page_view", "page_vew"), "trigger.file", "rule.yaml:4"),
        (("event_page = ", "event_pag = "), None, "rule.yaml:4"),
        (("app_push]", "pigeon]"), "trigger.file", "rule.yaml:7"),
        (("trigger: look-thrice", "trigger: Look Thrice"), "trigger.file", "rule.yaml:1"),
        (("rest: 7d", "rest: ["), "spec.yaml", "rule.yaml"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_its_line_and_nothing_is_kept(
    staffed: Staffed, rules: Path, change: tuple[str, str], code: str | None, said: str
) -> None:
    before, api = rules.read_bytes(), staffed.api("strategist")
    seen = api.get(f"{BASE}/triggers/wealth-interest/rule").json()["seen"]
    body = {"rule": RULE.replace(*change), "seen": seen}
    answer = api.put(f"{BASE}/triggers/rules", json=body, headers={"idempotency-key": uuid.uuid4().hex})
    assert answer.status_code in (400, 422), answer.text
    assert said in answer.json()["en"]
    assert rules.read_bytes() == before


def test_the_slower_of_two_editors_is_told_and_others_may_not_edit(staffed: Staffed, rules: Path) -> None:
    api = staffed.api("strategist")
    told = api.get(f"{BASE}/triggers/wealth-interest/rule").json()
    assert told["rule"].startswith("trigger: wealth-interest\n")
    first = {"rule": told["rule"].replace("rest: 7d", "rest: 14d"), "seen": told["seen"]}
    for body, status in ((first, 200), (first | {"rule": RULE}, 412)):
        answer = api.put(f"{BASE}/triggers/rules", json=body, headers={"idempotency-key": uuid.uuid4().hex})
        assert answer.status_code == status, answer.text
    kept = rules.read_text(encoding="utf-8")
    assert "rest: 14d" in kept
    assert "look-thrice" not in kept
    manager = staffed.of("relationship_manager")
    assert staffed.client(manager).get("/triggers/rules").status_code == 403
    assert 'href="/triggers/rules"' not in staffed.client(manager).get("/triggers").text


@pytest.mark.capability("D23")
def test_a_push_without_an_answer_for_48_hours_is_a_task_of_a_person_and_the_plan_shows_its_mix(
    staffed: Staffed, rules: Path
) -> None:
    bank, name = staffed.small.open, "push-unanswered"
    submit_trigger(bank, maker(), name)
    for person in reviewers():
        with bank.store.begin(person) as connection:
            asked = approval_of(connection, "trigger", name)
            if asked is not None and next_stage(asked) is not None:
                consent(connection, asked.approval_id, "seen")
    state = bank.state(bank.lake.today() - timedelta(days=1)).table.to_pylist()
    silent, fresh, opened = [row["customer_no"] for row in reversed(state) if row["manager_id"]][:3]
    at(staffed, "sent", "push_sent", silent, 49)
    at(staffed, "sent", "push_sent", fresh, 47)
    at(staffed, "sent", "push_sent", opened, 49)
    at(staffed, "open", "push_opened", opened, 30)
    work_triggers(bank)
    told = {one: {state for state, _ in fired(staffed, name, one)} for one in (silent, fresh, opened)}
    assert told == {silent: {FiringState.FIRED}, fresh: {FiringState.WAITING}, opened: {FiringState.OVER}}
    with bank.store.begin(system("test")) as connection:
        (task,) = [one for one in tasks_of_customer(connection, silent) if "did not open the push" in one.reason]
        assert not [one for one in tasks_of_customer(connection, opened) if "did not open the push" in one.reason]
        stop_trigger(connection, name, "over")
    assert task.staff_id == next(row["manager_id"] for row in state if row["customer_no"] == silent)
    client = staffed.client("strategist")
    client.cookies.set("language", "en")
    page = client.get("/plan").text
    mix = page.split("The mix of ways", 1)[1].split("</section>")[0]
    shares = {
        name: int(share)
        for name, share in re.findall(
            r"(electronic|by people|where customers come) (\d+)%", mix.split("<figcaption")[-1]
        )
    }
    assert set(shares) == {"electronic", "by people", "where customers come"}
    assert shares["by people"] > 0
    assert shares["electronic"] > 0


def at(staffed: Staffed, mark: str, kind: str, customer: str, hours: int) -> None:
    """Tell an event of so many hours ago."""
    moment = (staffed.small.open.store.clock.now() - timedelta(hours=hours)).isoformat()
    event = {"number": f"{mark}-{customer}", "type": kind, "customer_no": customer, "occurred_at": moment, "fields": {}}
    done = staffed.api(staffed.of("data_steward")).post(
        f"{BASE}/events",
        json={"source": "mobile_bank", "events": [event]},
        headers={"idempotency-key": f"{mark}-{kind}-{customer}"},
    )
    assert done.json()["taken"] == 1, done.text
