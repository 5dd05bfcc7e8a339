"""Evaluates a lock's expressions over the customer state in one engine query; the batch plane of every step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.expression import Type, to_ibis
from bankloop.kit.later import later
from bankloop.loop.spec.lock import read_spelled_out

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def conditions(
    state: pa.Table, texts: Mapping[str, str], types: Mapping[str, Type], as_of: date, *, unknown: bool = False
) -> dict[str, Bools]:
    """Return one boolean per row (n,) for each named condition; NULL becomes ``unknown``.

    ``state`` has one row per customer and a column per attribute.
    """
    if not texts:
        return {}
    result = _evaluated(state, texts, types, as_of)
    return {name: numpy_bool(result[name], unknown) for name in texts}


def measures(state: pa.Table, texts: Mapping[str, str], types: Mapping[str, Type], as_of: date) -> dict[str, Floats]:
    """Return one number per row (n,) for each named expression; NULL becomes NaN."""
    if not texts:
        return {}
    result = _evaluated(state, texts, types, as_of)
    return {
        name: np.asarray(result[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64) for name in texts
    }


def amounts(state: pa.Table, texts: Mapping[str, str], types: Mapping[str, Type], as_of: date) -> dict[str, Floats]:
    """Return one amount per row (n,) in whole fen for each expression in yuan; NaN where unknown or below 0."""
    found = measures(state, texts, types, as_of)
    return {name: whole_fen(found[name], read_spelled_out(text, types).type.scale) for name, text in texts.items()}


def whole_fen(number: Floats, scale: int) -> Floats:
    """Return numbers of yuan that are kept with ``scale`` decimals in fen, a part of one counted as one."""
    fen = number * 10.0 ** (2 - scale) if scale <= 2 else np.ceil(number / 10.0 ** (scale - 2))
    return np.where(fen >= 0.0, fen, np.nan)


def _evaluated(state: pa.Table, texts: Mapping[str, str], types: Mapping[str, Type], as_of: date) -> pa.Table:
    sql = _compiled(tuple(texts.items()), tuple(types.items()), state.schema.remove_metadata(), as_of)
    with _engine().cursor() as connection:
        connection.register("state", state)
        try:
            return connection.sql(sql).to_arrow_table()
        finally:
            connection.unregister("state")


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return the process's engine for conditions; whoever asks has a session of it to themselves."""
    return duckdb.connect()


@lru_cache(maxsize=512)
def _compiled(
    texts: tuple[tuple[str, str], ...], types: tuple[tuple[str, Type], ...], schema: pa.Schema, as_of: date
) -> str:
    """Return the query over ``state``: a round asks the same of several days' people, and of the same people anew."""
    table, known = ibis.table(ibis.Schema.from_pyarrow(schema), name="state"), dict(types)
    compiled = {name: to_ibis(read_spelled_out(text, known), table, as_of) for name, text in texts}
    return str(ibis.to_sql(table.select(**compiled), dialect="duckdb"))


def numpy_bool(column: pa.ChunkedArray, unknown: bool) -> Bools:
    """Return a boolean column as NumPy (n,) with NULL as ``unknown``."""
    filled = column.fill_null(unknown)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool) if len(filled) else np.zeros(0, bool)
