"""Daily net values of the bank's wealth products and funds: a year of working days, with one that falls at the end.

A value depends on the seed, the product and the day alone, counted from the bank's first last day: what a round delivers
goes on where the file before it ended.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv

from bankloop.kit import is_working_day
from bankloop.simulate.deliveries import Delivery
from bankloop.simulate.draw import Floats
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import day_number
from bankloop.simulate.streams import uniforms

_WORKING_DAYS = 250
# What makes a uniform's deviation one.
_SPREAD = 12**0.5


def net_values(p: Parameters, seed: int, begun: date, after: date | None, until: date) -> pa.Table:
    """Return product_id, day and nav_ppm of the working days after one day, or from the first, until another.

    ``begun`` is the last day of the bank's first delivery: a year before it every value is one, and before it one product
    falls.
    """
    first = begun - timedelta(days=int(p.number("net_value.days")))
    days = [day for n in range((until - first).days + 1) if is_working_day(day := first + timedelta(days=n))]
    fallen = [day for day in days if day <= begun][-len(p["net_value.fall"]) :]
    wanted = np.array([after is None or day > after for day in days], dtype=bool)
    parts = []
    for product, (yearly, spread) in sorted(p.table("net_value.products").items()):
        change = _changes(days, seed, product, yearly, spread)
        if product == p["net_value.falls"]:
            change[[days.index(day) for day in fallen]] = np.log1p(p.numbers("net_value.fall"))[-len(fallen) :]
        value = np.rint(1_000_000 * np.exp(np.cumsum(change))).astype(np.int64)
        kept = [day for day, here in zip(days, wanted, strict=True) if here]
        parts.append(pa.table({"product_id": [product] * len(kept), "day": kept, "nav_ppm": value[wanted]}))
    return pa.concat_tables(parts)


def write_net_values(delivery: Delivery, found: pa.Table) -> int:
    """Write net_value.csv and return its rows."""
    pv.write_csv(found, delivery.file("products", "net_value.csv"))
    return int(found.num_rows)


def _changes(days: list[date], seed: int, product: str, yearly: float, spread: float) -> Floats:
    drawn = uniforms(np.array([day_number(day) for day in days], dtype=np.int64), seed, "net_value", product)
    mean = np.log1p(yearly) / _WORKING_DAYS
    return np.asarray(mean + spread / _WORKING_DAYS**0.5 * _SPREAD * (drawn - 0.5))
