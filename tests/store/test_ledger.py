"""Events and decisions: stored once, read back whole, refused with the column's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pyarrow as pa
import pytest

from bankloop.kit.errors import DataError
from bankloop.store.contracts import DecisionBatch, Principal, Role
from bankloop.store.database import Store
from bankloop.store.history import append_decisions, append_events, read_decisions, read_events, read_recorded
from bankloop.store.schemas import DECISION_SCHEMA

Decisions = Callable[..., DecisionBatch]
Events = Callable[..., pa.Table]


def test_decisions_come_back_as_they_were(store: Store, system: Principal, decisions: Decisions) -> None:
    batch = decisions(50)
    with store.begin(system) as connection:
        assert append_decisions(connection, batch) == 50
    with store.begin(system) as connection:
        found = read_decisions(connection, ["bind-card"], 1, date(2026, 6, 30))
    assert found.schema.equals(DECISION_SCHEMA)
    for name in (
        "decision_id",
        "customer_no",
        "reasons",
        "issued_action",
        "intended_action",
        "value_fen",
        "recorded_at",
    ):
        assert found.column(name).to_pylist() == batch.table.column(name).to_pylist(), name


def test_none_and_nothing_stay_apart(store: Store, system: Principal, decisions: Decisions) -> None:
    table = decisions(2).table
    place = table.schema.get_field_index("issued_action")
    table = table.set_column(place, "issued_action", pa.array(["", None], pa.string()))
    with store.begin(system) as connection:
        append_decisions(connection, DecisionBatch(table))
        assert read_decisions(connection, ["bind-card"]).column("issued_action").to_pylist() == ["", None]


def test_what_was_recorded_is_read_by_name(store: Store, system: Principal, decisions: Decisions) -> None:
    table = decisions(2).table
    bodies = ['{"age": 30, "city": "宁波", "tier": null}', '{"age": 41}']
    if "attributes" in table.column_names:
        table = table.drop_columns(["attributes"])
    with store.begin(system) as connection:
        append_decisions(connection, DecisionBatch(table.append_column("attributes", pa.array(bodies))))
        found = read_recorded(connection, ["bind-card"], [1], ["city", "tier"])
        assert read_recorded(connection, ["bind-card"], [2], ["city"]).num_rows == 0
    by_id = dict(zip(found["decision_id"].to_pylist(), found["attributes"].to_pylist(), strict=True))
    assert [json.loads(by_id[one]) for one in table["decision_id"].to_pylist()] == [
        {"city": "宁波", "tier": None},
        {"city": None, "tier": None},
    ]


def test_a_decision_of_a_window_is_made_once(store: Store, system: Principal, decisions: Decisions) -> None:
    first = decisions(10)
    with store.begin(system) as connection:
        append_decisions(connection, first)
    with store.begin(system) as connection:
        assert append_decisions(connection, decisions(15)) == 5
        assert append_decisions(connection, decisions(10, day=date(2026, 7, 1))) == 10
    with store.begin(system) as connection:
        kept = read_decisions(connection, ["bind-card"], 1, date(2026, 6, 30)).column("decision_id").to_pylist()
    assert kept[:10] == first.table.column("decision_id").to_pylist()


def test_events_are_stored_once(store: Store, system: Principal, events: Events) -> None:
    twice = pa.concat_tables([events(100), events(100)])
    with store.begin(system, Role.LOADER) as connection:
        assert append_events(connection, twice) == 100
        assert append_events(connection, events(150)) == 50
    with store.begin(system) as connection:
        assert read_events(connection, ["login"], date(2026, 5, 1), date(2026, 6, 30)).num_rows == 150


def test_two_at_once_store_each_decision_once(store: Store, system: Principal, decisions: Decisions) -> None:
    def work(start: int) -> int:
        with store.begin(system) as connection:
            return append_decisions(connection, decisions(400, start=start, day=date(2027, 3, 1)))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, [0, 100, 200, 0])) == 600


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("customer_no", None, "missing"),
        ("customer_no", [None], "1 nulls"),
        ("round", ["first"], "Failed to parse"),
        ("colour", ["red"], "unknown"),
    ],
)
def test_a_wrong_column_is_named(
    store: Store, system: Principal, decisions: Decisions, column: str, values: list[object] | None, why: str
) -> None:
    table = decisions(1).table
    if column in table.column_names:
        table = table.drop_columns([column])
    if values is not None:
        table = table.append_column(column, pa.array(values, pa.string()))
    with store.begin(system) as connection, pytest.raises(DataError, match=why) as caught:
        append_decisions(connection, DecisionBatch(table))
    assert caught.value.fields["column"] == column


def test_nothing_to_store_is_nothing(store: Store, system: Principal, decisions: Decisions) -> None:
    with store.begin(system) as connection:
        assert append_decisions(connection, decisions(0)) == 0
        assert read_decisions(connection, ["bind-card"]).schema.equals(DECISION_SCHEMA)


@pytest.mark.soak
def test_two_hundred_thousand_decisions_are_appended_at_once_and_each_once(
    store: Store, system: Principal, decisions: Decisions
) -> None:
    batch = decisions(200_000)
    for new in (200_000, 0):
        with store.begin(system) as connection:
            assert append_decisions(connection, batch) == new
