"""The commands of the daily report, on a small loaded bank."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bankloop.kit.clock import SystemClock
from bankloop.lake.service import open_lake
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from tests.cli.test_people import bank, run
from tests.loop.test_daily import customers, holdings
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def test_it_is_made_handed_over_once_and_shown_to_who_leads(bank: Path, folk: Folk) -> None:
    assert run(bank, "daily", "make")[1]["error"]["code"] == "daily.no_balances"
    with open_store(bank, SystemClock()) as store:
        lake = open_lake(bank, store, system("lake"))
        before = lake.today() - timedelta(days=400)
        lake.publish("customer", customers({"C0000": "S0001", "C0020": "S0002"}), before)
        lake.publish("holding", holdings({"C0000": ("demand_deposit", 700), "C0020": ("demand_deposit", 300)}), before)
    made = run(bank, "daily", "make")[1]
    assert made["delivered"] > 0
    assert run(bank, "daily", "make")[1]["delivered"] == 0
    shown = run(bank, "daily", "show", "B001", "--as", folk.roles["branch_commander"])[1]
    assert shown["whole"]["balances"]["deposits"]["point"] == 1_000
    assert {unit: one["balances"]["deposits"]["point"] for unit, one in shown["below"].items()} == {
        "S0001": 700,
        "S0002": 300,
    }
    _, refused = run(bank, "daily", "show", "0000", "--as", folk.roles["branch_commander"])
    assert refused["error"]["code"] == "daily.none"
    assert (
        run(bank, "daily", "show", "S0001", "--as", folk.roles["relationship_manager"])[1]["error"]["code"]
        == "rights.not_allowed"
    )
