"""Customers by where and when they came: retention by month of opening, acquisition cost by source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.persons import persons_connection
from bankloop.kit.clock import local_moment
from bankloop.kit.errors import NotFoundError
from bankloop.kit.later import later
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.organization.task import Performance, performance

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = later("duckdb")

# Cohorts are those of the newest month and of twelve before it, each followed for as many.
MONTHS = 12
NEW_DAYS = 30
# Groups are compared by who is active so many months on: what comes sooner is the opening itself.
COMPARED = 3
# What a customer opens with: the first product held within so many days of the account, beside the account itself.
OPENED_WITH_DAYS = 30
ACCOUNT = ("demand_deposit", "debit_card")
# Who is active in a month is what the bank's own metric of monthly active customers says.
_ACTIVE_METRIC, _ACTIVE = "mau", ("login",)
GROUPS: Mapping[str, Text] = {
    "all": Text("全部", "All"),
    "source": Text("获客来源", "Source"),
    "product": Text("开户产品", "Opened with"),
}
_GROUP = {"all": "''", "source": "coalesce(o.source, '')", "product": "coalesce(w.product_class, '')"}
_NEWCOMERS = """
CREATE TEMP TABLE newcomer AS
WITH o AS (SELECT customer_no, opened_on, source FROM customer WHERE opened_on BETWEEN $first AND $day {seen}),
w AS (SELECT h.customer_no, arg_min(h.product_class, (h.opened_on, h.holding_id)) AS product_class
    FROM holding h JOIN o USING (customer_no)
    WHERE NOT list_contains($account, h.product_class) AND h.opened_on BETWEEN o.opened_on AND o.opened_on + $days
    GROUP BY 1)
SELECT o.customer_no, o.opened_on, {group} AS name, date_trunc('month', o.opened_on)::DATE AS month
FROM o LEFT JOIN w USING (customer_no)
"""
_COHORTS = """
WITH active AS (SELECT DISTINCT e.customer_no, n.name, n.month,
        date_diff('month', n.month, (e.occurred_at AT TIME ZONE $zone)::DATE) AS later
    FROM event e JOIN newcomer n USING (customer_no)
    WHERE list_contains($types, e.type) AND e.occurred_at >= $start AND e.occurred_at < $stop
        AND e.recorded_at < $stop),
counted AS (SELECT name, month, later, count(*) AS customers FROM active WHERE later BETWEEN 0 AND $months GROUP BY ALL)
SELECT n.name, n.month, n.customers, c.later, c.customers
FROM (SELECT name, month, count(*) AS customers FROM newcomer GROUP BY ALL) n LEFT JOIN counted c USING (name, month)
ORDER BY 1, 2, 4
"""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who opened in one month ('2026-01') and group: how many, and how many were active in it and each later one."""

    month: str
    customers: int
    active: tuple[int, ...]
    group: str = ""

    def retained(self, later: int) -> float | None:
        """Return the share active ``later`` months on; None for a month that has not come, or nobody."""
        return self.active[later] / self.customers if later < len(self.active) and self.customers else None


class Standing(StrEnum):
    """How a group's retention stands beside that of all other groups together."""

    HIGHER = "higher"
    LOWER = "lower"
    ALIKE = "not told apart"
    UNKNOWN = "too soon"


@dataclass(frozen=True, slots=True)
class Acquired:
    """New customers of one source: how many came, what they cost in fen."""

    source: str
    customers: int
    cost: int

    @property
    def each(self) -> float | None:
        """Return the cost of one (CAC), fen; None for nobody."""
        return self.cost / self.customers if self.customers else None


def month_number(day: date) -> int:
    """Return months since year 0."""
    return day.year * 12 + day.month - 1


def month_name(number: int) -> str:
    """Return a month number as 2026-01."""
    return f"{number // 12}-{number % 12 + 1:02d}"


