"""The state: what each attribute says, and that nothing recorded later can change it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.contracts import State
from bankloop.customer.state import build_state
from bankloop.kit.clock import FixedClock
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType
from bankloop.lake.engine import schema_of
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

AS_OF = date(2026, 6, 30)
# The end of the as-of day in the bank's zone.
MIDNIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)
FIRST = datetime(2026, 5, 31, 16, tzinfo=UTC)
_DEFAULT = {
    ColumnType.STR: "x",
    ColumnType.INT: 0,
    ColumnType.BOOL: False,
    ColumnType.DATE: date(2020, 1, 2),
    ColumnType.TIMESTAMP: datetime(2026, 6, 1, 2, tzinfo=UTC),
}


def rows(table: str, *values: dict[str, Any]) -> pa.Table:
    contract = CONTRACTS[table]
    plain = {c.name: c.allowed[0] if c.allowed else None if c.nullable else _DEFAULT[c.type] for c in contract.columns}
    return pa.Table.from_pylist([{**plain, **v} for v in values], schema=schema_of(contract))


def event(number: int, type_: str, at: datetime, **given: Any) -> dict[str, Any]:
    return {"event_id": number, "customer_no": "1", "type": type_, "occurred_at": at, "recorded_at": at, **given}


def holding(number: int, product_class: str, fen: int, **given: Any) -> dict[str, Any]:
    return {"holding_id": f"h{number}", "customer_no": "1", "product_class": product_class, "balance_fen": fen, **given}


EVENTS = [
    event(1, "login", FIRST),
    event(2, "login", FIRST + timedelta(hours=1)),
    event(3, "login", FIRST - timedelta(seconds=1)),
    event(4, "login", MIDNIGHT - timedelta(seconds=1)),
    event(5, "transfer_out", MIDNIGHT - timedelta(days=1), amount_fen=4_999_999),
    event(6, "transfer_out", MIDNIGHT - timedelta(days=1), amount_fen=5_000_000),
    event(7, "page_view", MIDNIGHT - timedelta(days=2), scene="wealth"),
    event(8, "page_view", MIDNIGHT - timedelta(days=2), scene="home"),
    # It happened before the day's end, but the bank knew it only afterwards.
    event(9, "login", MIDNIGHT - timedelta(days=9), recorded_at=MIDNIGHT),
    event(10, "login", MIDNIGHT + timedelta(hours=1)),
]


def bank(tmp_path: Path, events: list[dict[str, Any]]) -> Lake:
    lake = Lake(tmp_path, MemoryManifest(), FixedClock(datetime(2026, 9, 1, tzinfo=UTC)), memory="512MB", threads=2)
    people = [
        {"customer_no": "1", "birth_date": date(1990, 7, 1), "employer_id": "E1", "phone_valid": True},
        {"customer_no": "2", "birth_date": date(1990, 6, 30), "complaint_on": date(2026, 6, 1), "frozen": True},
    ]
    lake.publish("customer", rows("customer", *people), AS_OF)
    held = [
        holding(1, "demand_deposit", 1_000_000),
        holding(2, "term_deposit", 3_000_000, matures_on=date(2026, 7, 10), auto_renew=True),
        holding(3, "term_deposit", 2_000_000, matures_on=date(2026, 8, 29), auto_renew=False),
        holding(4, "term_deposit", 7_000_000, matures_on=date(2026, 8, 30), auto_renew=False),
        holding(5, "wealth", 7_000_000),
    ]
    lake.publish("holding", rows("holding", *held), AS_OF)
    lake.append("event", rows("event", *events), AS_OF)
    return lake


def state_of(tmp_path: Path, events: list[dict[str, Any]] = EVENTS) -> State:
    return build_state(bank(tmp_path, events), read_catalogue(), AS_OF)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("age", 35, 36),
        ("payroll", True, False),
        ("phone_valid", True, False),
        ("frozen", False, True),
        ("days_since_complaint", None, 29),
        ("deposits", 13_000_000, 0),
        ("aum", 20_000_000, 0),
        ("tier", 3, 1),
        ("term_maturing_60d", 5_000_000, 0),
        ("days_to_maturity", 10, None),
        ("next_maturity", date(2026, 7, 10), None),
        ("auto_renew_next", True, None),
        ("has_wealth", True, False),
        ("has_fund", False, False),
        ("products_held", 3, 0),
        ("login_days_30d", 2, 0),
        ("login_days_90d", 3, 0),
        ("transfer_out_30d", 9_999_999, 0),
        ("large_outflow_30d", 5_000_000, 0),
        ("wealth_views_30d", 1, 0),
        ("days_since_last_activity", 0, None),
        ("dormant", False, True),
        ("has_valid_risk_assessment", False, False),
    ],
)
def test_each_attribute(tmp_path_factory: pytest.TempPathFactory, name: str, first: object, second: object) -> None:
    global _STATE
    if _STATE is None:
        _STATE = state_of(tmp_path_factory.mktemp("state"))
    assert _STATE.table[name].to_pylist() == [first, second]


_STATE: State | None = None


def test_what_was_recorded_later_changes_nothing(tmp_path: Path) -> None:
    known = [e for e in EVENTS if e["recorded_at"] < MIDNIGHT]
    later = [event(100 + n, "login", MIDNIGHT + timedelta(days=n), customer_no="2") for n in range(20)]
    before = state_of(tmp_path / "a", known)
    after = state_of(tmp_path / "b", [*EVENTS, *later])
    assert before.digest == after.digest
    assert before.table.equals(after.table)


def test_a_moment_counts_what_was_known_then(tmp_path: Path) -> None:
    lake = bank(tmp_path, EVENTS)
    at = MIDNIGHT - timedelta(seconds=2)
    found = build_state(lake, read_catalogue(), at, names=["login_days_30d"])
    assert found.as_of == AS_OF
    assert found.table["login_days_30d"].to_pylist() == [1, 0]


def test_an_old_version_gives_the_old_state(tmp_path: Path) -> None:
    lake = bank(tmp_path, EVENTS)
    old = build_state(lake, read_catalogue(), AS_OF)
    lake.append("event", rows("event", event(50, "login", FIRST + timedelta(days=5))), AS_OF)
    assert build_state(lake, read_catalogue(), AS_OF).digest != old.digest
    assert build_state(lake, read_catalogue(), AS_OF, versions=old.versions).digest == old.digest


@pytest.mark.parametrize(
    ("day", "age"),
    [(date(2026, 2, 28), 25), (date(2026, 3, 1), 26), (date(2028, 2, 28), 27), (date(2028, 2, 29), 28)],
)
def test_who_was_born_on_the_29th_of_february_is_a_year_older_on_the_first_of_march(
    tmp_path: Path, day: date, age: int
) -> None:
    lake = Lake(tmp_path, MemoryManifest(), FixedClock(datetime(2028, 9, 1, tzinfo=UTC)), memory="512MB", threads=1)
    lake.publish("customer", rows("customer", {"customer_no": "1", "birth_date": date(2000, 2, 29)}), day)
    assert build_state(lake, read_catalogue(), day, names=["age"]).table["age"].to_pylist() == [age]


def test_names_limit_the_columns_to_what_they_need(tmp_path: Path) -> None:
    found = build_state(bank(tmp_path, EVENTS), read_catalogue(), AS_OF, names=["tier"])
    assert set(found.table.column_names) >= {"customer_no", "tier", "aum", "deposits"}
    assert "age" not in found.table.column_names


def test_scores_are_filled_from_a_table(tmp_path: Path) -> None:
    lake = bank(tmp_path, EVENTS)
    (tmp_path / "attributes").mkdir()
    text = "attributes: {churn: {type: score, zh: 流失, en: Churn, owner: models, score: true}, risky: {type: bool, zh: 高, en: High, owner: models, rule: churn > 0.5}}"
    (tmp_path / "attributes" / "models.yaml").write_text(text, encoding="utf-8")
    catalogue = read_catalogue(tmp_path)
    assert build_state(lake, catalogue, AS_OF).table["churn"].to_pylist() == [None, None]
    scores = {"churn": pa.table({"customer_no": ["1"], "score": pa.array([600_000], pa.int64())})}
    found = build_state(lake, catalogue, AS_OF, scores=scores, names=["risky"]).table
    assert found["churn"].to_pylist() == [600_000, None]
    assert found["risky"].to_pylist() == [True, None]
