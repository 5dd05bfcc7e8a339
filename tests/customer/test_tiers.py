"""Tiers: the month's average decides, up at once, down after warning; a month is closed once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.customer.tier import (
    Standings,
    ask_rules,
    begin,
    close_month,
    months_of,
    moves,
    next_month,
    read_tier_rules,
    spans,
    step,
    weigh,
)
from bankloop.kit.errors import ConflictError, SpecError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.approval import consent
from bankloop.organization.principals import checker, compliance, maker, system
from bankloop.store.contracts import LakeVersion
from bankloop.store.database import Store

YUAN = 100
RULE = read_tier_rules()[0]
APRIL = date(2026, 4, 1)
PROGRAM = system("tier")


def holdings(**balances: int) -> pa.Table:
    contract = CONTRACTS["holding"]
    rows = [
        {**dict.fromkeys(contract.names), "holding_id": f"h{number}", "customer_no": number, "product_class": "demand_deposit",
         "product_id": "demand-deposit", "balance_fen": yuan * YUAN, "opened_on": date(2020, 1, 1)}
        for number, yuan in balances.items()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema_of(contract))


def people(*numbers: str) -> pa.Table:
    contract = CONTRACTS["customer"]
    plain = {"str": "S0001", "int": 0, "bool": False, "date": date(2020, 1, 1)}
    rows = [
        {c.name: number if c.name == "customer_no" else None if c.nullable else plain[c.type] for c in contract.columns}
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema_of(contract))


@pytest.fixture
def lake(store: Store, tmp_path: Path) -> Lake:
    made = open_lake(tmp_path, store, system("lake"))
    made.publish("customer", people("C1", "C2"), date(2026, 1, 1))
    return made


def story(*averages: int) -> list[tuple[int, bool]]:
    """Where months of these averages in yuan leave one customer: (tier, watched) after each."""
    found: list[Standings] = []
    for yuan in averages:
        average = np.array([yuan * YUAN])
        found.append(step(RULE, found[-1], average) if found else begin(RULE, average))
    return [(int(one.tier[0]), bool(one.watched[0])) for one in found]


def test_three_months_below_are_watched_from_the_fourth_and_three_more_downgrade() -> None:
    after = story(60_000, 40_000, 40_000, 40_000, 40_000, 40_000, 40_000)
    assert after[:3] == [(2, False)] * 3
    assert after[3:6] == [(2, True)] * 3  # from month 5 on
    assert after[6] == (1, False)


def test_it_falls_to_the_tier_of_the_best_of_those_months() -> None:
    months = story(1_200_000, *[60_000] * 2, 300_000, *[60_000] * 3)
    assert months[-2:] == [(5, True), (3, False)]


def test_reaching_the_line_again_ends_it_and_more_lifts_at_once() -> None:
    assert story(60_000, *[40_000] * 4, 50_000, 40_000)[-2:] == [(2, False), (2, False)]
    assert story(60_000, *[40_000] * 4, 700_000)[-1] == (4, False)
    assert story(60_000, 6_000_000)[-1] == (6, False)


@given(st.lists(st.integers(-10_000, 8_000_000), min_size=1, max_size=18))
@settings(deadline=None)
def test_nobody_falls_unwarned_and_everybody_rises_at_once(averages: list[int]) -> None:
    after = story(*averages)
    for number in range(1, len(after)):
        (before, warned), (tier, watched) = after[number - 1], after[number]
        own = int(np.searchsorted(RULE.cuts, max(averages[number], 0) * YUAN, side="right"))
        assert tier >= own
        assert tier == own or own < before
        if tier < before:
            assert warned
            assert not watched
            assert all(one == (before, True) for one in after[number - 3 : number])


@given(st.lists(st.lists(st.integers(0, 8_000_000), min_size=3, max_size=3), min_size=1, max_size=10))
@settings(deadline=None)
def test_customers_do_not_touch_each_other(months: list[list[int]]) -> None:
    together: list[Standings] = []
    for month in months:
        average = np.array(month) * YUAN
        together.append(step(RULE, together[-1], average) if together else begin(RULE, average))
    for who in range(3):
        alone = story(*(month[who] for month in months))
        assert [(int(one.tier[who]), bool(one.watched[who])) for one in together] == alone


def test_moves_are_named() -> None:
    before = begin(RULE, np.array([60_000, 60_000]) * YUAN)
    assert moves(None, before).tolist() == ["new", "new"]
    assert moves(before, step(RULE, before, np.array([300_000, 40_000]) * YUAN)).tolist() == ["up", ""]


def test_spans_fill_a_month_from_the_snapshots_that_there_are() -> None:
    def version(day: date, name: str = "v") -> LakeVersion:
        return LakeVersion("holding", f"{name}{day}", ("f",), 1, "d", day, datetime(2026, 5, 1, tzinfo=UTC))

    march, first, tenth = version(date(2026, 3, 28)), version(date(2026, 4, 1)), version(date(2026, 4, 11))
    may = next_month(APRIL)
    assert [(s.version, s.days) for s in spans([first, tenth], APRIL, may)] == [(first, 10), (tenth, 20)]
    assert [(s.version, s.days) for s in spans([march, tenth], APRIL, may)] == [(march, 10), (tenth, 20)]
    assert [(s.version, s.days) for s in spans([tenth], APRIL, may)] == [(tenth, 20)]
    assert spans([version(may)], APRIL, may) == ()
    restated = version(date(2026, 4, 11), "w")
    assert spans([first, tenth, restated], APRIL, may)[1].version == restated
    assert weigh(np.array([-1, 0, 1, 3]), 2).tolist() == [0, 0, 1, 2]


@pytest.mark.capability("C2")
def test_ten_days_of_100_000_and_twenty_of_400_000_make_an_affluent_customer(store: Store, lake: Lake) -> None:
    lake.publish("holding", holdings(C1=100_000), APRIL)
    lake.publish("holding", holdings(C1=400_000), date(2026, 4, 11))
    closed = close_month(store, PROGRAM, lake, APRIL)
    assert (closed.customers, dict(closed.tiers), dict(closed.moves)) == (2, {1: 1, 3: 1}, {"new": 2})
    (month,) = months_of(lake, "C1")
    assert (month.average_fen, RULE.tier(month.tier).title.zh) == (300_000 * YUAN, "贵宾")
    assert months_of(lake, "C2")[0].tier == 1


def test_a_month_is_closed_once_and_the_months_between_are_not_skipped(store: Store, lake: Lake) -> None:
    lake.publish("holding", holdings(C1=60_000), date(2026, 2, 1))
    assert close_month(store, PROGRAM, lake, date(2026, 2, 1)).new
    lake.publish("holding", holdings(C1=40_000), date(2026, 3, 1))
    may = date(2026, 5, 1)
    assert close_month(store, PROGRAM, lake, may).new
    assert [one.month.month for one in months_of(lake, "C1")] == [5, 4, 3, 2]
    assert (months_of(lake, "C1")[0].watched, months_of(lake, "C1")[0].move) == (True, "watched")
    again = close_month(store, PROGRAM, lake, may)
    assert (again.new, again.customers) == (False, 2)
    assert len(months_of(lake, "C1")) == 4
    with pytest.raises(ConflictError, match="not_over"):
        close_month(store, PROGRAM, lake, date(2026, 6, 1))


def test_nothing_is_read_of_a_month_without_balances(store: Store, lake: Lake) -> None:
    with pytest.raises(ConflictError, match="no_balances"):
        close_month(store, PROGRAM, lake, APRIL)
    lake.publish("holding", holdings(C1=60_000), date(2026, 5, 1))
    with pytest.raises(ConflictError, match="no_balances"):
        close_month(store, PROGRAM, lake, APRIL)


OWN = """
rules:
  - {since: 2020-01-01, below: 1, watch: 1, tiers: [{name: a, from: 0, zh: 甲, en: A}, {name: b, from: 1000, zh: 乙, en: B}]}
