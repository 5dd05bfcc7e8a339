"""Measures the assignment: its time in passes over the values, its certified gap, and general solvers beside it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bankloop.bench.instances import OWN_USE, instance
from bankloop.bench.memory import PeakMemory
from bankloop.bench.opponents import compare, not_compared
from bankloop.loop.reach import NONE, PlanSolution, Problem, solve

# Beyond this a general solver does not finish in the time that a reader has.
COMPARABLE = 20_000
_REPEATS = 3
_LONG = 10.0
# A limit is broken when more is used than this share above it: sums of floats in another order differ by less.
_ROUNDING = 1e-9


def measure(customers: int, actions: int, resources: int, branches: int | None, name: str) -> dict[str, Any]:
    """Return the certificate, the seconds and the passes of one instance, and what HiGHS and PDLP take for it."""
    solve(instance(name, 2_000, actions, resources, branches))  # what Numba compiles is loaded before the clock starts
    problem = instance(name, customers, actions, resources, branches)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home, PeakMemory(Path(home)) as memory:
        seconds, processor, solution = _fastest(problem)
    one_pass = _pass_seconds(problem)
    return {
        "customers": customers,
        "resources": sum(len(family.limit) for family in problem.families),
        "seconds": round(seconds, 4),
        "processor_seconds": round(processor, 4),
        "peak_mb": memory.peak_mb,
        "gap": solution.gap,
        "violations": violations(problem, solution),
        **(_beside_uniform(customers, actions, resources, branches, processor) if name == OWN_USE else {}),
        "passes": round(seconds / one_pass, 1),
        "bound": solution.bound,
        "objective": solution.objective,
        **(compare(problem, seconds) if customers <= COMPARABLE else not_compared()),
    }


def _beside_uniform(
    customers: int, actions: int, resources: int, branches: int | None, processor: float
) -> dict[str, dict[str, float]]:
    """Return time and gap where amounts are alike for all, and how many times its processor time own amounts take."""
    seconds, alike, solution = _fastest(instance("lognormal", customers, actions, resources, branches))
    return {
        "uniform": {
            "seconds": round(seconds, 4),
            "processor_seconds": round(alike, 4),
            "gap": solution.gap,
            "ratio": round(processor / alike, 2),
        }
    }


def violations(problem: Problem, solution: PlanSolution) -> int:
    """Return how many limits are broken and closed actions chosen, counted again from the plan alone."""
    chosen = np.flatnonzero(solution.choice != NONE)
    columns = solution.choice[chosen]
    broken = int((~np.isfinite(problem.value[chosen, columns])).sum())
    for family in problem.families:
        group = np.zeros(chosen.size, np.int64) if family.group is None else family.group[chosen]
        used = np.bincount(group, weights=family.takes(chosen, columns), minlength=len(family.limit))
        broken += int((used > family.limit * (1.0 + _ROUNDING) + _ROUNDING).sum())
    return broken


def _fastest(problem: Problem) -> tuple[float, float, PlanSolution]:
    """The least seconds and processor seconds of a few solves: on a machine that others use too the others only add."""
    times, processor = list[float](), list[float]()
    for _ in range(_REPEATS):
        began, worked = time.perf_counter(), time.process_time()
        solution = solve(problem)
        times.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
        if times[0] > _LONG:
            break
    return min(times), min(processor), solution


def _pass_seconds(problem: Problem) -> float:
    flat = problem.value.reshape(-1)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        float(np.add.reduce(flat))
        times.append(time.perf_counter() - began)
    return min(times)
