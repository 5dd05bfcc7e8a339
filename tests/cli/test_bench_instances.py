"""What the benchmarks measure is sound: every instance is solved without breaking anything, close to its bound."""

from __future__ import annotations

import pytest

from bankloop.bench.assigning import violations
from bankloop.bench.instances import INSTANCES, instance
from bankloop.bench.pacing import measure
from bankloop.bench.whatifs import changes
from bankloop.bench.whatifs import measure as whatif
from bankloop.loop.reach import solve


@pytest.mark.parametrize("branches", [None, 20])
@pytest.mark.parametrize("name", INSTANCES)
def test_every_instance_is_feasible_and_certified(name: str, branches: int | None) -> None:
    problem = instance(name, 3_000, 12, 6, branches)
    solution = solve(problem)
    assert violations(problem, solution) == 0
    assert solution.objective <= solution.bound * (1 + 1e-9)
    # A tight branch has room for one or two visits: what half a visit would be worth is in the bound, and in no plan.
    assert solution.gap < (0.15 if name == "tight" and branches else 0.02)


def test_broken_limits_and_closed_actions_are_counted() -> None:
    problem = instance("tight", 3_000, 12, 6, None)
    solution = solve(problem)
    greedy = solve(instance("slack", 3_000, 12, 6, None))
    assert violations(problem, solution) == 0
    assert violations(problem, greedy) > 0


@pytest.mark.soak
def test_a_day_in_real_time_stays_close_to_hindsight() -> None:
    found = measure(40_000)
    assert 0.0 <= found["regret"] < 0.01
    assert found["incremental_over_greedy"] > 0
    assert found["incremental_over_propensity"] > 0


@pytest.mark.parametrize(
    ("name", "customers", "resources", "branches", "gap"),
    [
        ("lognormal", 10_000, 9, None, 2e-4), ("lognormal", 100_000, 9, None, 5e-5), ("lognormal", 100_000, 5, 400, 2e-3),
        ("tight", 10_000, 9, None, 2e-4), ("tight", 100_000, 9, None, 5e-5),
    ],
)  # fmt: skip
def test_gaps_are_what_is_promised(name: str, customers: int, resources: int, branches: int | None, gap: float) -> None:
    problem = instance(name, customers, 20, resources, branches)
    solution = solve(problem)
    assert violations(problem, solution) == 0
    assert solution.gap <= gap


def test_what_if_from_the_last_prices_is_what_solving_from_nothing_says() -> None:
    problem = instance("lognormal", 6_000, 12, 6, None)
    planned = solve(problem)
    for name, changed in changes(problem).items():
        warm, cold = solve(changed, planned.price), solve(changed)
        assert violations(changed, warm) == 0
        assert warm.objective < planned.objective or name == "capacity"
        assert warm.objective == pytest.approx(cold.objective, rel=1e-3)
    found = whatif(2_000, 6, 4, None)
    assert found["violations"] == 0
    assert {"budget", "capacity", "policy"} <= set(found)
