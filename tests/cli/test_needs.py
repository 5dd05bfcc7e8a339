"""What a customer needs, on a bank with data: assets within the risk tolerance, missing basics, services by age."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import BankloopError
from bankloop.loop.offering.needs import allocate
from bankloop.loop.product import Offers
from bankloop.loop.spec import ASSET_CLASSES, Product, read_needs
from bankloop.simulate.clock import bank_clock
from bankloop.wiring import open_bank
from tests.cli.test_people import bank, run
from tests.cli.test_shelf import EVENING, published, shelf
from tests.loop.people import TYPES
from tests.organization.conftest import folk

__all__ = ["bank", "folk", "shelf"]

MORE = """
  - key: balanced-fund
    title: {zh: 平衡基金, en: Balanced fund}
    class: fund
    risk: {issuer: R3, seller: R3}
    contribution: {fixed: 20 CNY}
  - key: equity-fund
    title: {zh: 股票基金, en: Equity fund}
    class: fund
    risk: {issuer: R4, seller: R4}
    contribution: {fixed: 40 CNY}
"""
CASH = [
    {"holding_id": "h1", "customer_no": "C0000", "product_class": "demand_deposit", "balance_fen": 10_000_001},
]


def customer(tolerance: int | None, born: int, **more: Any) -> dict[str, Any]:
    day = EVENING.date()
    known = {"risk_tolerance": tolerance, "risk_assessed_on": None if tolerance is None else day - timedelta(days=9)}
    return {"customer_no": "C0000", "birth_date": day.replace(year=born, day=1), "phone_valid": True, **known, **more}


@pytest.fixture
def stocked(shelf: Path) -> Path:
    """A shelf with funds of R3 and R4 beside the wealth product of R2."""
    place = shelf / "products.yaml"
    place.write_text(place.read_text(encoding="utf-8").rstrip() + MORE, encoding="utf-8")
    return shelf


def needs(bank: Path) -> dict[str, Any]:
    code, told = run(bank, "shelf", "needs", "C0000", "--as", "M00001")
    assert code == 0, told
    return dict(told)


@pytest.mark.capability("C9")
def test_c3_all_in_cash_is_proposed_at_most_r3_and_all_sums_to_the_whole(stocked: Path) -> None:
    published(stocked, customer=[customer(3, 1985)], holding=CASH)
    told = needs(stocked)
    lines = {one["class"]: one for one in told["allocation"]}
    assert lines["demand_deposit"]["share"] == 1_000_000
    assert {name: one["target"] for name, one in lines.items()} == {
        "demand_deposit": 200_000, "term_deposit": 300_000, "wealth": 350_000, "fund": 150_000,
    }  # fmt: skip
    assert sum(one["target"] for one in lines.values()) == 1_000_000
    assert (lines["fund"]["product"], lines["fund"]["risk"]) == ("balanced-fund", 3)
    assert max(one["risk"] or 0 for one in lines.values()) == 3
    assert {one["fen"] for one in lines.values()} == {None}  # amounts stay masked
    place = stocked / "products.yaml"
    place.write_text(
        place.read_text(encoding="utf-8").replace(MORE.split("  - key: equity")[0], "\n"), encoding="utf-8"
    )
    lines = {one["class"]: one for one in needs(stocked)["allocation"]}
    assert (lines["fund"]["target"], lines["fund"]["product"]) == (0, None)  # only R4 is left, and it is not for C3
    assert "C3 < R4" in lines["fund"]["capped"]["en"]
    assert lines["term_deposit"]["target"] == 450_000
    assert sum(one["target"] for one in lines.values()) == 1_000_000
    published(stocked, customer=[customer(2, 1985)], holding=CASH)
    assert {one["class"]: one["target"] for one in needs(stocked)["allocation"]}["wealth"] == 300_000
    published(stocked, customer=[customer(None, 1985)], holding=CASH)
    told = needs(stocked)
    assert (told["invited"], told["allocation"]) == (True, [])


@pytest.mark.capability("C10")
def test_from_sixty_on_health_services_are_suggested_and_nothing_of_r4_is_pushed(stocked: Path) -> None:
    published(stocked, customer=[customer(5, 1985)], holding=CASH)
    young = needs(stocked)
    assert {one["class"]: one["product"] for one in young["allocation"]}["fund"] == "equity-fund"
    assert "health" not in {one["kind"] for one in young["services"]}
    published(stocked, customer=[customer(5, 1960)], holding=CASH)
    told = needs(stocked)
    assert {one["kind"] for one in told["services"]} == {"health"}
    assert {one["class"]: one["product"] for one in told["allocation"]}["fund"] == "balanced-fund"
    leg = run(stocked, "shelf", "propose", "equity-fund", "--customer", "C0000", "--as", "M00001")[1]["legs"]
    assert [(one["open"], one["reason"]) for one in leg] == [(False, "aged")]


@pytest.mark.capability("C8")
def test_who_has_no_mobile_bank_is_offered_its_activation_and_counted_in_the_gap(stocked: Path) -> None:
    people = [customer(3, 1985) | {"customer_no": f"C{n:04d}", "app_registered": n >= 12} for n in range(40)]
    published(stocked, customer=people, holding=CASH)
    (basic,) = [one for one in needs(stocked)["basics"] if one["basic"] == "mobile-bank"]
    assert basic["offer"]["zh"] == "开通手机银行"
    gap = next(one for one in run(stocked, "shelf", "gaps")[1]["gaps"] if one["basic"] == "mobile-bank")
    assert (gap["among"], gap["lacking"]) == (40, 12)
    published(stocked, customer=[customer(3, 1985, app_registered=True)], holding=CASH)
    assert "mobile-bank" not in {one["basic"] for one in needs(stocked)["basics"]}


def test_who_declined_personalisation_is_proposed_nothing(stocked: Path) -> None:
    published(stocked, customer=[customer(3, 1970, personalisation_off=True)], holding=CASH)
    with open_bank(stocked, bank_clock(stocked)) as opened:
        from bankloop.customer.consent import take_consents

        take_consents(opened.store, opened.lake)
    told = needs(stocked)
    assert not told["personal"]
    assert (told["allocation"], told["basics"], told["services"]) == ([], [], [])


FUND = {"key": "a-fund", "title": {"zh": "基", "en": "Fund"}, "class": "fund", "contribution": {"fixed": 1}}


@given(
    held=st.dictionaries(st.sampled_from(ASSET_CLASSES), st.integers(0, 10**13)),
    cuts=st.lists(st.integers(0, 1_000_000), min_size=4, max_size=4),
    risk=st.integers(1, 5),
    tolerance=st.integers(1, 5),
    shut=st.booleans(),
)
def test_every_share_and_every_fen_is_placed(
    held: dict[str, int], cuts: list[int], risk: int, tolerance: int, shut: bool
) -> None:
    import numpy as np

    edges = [0, *sorted(cuts), 1_000_000]
    target = {name: edges[at + 1] - edges[at] for at, name in enumerate(ASSET_CLASSES)}
    fund = Product.model_validate({**FUND, "risk": {"issuer": f"R{risk}", "seller": "R1"}})
    codes = Offers({"a-fund": np.array([1 if shut else 0], np.int8)})
    found = allocate(target, held, [fund], codes, tolerance)
    total = sum(held.values())
    if total == 0:
        assert found == ()
        return
    assert sum(one.share for one in found) == sum(one.target for one in found) == 1_000_000
    assert sum(one.fen or 0 for one in found) == sum(one.target_fen or 0 for one in found) == total
    assert all(one.product is None or (not shut and risk <= tolerance) for one in found)
    assert all(one.target == 0 for one in found if one.asset_class in ("wealth", "insurance"))


def test_a_bank_s_own_file_is_refused_with_its_place(tmp_path: Path) -> None:
    good = "format: 1\nallocations:\n  C1: {demand_deposit: 100%}\n"
    (tmp_path / "needs.yaml").write_text(good, encoding="utf-8")
    assert dict(read_needs(tmp_path, TYPES).allocations["C1"]) == {"demand_deposit": 1_000_000}
    for more, place in (
        ("  C2: {demand_deposit: 90%}\n", "90%"),
        ("  C2: {gold: 100%}\n", "gold"),
        ("basics:\n  - {basic: a-b, title: {zh: 一, en: A}, held: agee > 1, offer: {zh: 二, en: B}}\n", "needs.yaml:5"),
        ("benefits:\n  - {benefit: a-b, title: {zh: 一, en: A}, kind: money, when: age > 1}\n", "needs.yaml:5"),
    ):
        (tmp_path / "needs.yaml").write_text(good + more, encoding="utf-8")
        with pytest.raises(BankloopError) as refused:
            read_needs(tmp_path, TYPES)
        assert place in refused.value.message.en
