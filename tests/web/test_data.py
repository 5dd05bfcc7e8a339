"""The page of data: deliveries with what passed, every table with owner, class and term, fields with a masked sample and use."""

from __future__ import annotations

from datetime import timedelta

import pyarrow.compute as pc
import pytest

from bankloop.customer.tracing import rows_behind
from bankloop.lake.contracts import DataClass, Scope
from bankloop.lake.expectations import Dimension
from bankloop.lake.inventory import assets, deliveries, fields_of, fields_used, watched
from bankloop.lake.origins import Raw, origin_of
from bankloop.organization.principals import system
from bankloop.organization.rights import principal_for, unmask
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
    # On its page who reads the trail sees who used it; others how many.
    named = staffed.client(staffed.of("auditor")).get("/data/customer").text
    line = next(row for row in named.split("</tr>") if ">birth_date<" in row)
    assert f"{birth.people} 人 {birth.times} 次 (" in line
    assert f"{manager} " in line
    assert ">C2<" in line
    steward = staffed.client(staffed.of("data_steward")).get("/data/customer").text
    assert f"{birth.people} 人 {birth.times} 次" in steward
    assert f"{manager} " not in steward


def test_what_passed_adds_up_with_what_was_loaded(staffed: Staffed) -> None:
    bank, story = staffed.small.open, staffed.small.story
    found = deliveries(bank.lake)
    assert sum(one.rows for one in found) == sum(source.rows_read for source in story.load.sources)
    assert sum(one.quarantined for one in found) == story.load.quarantined > 0
    assert all(0 < one.passed <= 1_000_000 for one in found)


@pytest.mark.capability("B2")
def test_a_metric_leads_to_its_rows_and_each_of_them_to_its_raw_line(staffed: Staffed) -> None:
    bank = staffed.small.open
    as_of = bank.lake.today() - timedelta(days=1)
    state = bank.state(as_of)
    held = state.table.filter(pc.greater(state.table["products_held"], 2))
    number, total = held["customer_no"][0].as_py(), held["aum"][0].as_py()
    behind = rows_behind(bank.lake, bank.catalogue, "aum", [number], as_of, bank.versions_of(as_of))
    keys = {key for part in behind for key in part.keys}
    assert {part.table for part in behind} == {"holding"}
    for (holding,) in keys:
        origin = origin_of(bank.lake, "holding", [holding])
        assert origin.raw is Raw.READ
        assert origin.load_id == staffed.small.story.load.load_id
        raw = (bank.folder / "data" / "incoming" / origin.file).read_bytes().splitlines()[origin.line - 1]
        assert holding.encode() in raw
        told = {cell.column: cell.conformed for cell in origin.cells}
        assert (told["holding_id"], told["balance_fen"]) == (holding, "***")
    rows = bank.lake.table("holding", Scope.whole_bank("test", frozenset({"balance_fen"})))
    held_fen = {
        row["holding_id"]: row["balance_fen"]
        for row in rows.filter(rows.customer_no == number).to_pyarrow().to_pylist()
    }
    assert sum(held_fen[holding] for (holding,) in keys) == total > 0
    client = staffed.client(staffed.of("data_steward"))
    page = client.get("/lineage", params={"customer": number, "attribute": "aum"}).text
    for (holding,) in keys:
        assert f"/data/holding/row?key={holding}" in page
    row = client.get("/data/holding/row", params={"key": holding}).text
    assert "原始行已重新读出" in row
    assert f"{total}" not in row
    assert client.get("/data/holding/row", params={"key": "NONE"}).status_code == 404
    assert client.get("/data/event/row", params={"key": ["core"]}).status_code == 404
    assert client.get("/lineage", params={"customer": "C9", "attribute": "aum"}).status_code == 404
    assert client.get("/lineage", params={"customer": number, "attribute": "aumm"}).status_code == 404
    assert staffed.client(staffed.of("relationship_manager")).get("/lineage").status_code == 403


def test_a_window_s_rows_are_those_that_it_counts(staffed: Staffed) -> None:
    bank = staffed.small.open
    as_of = bank.lake.today() - timedelta(days=1)
    table = bank.state(as_of).table.filter(pc.field("transactions_90d") > 3).slice(0, 3).to_pylist()
    for row in table:
        number = row["customer_no"]
        for name in ("transactions_90d", "login_days_30d"):
            parts = rows_behind(bank.lake, bank.catalogue, name, [number], as_of, bank.versions_of(as_of))
            count = sum(len(part.keys) for part in parts)
            assert count == row[name] if name == "transactions_90d" else count >= row[name]


def test_quality_over_time_and_the_map_are_on_the_page(staffed: Staffed) -> None:
    page = staffed.client(staffed.of("data_steward")).get("/data").text
    for words in ("质量随时间", "完整", "引用", "数据地图", "个标签"):
        assert words in page
    measures = watched(staffed.small.open.lake)
    sources = {source.source for source in staffed.small.story.load.sources}
    assert {one.source for one in measures} == sources
    assert all(one.checked > 0 for one in measures if one.dimension is Dimension.COMPLETE)
    assert "lineage" not in staffed.client("strategist").get("/").text


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
