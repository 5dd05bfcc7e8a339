"""Step 4: what may be given, and that nothing is given twice or beyond its budget."""

from __future__ import annotations

import threading
from uuid import UUID

import pyarrow as pa
import pytest

from bankloop.benefit.grants import BUDGET, BUDGET_EXHAUSTED, STOCK_EXHAUSTED, grant_benefits, pool_of
from bankloop.kit.errors import SpecError
from bankloop.loop import benefit
from bankloop.loop.spec import Benefit
from bankloop.organization.principals import system
from bankloop.store.database import Store
from tests.loop.people import bank_spec


def coupon(**changes: object) -> Benefit:
    return Benefit.model_validate(
        {"key": "coupon", "title": {"zh": "券", "en": "coupon"}, "kind": "coupon", "face": 30, "stock": 1000, **changes}
    )


def asked(numbers: range, fen: int, budget: str = "x:1") -> pa.Table:
    rows = [
        {"decision_id": str(UUID(int=i + 1)), "customer_no": f"C{i}", "unit_id": "B001", "benefit": "coupon", "reserved_fen": fen, "budget": budget}
        for i in numbers
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


@pytest.mark.capability("A5")
def test_a_budget_of_1000_gives_33_coupons_of_30_and_refuses_the_34th(store: Store) -> None:
    with store.begin(system()) as connection:
        outcome = grant_benefits(connection, asked(range(34), coupon().reserved_fen), {"x:1": 100_000}, {})
    assert outcome["granted"].to_pylist() == [True] * 33 + [False]
    assert outcome["refused_by"][33].as_py() == BUDGET_EXHAUSTED
    with store.begin(system()) as connection:
        again = grant_benefits(connection, asked(range(34), 3_000), {"x:1": 100_000}, {})
        assert again == outcome
        assert pool_of(connection, BUDGET, "x:1").committed == 99_000


@pytest.mark.capability("A5")
@pytest.mark.parametrize("kind", ["gift", "coupon", "points", "draw"])
@pytest.mark.parametrize(
    ("campaign", "rule"), [("first-wealth", "wealth-sales-25-6"), ("keep-deposits", "deposits-2018-48")]
)
def test_nothing_may_be_given_for_wealth_or_deposits(kind: str, campaign: str, rule: str) -> None:
    spec = bank_spec()
    found = spec.campaigns[campaign]
    products = [spec.products[key] for key in found.products]
    with pytest.raises(SpecError) as refused:
        benefit.check_benefits(found, products, [coupon(kind=kind)])
    assert refused.value.fields["rule"] == rule
    assert "第二十五条" in refused.value.message.zh or "48 号" in refused.value.message.zh


def test_a_stock_of_two_gives_two(store: Store) -> None:
    with store.begin(system()) as connection:
        outcome = grant_benefits(connection, asked(range(3), 1), {}, {"coupon": 2})
    assert outcome["refused_by"].to_pylist() == ["", "", STOCK_EXHAUSTED]


def test_many_writers_never_overrun_a_budget(store: Store) -> None:
    def grant(part: int) -> None:
        with store.begin(system(f"w{part}")) as connection:
            grant_benefits(connection, asked(range(part * 20, part * 20 + 20), 3_000), {"x:1": 100_000}, {})

    threads = [threading.Thread(target=grant, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.begin(system()) as connection:
        assert pool_of(connection, BUDGET, "x:1").committed == 99_000


def test_100_off_20_gives_nothing_at_99_99_and_20_at_100() -> None:
    off = coupon(face=20, threshold=100)
    assert benefit.discount_fen(off, 9_999) == 0
    assert benefit.discount_fen(off, 10_000) == 2_000
    assert benefit.discount_fen(coupon(face=20), 1_500) == 1_500


def test_a_class_that_the_matrix_does_not_name_is_denied() -> None:
    spec = bank_spec()
    insurance = spec.products["wealth-fixed-income"].model_copy(update={"product_class": "insurance"})
    ruling = benefit.rule_benefit(insurance, coupon())
    assert not ruling.allowed
    assert ruling.rule == "default-deny"