def retention(
    bank: Bank, as_of: date, by: str = "all", seen: pa.Array | None = None, months: int = MONTHS
) -> list[Cohort]:
    """Return the cohorts of the newest month and ``months`` before, as they were known at the end of a day.

    ``seen`` narrows them to the reader's customers. Raises ``NotFoundError`` for a grouping that there is not.
    """
    if by not in _GROUP:
        raise NotFoundError(
            "cohort.no_group",
            Text("不能按 {name} 分组；可选 {known}", "cohorts are not grouped by {name}; there are {known}"),
            name=by,
            known=", ".join(_GROUP),
        )
    newest = month_number(as_of)
    first = _first_day(newest - months)
    values = {
        "zone": bank.lake.zone,
        "types": list(active_types(bank, as_of)),
        "start": local_moment(first, 0, 0, bank.lake.zone),
        "stop": local_moment(as_of + timedelta(days=1), 0, 0, bank.lake.zone),
        "months": months,
    }
    with lake_of(bank, as_of, seen) as (engine, narrowed):
        asked = {"first": first, "day": as_of, "account": list(ACCOUNT), "days": OPENED_WITH_DAYS}
        engine.execute(_NEWCOMERS.format(group=_GROUP[by], seen=narrowed), asked).fetchall()
        rows = engine.execute(_COHORTS, values).fetchall()
    sizes, active = dict[tuple[str, int], int](), dict[tuple[str, int, int], int]()
    for name, month, customers, step, count in rows:
        at = month_number(month)
        sizes[name, at] = customers
        if step is not None:
            active[name, at, step] = count
    names = sorted({name for name, _ in sizes}) or ([""] if by == "all" else [])
    return [
        Cohort(
            month_name(month),
            sizes.get((name, month), 0),
            tuple(active.get((name, month, step), 0) for step in range(newest - month + 1)),
            name,
        )
        for name in names
        for month in range(newest - months, newest + 1)
    ]


def group_standings(found: Sequence[Cohort], later: int = COMPARED) -> dict[str, Standing]:
    """Return by group whether its share active ``later`` months on is told from the others', of cohorts as old as that.

    Exact tests, adjusted over the groups (Benjamini and Hochberg): of groups that are all alike, however many and
    small, one table in twenty at most names any.
    """
    counted = defaultdict[str, list[int]](lambda: [0, 0])
    for one in found:
        if later < len(one.active):
            counted[one.group][0] += one.customers
            counted[one.group][1] += one.active[later]
    names = [name for name, (customers, _) in counted.items() if customers]
    standings = {one.group: Standing.UNKNOWN for one in found}
    if len(names) < 2:
        return standings
    size, active = ([counted[name][at] for name in names] for at in (0, 1))
    q = evaluation.beside_others(size, active)
    for at, name in enumerate(names):
        above = active[at] * sum(size) > sum(active) * size[at]
        standings[name] = Standing.ALIKE if q[at] >= evaluation.CHANCE else Standing.HIGHER if above else Standing.LOWER
    return standings


def active_types(bank: Bank, as_of: date) -> tuple[str, ...]:
    """Return the events by which a customer is active, of the bank's metric of monthly active customers on a day."""
    metric = evaluation.read_metrics(bank.folder).get(_ACTIVE_METRIC)
    return (metric.on(as_of).active if metric else ()) or _ACTIVE


@contextmanager
def lake_of(bank: Bank, as_of: date, seen: pa.Array | None) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Open the lake as it was on a day, a person once; with what narrows customers to ``seen`` in a WHERE."""
    with persons_connection(bank.lake, "metrics", bank.leads(), bank.versions_of(as_of)) as engine:
        if seen is None:
            yield engine, ""
            return
        engine.register("seen", pa.table({"customer_no": seen}))
        yield engine, "AND customer_no IN (SELECT customer_no FROM seen)"


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def acquisition(bank: Bank, as_of: date, days: int = NEW_DAYS) -> list[Acquired]:
    """Return new customers of the last ``days`` and what they cost, by source."""
    state = bank.state(as_of).table
    new = state.filter(pc.less(state["tenure_days"], days)).select(["acquisition_source", "acquisition_cost"])
    if not new.num_rows:
        return []
    named = pa.table(
        {"source": pc.fill_null(new["acquisition_source"], "—"), "cost": pc.fill_null(new["acquisition_cost"], 0)}
    )
    sums = named.group_by("source").aggregate([("cost", "sum"), ("cost", "count")]).sort_by("source").to_pylist()
    return [Acquired(row["source"], row["cost_count"], int(row["cost_sum"])) for row in sums]


def execution(bank: Bank, as_of: date, days: int = NEW_DAYS) -> list[Performance]:
    """Return how many of the tasks that were due in the last ``days`` were done on time, by unit."""
    since = date.fromordinal(as_of.toordinal() - days + 1)
    with bank.store.begin(system("metrics")) as connection:
        return performance(connection, since, as_of, by="unit_id")
