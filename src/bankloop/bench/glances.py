"""Measures one customer at a glance through the API's own code path: transaction, rights, profile, store, audit, JSON."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bankloop.customer.overview import open_overview
from bankloop.kit.clock import FixedClock, local_moment
from bankloop.organization.principals import system
from bankloop.simulate.service import write_bank
from bankloop.store.embedded import remove_cluster
from bankloop.wiring import load, open_bank

_SEED = 7
_WARM = 20


def measure(customers: int, looks: int) -> dict[str, Any]:
    """Return milliseconds of a look (median and 99th), and the seconds that the first one after a load waits."""
    from datetime import date

    from bankloop.kit.plain import plain

    today = date(2026, 8, 24)
    clock = FixedClock(local_moment(today, 10, 0, "Asia/Shanghai"))
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            write_bank(folder, customers, 42, today=today)
            with open_bank(folder, clock) as bank:
                load(bank)
                start = time.perf_counter()
                with bank.store.begin(system("bench")) as connection:
                    profiles = bank.profiles(connection)
                first = time.perf_counter() - start
                numbers = profiles.state.table["customer_no"].to_pylist() if profiles.state else []
                chosen = np.random.default_rng(_SEED).integers(0, len(numbers), looks + _WARM)
                taken = []
                for at in chosen.tolist():
                    start = time.perf_counter()
                    with bank.store.begin(system("bench")) as connection:
                        plain(
                            open_overview(connection, bank.lake, bank.profiles(connection), bank.catalogue, numbers[at])
                        )
                    taken.append((time.perf_counter() - start) * 1000)
        finally:
            remove_cluster(folder)
    return {
        "customers": customers,
        "looks": looks,
        "first_seconds": round(first, 1),
        "p50_ms": round(float(np.percentile(taken[_WARM:], 50)), 1),
        "p99_ms": round(float(np.percentile(taken[_WARM:], 99)), 1),
    }
