"""The commands on tiers and on serving everybody, on a small loaded bank."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bankloop.kit.clock import SystemClock
from bankloop.lake.service import open_lake
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from tests.cli.test_people import bank, run
from tests.customer.test_tiers import OWN, holdings, people
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


@pytest.fixture
def balances(bank: Path, folk: Folk) -> None:
    with open_store(bank, SystemClock()) as store:
        lake = open_lake(bank, store, system("lake"))
        lake.publish("customer", people("C0001", "C0900"), date(2026, 4, 1))
        lake.publish("holding", holdings(C0001=300_000, C0900=10_000), date(2026, 4, 1))


def test_a_month_is_closed_everybody_is_kept_and_care_is_made(bank: Path, folk: Folk, balances: None) -> None:
    strategist = ("--as", folk.roles["hq_strategist"])
    closed = run(bank, "tier", "close", "--month", "2026-05", *strategist)[1]
    assert (closed["tiers"], closed["new"]) == ({"1": 1, "3": 1}, True)
    assert run(bank, "tier", "close", "--month", "2026-05", *strategist)[1]["new"] is False
    assert run(bank, "customer", "assign", *strategist)[1]["unassigned"] == 0
    assert run(bank, "customer", "care")[1]["tasks"] == 1
    shown = run(bank, "customer", "value", "C0001", "--as", folk.roles["relationship_manager"])[1]
    assert (shown["tier"], shown["masked"], shown["contribution_fen"]) == ("affluent", True, None)
    assert shown["keeper"]["mode"] == "manager"
    code, refused = run(bank, "customer", "assign", "--as", folk.roles["relationship_manager"])
    assert (code, refused["error"]["code"]) == (4, "rights.not_allowed")


def test_own_rules_are_submitted(bank: Path, folk: Folk, balances: None) -> None:
    strategist = ("--as", folk.roles["hq_strategist"])
    assert run(bank, "tier", "submit", *strategist)[1]["error"]["code"] == "tier.nothing_own"
    (bank / "tiers.yaml").write_text(OWN, encoding="utf-8")
    assert run(bank, "tier", "submit", "--reason", "ours", *strategist)[1]["request"]
    assert run(bank, "tier", "close", *strategist)[1]["error"]["code"] == "tier.not_approved"
