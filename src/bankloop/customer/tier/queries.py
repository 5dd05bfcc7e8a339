"""Monthly averages out of the lake's snapshots, and what was read of each customer's months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.persons import NO_LEADS, led_rows
from bankloop.customer.tier.contracts import Ints, TierMonth
from bankloop.customer.tier.rules import weigh
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.store.contracts import LakeVersion

# What counts as assets (金融资产).
ASSETS = ("demand_deposit", "term_deposit", "wealth", "fund", "insurance")


@dataclass(frozen=True, slots=True)
class SnapshotSpan:
    """A snapshot of holdings and on how many days of a period it was what was known."""

    version: LakeVersion
    days: int


def spans(versions: Sequence[LakeVersion], first: date, after: date) -> tuple[SnapshotSpan, ...]:
    """Return which snapshots of holdings were valid on how many days from ``first`` until before ``after``.

    A snapshot is of the end of its day and holds until the next one; of one day the last is read. Days before the first
    snapshot there is are unknown and do not count.
    """
    latest = {version.as_of: version for version in versions if version.as_of < after}
    days = sorted(latest)
    begun = [day for day in days if day <= first]
    used = [*begun[-1:], *(day for day in days if day > first)]
    found = []
    for place, day in enumerate(used):
        end = used[place + 1] if place + 1 < len(used) else after
        found.append(SnapshotSpan(latest[day], (end - max(day, first)).days))
    return tuple(found)


def averages(lake: Lake, first: date, after: date, leads: pa.Table = NO_LEADS) -> tuple[pa.Array, Ints] | None:
    """Return every customer's number and average assets in fen over a period; None where no day of it is known.

    A person of several numbers is one customer, under the number that ``leads`` names.
    """
    read = spans(lake.manifest.versions("holding"), first, after)
    if not read:
        return None
    people = _customers(lake, after)
    classes = ", ".join(f"'{one}'" for one in ASSETS)
    parts = " UNION ALL ".join(
        f"SELECT customer_no, balance_fen::HUGEINT * {one.days} AS weighed FROM {lake.reading(one.version)} "
        f"WHERE product_class IN ({classes})"
        for one in read
    )
    with lake.engine() as engine:
        led = led_rows(engine, f"SELECT customer_no FROM {people}", leads)
        found = engine.sql(
            f"SELECT c.customer_no, coalesce(sum(weighed), 0)::BIGINT AS weighed FROM (SELECT DISTINCT * FROM {led}) c "
            f"LEFT JOIN {led_rows(engine, parts, leads)} USING (customer_no) GROUP BY ALL ORDER BY 1"
        ).to_arrow_table()
    days = sum(one.days for one in read)
    return found["customer_no"].combine_chunks(), weigh(found["weighed"].to_numpy().astype(np.int64), days)


def months_of(lake: Lake, number: str) -> tuple[TierMonth, ...]:
    """Return a customer's months, the latest first; the caller judged who may see them."""
    if lake.manifest.current("tier_month") is None:
        return ()
    scope = Scope("tier", None, unmask=frozenset({"average_fen", "best_fen"}), customers=frozenset({number}))
    rows = lake.table("tier_month", scope).to_pyarrow().to_pylist()
    months = [
        TierMonth(r["month"], r["average_fen"], r["tier"], r["watched"], r["months_below"], r["move"]) for r in rows
    ]
    return tuple(sorted(months, key=lambda one: one.month, reverse=True))


def standings_after(lake: Lake, month: date, leads: pa.Table = NO_LEADS) -> pa.Table:
    """Return what was read of a month of everybody: columns as the lake's, none where it was not closed.

    Who is one person by now stood where the best of their numbers did.
    """
    version = lake.manifest.current("tier_month")
    if version is None:
        return pa.table({})
    with lake.engine() as engine:
        led = led_rows(engine, f"SELECT * FROM {lake.reading(version)} WHERE month = DATE '{month}'", leads)
        query = f"SELECT DISTINCT ON (customer_no) * FROM {led} ORDER BY customer_no, tier DESC, best_fen DESC, watched"
        return engine.sql(query).to_arrow_table()


def last_month(lake: Lake) -> date | None:
    """Return the last month that was closed."""
    version = lake.manifest.current("tier_month")
    if version is None:
        return None
    with lake.engine() as engine:
        found: date | None = engine.sql(f"SELECT max(month) FROM {lake.reading(version)}").fetchall()[0][0]
    return found


def aligned(numbers: pa.Array, before: pa.Table, name: str) -> Ints:
    """Return (n,) a column of an earlier month in the order of ``numbers``; −1 for who was not there."""
    place = pc.index_in(numbers, value_set=before["customer_no"].combine_chunks())
    at = np.asarray(pc.fill_null(place, -1).to_numpy(), dtype=np.int64)
    values = before[name].to_numpy().astype(np.int64)
    return np.where(at >= 0, values[np.maximum(at, 0)] if len(values) else -1, -1)


def _customers(lake: Lake, after: date) -> str:
    """Return how the customers are read as they were at the end of a period."""
    known = lake.manifest.versions("customer")
    return lake.reading(next((one for one in reversed(known) if one.as_of < after), known[0]))


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
