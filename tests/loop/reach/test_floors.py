"""Floors: reached where they can be, at the least loss; where they cannot, approached, and the culprits named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from bankloop.loop.reach import NONE, Bound, Family, Problem, Side, conflict, solve
from tests.loop.reach.test_assignment import assert_feasible


def problem_with(floor: float, limit: float = np.inf, budget: float = 1e9, n: int = 120, seed: int = 0) -> Problem:
    """Customers of three segments; of each segment at least ``floor`` get something, and everything costs money."""
    rng = np.random.default_rng(seed)
    value = rng.normal(-2.0, 6.0, (n, 3))
    value[rng.random((n, 3)) < 0.3] = -np.inf
    segment = np.arange(n) % 3
    floors = Family("segment", np.ones(3), np.full(3, limit), segment, np.full(3, floor))
    return Problem(value, (Family("budget", np.array([1.0, 2.0, 3.0]), np.array([budget])), floors))


def exact(problem: Problem) -> float:
    n, k = problem.value.shape
    closed = ~np.isfinite(problem.value)
    value = np.where(closed, 0.0, problem.value)
    rows, low, high = [], [], []
    for i in range(n):
        row = np.zeros((n, k))
        row[i] = 1
        rows.append(row.ravel())
        low.append(-np.inf)
        high.append(1.0)
    for family in problem.families:
        group = np.zeros(n, int) if family.group is None else family.group
        floor = np.zeros(len(family.limit)) if family.floor is None else family.floor
        for g in range(len(family.limit)):
            rows.append(((group == g)[:, None] * family.use[None, :]).ravel())
            low.append(floor[g] if floor[g] > 0 else -np.inf)
            high.append(family.limit[g])
    answer = milp(-value.ravel(), constraints=LinearConstraint(np.array(rows), low, high), integrality=np.ones(n * k),
                  bounds=(0, np.where(closed.ravel(), 0.0, 1.0)))  # fmt: skip
    return float(-answer.fun)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("floor", "budget"), [(15.0, 1e9), (25.0, 1e9), (25.0, 110.0)])
def test_floors_are_reached_at_nearly_the_least_loss(seed: int, floor: float, budget: float) -> None:
    problem = problem_with(floor, budget=budget, seed=seed)
    solution = solve(problem)
    assert solution.feasible
    assert_feasible(problem, solution)
    assert (solution.used[1] >= floor).all()
    best = exact(problem)
    assert solution.objective <= best + 1e-6
    assert best - solution.objective <= 0.05 * abs(best)
    assert solution.bound >= best - 1e-6 * abs(best)
    assert conflict(problem) == ()


def test_a_floor_above_the_population_is_named_alone_and_the_nearest_plan_gives_all() -> None:
    problem = problem_with(41.0)
    solution = solve(problem)
    assert not solution.feasible
    reachable = np.isfinite(problem.value).any(axis=1)
    given_to = np.bincount(np.arange(120)[solution.choice != NONE] % 3, minlength=3)
    assert (given_to == np.bincount(np.arange(120)[reachable] % 3, minlength=3)).all()
    found = conflict(problem)
    assert len(found) == 1
    assert found[0].name == "segment"
    assert found[0].side is Side.FLOOR
    assert found[0].amount == 41.0


def test_floors_against_a_budget_are_an_irreducible_set() -> None:
    value = np.full((90, 2), 5.0)
    segment = np.arange(90) % 3
    calls = Family("calls", np.array([0.0, 1.0]), np.array([50.0]))
    families = (
        Family("budget", np.array([2.0, 1.0]), np.array([45.0])),
        calls,
        Family("segment", np.ones(2), np.full(3, np.inf), segment, np.array([20.0, 20.0, 20.0])),
    )
    found = conflict(Problem(value, families))
    assert {(b.name, b.side) for b in found} == {("budget", Side.LIMIT), ("segment", Side.FLOOR)}
    assert len(found) == 4
    assert_irreducible(Problem(value, families), found)


def only(problem: Problem, bounds: tuple[Bound, ...]) -> Problem:
    """The problem with no other bounds than these."""
    families = []
    for family in problem.families:
        limit, floor = np.full_like(family.limit, np.inf), np.zeros(len(family.limit))
        for bound in bounds:
            if bound.name == family.name:
                (limit if bound.side is Side.LIMIT else floor)[bound.group] = bound.amount
        families.append(Family(family.name, family.use, limit, family.group, floor))
    return Problem(problem.value, tuple(families))


def assert_irreducible(problem: Problem, found: tuple[Bound, ...]) -> None:
    assert conflict(only(problem, found)) != ()
    for out in found:
        assert conflict(only(problem, tuple(b for b in found if b != out))) == ()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), floor=st.integers(0, 45), budget=st.integers(0, 250))
def test_a_limit_is_never_broken_for_a_floor_and_conflicts_are_irreducible(seed: int, floor: int, budget: int) -> None:
    problem = problem_with(float(floor), 40.0, float(budget), seed=seed)
    solution = solve(problem)
    assert_feasible(problem, solution)
    found = conflict(problem)
    if found:
        assert not solution.feasible
        assert_irreducible(problem, found)


def test_a_floor_above_its_own_limit_is_a_conflict_of_the_two() -> None:
    problem = problem_with(12.0, 10.0)
    found = conflict(problem)
    assert {b.side for b in found} == {Side.FLOOR, Side.LIMIT}
    assert len({b.group for b in found}) == 1
    assert (solve(problem).used[1] == 10.0).all()


def test_a_floor_has_a_price_below_zero() -> None:
    problem = problem_with(36.0)
    free = problem_with(0.0)
    solution = solve(problem)
    assert (solution.price[1] < 0).all()
    assert solution.objective < solve(free).objective
