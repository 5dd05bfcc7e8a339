"""Measures what-if: a plan solved again with a budget, a capacity or a policy changed, from its last prices."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from bankloop.bench.assigning import violations
from bankloop.bench.instances import instance
from bankloop.loop.reach import Cuts, PlanSolution, Problem, solve

_BUDGET, _CAPACITY = 0.8, 0.5
# Changes of a limit alone: they leave what customers take at given prices as it is.
LIMITS = ("budget", "capacity")


def measure(customers: int, actions: int, resources: int, branches: int | None) -> dict[str, Any]:
    """Return for every change the seconds from the last prices and from nothing, the change of value, gap, broken limits.

    Of a changed limit also the seconds where what customers take is known from the plan, as a plan's page asks it.
    """
    solve(instance("lognormal", 2_000, actions, resources, branches))  # what Numba compiles is loaded first
    problem = instance("lognormal", customers, actions, resources, branches)
    began = time.perf_counter()
    cuts = Cuts()
    planned = solve(problem, cuts=cuts)
    first = time.perf_counter() - began
    found = {name: _asked(planned, changed) for name, changed in changes(problem).items()}
    for name in LIMITS:
        found[name] |= _known(planned, changes(problem)[name], cuts)
    return {
        "customers": customers,
        "resources": sum(len(family.limit) for family in problem.families),
        "seconds": max(one["seconds"] for one in found.values()),
        "violations": sum(one["violations"] for one in found.values()),
        "plan_seconds": round(first, 3),
        **found,
    }


def changes(problem: Problem) -> dict[str, Problem]:
    """Return a fifth less of the bank's budget, half of a channel's capacity, and a campaign's actions closed."""
    families = list(problem.families)
    names = [family.name for family in families]
    channel = next((at for at, name in enumerate(names) if name.startswith("channel")), len(families) - 1)
    found = {}
    for name, at, share in (("budget", 0, _BUDGET), ("capacity", channel, _CAPACITY)):
        less = replace(families[at], limit=np.floor(families[at].limit * share))
        found[name] = replace(problem, families=(*families[:at], less, *families[at + 1 :]))
    closed = problem.value.copy()
    closed[:, : max(1, closed.shape[1] // 5)] = -np.inf
    return {**found, "policy": replace(problem, value=closed)}


def _known(planned: PlanSolution, changed: Problem, cuts: Cuts) -> dict[str, Any]:
    """Return what the answer takes from what is known; every answer adds to it."""
    began = time.perf_counter()
    answer = solve(changed, planned.price, cuts=cuts)
    return {
        "seconds_known": round(time.perf_counter() - began, 3),
        "passes_known": answer.passes,
        "gap_known": answer.gap,
    }


def _asked(planned: PlanSolution, changed: Problem) -> dict[str, Any]:
    began = time.perf_counter()
    answer = solve(changed, planned.price)
    warm = time.perf_counter() - began
    began = time.perf_counter()
    solve(changed)
    cold = time.perf_counter() - began
    return {
        "seconds": round(warm, 3),
        "passes": answer.passes,
        "seconds_cold": round(cold, 3),
        "change": answer.objective / planned.objective - 1.0,
        "gap": answer.gap,
        "violations": violations(changed, answer),
    }
