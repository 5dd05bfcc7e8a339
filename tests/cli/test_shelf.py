"""The commands of the shelf over a bank with data: off at its moment, a bundle's rating, how far a segment lags behind."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bankloop.simulate.clock import bank_clock, set_clock
from bankloop.wiring import open_bank
from tests.cli.test_people import bank, run
from tests.customer.test_state import rows
from tests.loop.people import BANK
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]

WEALTH, BUNDLE = "wealth-fixed-income", "salary-bundle"
# Six in the evening in the bank, of the day after the machine's.
EVENING = (datetime.now(UTC) + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def shelf(bank: Path, folk: Folk) -> Path:
    """The bank with products on its shelf, on a morning; ``C0000`` of manager M00001 may hold what is of R3."""
    shutil.copytree(BANK, bank, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bank.yaml"))
    set_clock(bank, EVENING - timedelta(hours=8))
    assessed = {"birth_date": date(1990, 1, 1), "risk_tolerance": 3, "risk_assessed_on": EVENING.date() - timedelta(9)}
    published(bank, customer=[{"customer_no": "C0000", **assessed}], holding=[])
    return bank


def published(bank: Path, **tables: list[dict[str, Any]]) -> None:
    with open_bank(bank, bank_clock(bank)) as opened:
        for name, given in tables.items():
            opened.lake.publish(name, rows(name, *given), opened.lake.today() - timedelta(days=1))


def changed(bank: Path, product: str, *how: str) -> None:
    asked = run(bank, "shelf", "change", product, *how, "--reason", "the issuer says so", "--as", "product")
    assert asked[0] == 0, asked
    assert run(bank, "approve", f"product/{product}", "--as", "product")[0] != 0  # not by who asked for it
    done = run(bank, "approve", f"product/{product}", "--as", "checker")
    assert done[0] == 0, done


def leg(bank: Path, key: str) -> tuple[bool, str]:
    """Return whether a leg of the bundle is open to the customer now, and why not."""
    found = run(bank, "shelf", "propose", BUNDLE, "--customer", "C0000", "--as", "M00001")[1]["legs"]
    return next((one["open"], one["reason"]) for one in found if one["product"] == key)


def on_shelf(bank: Path, key: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = run(bank, "shelf", "list")[1]["products"]
    return next(one for one in found if one["key"] == key)


@pytest.mark.capability("A27")
def test_off_the_shelf_at_18_00_a_product_is_offered_until_then_and_not_at_18_00_01(shelf: Path) -> None:
    changed(shelf, WEALTH, "--off", "--at", f"{(EVENING + timedelta(hours=8)):%Y-%m-%dT%H:%M}")
    set_clock(shelf, EVENING - timedelta(minutes=5))
    assert leg(shelf, WEALTH) == (True, "")
    assert on_shelf(shelf, WEALTH)["available"]["on"]
    set_clock(shelf, EVENING + timedelta(seconds=1))
    assert leg(shelf, WEALTH) == (False, "off_shelf")
    assert not on_shelf(shelf, WEALTH)["available"]["on"]
    assert on_shelf(shelf, "credit-card")["available"]["on"]


@pytest.mark.capability("E2")
def test_a_bundle_carries_the_highest_rating_of_its_legs(shelf: Path) -> None:
    products = shelf / "products.yaml"
    written = products.read_text(encoding="utf-8")
    card = "    class: card\n    eligible"
    assert card in written
    rated = written.replace(card, "    class: card\n    risk: {issuer: R1, seller: R1}\n    eligible")
    products.write_text(rated, encoding="utf-8")
    assert on_shelf(shelf, BUNDLE)["risk"] == {"issuer": "R2", "seller": "R2"}
    changed(shelf, WEALTH, "--issuer", "R4", "--seller", "R4")
    assert on_shelf(shelf, BUNDLE)["risk"] == {"issuer": "R4", "seller": "R4"}
    assert leg(shelf, WEALTH) == (False, "risk_mismatch")


@pytest.mark.capability("B8")
def test_payroll_wealth_twelve_against_twenty_is_a_gap_of_eight_points(shelf: Path) -> None:
    people = [{"customer_no": f"C{n:04d}", "employer_id": "E1" if n < 100 else None} for n in range(200)]
    wealthy = [*range(12), *range(12), *range(100, 120)]  # who holds two of a kind holds the kind
    holders = [*((n, "wealth") for n in wealthy), *((n, "credit_card") for n in range(200))]
    held = [
        {"holding_id": f"h{place}", "customer_no": f"C{n:04d}", "product_class": kind}
        for place, (n, kind) in enumerate(holders)
    ]
    published(shelf, customer=people, holding=held)
    cells = run(shelf, "shelf", "matrix")[1]["cells"]
    found = {one["product_class"]: one for one in cells if one["segment"] == "payroll"}
    assert {k: found["wealth"][k] for k in ("customers", "share", "peers", "gap")} == {
        "customers": 100, "share": 120_000, "peers": 200_000, "gap": -80_000,
    }  # fmt: skip
    assert found["credit_card"]["gap"] == 0
