"""Measures the expression language: what building it costs, what running it costs beside SQL, whether planes agree."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.kit.expression import BOOL, DATE, INT, MONEY, SCORE, STRING, Type, parse, to_function, to_ibis

_TODAY = date(2026, 8, 24)
_TYPES: dict[str, Type] = {
    "aum": MONEY, "age": INT, "churn": SCORE, "tier": STRING, "opened": DATE, "consent": BOOL, "logins": INT,
}  # fmt: skip
_TEXT = (
    "aum between 50000 and 200000 and churn >= 0.7 and age between 18 and 65 and consent and tier in ('A', 'B') "
    "and days_between(opened, today) > 180 and logins * 2 > 3 and not (aum is null)"
)
_SQL = (
    "aum BETWEEN 5000000 AND 20000000 AND churn >= 700000 AND age BETWEEN 18 AND 65 AND consent AND tier IN ('A', 'B') "
    "AND date_diff('day', opened, DATE '2026-08-24') > 180 AND logins * 2 > 3 AND aum IS NOT NULL"
)
_PARITY = (
    _TEXT,
    "safe_div(aum, logins) > 1000 or churn * 2 < 0.5",
    "coalesce(logins, 0) + age >= 40 and tier <> 'C'",
    "not consent or opened < date '2020-02-29'",
    "today - opened > 365 and aum - 10000 > 0",
)
_REPEATS = 9


def measure(rows: int, parity_rows: int) -> dict[str, Any]:
    """Return rows, overhead in ms, execution as a ratio of hand-written SQL, parity cases and mismatches."""
    table = _customers(rows)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home, duckdb.connect() as connection:
        path = Path(home) / "customers.parquet"
        pq.write_table(table, path)
        connection.execute(f"CREATE VIEW customers AS SELECT * FROM read_parquet('{path}')").fetchall()
        view = ibis.duckdb.from_connection(connection).table("customers")

        def build() -> str:
            condition = to_ibis(parse(_TEXT, _TYPES), view, _TODAY)
            return str(ibis.to_sql(view.filter(condition).count()))

        ours = build()
        by_hand = f"SELECT count(*) FROM customers WHERE {_SQL}"
        agreed = connection.sql(ours).fetchall() == connection.sql(by_hand).fetchall()
        overhead = median(_seconds(build) for _ in range(_REPEATS))
        pairs = [
            (_seconds(lambda: connection.sql(ours).fetchall()), _seconds(lambda: connection.sql(by_hand).fetchall()))
            for _ in range(_REPEATS)
        ]
    cases, mismatches = _parity(table.slice(0, parity_rows))
    return {
        "rows": rows,
        "overhead_ms": round(overhead * 1000, 1),
        "execute_ratio": round(median(a for a, _ in pairs) / median(b for _, b in pairs), 3),
        "parity_cases": cases,
        "mismatches": mismatches + (0 if agreed else 1),
    }


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _parity(table: pa.Table) -> tuple[int, int]:
    backend = ibis.duckdb.connect()
    view = backend.create_table("t", table)
    result = backend.to_pyarrow(
        view.select(**{f"e{i}": to_ibis(parse(text, _TYPES), view, _TODAY) for i, text in enumerate(_PARITY)})
    )
    rows = [{**row, "today": _TODAY} for row in table.to_pylist()]
    mismatches = 0
    for i, text in enumerate(_PARITY):
        function = to_function(parse(text, _TYPES))
        mismatches += sum(a != b for a, b in zip(result[f"e{i}"].to_pylist(), map(function, rows), strict=True))
    return len(rows) * len(_PARITY), mismatches


def _customers(rows: int) -> pa.Table:
    rng = np.random.default_rng(7)
    hole = rng.random(rows) < 0.02
    return pa.table(
        {
            "aum": pa.array(rng.lognormal(14, 2, rows).astype(np.int64), mask=hole),
            "age": pa.array(rng.integers(0, 100, rows)),
            "churn": pa.array(rng.integers(0, 1_000_001, rows), mask=hole[::-1]),
            "tier": pa.array(rng.choice(["A", "B", "C"], rows)),
            "opened": pa.array(np.datetime64("2015-01-01") + rng.integers(0, 4200, rows).astype("timedelta64[D]")),
            "consent": pa.array(rng.random(rows) < 0.7, mask=hole),
            "logins": pa.array(rng.poisson(3, rows)),
        }
    )
