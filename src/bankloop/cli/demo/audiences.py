"""Measures how quickly an audience is counted, as the page does: rights, scope, freshness, condition, exclusions, sample."""

from __future__ import annotations

import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bankloop.kit import FixedClock, local_moment
from bankloop.loop.bank import Bank
from bankloop.loop.membership import People, look_at, people_key, people_now
from bankloop.organization import system
from bankloop.simulate import write_bank
from bankloop.store import remove_cluster
from bankloop.wiring import load, make_ready, open_bank

_TODAY = date(2026, 8, 24)
# What people ask: few columns, many, a text, dates, nobody, everybody.
_ASKED = (
    "payroll and aum between 50000 and 200000",
    "age < 30 and app_registered and login_days_30d >= 5",
    "term_balance > 0 and days_to_maturity <= 30 and not wealth_balance > 0",
    "region is not null and tenure_days > 365 and products_held >= 3",
    "safe_div(wealth_balance, aum) < 0.1 and aum >= 300000",
    "aum < 0",
    "age >= 0",
)


def measure(customers: int, looks: int) -> dict[str, Any]:
    """Return milliseconds of a count (median, 99th, longest), and the seconds of the first one after a load.

    A load makes attributes and profiles ready at its end (``ready_seconds``); the first count is another process's.
    """
    clock = FixedClock(local_moment(_TODAY, 10, 0, "Asia/Shanghai"))
    taken = []
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            write_bank(folder, customers, 42, today=_TODAY)
            with open_bank(folder, clock) as bank:
                load(bank)
                start = time.perf_counter()
                make_ready(bank)
                ready = time.perf_counter() - start
            with open_bank(folder, clock) as bank:
                kept: dict[object, People] = {}
                start = time.perf_counter()
                look_at(_people(bank, kept), _ASKED[0], sample=True)
                first = time.perf_counter() - start
                for turn in range(looks):
                    asked = f"({_ASKED[turn % len(_ASKED)]}) and tenure_days >= {turn}"
                    start = time.perf_counter()
                    look_at(_people(bank, kept), asked, sample=True)
                    taken.append((time.perf_counter() - start) * 1000)
        finally:
            remove_cluster(folder)
    return {
        "customers": customers,
        "looks": looks,
        "ready_seconds": round(ready, 1),
        "first_seconds": round(first, 1),
        "p50_ms": round(float(np.percentile(taken, 50)), 1),
        "p99_ms": round(float(np.percentile(taken, 99)), 1),
    }


def _people(bank: Bank, kept: dict[object, People]) -> People:
    """Return everybody as they are now, read again only where something changed."""
    with bank.store.begin(system("bench")) as connection:
        key = people_key(bank, connection)
        if key not in kept:
            kept.clear()
            kept[key] = people_now(bank, connection, key)
        return kept[key]
