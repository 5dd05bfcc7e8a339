"""The daily report's pages: a leader's own unit and those below, each figure the way down, files to send on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bankloop.organization.people import person_of, units
from bankloop.organization.principals import system
from bankloop.performance.daily import deliveries
from bankloop.performance.daily_figures import report_day
from bankloop.wiring import hand_over_daily
from tests.web.conftest import Staffed


@pytest.fixture(scope="module")
def day(staffed: Staffed) -> date:
    bank = staffed.small.open
    yesterday = bank.lake.today() - timedelta(days=1)
    report_day(bank, system("daily"), yesterday)
    hand_over_daily(bank)
    return yesterday


def test_head_office_walks_down_to_a_sub_branch(staffed: Staffed, day: date) -> None:
    client = staffed.client("strategist")
    page = client.get("/daily")
    assert page.status_code == 200
    assert f"截至 {day}" in page.text
    with staffed.small.open.store.begin(system()) as connection:
        root = next(unit.unit_id for unit in units(connection) if unit.parent_id is None)
    unit, seen = root, 0
    while True:
        answer = client.get(f"/api/v1/daily/{unit}").json()
        page = client.get(f"/daily/{unit}")
        assert page.status_code == 200
        own = answer["direct"]["balances"].get("deposits", {"point": 0})["point"]
        below = sum(one["balances"].get("deposits", {"point": 0})["point"] for one in answer["below"].values())
        assert own + below == answer["whole"]["balances"]["deposits"]["point"]
        filled = [name for name, one in answer["below"].items() if one["customers"]]
        if not filled:
            break
        assert all(f'href="/daily/{name}"' in page.text for name in filled)
        unit, seen = filled[0], seen + 1
    assert seen == 2  # branch, sub-branch


def test_a_leader_opens_the_own_unit_and_no_other(staffed: Staffed, day: date) -> None:
    head = staffed.of("sub_branch_head")
    with staffed.small.open.store.begin(system()) as connection:
        unit = person_of(connection, head).unit_id
        told = [one.person for one in deliveries(connection, day) if one.unit_id == unit]
    assert told == [head]
    client = staffed.client(head)
    assert client.get("/daily").status_code == 200
    assert client.get(f"/daily/{unit}").status_code == 200
    assert client.get("/daily/NOWHERE").status_code == 404
    assert staffed.client(staffed.of("relationship_manager")).get("/daily").status_code == 403


def test_the_page_is_taken_away_as_picture_and_workbook(staffed: Staffed, day: date) -> None:
    head = staffed.of("sub_branch_head")
    with staffed.small.open.store.begin(system()) as connection:
        unit = person_of(connection, head).unit_id
    client = staffed.client(head)
    for ending, begins in (("png", b"\x89PNG"), ("xlsx", b"PK")):
        found = client.get(f"/daily/{unit}.{ending}?day={day}")
        assert found.status_code == 200
        assert found.content.startswith(begins)
    assert client.get(f"/daily/{unit}.exe").status_code == 404
