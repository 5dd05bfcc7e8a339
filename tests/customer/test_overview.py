"""One customer at a glance: within scope, money masked until it is unmasked, every part from its own room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Connection

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.overview import Overview, Profiles, next_payday, open_overview, open_profiles
from bankloop.customer.servicing import Mode, assign_keepers
from bankloop.customer.state import build_state
from bankloop.customer.tier import close_month
from bankloop.kit.errors import DeniedError, NotFoundError
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import unmask
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from bankloop.store.history import append_events
from bankloop.view.figures import Cell
from bankloop.web.pages.customers.customer_page import glance
from tests.customer.test_consent import gate, word
from tests.customer.test_state import event, holding, rows
from tests.customer.test_tiers import holdings, people
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

APRIL = date(2026, 4, 1)


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    made = open_lake(tmp_path, folk.store, system("lake"))
    made.publish("customer", people("C0001", "C0020"), APRIL)
    made.publish("holding", holdings(C0001=300_000), APRIL)
    close_month(folk.store, system("tier"), made, date(2026, 5, 1))
    with folk.store.begin(system("servicing")) as connection:
        assign_keepers(connection, made)
    return made


CATALOGUE = read_catalogue()
_OPEN: list[Profiles] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Close what a test opened."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def look(connection: Connection, lake: Lake, number: str) -> Overview:
    loaded = lake.manifest.current("customer") is not None
    state = build_state(lake, CATALOGUE, lake.today() - timedelta(days=1)) if loaded else None
    _OPEN.append(open_profiles(lake, state))
    return open_overview(connection, lake, _OPEN[-1], CATALOGUE, number)


def test_a_manager_sees_where_a_customer_stands_and_no_amount_until_it_is_unmasked(folk: Folk, lake: Lake) -> None:
    manager = folk.who("M00001", "service")
    with folk.store.begin(manager) as connection:
        seen = look(connection, lake, "C0001")
    assert seen.tier is not None
    assert (seen.tier.number, seen.watched, [one.move for one in seen.months]) == (3, False, ["new"])
    assert (seen.masked, seen.averages, seen.statement, seen.moved) == (True, None, None, None)
    assert {one.average_fen for one in seen.months} == {0}
    assert seen.keeper is not None
    assert (seen.keeper.mode, seen.keeper.owner, seen.policy.contact_days) == (Mode.MANAGER, "M00001", 30)
    assert "score_balance" not in {one.name for one in seen.factors}
    with folk.store.begin(manager) as connection:
        unmask(connection, "C0001", ["aum_fen"], "call", "T-1")
        open_ = look(connection, lake, "C0001")
    assert open_.averages == {date(2026, 5, 1): 30_000_000}
    assert open_.statement is not None
    assert open_.statement.total == 360_000 - 30_000
    assert open_.score == seen.score + 15
    assert open_.assets_fen == open_.value("aum") == 30_000_000
    assert (seen.assets_fen, seen.value("aum"), seen.holdings[0].balance_fen) == (None, None, None)
    assert not {"frozen", "watchlist", "relation_risk"} & {one.name for one in open_.attributes}
    with folk.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = [row for row in read_audit(connection, subject="C0001") if row.verb == "customer.overview"]
    assert [row.after["shown"] for row in rows if row.after] == ["all", "masked"]


def test_out_of_scope_is_unknown_and_administrators_see_nobody(folk: Folk, lake: Lake) -> None:
    with pytest.raises(NotFoundError), folk.store.begin(folk.who("M00001", "service")) as connection:
        look(connection, lake, "C0020")
    with pytest.raises(DeniedError), folk.store.begin(folk.who("system_admin")) as connection:
        look(connection, lake, "C0001")


def test_before_anything_is_loaded_or_closed_nothing_is_claimed(folk: Folk, tmp_path: Path) -> None:
    empty = open_lake(tmp_path, folk.store, system("lake"))
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        seen = look(connection, empty, "C0001")
    assert (seen.tier, seen.keeper, seen.months, seen.factors) == (None, None, (), ())


@pytest.mark.capability("B10")
def test_assets_are_the_sum_of_the_holdings_by_class_and_the_line_holds_everything(folk: Folk, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, folk.store, system("lake"))
    lake.publish("customer", people("C0001"), APRIL)
    held = [
        holding(1, "demand_deposit", 1_000_001, customer_no="C0001"), holding(2, "wealth", 2_000_002, customer_no="C0001", matures_on=date(2026, 7, 7)),
        holding(3, "fund", 3, customer_no="C0001"), holding(4, "mortgage", 9_000_000, customer_no="C0001"),
        holding(5, "demand_deposit", 5, customer_no="C0002", matures_on=None),
    ]  # fmt: skip
    lake.publish("holding", rows("holding", *held), APRIL)
    moments = [datetime(2026, month, 10, 2, tzinfo=UTC) for month in (4, 5, 6)]
    events = [event(n, "payroll", at, customer_no="C0001", amount_fen=900_000) for n, at in enumerate(moments)]
    lake.append("event", rows("event", *events, event(9, "login", moments[2], customer_no="C0002")), APRIL)
    word(folk, "marketing", True)
    assert gate(folk.store, "1", "C0001") == ""
    with folk.store.begin(system("overview")) as connection:
        seen = look(connection, lake, "C0001")
    assert [(one.product_class, one.balance_fen) for one in seen.holdings] == [
        ("demand_deposit", 1_000_001), ("fund", 3), ("mortgage", 9_000_000), ("wealth", 2_000_002),
    ]  # fmt: skip
    assert seen.assets_fen == 3_000_006 == seen.value("aum")
    assert [(one.day, one.kind, one.product_class, one.certain) for one in seen.ahead] == [
        (date(2026, 7, 7), "maturity", "wealth", True), (date(2026, 7, 10), "payday", "", False),
    ]  # fmt: skip
    assert [(one.kind, one.what) for one in seen.timeline] == [("contact", "bind-card"), *[("event", "payroll")] * 3]

    # What the bank's own model expects of a large outflow stands below what is certain and usual, once there is one.
    def told(**risks: int) -> tuple[tuple[Cell, ...], ...]:
        given = tuple(replace(one, value=risks.get(one.name, one.value)) for one in seen.attributes)
        return glance(replace(seen, attributes=given), {}, "Asia/Shanghai", {}).ahead.rows

    assert len(told()) == 2
    for risks, days, share in (
        ({"churn_risk": 420_000}, 60, "42.0%"),
        ({"churn_risk": 420_000, "outflow_risk": 250_000}, 30, "25.0%"),
    ):
        *_, risky = told(**risks)
        assert (risky[0].text.en, len(told(**risks))) == (f"within {days} days", 3)
        assert share in risky[-1].text.en


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([date(2026, 4, 10), date(2026, 5, 10), date(2026, 6, 10)], date(2026, 7, 10)),
        ([date(2026, 4, 10), date(2026, 5, 8), date(2026, 6, 10)], date(2026, 7, 10)),
        ([date(2026, 2, 28), date(2026, 4, 30), date(2026, 5, 31)], date(2026, 6, 30)),
        ([date(2026, 4, 1), date(2026, 5, 15), date(2026, 6, 28)], None),
        ([date(2026, 5, 10), date(2026, 6, 10)], None),
    ],
)
def test_a_payday_is_usual_where_three_salaries_agree(days: list[date], expected: date | None) -> None:
    assert next_payday(days, date(2026, 6, 29)) == expected


def test_new_data_are_seen_and_old_files_go(folk: Folk, lake: Lake) -> None:
    for balance in (1, 2, 3):
        lake.publish("holding", holdings(C0001=balance), date(2026, 6, balance))
        with folk.store.begin(system("overview")) as connection:
            assert look(connection, lake, "C0001").assets_fen == balance * 100
    assert len(list((lake.folder / "data" / "profile").iterdir())) == 2


def test_an_event_of_the_store_is_on_the_line_before_a_file_brings_it_and_once_after(folk: Folk, lake: Lake) -> None:
    at = folk.store.clock.now() - timedelta(hours=2)
    rows_ = {
        "source": ["rm"],
        "event_id": [7],
        "customer_no": ["C0001"],
        "unit_id": ["S0001"],
        "type": ["call_connected"],
        "occurred_on": [at.date()],
    }
    moments = {
        "occurred_at": pa.array([at], pa.timestamp("us", "UTC")),
        "recorded_at": pa.array([at], pa.timestamp("us", "UTC")),
    }
    with folk.store.begin(system("events")) as connection:
        append_events(connection, pa.table({**rows_, **moments}))
    for _ in range(2):
        with folk.store.begin(folk.who("M00001", "service")) as connection:
            seen = look(connection, lake, "C0001")
        assert [(one.what, one.at) for one in seen.timeline if one.kind == "event"] == [("call_connected", at)]
        lake.append("event", rows("event", event(7, "call_connected", at, customer_no="C0001")), APRIL)
