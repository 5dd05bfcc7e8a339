"""What prices leave open is settled exactly: as good as the best of all plans, and the bound says so."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.loop.reach import NONE, Family, Problem, solve
from bankloop.loop.reach.assignment import choose, flatten, objective_of
from bankloop.loop.reach.core import core_of, prices_of, whole_of

# What a plan may lack that was sought until it was this near, and what a float may.
NEAR = 3e-5


def best_of_all(problem: Problem) -> float:
    """The value of the best plan, every one tried."""
    n, k = problem.value.shape
    best = 0.0
    for choice in itertools.product(range(-1, k), repeat=n):
        taken = [(i, j) for i, j in enumerate(choice) if j != NONE]
        if any(not np.isfinite(problem.value[one]) for one in taken):
            continue
        if all(sum(f.use[j] for _, j in taken) <= f.limit[0] + 1e-9 for f in problem.families):
            best = max(best, sum(float(problem.value[one]) for one in taken))
    return best


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A few customers and actions, and budgets that whole actions do not fill."""
    n, k = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    cell = st.one_of(st.just(-np.inf), st.integers(-50, 1_000).map(float))
    value = np.array(draw(st.lists(st.lists(cell, min_size=k, max_size=k), min_size=n, max_size=n)))
    uses = st.lists(st.integers(0, 9).map(float), min_size=k, max_size=k)
    families = tuple(
        Family(f"budget:{number}", np.array(draw(uses)), np.array([float(draw(st.integers(0, 25)))]))
        for number in range(draw(st.integers(1, 2)))
    )
    return Problem(value, families)


@settings(max_examples=150)
@given(problems())
def test_a_small_plan_is_the_best_of_all_plans(problem: Problem) -> None:
    found, best = solve(problem), best_of_all(problem)
    assert found.objective <= best + 1e-6
    assert found.objective >= best * (1.0 - NEAR) - 1e-6
    assert found.bound >= best - 1e-6


def test_a_core_holds_every_better_plan_and_its_relaxation_prices_what_is_scarce() -> None:
    rng = np.random.default_rng(4)
    value = rng.lognormal(3.0, 1.0, (400, 4))
    problem = Problem(value, (Family("budget", np.array([3.0, 5.0, 7.0, 11.0]), np.array([101.0])),))
    flat, found = flatten(problem), solve(problem)
    dual, _, best = choose(flat, found.price[0])
    core = core_of(flat, found.price[0], best, dual, 2_000)
    assert core is not None
    price = prices_of(flat, core)
    assert price is not None
    assert price[0] > 0
    assert choose(flat, price)[0] <= dual + 1e-6
    whole = whole_of(flat, core)
    assert whole is not None
    assert objective_of(value, whole[0]) <= whole[1] + 1e-6
    assert whole[1] * (1.0 - NEAR) <= found.objective <= whole[1] + 1e-6
    assert core_of(flat, found.price[0], best, dual, 10) is None  # more than was asked for
    assert core_of(flat, found.price[0], best, 0.0, 2_000) is None  # nothing loses less than nothing
