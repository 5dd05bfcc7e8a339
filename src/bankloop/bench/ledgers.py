"""The ledger measured: postings a second beside a bare function that moves the same, spread, skewed and hot."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psycopg

from bankloop.kit.clock import SystemClock
from bankloop.kit.text import Text
from bankloop.ledger.accounts import open_accounts, open_asset
from bankloop.ledger.contracts import LedgerAccount, LedgerAsset, move
from bankloop.ledger.posting import must_post
from bankloop.ledger.statements import check_ledger
from bankloop.organization.principals import system
from bankloop.store.database import Store, open_store

CLIENTS = (1, 8, 32)
SHARDS = 32
_FUNDS = 10**12
# A connection plans each statement anew a few times before it keeps a plan; servers keep their connections.
_WARM = 10
_LEDGER = system("bench")
# What a posting is without refusals, holds and shards: both rows locked in one order, checked, moved, and one row kept.
_BARE = """
CREATE TABLE bare_account (account text PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL)
    WITH (fillfactor = 70);
CREATE TABLE bare_entry (request text PRIMARY KEY, debit text NOT NULL, credit text NOT NULL, amount bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION bare_post(p_request text, p_debit text, p_credit text, p_amount bigint) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM bare_account WHERE account IN (p_debit, p_credit) ORDER BY account FOR UPDATE;
    UPDATE bare_account SET debits = debits + p_amount WHERE account = p_debit AND credits - debits >= p_amount;
    IF NOT FOUND THEN RETURN 'short'; END IF;
    UPDATE bare_account SET credits = credits + p_amount WHERE account = p_credit;
    INSERT INTO bare_entry (request, debit, credit, amount) VALUES (p_request, p_debit, p_credit, p_amount);
    RETURN '';
END $$;
GRANT SELECT, UPDATE ON bare_account TO bankloop_app;
GRANT SELECT, INSERT ON bare_entry TO bankloop_app;
"""
_SETTINGS = {
    "principal": _LEDGER.id,
    "units": "*",
    "lines": "*",
    "rights": "*",
    "book": "",
    "tasks": "",
    "roles": "system",
    "purpose": "campaign",
}
Call = tuple[str, tuple[object, ...]]
Pick = Callable[[np.random.Generator], tuple[str, str]]


def measure(folder: Path, accounts: int, slices: int, seconds: float) -> dict[str, Any]:
    """Post to a ledger of ``accounts`` in turns with the bare function, each slice ``seconds`` long.

    ``ratio`` is the smallest over numbers of clients and over even and skewed use, each beside the bare function used
    alike. ``hot_ratio`` sets one account that everybody draws on, spread over shards, beside the bare function spread
    evenly, ``hot_ratio_single`` one without shards.
    """
    names = [f"bench/{n:06d}" for n in range(accounts)]
    with open_store(folder, SystemClock()) as store:
        _fill(store, names)
        picks = _picks(names)
        found: dict[str, dict[str, float]] = {}
        for clients in CLIENTS:
            rates: dict[str, list[float]] = {name: [] for name in ("bare_even", "bare_zipf", *picks)}
            for turn in range(slices):
                for name in ("even", "zipf"):
                    bare = _rate(store, clients, seconds, picks[name], _bare, f"b-{name}{clients}-{turn}")
                    rates[f"bare_{name}"].append(bare)
                for name, pick in picks.items():
                    rates[name].append(_rate(store, clients, seconds, pick, _ours, f"{name}{clients}-{turn}"))
            found[f"{clients}"] = {name: round(median(values), 1) for name, values in rates.items()}
        with store.begin(_LEDGER) as connection:
            wrong = check_ledger(connection)
    return {
        "accounts": accounts,
        "seconds": seconds,
        "slices": slices,
        "ratio": round(min(one[name] / one[f"bare_{name}"] for one in found.values() for name in ("even", "zipf")), 3),
        "hot_ratio": round(min(one["hot"] / one["bare_even"] for one in found.values()), 3),
        "hot_ratio_single": round(min(one["hot_single"] / one["bare_even"] for one in found.values()), 3),
        "sum": sum(abs(one.expected - one.found) for one in wrong),
        "clients": found,
    }


def _fill(store: Store, names: list[str]) -> None:
    with store.begin(_LEDGER) as connection:
        open_asset(connection, LedgerAsset("bench", Text("测量", "bench")))
        open_accounts(connection, [LedgerAccount("bench/issued", "bench", bounded=False)])
        open_accounts(connection, [LedgerAccount(one, "bench") for one in names])
        open_accounts(
            connection, [LedgerAccount("bench/hot", "bench", shards=SHARDS), LedgerAccount("bench/one", "bench")]
        )
        for at, one in enumerate([*names, "bench/one", *["bench/hot"] * SHARDS * 8]):
            must_post(connection, f"fill-{at}", [move("bench/issued", one, _FUNDS, "fill")])
    with psycopg.connect(store.admin_dsn()) as connection_:
        connection_.execute(_BARE.encode())
        with connection_.cursor().copy("COPY bare_account FROM STDIN") as copy:
            for one in names:
                copy.write_row((one, 0, _FUNDS))


def _picks(names: list[str]) -> Mapping[str, Pick]:
    weights = 1 / np.arange(1, len(names) + 1)
    edges = np.cumsum(weights / weights.sum())

    def even(rng: np.random.Generator) -> tuple[str, str]:
        one, other = rng.choice(len(names), 2, replace=False) if len(names) < 100 else rng.integers(0, len(names), 2)
        return names[one], names[other if other != one else (one + 1) % len(names)]

    def zipf(rng: np.random.Generator) -> tuple[str, str]:
        one, other = np.minimum(np.searchsorted(edges, rng.random(2)), len(names) - 1)
        return names[one], names[other if other != one else (one + 1) % len(names)]

    return {
        "even": even,
        "zipf": zipf,
        "hot": lambda rng: ("bench/hot", names[rng.integers(0, len(names))]),
        "hot_single": lambda rng: ("bench/one", names[rng.integers(0, len(names))]),
    }


def _bare(request: str, debit: str, credit: str) -> Call:
    return "SELECT bare_post(%s, %s, %s, %s)", (request, debit, credit, 1)


def _ours(request: str, debit: str, credit: str) -> Call:
    asked = json.dumps([dict(move(debit, credit, 1, "bench").asked)])
    return "SELECT ledger_post(%s, %s::jsonb)", (request, asked)


def _rate(
    store: Store, clients: int, seconds: float, pick: Pick, call: Callable[[str, str, str], Call], label: str
) -> float:
    """Return postings a second of so many clients, each committed durably; raise where one is refused."""
    stop, ready, lock = threading.Event(), threading.Barrier(clients + 1), threading.Lock()
    done, refused = 0, list[str]()

    def client(number: int) -> None:
        nonlocal done
        rng, made = np.random.default_rng(number), 0
        with psycopg.connect(store.admin_dsn(), autocommit=True) as connection:
            connection.execute("SET ROLE bankloop_app")
            for name, value in _SETTINGS.items():
                connection.execute("SELECT set_config(%s, %s, false)", (f"bankloop.{name}", value))

            def ask(request: str) -> None:
                statement, values = call(request, *pick(rng))
                row = connection.execute(statement.encode(), values, prepare=True).fetchone()
                if row is None or row[0]:
                    refused.append(str(row))

            for first in range(_WARM):
                ask(f"{label}-{number}-warm-{first}")
            ready.wait()
            while not stop.is_set():
                ask(f"{label}-{number}-{made}")
                made += 1
        with lock:
            done += made

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for one in threads:
        one.start()
    ready.wait()
    began = time.monotonic()
    stop.wait(seconds)
    stop.set()
    for one in threads:
        one.join()
    if refused:
        raise RuntimeError(f"postings were refused: {refused[0]}")
    return done / (time.monotonic() - began)
