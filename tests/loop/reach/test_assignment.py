"""The assignment: feasible always, certified always, and as good as an exact solver says it can be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from bankloop.kit.errors import InputError
from bankloop.loop.reach import NONE, Family, PlanSolution, Problem, rounding, solve


def make(n: int, k: int, seed: int, tightness: float = 0.2, branches: int = 0, ties: bool = False) -> Problem:
    rng = np.random.default_rng(seed)
    value = rng.lognormal(3, 1, (n, k)) - 15
    if ties:
        value = np.round(value / 20) * 20
    value[rng.random((n, k)) < 0.3] = -np.inf
    cost = rng.uniform(1, 10, k)
    families = [
        Family("budget", cost, np.array([tightness * n * 3])),
        Family("calls", (np.arange(k) == 0).astype(float), np.array([np.floor(tightness * n / 3)])),
    ]
    if branches:
        families.append(
            Family(
                "minutes",
                rng.integers(0, 3, k).astype(float),
                np.full(branches, tightness * n / branches),
                rng.integers(0, branches, n),
            )
        )
    return Problem(value, tuple(families))


def assert_feasible(problem: Problem, solution: PlanSolution) -> None:
    chosen = np.flatnonzero(solution.choice != NONE)
    assert np.isfinite(problem.value[chosen, solution.choice[chosen]]).all(), "a closed action was chosen"
    for family in problem.families:
        group = np.zeros(len(problem.value), int) if family.group is None else family.group
        used = np.zeros(len(family.limit))
        np.add.at(used, group[chosen], family.use[solution.choice[chosen]])
        assert (used <= family.limit + 1e-6).all(), family.name


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 300), k=st.integers(1, 6), seed=st.integers(0, 10**6), tightness=st.sampled_from([0.0, 0.05, 0.3, 5.0]),
    branches=st.sampled_from([0, 1, 7]), ties=st.booleans(),
)  # fmt: skip
def test_feasible_and_never_above_its_bound(
    n: int, k: int, seed: int, tightness: float, branches: int, ties: bool
) -> None:
    problem = make(n, k, seed, tightness, branches, ties)
    solution = solve(problem)
    assert_feasible(problem, solution)
    assert solution.objective <= solution.bound + 1e-6 * max(1.0, abs(solution.bound))
    assert solution.objective >= 0.0
    assert 0.0 <= solution.gap <= 1.0


@pytest.mark.parametrize("seed", range(6))
def test_close_to_the_exact_optimum(seed: int) -> None:
    problem = make(150, 4, seed, branches=3)
    exact = exact_optimum(problem)
    solution = solve(problem)
    assert solution.bound >= exact - 1e-6 * exact
    assert solution.objective <= exact + 1e-6 * exact
    assert solution.objective >= 0.97 * exact
    assert exact - solution.objective <= solution.bound - solution.objective + 1e-6 * exact


def exact_optimum(problem: Problem) -> float:
    n, k = problem.value.shape
    value = np.where(np.isfinite(problem.value), problem.value, -1e6)
    rows, limits = [], []
    for i in range(n):
        row = np.zeros((n, k))
        row[i] = 1
        rows.append(row.ravel())
        limits.append(1.0)
    for family in problem.families:
        group = np.zeros(n, int) if family.group is None else family.group
        for g, limit in enumerate(family.limit):
            rows.append(((group == g)[:, None] * np.atleast_2d(family.use)).ravel())
            limits.append(limit)
    answer = milp(
        -value.ravel(),
        constraints=LinearConstraint(np.array(rows), ub=limits),
        integrality=np.ones(n * k),
        bounds=(0, 1),
    )
    return float(-answer.fun)


def test_plans_of_every_size_are_near_their_bound() -> None:
    gaps = [solve(make(n, 8, 3)).gap for n in (500, 5_000, 50_000)]
    assert max(gaps[:2]) < 2e-4
    assert gaps[2] < 5e-5


def test_the_bound_is_monotone_in_a_budget() -> None:
    problem = make(400, 5, 11)
    bounds = []
    for factor in (0.0, 0.3, 1.0, 2.0, 8.0):
        budget = problem.families[0]
        families = (Family("budget", budget.use, budget.limit * factor), *problem.families[1:])
        bounds.append(solve(Problem(problem.value, families)).bound)
    assert all(b >= a - 1e-6 * max(1.0, a) for a, b in itertools.pairwise(bounds))


def test_deterministic_and_blind_to_the_order_of_customers() -> None:
    problem = make(600, 5, 5, branches=4)
    first, again = solve(problem), solve(problem)
    assert (first.choice == again.choice).all()
    order = np.random.default_rng(0).permutation(600)
    families = tuple(
        Family(f.name, f.use, f.limit, None if f.group is None else f.group[order]) for f in problem.families
    )
    shuffled = solve(Problem(problem.value[order], families))
    assert shuffled.objective == pytest.approx(first.objective, rel=1e-3)
    assert shuffled.bound == pytest.approx(first.bound, rel=1e-6)


def test_warm_prices_reach_the_same_plan() -> None:
    problem = make(2_000, 6, 9, branches=3)
    cold = solve(problem)
    warm = solve(problem, cold.price)
    assert warm.bound == pytest.approx(cold.bound, rel=1e-6)
    assert warm.passes <= cold.passes


def test_a_capacity_of_zero_assigns_nobody_to_it() -> None:
    problem = make(200, 3, 1)
    calls = problem.families[1]
    solution = solve(Problem(problem.value, (problem.families[0], Family("calls", calls.use, np.array([0.0])))))
    assert (solution.choice != 0).all()


def test_a_budget_that_no_action_fits_and_an_empty_audience() -> None:
    problem = make(50, 3, 2)
    broke = Problem(problem.value, (Family("budget", np.full(3, 100.0), np.array([99.0])),))
    assert (solve(broke).choice == NONE).all()
    nobody = solve(Problem(np.zeros((0, 3)), problem.families))
    assert nobody.objective == 0.0
    assert nobody.gap == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(bad: float) -> None:
    problem = make(20, 3, 2)
    problem.value[7, 1] = bad
    with pytest.raises(InputError, match="action 1 for customer 7"):
        solve(problem)


def test_negative_use_is_refused() -> None:
    with pytest.raises(InputError, match="calls"):
        solve(Problem(np.ones((3, 2)), (Family("calls", np.array([-1.0, 0.0]), np.array([1.0])),)))


def test_filling_ends_where_the_rows_looked_at_show_nothing_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make(4_000, 4, 3, tightness=0.02)
    plain = solve(problem)
    monkeypatch.setattr(rounding, "_regret_for", lambda *_: np.inf)
    monkeypatch.setattr(rounding, "FILL_CANDIDATES", 100)
    monkeypatch.setattr(rounding, "FILL_PER_RESOURCE", 1)
    solution = solve(problem)
    assert_feasible(problem, solution)
    assert solution.objective >= 0.99 * plain.objective
