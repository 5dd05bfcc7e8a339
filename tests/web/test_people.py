"""Licences and training on the people page: what expired is seen there, and takes no task of an R3 product."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from bankloop.organization.outside import admit_outside
from bankloop.organization.people import engage_staff
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, TaskKind, open_task
from tests.web.conftest import Staffed


def proof(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.capability("H11")
def test_an_expired_licence_is_seen_and_takes_no_r3_task(staffed: Staffed) -> None:
    bank, head = staffed.small.open, staffed.of("sub_branch_head")
    seller = "M-licence"
    with bank.store.begin(system()) as connection:
        led = text("SELECT unit_id FROM staff_post WHERE staff_id = :head AND valid_to IS NULL")
        unit = connection.execute(led, {"head": head}).scalar_one()
        engage_staff(connection, seller, "新经理", unit, "relationship_manager", "retail")
        own = staffed.own_customer(staffed.of("relationship_manager"))
        now = bank.store.clock.now()
        task = open_task(
            connection, NewTask("licence/r3", TaskKind.CARE, own, unit, "r3", now, now + timedelta(hours=4), risk=3, licence="fund")
        ).task_id  # fmt: skip
    admin, today = staffed.client("sysadmin"), bank.lake.today()
    # From the page of people each name leads to the person; whoever keeps records writes the licence there.
    assert f'href="/people/{seller}"' in admin.get(f"/people?unit={unit}").text
    page = admin.get(f"/people/{seller}").text
    assert "没有有效资格" in page
    form = {"csrf": proof(page), "kind": "fund", "issued": str(today - timedelta(days=400)), "expires": str(today)}
    assert admin.post(f"/people/{seller}/license", data=form).status_code == 200
    training = {**form, "kind": "training.product", "expires": str(today + timedelta(days=300))}
    shown = admin.post(f"/people/{seller}/license", data=training).text
    assert "已过期" in shown
    assert "培训：产品" in shown
    assert "没有有效资格" in shown
    leader = staffed.client(head)
    listed = leader.get("/people").text
    assert "1 项过期" in listed
    assert "要续的资格与培训" in listed
    assert "人力" in listed
    home = leader.get("/").text
    assert "资格或培训要续" in home
    assert "外包人员准入到期" not in home
    with bank.store.begin(system()) as connection:
        admit_outside(connection, seller, "外包公司", head, today + timedelta(days=20), "项目")
    assert "1 名外包人员准入到期" in leader.get("/").text
    hands = staffed.api(head).get("/api/v1/staffing").json()
    [own] = [one for one in hands["units"] if one["unit_id"] == unit]
    assert (own["expired"], own["licensed_tasks"] >= 1) == (1, True)
    give = {"csrf": proof(leader.get(f"/warroom/{unit}").text), "task": str(task), "staff": seller, "reason": "x"}
    refused = leader.post(f"/warroom/{unit}/assign", data=give)
    assert refused.status_code == 403
    assert "资格" in refused.text
    # Renewed, it is given.
    renewed = {**form, "issued": str(today), "expires": str(today + timedelta(days=365))}
    assert "可接 R3" in admin.post(f"/people/{seller}/license", data=renewed).text
    assert leader.post(f"/warroom/{unit}/assign", data=give).status_code == 200
    assert "项过期" not in leader.get("/people").text
    wrong = admin.post(f"/people/{seller}/license", data={**form, "expires": "soon"})
    assert wrong.status_code == 400
    assert leader.get("/people/strategist").status_code == 404
