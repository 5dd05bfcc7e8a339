"""The outbox: queued with the change, claimed by one, given back by who dies."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from bankloop.kit.text import Text
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.store.outbox import claim_outbox, enqueue, enqueue_table, mark_done, mark_failed, waiting_messages


def fill(store: Store, system: Principal, n: int) -> None:
    rows = pa.table(
        {
            "topic": ["delivery"] * n,
            "key": [f"k{i}" for i in range(n)],
            "unit_id": ["B01"] * n,
            "payload": ['{"text":"您好"}'] * n,
        }
    )
    with store.begin(system) as connection:
        assert enqueue_table(connection, rows) == n
        assert enqueue_table(connection, rows) == 0


def test_each_message_is_claimed_once(store: Store, system: Principal) -> None:
    fill(store, system, 300)
    done: Counter[str] = Counter()
    guard = threading.Lock()

    def work(_: int) -> None:
        while True:
            with store.begin(system) as connection:
                messages = claim_outbox(connection, "delivery", 7)
                mark_done(connection, [m.id for m in messages])
                with guard:
                    done.update(m.key for m in messages)
            if not messages:
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(done) == 300
    assert set(done.values()) == {1}
    with store.begin(system) as connection:
        assert waiting_messages(connection, "delivery") == 0


def test_two_workers_hold_different_messages(store: Store, system: Principal) -> None:
    fill(store, system, 4)
    with store.begin(system) as one, store.begin(system) as two:
        first = {m.id for m in claim_outbox(one, "delivery", 2)}
        second = {m.id for m in claim_outbox(two, "delivery", 9)}
        assert len(first) == 2
        assert len(second) == 2
        assert not first & second


def test_who_dies_gives_everything_back(store: Store, system: Principal) -> None:
    fill(store, system, 3)

    def dies() -> None:
        with store.begin(system) as connection:
            mark_done(connection, [m.id for m in claim_outbox(connection, "delivery", 3)])
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        dies()
    with store.begin(system) as connection:
        assert len(claim_outbox(connection, "delivery", 9)) == 3


def test_what_fails_keeps_its_reason_and_stops_in_the_end(store: Store, system: Principal) -> None:
    with store.begin(system) as connection:
        assert enqueue(connection, "mail", "1", "B01", {"to": "x"})
        assert not enqueue(connection, "mail", "1", "B01", {"to": "x"})
    for attempt in range(2):
        with store.begin(system) as connection:
            (message,) = claim_outbox(connection, "mail", 5, tries=2)
            assert message.attempts == attempt
            assert message.payload == {"to": "x"}
            mark_failed(connection, message.id, Text("没有这个渠道", "no such channel"))
    with store.begin(system) as connection:
        assert claim_outbox(connection, "mail", 5, tries=2) == []
        assert waiting_messages(connection, "mail") == 1


def test_an_undone_change_queues_nothing(store: Store, system: Principal) -> None:
    def undone() -> None:
        with store.begin(system) as connection:
            enqueue(connection, "mail", "1", "B01", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    with store.begin(system) as connection:
        assert waiting_messages(connection, "mail") == 0
