"""For how many days it has been so: a condition followed back day by day, as each of those days was known then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.customer.contracts import AttributeKind, Catalogue, Lasting, Rule
from bankloop.kit.expression import BOOL

KEY = "customer_no"
# No attribute of a file's begins so.
_HELD = "_held_"

Known = Callable[[date, Catalogue], pa.Table | None]
"""The attributes of a catalogue on a day, a row a customer; None of a day that the bank did not know."""


def run_lengths(catalogue: Catalogue, as_of: date, known: Known) -> dict[str, pa.Table]:
    """Return the length of each run of days by customer (``customer_no``, ``score``), 0 where it does not hold today.

    It is followed back only as long as somebody's run goes on; of whom a day does not know the condition, or who is not
    known on it at all, has none on it.
    """
    runs = {name: one.body for name, one in catalogue.attributes.items() if isinstance(one.body, Lasting)}
    if not runs:
        return {}
    part = _conditions(catalogue, runs)
    today = known(as_of, part)
    if today is None:
        return {}
    numbers = today[KEY].combine_chunks()
    lengths = {name: np.zeros(len(numbers), np.int64) for name in runs}
    going = {name: np.ones(len(numbers), bool) for name in runs}
    for back in range(max(run.days for run in runs.values())):
        day = today if back == 0 else known(as_of - timedelta(days=back), part)
        if day is None:
            break
        for name, run in runs.items():
            going[name] &= _held(day, _HELD + name, numbers) & (back < run.days)
            lengths[name] += going[name]
        if not any(mask.any() for mask in going.values()):
            break
    return {name: pa.table({KEY: numbers, "score": pa.array(found)}) for name, found in lengths.items()}


def _conditions(catalogue: Catalogue, runs: Mapping[str, Lasting]) -> Catalogue:
    """Return the catalogue of the conditions alone, each as a rule, with what they read."""
    rules = {
        _HELD + name: replace(
            catalogue[name], name=_HELD + name, type=BOOL, kind=AttributeKind.RULE, body=Rule(run.condition)
        )
        for name, run in runs.items()
    }
    return Catalogue({**catalogue.attributes, **rules}).only(rules)


def _held(day: pa.Table, column: str, numbers: pa.Array) -> NDArray[np.bool_]:
    """Return (n,) of whom of ``numbers`` a day's condition held."""
    place = pc.index_in(numbers, value_set=day[KEY].combine_chunks())
    found: NDArray[np.bool_] = pc.fill_null(day[column].take(place), False).to_numpy(zero_copy_only=False)
    return found.astype(bool)