"""


def test_a_bank_s_own_rule_is_in_force_once_it_is_approved(store: Store, lake: Lake, tmp_path: Path) -> None:
    lake.publish("holding", holdings(C1=2_000), APRIL)
    with pytest.raises(ConflictError, match="nothing_own"):
        ask_rules(store, maker(), tmp_path, "ours")
    (tmp_path / "tiers.yaml").write_text(OWN, encoding="utf-8")
    with pytest.raises(ConflictError, match="not_approved"):
        close_month(store, PROGRAM, lake, APRIL)
    request = ask_rules(store, maker(), tmp_path, "ours")
    for one in (compliance(), compliance("compliance2"), checker(), checker("checker2")):
        with store.begin(one) as connection:
            consent(connection, request, "seen")
    assert dict(close_month(store, PROGRAM, lake, APRIL).tiers) == {1: 1, 2: 1}
    (tmp_path / "tiers.yaml").write_text(OWN.replace("1000", "9000"), encoding="utf-8")
    with pytest.raises(ConflictError, match="not_approved"):
        close_month(store, PROGRAM, lake, date(2026, 5, 1))


@pytest.mark.parametrize(
    "bad",
    ["rules: []", OWN.replace("from: 0", "from: 5"), OWN.replace("from: 1000", "from: much"), OWN.replace("below: 1", "below: 0"), OWN.replace("en: B", "x: B")],
)  # fmt: skip
def test_a_rule_that_cannot_be_names_its_place(tmp_path: Path, bad: str) -> None:
    (tmp_path / "tiers.yaml").write_text(bad, encoding="utf-8")
    with pytest.raises(SpecError, match=r"tiers\.yaml:\d"):
        read_tier_rules(tmp_path)


def test_months_of_29_february_and_december() -> None:
    assert next_month(date(2028, 2, 1)) - timedelta(days=1) == date(2028, 2, 29)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
