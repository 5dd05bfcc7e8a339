"""Life-cycle stages and the relationship score: attributes made of cases, each with its factors."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.state import build_state
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import SpecError
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from tests.customer.test_state import AS_OF, MIDNIGHT, event, holding, rows

FACTORS = ("score_products", "score_tenure", "score_balance", "score_interaction", "score_network")


def state_of(tmp_path: Path, opened: date, events: list[dict[str, object]], *classes: str) -> dict[str, object]:
    lake = Lake(tmp_path, MemoryManifest(), FixedClock(datetime(2026, 9, 1, tzinfo=UTC)), memory="512MB", threads=2)
    lake.publish("customer", rows("customer", {"customer_no": "1", "opened_on": opened, "wecom_friend": True}), AS_OF)
    lake.publish("holding", rows("holding", *(holding(n, one, 1_000_000) for n, one in enumerate(classes))), AS_OF)
    lake.append("event", rows("event", *events), AS_OF)
    names = ("lifecycle_stage", "relationship_score", *FACTORS)
    return {k: v[0] for k, v in build_state(lake, read_catalogue(), AS_OF, names=names).table.to_pydict().items()}


def spent(*days: int) -> list[dict[str, object]]:
    return [event(n, "transaction", MIDNIGHT - timedelta(days=day, hours=1)) for n, day in enumerate(days)]


@pytest.mark.capability("C22")
@pytest.mark.parametrize(
    ("days", "stage"), [(0, "new"), (30, "new"), (31, "growing"), (180, "growing"), (181, "mature")]
)
def test_on_day_31_after_opening_a_new_customer_is_growing(tmp_path: Path, days: int, stage: str) -> None:
    assert state_of(tmp_path, AS_OF - timedelta(days=days), spent(1))["lifecycle_stage"] == stage


def test_thirty_per_cent_fewer_transactions_is_declining_and_180_days_of_nothing_is_lost(tmp_path: Path) -> None:
    old = date(2020, 1, 2)
    before = [100 + n for n in range(10)]
    assert state_of(tmp_path / "a", old, spent(*before, *range(1, 8)))["lifecycle_stage"] == "declining"
    assert state_of(tmp_path / "b", old, spent(*before, *range(1, 9)))["lifecycle_stage"] == "mature"
    assert state_of(tmp_path / "c", old, spent(180))["lifecycle_stage"] == "lost"
    assert state_of(tmp_path / "d", old, [])["lifecycle_stage"] == "lost"


@pytest.mark.capability("B21")
def test_a_second_product_raises_the_score_and_the_factor_shows_it(tmp_path: Path) -> None:
    one = state_of(tmp_path / "a", date(2020, 1, 2), [], "demand_deposit")
    two = state_of(tmp_path / "b", date(2020, 1, 2), [], "demand_deposit", "credit_card")
    assert int(str(two["relationship_score"])) > int(str(one["relationship_score"]))
    assert [name for name in FACTORS if one[name] != two[name]] == ["score_products"]
    assert two["relationship_score"] == sum(int(str(two[name])) for name in FACTORS)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("{type: money, zh: a, en: a, owner: x, case: [{when: payroll, then: 1}]}", "gives"),
        ("{type: int, zh: a, en: a, owner: x, case: [{when: payroll, then: many}]}", "many is no int"),
        ("{type: int, zh: a, en: a, owner: x, case: [{else: 1}]}", "at least one when"),
        ("{type: int, zh: a, en: a, owner: x, case: [{when: payroll}]}", "when and then"),
        ("{type: int, zh: a, en: a, owner: x, case: [{when: own = 1, then: 2}]}", "cycle"),
        ("{type: int, zh: a, en: a, owner: x, case: [{when: nobody, then: 2}]}", "nobody"),
    ],
)
def test_a_case_that_cannot_be_says_why(tmp_path: Path, case: str, why: str) -> None:
    (tmp_path / "attributes").mkdir()
    (tmp_path / "attributes" / "own.yaml").write_text(f"attributes:\n  own: {case}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=why):
        read_catalogue(tmp_path)
