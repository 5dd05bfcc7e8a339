"""Daily net values of the bank's wealth products and funds: a year of working days, with one that falls at the end.

A value depends on the seed, the product, the day and the days on which deliveries ended: what a round delivers goes on where
the file before it ended. At every end one product falls and then comes back, so that there is a fall to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from bankloop.kit.worktime import is_working_day
from bankloop.simulate.deliveries import NightDelivery
from bankloop.simulate.draw import Floats
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import day_number
from bankloop.simulate.streams import uniforms

_WORKING_DAYS = 250
# What makes a uniform's deviation one.
_SPREAD = 12**0.5


def net_values(p: Parameters, seed: int, ends: Sequence[date]) -> pa.Table:
    """Return product_id, day and nav_ppm of the working days until the last of ``ends``, from a year before the first.

    ``ends`` are the last days of the bank's deliveries, the first first.
    """
    first = ends[0] - timedelta(days=int(p.number("net_value.days")))
    days = [day for n in range((ends[-1] - first).days + 1) if is_working_day(day := first + timedelta(days=n))]
    parts = []
    for product, (yearly, spread) in sorted(p.table("net_value.products").items()):
        change = _changes(days, seed, product, yearly, spread)
        if product == p["net_value.falls"]:
            _fall(p, change, days, ends)
        value = np.rint(1_000_000 * np.exp(np.cumsum(change))).astype(np.int64)
        parts.append(pa.table({"product_id": [product] * len(days), "day": days, "nav_ppm": value}))
    return pa.concat_tables(parts)


def write_net_values(delivery: NightDelivery, values: pa.Table, after: date | None = None) -> int:
    """Write net_value.csv with the days after another one, all where None, and return its rows."""
    fresh = values if after is None else values.filter(pc.greater(values["day"], after))
    pv.write_csv(fresh, delivery.file("products", "net_value.csv"))
    return int(fresh.num_rows)


def _changes(days: list[date], seed: int, product: str, yearly: float, spread: float) -> Floats:
    drawn = uniforms(np.array([day_number(day) for day in days], dtype=np.int64), seed, "net_value", product)
    mean = np.log1p(yearly) / _WORKING_DAYS
    return np.asarray(mean + spread / _WORKING_DAYS**0.5 * _SPREAD * (drawn - 0.5))


def _fall(p: Parameters, change: Floats, days: Sequence[date], ends: Sequence[date]) -> None:
    fall, recovers = np.log1p(p.numbers("net_value.fall")), int(p.number("net_value.recovers"))
    places = [sum(day <= end for day in days) for end in ends]
    for place in places:
        change[place : place + recovers] -= fall.sum() / recovers
    # A fall is what it is, also where the one before has not come back yet.
    for place in places:
        change[place - len(fall) : place] = fall
