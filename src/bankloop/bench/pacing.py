"""Measures the real-time twin over a day of bursts: how far it stays from the best plan that hindsight allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.bench.instances import instance
from bankloop.kit.compiled import compiled
from bankloop.loop.reach import NONE, Family, Pace, Problem, paced, solve

ACTIONS, RESOURCES = 20, 9
# Prices are looked at again so many times a day: every few minutes.
_LOOKS = 200
_BURSTS = 6
_FORECAST_ERROR = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Day:
    """Today's customers in the order they come, the limits, and the forecast share still to come at each look."""

    value: NDArray[np.float32]
    propensity: NDArray[np.float32]
    use: Floats
    limit: Floats
    looks: NDArray[np.int64]
    ahead: Floats


def measure(customers: int, seed: int = 5) -> dict[str, Any]:
    """Return the regret against the hindsight bound, and what the twin earns over greedy and propensity-first service."""
    both = instance("lognormal", 2 * customers, ACTIONS, RESOURCES, None, seed)
    families = tuple(Family(f.name, f.use, np.floor(f.limit / 2.0)) for f in both.families)
    yesterday = solve(Problem(both.value[:customers], families))
    day = _day(both.value[customers:], families, seed)
    planned = np.concatenate(yesterday.price)
    earned = _lived(day, planned, day.value)
    greedy = _lived(day, np.zeros_like(planned), day.value)
    propensity = _lived(day, np.zeros_like(planned), day.propensity)
    bound = solve(Problem(day.value, families)).bound
    return {
        "regret": round(1.0 - earned / bound, 5),
        "incremental_over_greedy": round(earned / greedy - 1.0, 4),
        "incremental_over_propensity": round(earned / propensity - 1.0, 4),
    }


def _day(value: NDArray[np.float32], families: tuple[Family, ...], seed: int) -> _Day:
    """Customers come in bursts that the forecast knows only roughly; who comes when has nothing to do with their value."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0.0, 1.0, _LOOKS + 1)
    rate = 0.4 + sum(rng.uniform(0.5, 3.0) * np.exp(-(((time - at) / 0.03) ** 2)) for at in rng.random(_BURSTS))
    real = np.r_[0.0, np.cumsum(rate[1:])] / rate[1:].sum()
    believed = rate * np.exp(rng.normal(0.0, _FORECAST_ERROR, rate.size))
    forecast = np.r_[0.0, np.cumsum(believed[1:])] / believed[1:].sum()
    # Who often buys is often worth much, but buys without being asked, too: the two orders agree in part only.
    noise = rng.standard_normal(value.shape, np.float32)
    propensity = np.where(value > 0, np.exp(0.3 * np.log(np.maximum(value, 1.0)) + noise), -np.inf).astype(np.float32)
    return _Day(
        value, propensity, np.array([f.use for f in families]), np.array([f.limit[0] for f in families]),
        (real * len(value)).astype(np.int64), 1.0 - forecast,
    )  # fmt: skip


def _lived(day: _Day, planned: Floats, wish: NDArray[np.float32]) -> float:
    """Return what a day earns, fen, when everybody gets the highest wish less prices that still fits."""
    left = day.limit.copy()
    pace = Pace(planned, np.full_like(planned, planned.mean()), day.limit, left, 1.0)
    total = 0.0
    for look in range(_LOOKS):
        price = paced(pace.after(left, float(day.ahead[look]))) if planned.any() else planned
        total += _served(day.value, wish, price @ day.use, day.use, left, day.looks[look], day.looks[look + 1])
    return total


def _serve(value: Any, wish: Any, charge: Any, use: Any, left: Any, first: int, last: int) -> Any:
    total = 0.0
    for i in range(first, last):
        best = 0.0
        pick = NONE
        for j in range(value.shape[1]):
            score = wish[i, j] - charge[j]
            if score <= best:
                continue
            fits = True
            for r in range(use.shape[0]):
                if use[r, j] > left[r] + 1e-9 and use[r, j] > 0.0:
                    fits = False
            if fits:
                best = score
                pick = j
        if pick != NONE:
            total += value[i, pick]
            for r in range(use.shape[0]):
                left[r] -= use[r, pick]
    return total


_served: Any = compiled()(_serve)
