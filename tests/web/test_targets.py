"""Targets and branches' own rules on their pages, by the API and on the command line's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

from bankloop.organization.people import person_of, units
from bankloop.organization.principals import system
from tests.web.conftest import Staffed

FIRST, LAST = "2026-06-01", "2026-06-30"


def proof(page: str) -> str:
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]


@pytest.fixture(scope="module")
def branches(staffed: Staffed) -> list[str]:
    with staffed.small.open.store.begin(system()) as connection:
        return [unit.unit_id for unit in units(connection) if unit.kind == "branch"]


@pytest.fixture(scope="module")
def mine(staffed: Staffed) -> str:
    """The branch of the branch commander."""
    with staffed.small.open.store.begin(system()) as connection:
        unit = person_of(connection, staffed.of("branch_commander")).unit_id
    assert unit is not None
    return unit


@pytest.fixture(scope="module")
def target(staffed: Staffed, branches: list[str]) -> str:
    client = staffed.client("strategist")
    form = {"csrf": proof(client.get("/targets").text), "name": "半年存款", "measure": "sales", "total": "900",
            "first": FIRST, "last": LAST, **{f"weight-{unit}": "1" for unit in branches}}  # fmt: skip
    for wrong, code in (
        ({f"weight-{branches[0]}": "50%"}, "都是百分比"),
        ({"total": "x"}, "总量"),
        ({"last": "2020-01-01"}, "起止日"),
    ):
        refused = client.post("/targets/set", data={**form, **wrong})
        assert refused.status_code == 400
        assert code in refused.text
        assert 'value="半年存款"' in refused.text
    made = client.post("/targets/set", data=form, follow_redirects=False)
    assert made.status_code == 303
    return made.headers["location"].rpartition("/")[2]


def test_each_level_sees_its_part_and_splits_it(staffed: Staffed, target: str, branches: list[str], mine: str) -> None:
    head, commander = staffed.client("strategist"), staffed.client(staffed.of("branch_commander"))
    whole = head.get(f"/api/v1/targets/{target}/parts/{_root(staffed)}").json()
    assert sum(one["amount"] for one in whole["below"]) == whole["part"]["amount"] == 900
    page = commander.get(f"/targets/{target}")
    assert page.status_code == 200
    inputs = re.findall(r'name="weight-([^"]+)"', page.text)
    assert inputs
    form = {"csrf": proof(page.text), "unit": mine, **{f"weight-{unit}": str(n + 1) for n, unit in enumerate(inputs)}}
    assert commander.post(f"/targets/{target}/split", data=form, follow_redirects=False).status_code == 303
    below = commander.get(f"/api/v1/targets/{target}/parts/{mine}").json()
    assert sum(one["amount"] for one in below["below"]) == below["part"]["amount"] > 0
    foreign = next(unit for unit in branches if unit != mine)
    assert commander.get(f"/targets/{target}?unit={foreign}").status_code == 404
    refused = commander.post(f"/targets/{target}/split", data={**form, "unit": foreign})
    assert refused.status_code == 404
    for person, path, status in (
        (staffed.of("sub_branch_head"), "/targets", 200),
        (staffed.of("relationship_manager"), "/targets", 200),
        ("auditor", "/targets", 200),
        ("sysadmin", "/targets", 403),
    ):
        assert staffed.client(person).get(path).status_code == status
    assert "半年存款" in commander.get("/warroom").text


def test_the_api_sets_splits_and_ends(staffed: Staffed, branches: list[str]) -> None:
    head = staffed.api("strategist")
    body = {"name": "api", "measure": "tasks", "first": FIRST, "last": LAST, "total": 10, "weights": {branches[0]: "1"}}
    key = {"idempotency-key": uuid4().hex}
    first, again = (head.post("/api/v1/targets", json=body, headers=key) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    number = first.json()["target_id"]
    bad = head.post("/api/v1/targets", json={**body, "weights": {branches[0]: "90%"}}, headers={"idempotency-key": "b"})
    assert (bad.status_code, bad.json()["code"]) == (400, "target.weights_sum")
    ended = head.post(f"/api/v1/targets/{number}/end", json={"reason": "x"}, headers={"idempotency-key": "e"})
    assert ended.json()["ended"] is True
    split = {"unit": branches[0], "weights": {"x": "1"}}
    over = head.post(f"/api/v1/targets/{number}/split", json=split, headers={"idempotency-key": "s"})
    assert (over.status_code, over.json()["code"]) == (409, "target.over")


@pytest.fixture
def no_rules(staffed: Staffed) -> Iterator[None]:
    """Whatever was narrowed is ended: the bank is other tests' too."""
    yield
    who = staffed.api(staffed.of("branch_commander"))
    for one in who.get("/api/v1/narrowings").json()["items"]:
        who.post(f"/api/v1/narrowings/{one['narrowing_id']}/end", json={}, headers={"idempotency-key": uuid4().hex})


def test_a_branch_narrows_in_the_war_room_and_cannot_widen(staffed: Staffed, mine: str, no_rules: None) -> None:
    commander = staffed.client(staffed.of("branch_commander"))
    page = commander.get("/warroom").text
    form = {
        "csrf": proof(page),
        "unit": mine,
        "campaign": "",
        "condition": "age >= 40",
        "per_week": "5",
        "reason": "本地",
    }
    refused = commander.post("/warroom/narrow", data=form)
    assert refused.status_code == 403
    assert "总行上限是每周 3 次" in refused.text
    assert "age &gt;= 40" in refused.text  # nothing that was written is lost
    assert commander.post("/warroom/narrow", data={**form, "per_week": "two"}).status_code == 400
    assert commander.post("/warroom/narrow", data={**form, "per_week": "2"}, follow_redirects=False).status_code == 303
    shown = commander.get("/warroom").text
    assert "每周至多 2 次" in shown
    address = re.search(r"/warroom/narrow/[0-9a-f-]{36}/end", shown)
    assert address is not None
    assert commander.post(address[0], data={"csrf": proof(shown)}, follow_redirects=False).status_code == 303
    assert "没有本地规则" in commander.get("/warroom").text


def _root(staffed: Staffed) -> str:
    with staffed.small.open.store.begin(system()) as connection:
        return next(unit.unit_id for unit in units(connection) if unit.parent_id is None)
