"""The calendar of the simulated bank: the spring festival and what it does to days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bankloop.simulate.draw import Bools
from bankloop.simulate.parameters import Parameters


def in_blackout(parameters: Parameters, days: NDArray[np.datetime64]) -> Bools:
    """Return which days lie from 除夕 to 初六."""
    first, last = parameters["season.blackout_days"]
    hit = np.zeros(days.shape, dtype=bool)
    for new_year in parameters["season.spring_festivals"]:
        offset = (days - np.datetime64(new_year, "D")).astype(np.int64)
        hit |= (offset >= first) & (offset <= last)
    return hit


def bonus_months(parameters: Parameters) -> set[str]:
    """Return the months (``2026-01``) whose payroll carries the bonus: the one before new year's day."""
    months = {np.datetime64(day, "M") - np.timedelta64(1, "M") for day in parameters["season.spring_festivals"]}
    return {str(month) for month in months}
