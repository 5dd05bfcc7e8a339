"""The differential attack on a living bank: lists, exports, the API's counts and a customer's page tell of no flag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.cli.campaigns import plain_plan
from bankloop.loop.audience import MIN_CELL
from bankloop.loop.membership.probing import NEAR_A_DAY
from bankloop.loop.offering.offers import offers_for
from bankloop.loop.reach import BY_LOT, why_left_out
from bankloop.organization.principals import system
from bankloop.report.keeping import load_window_view
from bankloop.report.record import UNLISTED, record_of
from bankloop.web.pages.plan.page import export_of
from bankloop.web.shell.console import Console
from bankloop.web.shell.texts import GROUPS
from tests.web.conftest import Staffed

SECRET = ("frozen", "watchlist", "relation_risk")


def flagged_of(staffed: Staffed, name: str) -> set[str]:
    """Whom a campaign left out in confidence."""
    window = staffed.small.window
    found = window.audiences[name]
    secret = np.setdiff1d(found.open_rows, found.rows)
    return set(window.state.table["customer_no"].take(pa.array(secret)).to_pylist())


def test_no_list_names_who_is_flagged_or_whom_the_lot_kept_apart(staffed: Staffed) -> None:
    small = staffed.small
    record = load_window_view(small.open.folder, small.window.plan.plan_id)
    everybody = small.window.state.table["customer_no"]
    tried = 0
    for index, (name, found) in enumerate(small.window.audiences.items()):
        flagged = flagged_of(staffed, name)
        mine = record.rows.filter(pc.equal(record.rows["campaign"], name))
        gone = record.excluded.filter(pc.equal(record.excluded["campaign"], name))
        listed = {*mine["customer_no"].to_pylist(), *gone["customer_no"].to_pylist()}
        why = why_left_out(small.window.plan, index)
        lot = np.isin(why, [code.value for code in BY_LOT])
        apart = set(small.window.plan.candidates.customer_no.filter(pa.array(lot)).to_pylist())
        assert not listed & (flagged | apart)
        # Whoever is in no list is far more likely there by lot.
        unlisted = set(everybody.take(pa.array(found.open_rows)).to_pylist()) - listed
        assert unlisted == flagged | apart
        assert len(apart) >= MIN_CELL
        assert len(apart) > 5 * len(flagged)
        tried += len(flagged)
    assert tried
    assert not set(record.rows["reason"].to_pylist()) & UNLISTED


def test_nothing_told_beside_a_plan_depends_on_what_the_flagged_are_like(staffed: Staffed) -> None:
    window = staffed.small.window
    table = window.state.table
    flagged = sorted(set().union(*(flagged_of(staffed, name) for name in window.audiences)))
    theirs = pc.is_in(table["customer_no"], pa.array(flagged))
    assert pc.sum(theirs).as_py() == len(flagged) > 0
    strange = {
        name: table[name] if name == "customer_no" else pc.if_else(theirs, table[name].take(neighbours), table[name])
        for neighbours in [pa.array(np.roll(np.arange(len(table)), 7))]
        for name in table.column_names
    }
    elsewhere = replace(window, state=replace(window.state, table=pa.table(strange, schema=table.schema)))
    assert elsewhere.state.table != table
    assert plain_plan(elsewhere) == plain_plan(window)
    here, there = record_of(window), record_of(elsewhere)
    assert there.rows.equals(here.rows)
    assert there.excluded.equals(here.excluded)
    assert there.beside == here.beside
    for told in ("lines", "resources", "campaigns", "curves", "candidates", "conflict"):
        assert getattr(there, told) == getattr(here, told)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_no_export_names_them_either(staffed: Staffed, kind: str) -> None:
    bank, plan_id = staffed.small.open, staffed.small.window.plan.plan_id
    record = load_window_view(bank.folder, plan_id)
    body, rows = export_of(Console(bank), record.plan_id, "customers", kind, system())
    assert rows == record.rows.num_rows
    for reason in UNLISTED:
        assert f'"{reason}"' not in body.decode()
        assert f",{reason}," not in body.decode()
    said, _ = export_of(Console(bank), record.plan_id, "left_out", kind, system())
    assert "untold" in said.decode()
    assert "other_compliance" not in said.decode()
    assert "control" not in said.decode()


def test_results_list_no_arm_that_the_lot_kept_apart(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    for group in GROUPS:
        page = client.get(f"/results/bind-card/1/rows?group={group}").text
        assert ("不列名单" in page) == (group in ("all", "control"))


def test_the_api_s_count_of_one_is_the_same_for_everybody(staffed: Staffed) -> None:
    client, people = staffed.client("strategist"), Console(staffed.small.open).people_now()
    flagged = sorted(flagged_of(staffed, "bind-card"))[0]
    at = people.table["customer_no"].to_pylist().index(flagged)
    answers = []
    for row in (at, at + 1):
        aum = people.table["aum"][row].as_py()
        yuan = f"{aum // 100}.{aum % 100:02d}"
        stayed = people.table["tenure_days"][row].as_py()
        asked = {"expression": f"aum between {yuan} and {yuan} and tenure_days = {stayed}"}
        answers.append(client.get("/api/v1/audience", params=asked).json())
    assert answers[0] == answers[1]
    assert answers[0]["fewer_than"] == MIN_CELL
    assert (answers[0]["hit"], answers[0]["usable"], answers[0]["falls"]) == (None, None, [])


def test_asking_around_somebody_is_written_down_and_ends(staffed: Staffed) -> None:
    who = staffed.of("hq_strategist")
    client, people = staffed.client(who), Console(staffed.small.open).people_now()
    # Not the greatest: what everybody meets may have been asked before, and the same again is never near.
    amounts = np.unique(people.table["aum"].to_numpy())[-(NEAR_A_DAY + 4) : -1]
    codes = [
        client.get("/api/v1/audience", params={"expression": f"aum < {int(amount) // 100 + 1}"}) for amount in amounts
    ]
    assert {one.status_code for one in codes[: NEAR_A_DAY - 2]} == {200}
    assert codes[-1].status_code == 403
    assert codes[-1].json()["code"] == "segment.probing"
    page = staffed.client(staffed.of("auditor")).get("/audit").text
    assert "追问几乎相同的客群" in page


def test_a_customer_s_page_and_offers_are_the_same_with_a_flag_and_without(staffed: Staffed) -> None:
    bank = staffed.small.open
    table = staffed.small.window.state.table
    flagged = sorted(flagged_of(staffed, "bind-card"))[0]
    person = table.filter(pc.equal(table["customer_no"], flagged))
    assert any(person[name][0].as_py() for name in SECRET)
    plain = person
    for name in SECRET:
        field = person.schema.field(name)
        empty = pa.array([False if field.type == pa.bool_() else 0], field.type)
        plain = plain.set_column(plain.schema.get_field_index(name), field, empty)
    products, as_of = list(bank.spec.products.values()), bank.lake.today()
    assert offers_for(bank, person, products, {}, as_of) == offers_for(bank, plain, products, {}, as_of)
    # The page of whom the lot kept apart says as little of the round as that of who is flagged.
    why = why_left_out(staffed.small.window.plan, 0)
    control = staffed.small.window.plan.candidates.customer_no.filter(pa.array(why == "control"))[0].as_py()
    for number in (flagged, control):
        page = staffed.client("strategist").get(f"/customers/{number}")
        assert page.status_code == 200
        assert "这一轮不触达" not in page.text
        assert "对照" not in page.text.split('id="decided"', 1)[-1][:2_000]
        for word in ("司法冻结", "反洗钱关注", "关联违约传递"):
            assert word not in page.text
