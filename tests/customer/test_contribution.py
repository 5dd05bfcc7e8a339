"""Contribution: every part in fen, the total their sum; new money told apart from money that only moved."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.customer.contribution import card_on, line_of, money_moved, moved, read_cards, share, statements
from bankloop.kit.errors import SpecError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import open_lake
from bankloop.organization.principals import system
from bankloop.store.database import Store

YUAN = 100
MILLION = 1_000_000 * YUAN
OWN = """
rates:
  - since: 2020-01-01
    capital_ratio: 10
    cost_of_capital: 10
    classes:
      term_deposit: {kind: deposit, rate: 1.5, ftp: 2}
      consumer_loan: {kind: loan, rate: 6, ftp: 3, loss: 1, risk_weight: 75, cost: 0.25, cost_each: 10}
      fund: {kind: other, fee: 0.6, fee_each: 5}
    products: {vip-fund: {kind: other, fee: 1}}
"""
DAY = date(2026, 6, 29)


def holding(number: int, product_class: str, fen: int, customer: str = "C1", product: str = "p") -> dict[str, object]:
    return {"holding_id": f"h{number}", "customer_no": customer, "product_class": product_class, "product_id": product,
            "balance_fen": fen, "opened_on": date(2020, 1, 1)}  # fmt: skip


def held(*rows: dict[str, object]) -> pa.Table:
    contract = CONTRACTS["holding"]
    return pa.Table.from_pylist([{**dict.fromkeys(contract.names), **row} for row in rows], schema_of(contract))


@pytest.mark.capability("E8")
def test_ten_million_at_one_and_a_half_funded_at_two_brings_fifty_thousand(store: Store, tmp_path: Path) -> None:
    (tmp_path / "contribution.yaml").write_text(OWN, encoding="utf-8")
    lake = open_lake(tmp_path, store, system("lake"))
    lake.publish("holding", held(holding(1, "term_deposit", 10 * MILLION)), DAY)
    statement = statements(lake, DAY, ["C1"])["C1"]
    assert statement.total == 50_000 * YUAN
    (line,) = statement.lines
    assert (line.spread, line.fees, line.cost, line.loss, line.capital) == (50_000 * YUAN, 0, 0, 0, 0)


def test_a_loan_is_charged_its_loss_its_capital_and_its_cost(tmp_path: Path) -> None:
    (tmp_path / "contribution.yaml").write_text(OWN, encoding="utf-8")
    card = read_cards(tmp_path)[0]
    line = line_of("consumer_loan", "p", 10 * MILLION, 2, card)
    assert (line.spread, line.loss, line.capital) == (300_000 * YUAN, 100_000 * YUAN, 75_000 * YUAN)
    assert line.cost == 25_000 * YUAN + 20 * YUAN
    assert line.total == (300_000 - 100_000 - 75_000 - 25_020) * YUAN
    assert line_of("fund", "vip-fund", MILLION, 1, card).fees == 10_000 * YUAN
    assert line_of("insurance", "p", MILLION, 1, card).total == 0


@given(st.integers(-(10**16), 10**16), st.integers(-(10**6), 10**6))
def test_a_share_is_exact_to_half_a_fen(fen: int, ppm: int) -> None:
    assert abs(2 * share(fen, ppm) * 1_000_000 - 2 * fen * ppm) <= 1_000_000
    assert share(-fen, ppm) == -share(fen, ppm)


_BALANCES = st.dictionaries(
    st.sampled_from(["demand_deposit", "term_deposit", "wealth", "fund"]), st.integers(0, 10**12)
)


@given(_BALANCES, _BALANCES)
def test_new_and_lost_money_make_the_change_of_all_assets(before: dict[str, int], after: dict[str, int]) -> None:
    found = moved(before, after, DAY, DAY)
    assert found.new - found.lost == sum(after.values()) - sum(before.values())
    assert min(found.new, found.lost) == 0
    assert min(found.new, found.displaced, found.lost) >= 0


def test_deposits_turned_into_a_wealth_product_are_displaced_and_not_new(store: Store, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, store, system("lake"))
    lake.publish("holding", held(holding(1, "demand_deposit", 500_000)), date(2026, 6, 1))
    lake.publish("holding", held(holding(1, "demand_deposit", 100_000), holding(2, "wealth", 700_000)), DAY)
    found = money_moved(lake, "C1", date(2026, 6, 1), DAY)
    assert found is not None
    assert (found.new, found.displaced, found.lost) == (300_000, 400_000, 0)
    assert money_moved(lake, "C1", date(2026, 5, 1), DAY) is None


def test_a_statement_weighs_the_days_that_are_known(store: Store, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, store, system("lake"))
    lake.publish("holding", held(holding(1, "demand_deposit", 1_000_000)), date(2026, 6, 1))
    lake.publish(
        "holding", held(holding(1, "demand_deposit", 4_000_000), holding(2, "wealth", 9, "C2")), date(2026, 6, 11)
    )
    found = statements(lake, date(2026, 6, 30))
    assert (found["C1"].days, found["C1"].lines[0].average_fen) == (30, 3_000_000)
    assert found == {
        number: one for n in ("C1", "C2") for number, one in statements(lake, date(2026, 6, 30), [n]).items()
    }
    assert statements(lake, date(2026, 6, 30), ["C9"])["C9"].total == 0


@pytest.mark.parametrize(
    "bad",
    ["rates: []", OWN.replace("kind: loan", "kind: gift"), OWN.replace("rate: 6", "rate: six"), OWN.replace("fund: {", "lottery: {"), OWN.replace("loss: 1", "luck: 1")],
)  # fmt: skip
def test_rates_that_cannot_be_name_their_place(tmp_path: Path, bad: str) -> None:
    (tmp_path / "contribution.yaml").write_text(bad, encoding="utf-8")
    with pytest.raises(SpecError, match=r"contribution\.yaml:\d"):
        read_cards(tmp_path)


def test_the_rates_of_a_day_are_those_begun_last(tmp_path: Path) -> None:
    later = OWN + OWN.split("rates:")[1].replace("2020-01-01", "2026-01-01").replace("ftp: 2}", "ftp: 3}")
    (tmp_path / "contribution.yaml").write_text(later, encoding="utf-8")
    cards = read_cards(tmp_path)
    assert [card_on(cards, day).classes["term_deposit"].spread for day in (date(2025, 12, 31), DAY)] == [5_000, 15_000]
    assert len({card.digest for card in cards}) == 2
