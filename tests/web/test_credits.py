"""Scorecards on their pages and through the API: a joint sale recorded, refused above the whole, its evidence a click away."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import uuid4

import pyarrow as pa
import pytest

from bankloop.organization.people import book_of, person_of
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.performance.sales import credit_sales
from bankloop.performance.scorecard import scorecard
from bankloop.store.history import append_events
from bankloop.view import format as say
from tests.web.conftest import Staffed


@pytest.mark.capability("A24")
def test_a_joint_sale_on_its_page_and_the_evidence_behind_it(staffed: Staffed) -> None:
    head, manager = staffed.of("sub_branch_head"), staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        unit = person_of(connection, head).unit_id
    client = staffed.client(head)
    page = client.get("/credits").text
    proof = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    customer, today = staffed.own_customer(manager), staffed.small.open.lake.today()
    form = {"csrf": proof, "key": "J-1", "customer": customer, "unit": unit, "what": "对公贷款", "amount": "1000.00",
            "day": f"{today}", "staff-1": manager, "line-1": "retail", "share-1": "0.4", "staff-2": head,
            "line-2": "corporate", "share-2": "0.7"}  # fmt: skip
    before = {one["staff_id"]: one["share_ppm"] for one in staffed.api(head).get("/api/v1/credits").json()["items"]}
    refused = client.post("/credits/record", data=form)
    assert refused.status_code == 409
    assert "超过 1" in refused.text
    assert 'value="J-1"' in refused.text
    assert client.post("/credits/record", data={**form, "share-2": "0.6", "day": "x"}).status_code == 400
    assert client.post("/credits/record", data={**form, "share-2": "0.6"}, follow_redirects=False).status_code == 303
    shown = client.get("/credits").text
    assert f'href="/credits/{manager}"' in shown
    evidence = client.get(f"/credits/{manager}")
    assert evidence.status_code == 200
    assert "J-1" in evidence.text
    assert customer not in evidence.text  # masked
    own = staffed.client(manager).get(f"/credits/{manager}")
    assert "¥400" in own.text
    _kpi_of(staffed, manager, own.text, evidence.text)
    api = staffed.api(head)
    body = {"key": "J-1", "customer_no": customer, "unit_id": unit, "what": "x", "amount_fen": 1, "happened_on": f"{today}",
            "shares": [{"staff_id": "strategist", "line": "retail", "share": "0.1"}]}  # fmt: skip
    alone = staffed.api(manager).post("/api/v1/credits", json=body, headers={"idempotency-key": uuid4().hex})
    assert alone.status_code == 403
    over = api.post("/api/v1/credits", json=body, headers={"idempotency-key": uuid4().hex})
    assert (over.status_code, over.json()["code"]) == (409, "credit.above_whole")
    found = {one["staff_id"]: one["share_ppm"] for one in api.get("/api/v1/credits").json()["items"]}
    assert found[manager] - before.get(manager, 0) == 400_000
    assert "J-1" in {one["source_key"] for one in api.get(f"/api/v1/credits/{manager}").json()["items"]}
    _sold_by_themselves(staffed, manager)
    items = api.get(f"/api/v1/credits/{manager}").json()["items"]
    (own_sale,) = [one for one in items if one["source_key"].startswith("event/")]
    assert (own_sale["source_key"], own_sale["share_ppm"]) == ("event/core-credit/1", 1_000_000)
    evidence = staffed.client(manager).get(f"/credits/{manager}").text
    assert "稳盈固收理财" in evidence
    assert f'href="/workbench/{own_sale["task_id"]}"' in evidence


def _kpi_of(staffed: Staffed, manager: str, own: str, heads: str) -> None:
    """A person's KPI are those of their own customers, and lead on to the managers of the unit."""
    bank = staffed.small.open
    day = max(one.as_of for one in bank.lake.manifest.versions("customer"))
    [aum] = [one for one in scorecard(bank, day, "manager", keys=["aum"]) if one.group == manager]
    for page in (own, heads):
        assert say.money(aum.above).zh in page.split("KPI", 1)[1]
    led = html.unescape(re.findall(r'href="(/scorecard\?metric=aum[^"]*)"', heads)[0])
    assert say.money(aum.above).zh in staffed.client(staffed.of("sub_branch_head")).get(led).text
    other = next(one for one in bank.state(day).table["manager_id"].unique().to_pylist() if one and one != manager)
    assert "KPI" not in staffed.client(manager).get(f"/credits/{other}").text


def _sold_by_themselves(staffed: Staffed, manager: str) -> None:
    """Let a manager log two sales of the campaign in force, their events arrive, and the day's credit be recorded.

    The joint sale with the first customer on that day was shared by hand: that stands.
    """
    bank = staffed.small.open
    now = bank.clock.now()
    with bank.store.begin(system()) as connection:
        book = book_of(connection, manager, limit=2)
    for number, row in enumerate(book):
        asked = NewTask(f"credit/{number}", TaskKind.CAMPAIGN, row.customer_no, row.unit_id, "x", now, now + timedelta(hours=2),
                        manager, action="wealth-fixed-income|none|rm_call", campaign="first-wealth")  # fmt: skip
        bought = {"source": "core-credit", "event_id": number, "customer_no": row.customer_no, "unit_id": row.unit_id,
                  "type": "first_wealth_purchase", "occurred_on": bank.lake.today(), "occurred_at": now - timedelta(hours=1),
                  "recorded_at": now, "channel": "", "scene": "", "amount_fen": 500_000}  # fmt: skip
        with bank.store.begin(system()) as connection:
            task = open_task(connection, asked)
            append_events(connection, pa.Table.from_pylist([bought]))
        key = {"idempotency-key": uuid4().hex}
        logged = staffed.api(manager).post(f"/api/v1/tasks/{task.task_id}/log", json={"outcome": "sold"}, headers=key)
        assert logged.status_code == 200, logged.text
    with bank.store.begin(system("daily")) as connection:
        found = credit_sales(bank, connection, bank.lake.today())
    assert (found.recorded, found.by_hand) == (1, 1)
