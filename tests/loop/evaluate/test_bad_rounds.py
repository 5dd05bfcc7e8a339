"""Rounds that were not as they should be: a goal redefined on the way, a holdout customer called, events that come late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.persons import NO_LEADS
from bankloop.loop import evaluate
from bankloop.loop import run as loop
from bankloop.loop.round.labels import round_population
from bankloop.loop.spec import Lock
from bankloop.loop.spec.contracts import Goal
from bankloop.organization.principals import system
from bankloop.performance.programme import read_programme
from bankloop.store.contracts import DecisionBatch
from bankloop.store.database import Store
from bankloop.store.history import append_decisions, append_events, read_decisions
from bankloop.store.registry import save_lock
from tests.bankfixture import SmallBank
from tests.loop.evaluate.rounds import START, decisions
from tests.loop.people import lock_of


def kept(store: Store, *locks: Lock) -> None:
    with store.begin(system()) as connection:
        for lock in locks:
            save_lock(connection, lock.digest, lock.name, lock.content)


def test_a_goal_redefined_within_a_round_does_not_mix_with_the_first(store: Store) -> None:
    first = lock_of("bind-card")
    other = lock_of("bind-card", goal=Goal(event="login", within=first.campaign.goal.within))
    same = lock_of("bind-card", motive="fun")
    kept(store, first, other, same)
    later = START + timedelta(days=7)
    rows = [
        {"customer_no": "A", "lock_digest": first.digest},
        {"customer_no": "B", "lock_digest": other.digest, "window_start": later},
        {"customer_no": "C", "lock_digest": same.digest, "window_start": later},
    ]
    ids = [f"00000000-0000-7000-8000-00000000000{number}" for number in range(3)]
    table = decisions(rows)
    table = table.set_column(0, "decision_id", pa.array(ids))
    with store.begin(system()) as connection:
        append_decisions(connection, DecisionBatch(table))
        lock, found, left_out = round_population(connection, "bind-card", 1, NO_LEADS)
    assert lock.campaign.goal == first.campaign.goal
    assert sorted(found["customer_no"].to_pylist()) == ["A", "C"]
    assert left_out == {"redefined": 1, "same_person": 0}


def happened(small: SmallBank, customer: str, kind: str, at: datetime, number: int) -> None:
    event = pa.table(
        {
            "source": ["test"], "event_id": pa.array([number], pa.int64()), "customer_no": [customer], "unit_id": ["B001"],
            "type": [kind], "occurred_on": pa.array([at.date()]), "occurred_at": pa.array([at], pa.timestamp("us", tz="UTC")),
            "recorded_at": pa.array([at], pa.timestamp("us", tz="UTC")),
        }
    )  # fmt: skip
    with small.open.store.begin(system()) as connection:
        append_events(connection, event)


def test_a_holdout_customer_contacted_by_hand_stays_in_the_holdout_and_is_counted(small: SmallBank) -> None:
    before = read_programme(small.open, system())
    with small.open.store.begin(system()) as connection:
        decided = read_decisions(connection, ["bind-card"], 1)
    held = decided.filter(pc.equal(decided["cell"], "holdout"))["customer_no"][0].as_py()
    at = decided["recorded_at"][0].as_py() + timedelta(days=2)
    happened(small, held, "call_connected", at, 1)
    after = read_programme(small.open, system())
    assert after.contaminated == before.contaminated + 1
    assert (after.holdout, after.treated) == (before.holdout, before.treated)
    assert after.per_head == before.per_head


def test_a_control_customer_contacted_by_hand_stays_in_the_control_and_is_counted(small: SmallBank) -> None:
    before = loop.evaluate(small.open, system(), "first-wealth", [1], keep=False)
    with small.open.store.begin(system()) as connection:
        decided = evaluate.population(read_decisions(connection, ["first-wealth"], 1), "first-wealth")
    control = decided.filter(pc.equal(decided["cell"], "control"))
    at = decided["recorded_at"][0].as_py() + timedelta(days=2)
    happened(small, control["customer_no"][0].as_py(), "call_connected", at, 2)
    after = loop.evaluate(small.open, system(), "first-wealth", [1], keep=False)
    assert after.contaminated == before.contaminated + 1
    assert after.lift == before.lift
