"""The quality of a delivery, measured as it loads: what was complete, valid, unique, referential, fresh, like the last one.

Each measure is kept with its limit, so that a source is watched over time. What a source asks to block stops the load.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bankloop.lake import errors
from bankloop.lake.conforming import Conformed
from bankloop.lake.contracts import ColumnType, DataClass, TableContract
from bankloop.lake.engine import arrow, name, parquet
from bankloop.lake.expectations import DIMENSION_OF, Dimension, Expected

TABLE = "quality"
_PPM = 1_000_000
_SHARES = (Dimension.COMPLETE, Dimension.VALID, Dimension.UNIQUE, Dimension.REFERENTIAL)
# Fewer rows than this have no distribution to speak of; more than this say no more.
_FEWEST, _SAMPLED = 500, 20_000
_VALUES, _BINS = 40, 10
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class QualityMeasure:
    """One dimension of one delivery: ``value`` in the dimension's unit beside its ``limit``, worst ``column`` where there is one."""

    source: str
    table: str
    day: date | None
    dimension: Dimension
    column: str
    checked: int
    failed: int
    value: int
    limit: int

    @property
    def passed(self) -> bool:
        """Return whether it is within its limit: shares at least, days and PSI at most."""
        return self.value >= self.limit if self.dimension in _SHARES else self.value <= self.limit

    def row(self, load_id: str, at: datetime) -> dict[str, Any]:
        """Return it as the lake keeps it."""
        return {
            "load_id": load_id, "source": self.source, "delivered": self.day.isoformat() if self.day else "",
            "dimension": self.dimension.value, "table_name": self.table, "column_name": self.column, "checked": self.checked,
            "failed": self.failed, "value": self.value, "bound": self.limit, "passed": self.passed, "recorded_at": at,
        }  # fmt: skip


def measured(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    contract: TableContract,
    expected: Expected,
    result: Conformed,
    before: Sequence[str],
    day: date | None,
    today: date,
    totals: int,
) -> list[QualityMeasure]:
    """Return what a delivery measures; ``before`` are the files of the table's version so far, ``totals`` reconciled ones."""

    def measure(dimension: Dimension, column: str, checked: int, failed: int, value: int) -> QualityMeasure:
        limit = expected.limits[dimension]
        return QualityMeasure(source, contract.name, day, dimension, column, checked, failed, value, limit)

    failed, worst = _failed(result)
    found = []
    for dimension in _SHARES:
        share = _PPM * (result.read - failed[dimension]) // result.read if result.read else _PPM
        found.append(measure(dimension, worst.get(dimension, ""), result.read, failed[dimension], share))
    if day is not None:
        found.append(measure(Dimension.FRESH, "", 1, 0, max((today - day).days, 0)))
    if totals:
        found.append(measure(Dimension.CONTROL, "", totals, 0, 0))
    if (moved := _moved(connection, contract, before)) is not None:
        found.append(measure(Dimension.DISTRIBUTION, moved[0], result.loaded, 0, moved[1]))
    for one in found:
        if not one.passed and one.dimension in expected.block:
            raise errors.below_quality(source, one.dimension.value, one.column or contract.name, one.value, one.limit)
    return found


def _failed(result: Conformed) -> tuple[Counter[Dimension], dict[Dimension, str]]:
    """Return the rows that failed by dimension, and the column that most of them failed in."""
    failed: Counter[Dimension] = Counter()
    worst: dict[Dimension, str] = {}
    for one in result.bad.counts:  # the most first
        dimension = DIMENSION_OF.get(one.rule, Dimension.VALID)
        failed[dimension] += one.rows
        worst.setdefault(dimension, one.column)
    return failed, worst


def _moved(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, before: Sequence[str]
) -> tuple[str, int] | None:
    """Return the column whose distribution moved most since the version before, and its PSI in ppm; None of too few rows."""
    columns = [c.name for c in contract.columns if c.name not in contract.key and _comparable(c.type, c.data_class)]
    if not before or not columns:
        return None
    old, new = (_sample(connection, contract, columns, rows) for rows in (parquet(list(before)), "typed WHERE _ok"))
    if min(old.num_rows, new.num_rows) < _FEWEST:
        return None
    moves = {one: psi for one in columns if (psi := _psi(old[one], new[one])) is not None}
    if not moves:
        return None
    most = max(moves, key=lambda one: (moves[one], one))
    return most, round(moves[most] * _PPM)


def _comparable(type_: ColumnType, data_class: DataClass) -> bool:
    return type_ in (ColumnType.INT, ColumnType.BOOL) or (type_ is ColumnType.STR and data_class is DataClass.C1)


def _sample(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, columns: Sequence[str], rows: str
) -> pa.Table:
    """Return some rows, the same ones of the same table: those whose key falls on them."""
    count = int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
    every = max(1, -(-count // _SAMPLED))
    keys, shown = ", ".join(name(k) for k in contract.key), ", ".join(name(c) for c in columns)
    where = "AND" if "WHERE" in rows else "WHERE"
    return arrow(connection, f"SELECT {shown} FROM {rows} {where} hash({keys}) % {every} = 0")


def _psi(old: pa.ChunkedArray, new: pa.ChunkedArray) -> float | None:
    """Return the population stability index between two columns; None for one of too many values, such as a name."""
    if pa.types.is_integer(old.type):
        values = old.drop_null().to_numpy()
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(values) else np.zeros(0)
        shares = [_binned(column, cuts) for column in (old, new)]
    else:
        counts = [Counter(column.to_pylist()) for column in (old, new)]
        if len(counts[0]) > _VALUES:
            return None
        kinds = sorted({*counts[0], *counts[1]}, key=str)
        shares = [np.array([count[kind] for kind in kinds], float) / sum(count.values()) for count in counts]
    before, after = (np.maximum(share, _FLOOR) for share in shares)
    return float(((after - before) * np.log(after / before)).sum())


def _binned(column: pa.ChunkedArray, cuts: np.ndarray) -> np.ndarray:
    """Return the shares of each bin, with one more of what is not known."""
    values = column.drop_null().to_numpy()
    counts = np.bincount(np.searchsorted(cuts, values, side="right"), minlength=len(cuts) + 1)
    return np.append(counts, column.null_count) / max(len(column), 1)
