"""Benefit grants: money from a budget and a piece from a stock, taken in one step, so that neither is ever overrun.

Who grants locks the pools in the order of their names; a second writer waits and then sees what is left. A decision is
granted once, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.store.copying import copy_in, fitted
from bankloop.store.schemas import GRANT_OUTCOME_SCHEMA, GRANT_SCHEMA

BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
STOCK_EXHAUSTED = "STOCK_EXHAUSTED"

_OPEN_POOLS = text("INSERT INTO pool_use (pool, used) SELECT unnest(CAST(:pools AS text[])), 0 ON CONFLICT DO NOTHING")
_LOCK_POOLS = text("SELECT pool, used FROM pool_use WHERE pool = ANY (:pools) ORDER BY pool FOR UPDATE")
_TAKE = text("UPDATE pool_use SET used = :used WHERE pool = :pool")


def grant_benefits(
    connection: Connection, table: pa.Table, budgets: Mapping[str, int], stocks: Mapping[str, int]
) -> pa.Table:
    """Grant benefits (``GRANT_SCHEMA``) in the order given and return each one's outcome (``GRANT_OUTCOME_SCHEMA``).

    ``budgets`` maps a budget's pool to its fen, ``stocks`` a benefit to its pieces; what they do not name is unlimited.
    A decision asked for again gets its first outcome.
    """
    rows = fitted("grants", table, GRANT_SCHEMA, {})
    if not rows.num_rows:
        return GRANT_OUTCOME_SCHEMA.empty_table()
    limits = {**budgets, **{f"stock:{benefit}": pieces for benefit, pieces in stocks.items()}}
    used = _locked(connection, sorted(limits))
    before = dict(used)
    known = _known(connection, rows)
    fresh: dict[str, str] = {}
    for row in rows.to_pylist():
        if row["decision_id"] not in known and row["decision_id"] not in fresh:
            fresh[row["decision_id"]] = _take(row, limits, used)
    for pool in sorted(limits):
        if used[pool] != before[pool]:
            connection.execute(_TAKE, {"pool": pool, "used": used[pool]})
    _store(connection, rows, fresh)
    outcomes = {**known, **fresh}
    ids = rows["decision_id"].to_pylist()
    refused = [outcomes[one] for one in ids]
    return pa.table([ids, [not r for r in refused], refused], schema=GRANT_OUTCOME_SCHEMA)


def pool_used(connection: Connection, pool: str) -> int:
    """Return what was taken from a pool, fen or pieces; 0 where nothing was."""
    found = connection.scalar(text("SELECT used FROM pool_use WHERE pool = :pool"), {"pool": pool})
    return int(found or 0)


def _locked(connection: Connection, pools: list[str]) -> dict[str, int]:
    connection.execute(_OPEN_POOLS, {"pools": pools})
    return {pool: int(used) for pool, used in connection.execute(_LOCK_POOLS, {"pools": pools})}


def _known(connection: Connection, rows: pa.Table) -> dict[str, str]:
    query = text(
        "SELECT decision_id::text, refused_by FROM benefit_grant WHERE decision_id = ANY (CAST(:ids AS uuid[]))"
    )
    return {row[0]: row[1] for row in connection.execute(query, {"ids": rows["decision_id"].to_pylist()})}


def _take(row: Mapping[str, object], limits: Mapping[str, int], used: dict[str, int]) -> str:
    """Take one grant from its pools, or say which one is empty and take nothing."""
    money, budget, stock = int(str(row["reserved_fen"])), str(row["budget"]), f"stock:{row['benefit']}"
    if budget in limits and used[budget] + money > limits[budget]:
        return BUDGET_EXHAUSTED
    if stock in limits and used[stock] + 1 > limits[stock]:
        return STOCK_EXHAUSTED
    if budget in limits:
        used[budget] += money
    if stock in limits:
        used[stock] += 1
    return ""


def _store(connection: Connection, rows: pa.Table, fresh: Mapping[str, str]) -> None:
    refused = pa.array([fresh.get(one) for one in rows["decision_id"].to_pylist()], pa.string())
    new = rows.append_column("refused_by", refused).filter(refused.is_valid())
    name = copy_in(connection, new)
    connection.execute(
        text(
            "INSERT INTO benefit_grant (decision_id, customer_no, unit_id, benefit, reserved_fen, granted, refused_by) "
            "SELECT DISTINCT ON (decision_id) decision_id::uuid, customer_no, unit_id, benefit, reserved_fen, "
            f"coalesce(refused_by, '') = '', coalesce(refused_by, '') FROM {name} ORDER BY decision_id"
        )
    )
