"""A manager's plan for a customer: made on the customer's page, followed in the book, done step by step, ended; nobody else's."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from bankloop.organization.principals import auditor, system
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed


def csrf(page: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]


@pytest.mark.capability("C4")
def test_a_plan_is_made_followed_done_and_ended_on_pages(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    own, client, today = staffed.own_customer(manager), staffed.client(manager), staffed.small.open.lake.today()
    place = f"/customers/{own}/plan"
    assert f'href="{place}"' in client.get(f"/customers/{own}").text
    form = {
        "csrf": csrf(client.get(place).text),
        "goal": "把定存留在本行",
        "until": f"{today + timedelta(days=60)}",
        "what-1": "约见面",
        "due-1": f"{today + timedelta(days=7)}",
        "what-2": "给方案",
        "due-2": f"{today + timedelta(days=30)}",
    }
    late = client.post(place, data={**form, "due-2": f"{today + timedelta(days=61)}"}, follow_redirects=False)
    assert late.status_code == 400
    assert "把定存留在本行" in late.text, "what was written is not lost"
    assert client.post(place, data=form, follow_redirects=False).status_code == 303
    assert client.post(place, data=form, follow_redirects=False).status_code == 409  # one is open at a time
    book = html.unescape(client.get("/book").text)
    row = next(one for one in book.split("<tr>") if "把定存留在本行" in one)
    assert "0/2 步" in row
    assert "约见面" in row
    assert f"{today + timedelta(days=7)}" in row
    assert f'href="/{place[1:]}"' in row
    assert "把定存留在本行" in client.get(f"/customers/{own}").text
    page = client.get(place).text
    step = re.findall(r'action="([^"]+/steps/1)"', page)[0]
    said = {"csrf": csrf(page), "said": "周三下午"}
    assert client.post(step, data=said, follow_redirects=False).status_code == 303
    assert client.post(step, data=said, follow_redirects=False).status_code == 404  # done once
    row = next(one for one in html.unescape(client.get("/book").text).split("<tr>") if "把定存留在本行" in one)
    assert "1/2 步" in row
    assert "给方案" in row
    page = client.get(place).text
    assert "周三下午" in page
    end = re.findall(r'action="([^"]+/end)"', page)[0]
    assert client.post(end, data={"csrf": csrf(page), "outcome": "won"}).status_code == 400
    assert client.post(end, data={"csrf": csrf(page), "outcome": "reached"}, follow_redirects=False).status_code == 303
    assert "达成" in client.get(place).text
    assert "把定存留在本行" not in client.get("/book").text
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        verbs = connection.scalars(
            text("SELECT verb FROM audit WHERE object_kind = 'account_plan' AND principal = :m ORDER BY id"),
            {"m": manager},
        ).all()
    assert verbs == ["account_plan.make", "account_plan.step", "account_plan.end"]


def test_nobody_plans_for_a_customer_of_others_or_sees_such_a_plan(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    own, today = staffed.own_customer(manager), staffed.small.open.lake.today()
    with staffed.small.open.store.begin(system()) as connection:
        other = connection.scalar(
            text("SELECT customer_no FROM customer_book WHERE staff_id <> :m AND valid_to IS NULL ORDER BY 1 LIMIT 1"),
            {"m": manager},
        )
    until = f"{today + timedelta(days=9)}"
    body = {"goal": "a goal", "until": until, "steps": [{"what": "call", "due_on": until}]}
    api = staffed.api(manager)

    def asked(customer: object, given: object = body) -> tuple[int, str]:
        made = api.post(
            f"/api/v1/customers/{customer}/account-plans", json=given, headers={"idempotency-key": uuid4().hex}
        )
        return made.status_code, str(made.json().get("code", made.json().get("plan_id")))

    assert asked(other) == (404, "account_plan.customer")
    assert asked(own, {**body, "until": f"{today - timedelta(days=1)}"}) == (400, "account_plan.day")
    assert asked(own, {**body, "goal": "  "}) == (400, "account_plan.words")
    status, plan = asked(own)
    assert status == 201
    strangers = staffed.api("auditor"), staffed.api("strategist")
    for one in strangers:
        assert one.get(f"/api/v1/customers/{own}/account-plans").status_code == 403
    head = staffed.api(staffed.of("branch_commander"))
    seen = head.get(f"/api/v1/customers/{own}/account-plans").json()["items"]
    assert seen[0]["plan_id"] == plan
    ended = head.post(
        f"/api/v1/account-plans/{plan}/end", json={"outcome": "dropped"}, headers={"idempotency-key": uuid4().hex}
    )
    assert ended.status_code == 403
    mine = api.get("/api/v1/account-plans").json()["items"]
    assert [one["plan_id"] for one in mine] == [plan]
    done = api.post(
        f"/api/v1/account-plans/{plan}/end", json={"outcome": "dropped"}, headers={"idempotency-key": uuid4().hex}
    )
    assert (done.status_code, done.json()["outcome"]) == (200, "dropped")
