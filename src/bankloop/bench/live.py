"""Decisions in real time measured: asked over HTTP beside bare SQL that does as much, and set beside the batch."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import psycopg

from bankloop.bench.consoles import ServedBank, serve_made_bank, wait_ready
from bankloop.contact.queries import broken_caps
from bankloop.kit.clock import SystemClock
from bankloop.loop import reach
from bankloop.loop.bank import Bank
from bankloop.loop.realtime import DecisionDesk, slot_tallies, weigh
from bankloop.organization.people import keeper_of
from bankloop.organization.principals import system
from bankloop.store.history import read_decisions
from bankloop.wiring import open_bank

_SLOT = "vtm_screen"
# What a decision does at the least: a row is read, one counter moved under its limit, two rows written.
_BARE = (
    "CREATE TABLE bare_person (id integer PRIMARY KEY, attributes jsonb NOT NULL)",
    "CREATE TABLE bare_left (id integer PRIMARY KEY, used integer NOT NULL, most integer NOT NULL)",
    "CREATE TABLE bare_decision (id bigserial PRIMARY KEY, person integer NOT NULL, said jsonb NOT NULL)",
    "CREATE TABLE bare_contact (id bigserial PRIMARY KEY, person integer NOT NULL, at timestamptz NOT NULL)",
    "INSERT INTO bare_person SELECT n, jsonb_build_object('aum', n * 1000) FROM generate_series(1, 100000) n",
    "INSERT INTO bare_left SELECT n, 0, 1000000 FROM generate_series(0, 99) n",
)
_READ = "SELECT attributes FROM bare_person WHERE id = %s"
_TAKE = "UPDATE bare_left SET used = used + 1 WHERE id = %s AND used < most"
_DECIDED = "INSERT INTO bare_decision (person, said) VALUES (%s, %s)"
_MADE = "INSERT INTO bare_contact (person, at) VALUES (%s, now())"
_SAID = '{"action": "debit-card-wallet|none|vtm_screen", "score": 1200}'


def measure(customers: int, clients: int, seconds: float) -> dict[str, Any]:
    """Return decisions a second of ``clients`` who ask for ``seconds``, beside bare transactions of as many.

    Every customer is asked for once, then the same ones again: what was decided is only read. ``caps_broken`` is
    counted over all contacts at the end.
    """
    with serve_made_bank(customers, 4) as served:
        with open_bank(served.folder, SystemClock()) as bank:
            people = _asked_about(bank)
            floor = _floor(bank.store.admin_dsn(), clients, seconds)
        first = asyncio.run(_asked(served, people, clients, seconds))
        again = asyncio.run(_asked(served, people[: len(first["taken"])], clients, seconds))
        with open_bank(served.folder, SystemClock()) as bank, bank.store.begin(system()) as connection:
            caps, _ = reach.gate_limits(bank.spec.policies)
            broken = broken_caps(connection, caps)
            kept = sum(one.customers for one in slot_tallies(bank, connection, bank.lake.today()))
    taken = np.array(first["taken"]) * 1000.0
    return {
        "customers": customers,
        "clients": clients,
        "asked": len(taken),
        "decisions": kept,
        "rps": round(len(taken) / first["seconds"], 1),
        "again_rps": round(len(again["taken"]) / again["seconds"], 1),
        "floor_rps": round(floor, 1),
        "rps_ratio": round(len(taken) / first["seconds"] / floor, 3),
        "p50_ms": round(float(np.percentile(taken, 50)), 1),
        "p99_ms": round(float(np.percentile(taken, 99)), 1),
        "errors": first["errors"] + again["errors"],
        "caps_broken": broken,
    }


def parity(customers: int) -> dict[str, Any]:
    """Return how many customers of a round real time would decide otherwise than the batch did, at the same state."""
    with serve_made_bank(customers, 4) as served, open_bank(served.folder, SystemClock()) as bank:
        counter = DecisionDesk(bank).counter()
        intended, decided = _decided(bank, [name for one in counter.windows for name in one.locks])
        differ, seconds = 0, 0.0
        for number, meant in intended.items():
            row = counter.row(number)
            began = time.perf_counter()
            chosen = {
                weigh(counter, one, row, number, "", {}).ghost.chosen for one in counter.windows if row is not None
            } - {""}
            seconds += time.perf_counter() - began
            differ += chosen != meant
    return {
        "customers": len(intended),
        "campaigns": sum(len(one.locks) for one in counter.windows),
        "decisions": decided,
        "with_an_action": sum(bool(one) for one in intended.values()),
        "differences": differ,
        "microseconds": round(seconds / max(len(intended), 1) * 1e6, 1),
    }


def _decided(bank: Bank, campaigns: Sequence[str]) -> tuple[dict[str, set[str]], int]:
    """Return by customer of the round the actions that the plan intended, and how many decisions that is."""
    names = ("campaign", "customer_no", "intended_action")
    with bank.store.begin(system()) as connection:
        rows = read_decisions(connection, campaigns, 1, columns=names).to_pylist()
    found: dict[str, set[str]] = {}
    for row in rows:
        mine = found.setdefault(row["customer_no"], set())
        if row["intended_action"]:
            mine.add(f"{row['campaign']}|{row['intended_action']}")
    return found, len(rows)


def _asked_about(bank: Bank) -> list[str]:
    """Return the customers whom somebody keeps, mixed."""
    numbers = DecisionDesk(bank).counter().table["customer_no"].to_pylist()
    with bank.store.begin(system()) as connection:
        people = [row.customer_no for row in keeper_of(connection, *numbers)]
    np.random.default_rng(7).shuffle(people)
    return people


async def _asked(served: ServedBank, people: Sequence[str], clients: int, seconds: float) -> dict[str, Any]:
    """Ask about one customer after the other for a while; what is asked first warms the process and does not count."""
    taken: list[float] = []
    errors, waiting = 0, iter(people)
    limits = httpx.Limits(max_connections=clients + 2)
    headers = {"authorization": f"Bearer {served.steward}"}
    async with httpx.AsyncClient(base_url=served.base, limits=limits, headers=headers, timeout=60.0) as client:
        await wait_ready(client)
        warm = {"customer_no": people[-1], "slot": _SLOT, "dry_run": False}
        await client.post("/api/v1/decisions", json=warm)
        began = time.monotonic()

        async def ask() -> None:
            nonlocal errors
            for number in waiting:
                at = time.monotonic()
                if at - began >= seconds:
                    return
                answer = await client.post("/api/v1/decisions", json={"customer_no": number, "slot": _SLOT})
                taken.append(time.monotonic() - at)
                errors += answer.status_code != 200

        await asyncio.gather(*(ask() for _ in range(clients)))
        return {"taken": taken, "seconds": time.monotonic() - began, "errors": errors}


def _floor(dsn: str, clients: int, seconds: float) -> float:
    """Return bare transactions a second of as many clients, each on a connection of its own."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        for statement in _BARE:
            owner.execute(statement)
    counts, until = [0] * clients, time.monotonic() + seconds

    def work(place: int) -> None:
        dice = np.random.default_rng(place)
        with psycopg.connect(dsn) as connection:
            while time.monotonic() < until:
                person = int(dice.integers(1, 100_001))
                with connection.transaction():
                    connection.execute(_READ, (person,)).fetchone()
                    connection.execute(_TAKE, (person % 100,))
                    connection.execute(_DECIDED, (person, _SAID))
                    connection.execute(_MADE, (person,))
                counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    began = time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sum(counts) / (time.monotonic() - began)
