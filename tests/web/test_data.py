"""The page of data: deliveries with what passed, every table with owner, class and term, fields with a masked sample and use."""

from __future__ import annotations

import pytest

from bankloop.lake import DataClass, assets, deliveries, fields_of, fields_used
from bankloop.organization import principal_for, system, unmask
from tests.web.conftest import Staffed


@pytest.mark.capability("B4")
def test_a_field_says_its_class_owner_masked_sample_and_who_used_it(staffed: Staffed) -> None:
    bank, manager = staffed.small.open, staffed.of("relationship_manager")
    number = staffed.own_customer(manager)
    with bank.store.begin(system()) as connection:
        principal = principal_for(connection, manager, "service")
    with bank.store.begin(principal) as connection:
        unmask(connection, number, ["birth_date"], "call", "T-9")
    used = fields_used(bank.store, bank.clock.now())
    found = {one.name: one for one in fields_of(bank.lake, "customer", used)}
    birth = found["birth_date"]
    assert (birth.data_class, birth.sample, birth.people >= 1, birth.times >= 1) == (DataClass.C2, "***", True, True)
    assert found["phone_token"].sample == "***"
    assert found["frozen"].confidential
    assert found["frozen"].sample in ("***", "None", "")
    assert found["branch_id"].sample.startswith("B")
    customer = next(one for one in assets(bank.lake) if one.table == "customer")
    assert (customer.owner, customer.rows > 0, customer.classified >= 5) == ("retail", True, True)


def test_what_passed_adds_up_with_what_was_loaded(staffed: Staffed) -> None:
    bank, story = staffed.small.open, staffed.small.story
    found = deliveries(bank.lake)
    assert sum(one.rows for one in found) == sum(source.rows_read for source in story.load.sources)
    assert sum(one.quarantined for one in found) == story.load.quarantined > 0
    assert all(0 < one.passed <= 1_000_000 for one in found)


def test_the_pages_are_the_steward_s(staffed: Staffed) -> None:
    client = staffed.client(staffed.of("data_steward"))
    page = client.get("/data").text
    assert "数据资产目录" in page
    assert 'href="/data/customer"' in page
    assert "***" in client.get("/data/customer").text
    client.cookies.set("language", "en")
    assert "What passed of each source" in client.get("/data").text
    assert client.get("/data/nothing").status_code == 404
    assert staffed.client(staffed.of("relationship_manager")).get("/data").status_code == 403
