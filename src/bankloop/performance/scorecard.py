"""The metrics on an open bank: any day that the lake knows, from head office down to one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.clock import local_moment
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Metric, MetricVersion, Number

# From head office down; each level's attribute. Every level adds up to the one above it, exactly.
LEVELS: Mapping[str, str] = {
    "bank": "",
    "branch": "branch_id",
    "sub_branch": "sub_branch_id",
    "manager": "manager_id",
    "customer": "customer_no",
}
Integers = NDArray[np.int64]


def scorecard(
    bank: Bank,
    as_of: date,
    by: str = "bank",
    within: Mapping[str, str] | None = None,
    keys: Sequence[str] | None = None,
) -> list[Number]:
    """Return the metrics of a day by one level, of everybody or ``within`` units of the levels above it.

    The definitions are those of the day, the rows as they were known at its end: asked again later, the same numbers.
    """
    catalogue = evaluation.read_metrics(bank.folder)
    wanted = [evaluation.metric_of(catalogue, key) for key in (catalogue if keys is None else keys)]
    for level in (by, *(within or {})):
        if level not in LEVELS:
            raise NotFoundError(
                "metric.no_level",
                Text("没有层级 {name}；有 {known}", "there is no level {name}; there are {known}"),
                name=level,
                known=", ".join(LEVELS),
            )
    state = bank.state(as_of).table
    inside = np.ones(state.num_rows, bool)
    for level, unit in (within or {}).items():
        inside &= _named(state, level) == unit
    groups = _named(state, by)[inside]
    found = []
    for metric in wanted:
        version = metric.on(as_of)
        above, below, days = _parts(bank, version, as_of, state)
        if above is None:
            found += [Number(metric.key, version.version, group, 0, 0, None) for group in np.unique(groups).tolist()]
            continue
        lower = None if below is None else below[inside]
        found += evaluation.numbers(metric, version, above[inside], lower, groups.tolist(), days)
    return found


def customers_by(bank: Bank, as_of: date, by: str) -> dict[str, int]:
    """Return how many customers each group of a level has on a day."""
    groups, counts = np.unique(_named(bank.state(as_of).table, by), return_counts=True)
    return dict(zip(groups.tolist(), counts.tolist(), strict=True))


def metrics_of(bank: Bank) -> dict[str, Metric]:
    """Return the bank's catalogue of metrics."""
    return evaluation.read_metrics(bank.folder)


def metric_amounts(bank: Bank, version: MetricVersion, day: date, customers: pa.Array) -> Integers:
    """Return a summed metric's amount of each customer (n,) on a day; who was not there has nothing."""
    state = bank.state(day).table
    above, _, days = _parts(bank, version, day, state)
    if above is None:
        return np.zeros(len(customers), np.int64)
    at = np.asarray(pc.fill_null(pc.index_in(customers, value_set=state["customer_no"].combine_chunks()), -1), np.int64)
    return np.where(at >= 0, above[np.maximum(at, 0)] // days if len(above) else 0, 0)


def _named(state: pa.Table, level: str) -> NDArray[np.str_]:
    if level == "bank":
        return np.full(state.num_rows, "")
    return np.array(pc.fill_null(state[LEVELS[level]], "").to_pylist(), dtype=str)


def _parts(
    bank: Bank, version: MetricVersion, as_of: date, state: pa.Table
) -> tuple[Integers | None, Integers | None, int]:
    """What lies above and below the line of each customer of the state, and the days that divide; None if unknown."""
    types = bank.catalogue.types
    texts = {name: text for name, text in (("below", version.below), ("where", version.where)) if text}
    found = evaluation.amounts(state, texts, types, as_of) if texts else {}
    days = 1
    match version.over:
        case "point":
            counted = _active if version.active else _point
            above = counted(bank, version, as_of, state)
        case "month_average":
            above, days = _average(bank, version, as_of, state)
        case "since_year_start":
            start = date(as_of.year, 1, 1) - timedelta(days=1)
            if not bank.knew(start):
                return None, None, 1
            above = _point(bank, version, as_of, state) - _aligned(bank, version, start, state)
    kept = found.get("where")
    below = found.get("below")
    if kept is not None:
        above, below = above * kept, None if below is None else below * kept
    return above, below, days


def _point(bank: Bank, version: MetricVersion, day: date, state: pa.Table) -> Integers:
    assert version.above is not None
    return evaluation.amounts(state, {"above": version.above}, bank.catalogue.types, day)["above"]


def _aligned(bank: Bank, version: MetricVersion, day: date, state: pa.Table) -> Integers:
    """The amounts of another day, in the order of ``state``; who was not there yet had nothing."""
    then = bank.state(day).table
    amount = _point(bank, version, day, then)
    place = pc.index_in(state["customer_no"], value_set=then["customer_no"].combine_chunks())
    at = np.asarray(pc.fill_null(place, -1).to_numpy(), dtype=np.int64)
    return np.where(at >= 0, amount[np.maximum(at, 0)] if len(amount) else 0, 0)


def _average(bank: Bank, version: MetricVersion, as_of: date, state: pa.Table) -> tuple[Integers, int]:
    """Amount × days over the month to date, and the days: between two files the earlier one holds."""
    first = as_of.replace(day=1)
    known = sorted({one.as_of for one in bank.lake.manifest.versions("holding")})
    before = [day for day in known if day <= first]
    days = sorted({*([max(before)] if before else []), *(day for day in known if first < day <= as_of), as_of})
    total, count = np.zeros(state.num_rows, np.int64), 0
    for number, day in enumerate(days):
        begin = max(day, first)
        end = days[number + 1] if number + 1 < len(days) else as_of + timedelta(days=1)
        span = (max(end, first) - begin).days
        if span > 0:
            total += span * _aligned(bank, version, day, state)
            count += span
    return total, max(count, 1)


def _active(bank: Bank, version: MetricVersion, as_of: date, state: pa.Table) -> Integers:
    """How often each did any of these in the calendar month up to the day, as it was known at the day's end.

    Unless every event counts, each customer counts once.
    """
    values = {
        "types": list(version.active),
        "scenes": list(version.scenes),
        "any": evaluation.ANY_SCENE,
        "start": local_moment(as_of.replace(day=1), 0, 0, bank.lake.zone),
        "stop": local_moment(as_of + timedelta(days=1), 0, 0, bank.lake.zone),
    }
    query = (
        "SELECT customer_no, count(*) AS times FROM event WHERE list_contains($types, type) "
        "AND (len($scenes) = 0 OR list_contains($scenes, scene) "
        "OR (list_contains($scenes, $any) AND coalesce(scene, '') <> '')) "
        "AND occurred_at >= $start AND occurred_at < $stop AND recorded_at < $stop GROUP BY customer_no"
    )
    with bank.persons("metrics") as connection:
        found = connection.sql(query, params=values).to_arrow_table()
    place = pc.index_in(state["customer_no"], value_set=found["customer_no"].combine_chunks())
    times = pc.fill_null(found["times"].combine_chunks().take(place), 0)
    counts = np.asarray(times.to_numpy(zero_copy_only=False), dtype=np.int64)
    return counts if version.every else np.minimum(counts, 1)
