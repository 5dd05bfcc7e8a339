"""Measures the attributes: the whole catalogue over a whole bank, beside SQL written by hand and, where it is there, Spark."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.state import build_state, spark_state, state_schema, table_digest
from bankloop.kit.clock import SystemClock, local_moment
from bankloop.lake.contracts import Scope
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.simulate.service import write_bank

_BY_HAND = Path(__file__).with_name("attributes.sql")
_TODAY = date(2026, 8, 24)
_REPEATS = 3
_TABLES = ("customer", "holding", "event")


def measure(customers: int, *, spark: bool = True) -> dict[str, Any]:
    """Return seconds of a full refresh, those of the same result by hand, their ratio, and whether all say the same."""
    as_of = _TODAY - timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        made = write_bank(folder, customers, 42, today=_TODAY)
        lake = Lake(folder, MemoryManifest(), SystemClock())
        load_bank(folder, lake)
        ours, hand = [], []
        for _ in range(_REPEATS):
            start = time.perf_counter()
            catalogue = read_catalogue()
            state = build_state(lake, catalogue, as_of)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            raw = by_hand(lake, as_of, state_schema(catalogue))
            hand.append(time.perf_counter() - start)
        start = time.perf_counter()
        beside = (
            spark_state(_session(folder), _files(lake), catalogue, as_of, lake.zone) if spark and _has_spark() else None
        )
        spark_seconds = time.perf_counter() - start
    return {
        "customers": customers,
        "events": made.rows["event"],
        "attributes": len(catalogue.attributes),
        "seconds": round(median(ours), 2),
        "raw_sql_seconds": round(median(hand), 2),
        "ratio": round(median(ours) / median(hand), 2),
        "spark_seconds": None if beside is None else round(spark_seconds, 1),
        "mismatches": _differing(state.table, raw) + (0 if beside is None else _differing(state.table, beside)),
    }


def by_hand(lake: Lake, as_of: date, schema: pa.Schema) -> pa.Table:
    """Return the state by the query written by hand, with its digest made as ours is."""
    zone = lake.zone
    days = {f"d{n}": _at(as_of - timedelta(days=n - 1), zone) for n in (30, 90, 180)}
    values = {"today": as_of, "until": _at(as_of + timedelta(days=1), zone), **days}
    with lake.connection(Scope.whole_bank("bench")) as connection:
        columns = ", ".join(schema.names)
        query = f"SELECT {columns} FROM ({_BY_HAND.read_text(encoding='utf-8')})"
        found: pa.Table = connection.sql(query, params=values).to_arrow_table().cast(schema)
    table_digest(found)
    return found


def _differing(one: pa.Table, other: pa.Table) -> int:
    """Return in how many columns two states differ."""
    return sum(not one[name].equals(other[name]) for name in one.column_names)


def _at(day: date, zone: str) -> datetime:
    return local_moment(day, 0, 0, zone)


def _files(lake: Lake) -> dict[str, list[str]]:
    return {name: lake.paths(lake.version(name)) for name in _TABLES}


def _has_spark() -> bool:
    return shutil.which("java") is not None and find_spec("pyspark") is not None


def _session(folder: Path) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("bankloop-bench")
    settings = {
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g", "spark.local.dir": str(folder / "spark"),
    }  # fmt: skip
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
