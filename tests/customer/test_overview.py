"""One customer at a glance: within scope, money masked until it is unmasked, every part from its own room."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bankloop import organization as house
from bankloop.customer.overview import open_overview
from bankloop.customer.servicing import Mode, assign_keepers
from bankloop.customer.tier import close_month
from bankloop.kit import DeniedError, NotFoundError
from bankloop.lake import Lake, open_lake
from bankloop.store import Role, read_audit
from tests.customer.test_tiers import holdings, people
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

APRIL = date(2026, 4, 1)


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    made = open_lake(tmp_path, folk.store, house.system("lake"))
    made.publish("customer", people("C0001", "C0020"), APRIL)
    made.publish("holding", holdings(C0001=300_000), APRIL)
    close_month(folk.store, house.system("tier"), made, date(2026, 5, 1))
    with folk.store.begin(house.system("servicing")) as connection:
        assign_keepers(connection, made)
    return made


def test_a_manager_sees_where_a_customer_stands_and_no_amount_until_it_is_unmasked(folk: Folk, lake: Lake) -> None:
    manager = folk.who("M00001", "service")
    with folk.store.begin(manager) as connection:
        seen = open_overview(connection, lake, "C0001")
    assert seen.tier is not None
    assert (seen.tier.number, seen.watched, [one.move for one in seen.months]) == (3, False, ["new"])
    assert (seen.masked, seen.averages, seen.statement, seen.moved) == (True, None, None, None)
    assert {one.average_fen for one in seen.months} == {0}
    assert seen.keeper is not None
    assert (seen.keeper.mode, seen.keeper.owner, seen.policy.contact_days) == (Mode.MANAGER, "M00001", 30)
    assert "score_balance" not in {one.name for one in seen.factors}
    with folk.store.begin(manager) as connection:
        house.unmask(connection, "C0001", ["aum_fen"], "call", "T-1")
        open_ = open_overview(connection, lake, "C0001")
    assert open_.averages == {date(2026, 5, 1): 30_000_000}
    assert open_.statement is not None
    assert open_.statement.total == 360_000 - 30_000
    assert open_.score == seen.score + 15
    with folk.store.begin(house.auditor(), Role.AUDITOR) as connection:
        rows = [row for row in read_audit(connection, subject="C0001") if row.verb == "customer.overview"]
    assert [row.after["shown"] for row in rows if row.after] == ["all", "masked"]


def test_out_of_scope_is_unknown_and_administrators_see_nobody(folk: Folk, lake: Lake) -> None:
    with pytest.raises(NotFoundError), folk.store.begin(folk.who("M00001", "service")) as connection:
        open_overview(connection, lake, "C0020")
    with pytest.raises(DeniedError), folk.store.begin(folk.who("system_admin")) as connection:
        open_overview(connection, lake, "C0001")


def test_before_anything_is_loaded_or_closed_nothing_is_claimed(folk: Folk, tmp_path: Path) -> None:
    empty = open_lake(tmp_path, folk.store, house.system("lake"))
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        seen = open_overview(connection, empty, "C0001")
    assert (seen.tier, seen.keeper, seen.months, seen.factors) == (None, None, (), ())
