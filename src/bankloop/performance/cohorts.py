"""Customers by where and when they came: retention by month of opening, acquisition cost by source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.clock import local_moment
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.organization.task import Performance, performance

Integers = NDArray[np.int64]
ACTIVE = ("login",)
MONTHS = 6
NEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who opened in one month ('2026-01'): how many, and how many were active in that month and each later one."""

    month: str
    customers: int
    active: tuple[int, ...]

    def retained(self, later: int) -> float | None:
        """Return the share active ``later`` months on; None for a month that has not come, or nobody."""
        return self.active[later] / self.customers if later < len(self.active) and self.customers else None


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


def cohorts_of(opened: Integers, who: Integers, when: Integers, newest: int, months: int = MONTHS) -> list[Cohort]:
    """Return the cohorts of the last ``months`` before and in ``newest``.

    ``opened`` (n,) are the customers' months; an activity is a customer's place ``who`` (m,) and its month ``when`` (m,).
    """
    pairs = np.unique(np.column_stack([who, when]), axis=0) if len(who) else np.zeros((0, 2), np.int64)
    since = pairs[:, 1] - opened[pairs[:, 0]]
    found = []
    for month in range(newest - months + 1, newest + 1):
        mine = opened[pairs[:, 0]] == month
        active = tuple(int((mine & (since == later)).sum()) for later in range(newest - month + 1))
        found.append(Cohort(month_name(month), int((opened == month).sum()), active))
    return found


def retention(bank: Bank, as_of: date, months: int = MONTHS, active: Sequence[str] = ACTIVE) -> list[Cohort]:
    """Return the retention cohorts as they were known at the end of a day: opened by month, active by month."""
    state = bank.state(as_of).table
    tenure = np.asarray(pc.fill_null(state["tenure_days"], 0).to_numpy(), dtype=np.int64)
    days = np.datetime64(as_of, "D") - tenure.astype("timedelta64[D]")
    opened = days.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    newest = month_number(as_of)
    first = newest - months + 1
    end = date.fromordinal(as_of.toordinal() + 1)
    who, when = [], []
    names = state["customer_no"].combine_chunks()
    for month in range(first, newest + 1):
        stop = min(end, _first_day(month + 1))
        place = pc.index_in(_active_between(bank, active, _first_day(month), stop, end), value_set=names)
        rows = np.asarray(pc.drop_null(place).to_numpy(zero_copy_only=False), dtype=np.int64)
        who.append(rows)
        when.append(np.full(len(rows), month))
    return cohorts_of(opened, np.concatenate(who), np.concatenate(when), newest, months)


def _active_between(bank: Bank, types: Sequence[str], start: date, stop: date, known_by: date) -> pa.Array:
    """Who did any of these from ``start`` to before ``stop``, as it was known before ``known_by``."""
    zone = bank.lake.zone
    values = {
        "types": list(types),
        "start": local_moment(start, 0, 0, zone),
        "stop": local_moment(stop, 0, 0, zone),
        "known": local_moment(known_by, 0, 0, zone),
    }
    query = (
        "SELECT DISTINCT customer_no FROM event WHERE list_contains($types, type) "
        "AND occurred_at >= $start AND occurred_at < $stop AND recorded_at < $known"
    )
    with bank.persons("metrics") as connection:
        return connection.sql(query, params=values).to_arrow_table()["customer_no"].combine_chunks()


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
