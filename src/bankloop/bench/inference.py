"""Measures reading many metrics at once: the engine's sums beside a query written by hand, and Python's inference."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.loop import evaluate as ev

METRICS, CELLS = 100, 100
_REPEATS = 5
_BY_HAND = (
    "SELECT metric, cell, count(*) AS n, sum(y::DOUBLE) AS y, sum(y::DOUBLE * y) AS yy, sum(x::DOUBLE) AS x, "
    "sum(x::DOUBLE * x) AS xx, sum(x::DOUBLE * y) AS xy FROM rows WHERE y IS NOT NULL GROUP BY metric, cell"
)


def measure(rows: int) -> dict[str, Any]:
    """Return pairs of metric and cell, both queries' seconds and their ratio, and the inference's µs per pair."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home, duckdb.connect() as connection:
        path = Path(home) / "rows.parquet"
        pq.write_table(_rows(rows), path)
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{path}')").fetchall()
        view = ibis.duckdb.from_connection(connection).table("rows")
        ours = str(ibis.to_sql(ev.arm_sums(view, ["metric", "cell"], "y", "x")))
        seconds: dict[str, list[float]] = {ours: [], _BY_HAND: []}
        sums = pa.table({})
        for _ in range(_REPEATS):
            for query, taken in seconds.items():
                began = time.perf_counter()
                sums = connection.sql(query).to_arrow_table()
                taken.append(time.perf_counter() - began)
    ordered = sums.sort_by([("metric", "ascending"), ("cell", "ascending")])
    ev.false_discovery(np.ones(2))  # loads what it needs; that is no part of inference
    began = time.perf_counter()
    arms = ev.arms_of(ordered)
    treated, control = (arms.taken(np.arange(len(ordered)) % 2 == side) for side in (0, 1))
    for infer in (ev.difference, ev.cuped, ev.relative, ev.ratio_difference):
        found = infer(treated, control)
        ev.false_discovery(found.p)
    inferred = time.perf_counter() - began
    aggregate, by_hand = (median(taken) for taken in seconds.values())
    return {
        "rows": rows,
        "pairs": len(ordered),
        "aggregate_seconds": round(aggregate, 3),
        "by_hand_seconds": round(by_hand, 3),
        "aggregate_ratio": round(median(a / b for a, b in zip(*seconds.values(), strict=True)), 3),
        "inference_us_per_pair": round(inferred / len(ordered) * 1e6, 2),
    }


def _rows(count: int) -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "metric": pa.array(rng.integers(0, METRICS, count).astype(np.int32)),
            "cell": pa.array(rng.integers(0, CELLS, count).astype(np.int32)),
            "y": pa.array(rng.integers(0, 10**7, count)),
            "x": pa.array(rng.integers(1, 10**6, count)),
        }
    )
