"""The matrix of figures: pages and files with numbers by unit or manager show a role its own units and people alone."""

from __future__ import annotations

import re

import pytest

from bankloop.organization.people import UnitPlaces, people, places_of, units
from bankloop.organization.people.places import SMALLEST
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES, principal_for
from bankloop.store.contracts import EVERY_UNIT
from tests.web.conftest import Staffed

# Every address that answers with figures by unit or by person, the files among them.
FIGURES = (
    "/results", "/results/{campaign}/1/by/branch", "/results/{campaign}/1/by/sub_branch", "/results/{campaign}/1/by/manager",
    "/scorecard", "/scorecard?metric=aum&by=branch", "/scorecard?metric=aum&by=sub_branch", "/scorecard?metric=aum&by=manager",
    "/scorecard?metric=aum&by=manager&branch=B002", "/plays", "/programme", "/report", "/api/v1/results", "/board",
    "/save/results.json", "/save/metrics.json", "/save/plays.json", "/save/programme.json", "/save/metrics.html",
)  # fmt: skip
READERS = sorted(name for name, role in ROLES.items() if "round.read" in role.rights)
CAMPAIGN = "bind-card"


def test_places_hold_their_own_and_no_small_group() -> None:
    own = UnitPlaces(units=frozenset({"S0001"}), staff=frozenset({"M00001"}))
    assert own.shows("sub_branch", "S0001", SMALLEST)
    assert not own.shows("sub_branch", "S0001", SMALLEST - 1)
    assert not own.shows("sub_branch", "S0002", 10_000)
    assert not own.shows("branch", "B001", 10_000)
    assert own.shows("manager", "M00001", SMALLEST)
    assert not own.shows("manager", "M00002", 10_000)
    assert not own.shows("manager", "", 10_000)
    assert own.shows("channel", "sms", 1)
    assert UnitPlaces(whole=True).shows("manager", "M00002", 1)


@pytest.mark.parametrize("role", READERS)
def test_figures_are_of_the_reader_s_units_and_people(staffed: Staffed, role: str) -> None:
    who = next((person for person, held in staffed.people.items() if held == role), None)
    if who is None:
        pytest.skip(f"nobody of this bank is {role}")
    with staffed.small.open.store.begin(system()) as connection:
        reader = principal_for(connection, who, min(ROLES[role].purposes), role=role)
        every = {one.unit_id for one in units(connection)} | {
            one.staff_id for one in people(connection, limit=1_000_000)
        }
        above = {one.parent_id for one in units(connection) if one.unit_id in reader.units}
    with staffed.small.open.store.begin(reader) as connection:
        places = places_of(connection, reader)
    client = staffed.client(who)
    if EVERY_UNIT in reader.units and not reader.book:
        assert places.whole
        page = client.get(f"/results/{CAMPAIGN}/1/by/branch").text
        assert {"B001", "B002", "B003"} <= set(re.findall(r"B\d{3}", page))
        return
    foreign = every - places.units - places.staff - {who}
    seen = set()
    for address in FIGURES:
        answer = client.get(address.format(campaign=CAMPAIGN))
        assert answer.status_code in (200, 403), (address, answer.status_code)
        found = set(re.findall(r"\b[A-Z]\d{3,6}\b", answer.text))
        # Where somebody works is said on every page of theirs; nothing is counted of it.
        assert not found & (foreign - above), (role, address, sorted(found & foreign)[:5])
        if "/by/" in address or "by=" in address:
            assert not found & foreign, (role, address)
        seen |= found & (places.units | places.staff)
    assert seen, "what is one's own is shown"
    assert client.get("/report").status_code == 403
