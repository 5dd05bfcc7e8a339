"""Measures how quickly an audience is counted, as the page does: rights, scope, freshness, condition, exclusions, sample."""

from __future__ import annotations

import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bankloop.customer.consent import record_word
from bankloop.kit.clock import FixedClock, local_moment
from bankloop.loop.bank import Bank
from bankloop.loop.membership.customer_watch import Everybody
from bankloop.loop.membership.members import CustomersNow, look_at
from bankloop.organization.principals import system
from bankloop.simulate.service import write_bank
from bankloop.store.embedded import remove_cluster
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
_A_WORD_EVERY = 5


def measure(customers: int, looks: int) -> dict[str, Any]:
    """Return milliseconds of a count (median, 99th, longest), and the seconds of the first one after a load.

    A load makes attributes and profiles ready at its end (``ready_seconds``); the first count is another process's.
    ``changed_*`` are those of counts just after a customer withdrew or gave consent.
    """
    clock = FixedClock(local_moment(_TODAY, 10, 0, "Asia/Shanghai"))
    taken: dict[bool, list[float]] = {True: [], False: []}
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
                everybody = Everybody(bank)
                start = time.perf_counter()
                people = _people(bank, everybody)
                look_at(people, _ASKED[0], sample=True)
                first = time.perf_counter() - start
                for turn in range(looks):
                    changed = turn % _A_WORD_EVERY == 0
                    if changed:
                        _say(
                            bank,
                            people.table["customer_no"][turn * 7 % people.table.num_rows].as_py(),
                            stands=turn % 2 == 0,
                        )
                    asked = f"({_ASKED[turn % len(_ASKED)]}) and tenure_days >= {turn}"
                    start = time.perf_counter()
                    look_at(_people(bank, everybody), asked, sample=True)
                    taken[changed].append((time.perf_counter() - start) * 1000)
        finally:
            remove_cluster(folder)
    return {
        "customers": customers,
        "looks": looks,
        "ready_seconds": round(ready, 1),
        "first_seconds": round(first, 1),
        "p50_ms": round(float(np.percentile(taken[False], 50)), 1),
        "p99_ms": round(float(np.percentile(taken[False], 99)), 1),
        "changed_p50_ms": round(float(np.percentile(taken[True], 50)), 1),
        "changed_p99_ms": round(float(np.percentile(taken[True], 99)), 1),
    }


def _people(bank: Bank, everybody: Everybody) -> CustomersNow:
    """Return everybody as they are now, as the console does."""
    with bank.store.begin(system("bench")) as connection:
        return everybody.now(connection)


def _say(bank: Bank, customer_no: str, *, stands: bool) -> None:
    with bank.store.begin(system("bench")) as connection:
        record_word(
            connection, customer_no, "marketing", stands, origin="counter", evidence={"form": "F", "proof": "P"}
        )
