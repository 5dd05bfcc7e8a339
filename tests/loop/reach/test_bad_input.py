"""What no plan can be made of is refused with its place; what only looks odd has a stated answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.kit.errors import InputError
from bankloop.loop.reach import NONE, Family, Problem, solve
from tests.loop.reach.test_assignment import assert_feasible, make

ONE = np.ones(1)


def budget(use: np.ndarray, limit: float) -> tuple[Family, ...]:
    return (Family("budget", use, np.array([limit])),)


@pytest.mark.parametrize(
    "family",
    [
        Family("calls", np.array([-1.0, 0.0]), ONE),
        Family("calls", np.array([np.nan, 0.0]), ONE),
        Family("calls", np.array([np.inf, 0.0]), ONE),
        Family("calls", np.ones(3), ONE),
        Family("calls", np.ones(2), np.array([-1.0])),
        Family("calls", np.ones(2), np.array([np.nan])),
        Family("calls", np.ones(2), ONE, None, np.array([-1.0])),
        Family("calls", np.ones(2), ONE, None, np.array([np.inf])),
        Family("calls", np.ones(2), ONE, None, np.ones(2)),
        Family("calls", np.ones(2), np.ones(2)),
        Family("calls", np.ones(2), ONE, np.array([0, 0, 1])),
        Family("calls", np.ones(2), ONE, np.array([0, 0, -1])),
        Family("calls", np.ones(2), ONE, np.zeros(2, int)),
    ],
)
def test_a_resource_that_makes_no_sense_is_named(family: Family) -> None:
    with pytest.raises(InputError, match="calls"):
        solve(Problem(np.ones((3, 2)), (family,)))


def test_a_value_that_overflows_a_short_float_is_refused_with_its_place() -> None:
    value = np.ones((5, 2))
    value[3, 1] = 1e39
    with pytest.raises(InputError, match="action 1 for customer 3"):
        solve(Problem(value, ()))
    with np.errstate(over="ignore"), pytest.raises(InputError, match="action 1 for customer 3"):
        solve(Problem(value.astype(np.float32), ()))


def test_short_floats_plan_as_long_ones_do() -> None:
    problem = make(3_000, 6, 4, branches=5)
    short = Problem(problem.value.astype(np.float32), problem.families)
    assert solve(short).objective == pytest.approx(solve(problem).objective, rel=1e-4)
    assert_feasible(short, solve(short))


def test_values_must_be_a_table_and_prices_fit() -> None:
    with pytest.raises(InputError, match="customers by actions"):
        solve(Problem(np.ones(3), ()))
    for prices in ((np.ones(2),), (np.array([np.nan]),), ()):
        with pytest.raises(InputError, match="do not fit the resources"):
            solve(Problem(np.ones((3, 2)), budget(np.ones(2), 1.0)), prices)


def test_an_action_that_nobody_may_have_changes_nothing() -> None:
    problem = make(400, 3, 7)
    wider = np.column_stack([problem.value, np.full(400, -np.inf)])
    families = tuple(Family(f.name, np.r_[f.use, 5.0], f.limit, f.group) for f in problem.families)
    assert solve(Problem(wider, families)).objective == solve(problem).objective


def test_equal_values_are_all_as_good_and_the_limit_is_used_up() -> None:
    solution = solve(Problem(np.full((1_000, 4), 25.0), budget(np.ones(4), 300.0)))
    assert solution.objective == 25.0 * 300
    assert solution.gap < 1e-6


def test_half_a_slot_is_none() -> None:
    solution = solve(Problem(np.full((10, 1), 7.0), budget(np.ones(1), 2.5)))
    assert (solution.choice != NONE).sum() == 2


def test_no_limit_is_no_limit_and_no_resources_leave_everybody_their_best() -> None:
    value = np.random.default_rng(0).normal(size=(200, 3))
    best = np.maximum(value.max(axis=1), 0.0).sum()
    assert solve(Problem(value, budget(np.ones(3), np.inf))).objective == pytest.approx(best)
    assert solve(Problem(value, ())).objective == pytest.approx(best)
    assert solve(Problem(value, ())).gap == pytest.approx(0.0, abs=1e-12)


def test_ten_thousand_constraints() -> None:
    rng = np.random.default_rng(5)
    branch = rng.integers(0, 10_000, 30_000)
    families = (
        *budget(np.array([1.0, 2.0, 4.0]), 9_000.0),
        Family("minutes", np.array([0.0, 10.0, 20.0]), np.full(10_000, 20.0), branch),
    )
    problem = Problem(rng.lognormal(3, 1, (30_000, 3)), families)
    solution = solve(problem)
    assert_feasible(problem, solution)
    assert solution.gap < 0.05


@pytest.mark.parametrize("n", [1_000, 3_900, 4_100, 45_000])
def test_plans_of_every_size_are_sampled_soundly(n: int) -> None:
    problem = make(n, 50, 2, branches=3)
    solution = solve(problem)
    assert_feasible(problem, solution)
    assert solution.gap < 0.01


def test_many_limits_on_everybody_at_once() -> None:
    rng = np.random.default_rng(6)
    some = [np.where(rng.random(8) < 0.4, 1.0, 0.0) for _ in range(200)]
    families = tuple(Family(f"pool:{i}", use, np.array([40.0 + i])) for i, use in enumerate(some))
    problem = Problem(rng.lognormal(3, 1, (2_000, 8)), families)
    solution = solve(problem)
    assert_feasible(problem, solution)
    assert solution.gap < 0.05


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 400), seed=st.integers(0, 10**6), branches=st.sampled_from([0, 6]))
def test_the_order_of_customers_decides_nothing(n: int, seed: int, branches: int) -> None:
    problem = make(n, 5, seed, branches=branches)
    order = np.random.default_rng(seed).permutation(n)
    families = tuple(
        Family(f.name, f.use, f.limit, None if f.group is None else f.group[order]) for f in problem.families
    )
    first, shuffled = solve(problem), solve(Problem(problem.value[order], families))
    assert (first.choice[order] == shuffled.choice).all()
    assert shuffled.bound == pytest.approx(first.bound, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), which=st.integers(0, 2), factor=st.floats(1.0, 5.0))
def test_more_of_anything_never_lowers_the_bound(seed: int, which: int, factor: float) -> None:
    problem = make(300, 5, seed, branches=4)
    families = list(problem.families)
    grown = families[which]
    families[which] = Family(grown.name, grown.use, grown.limit * factor, grown.group)
    before, after = solve(problem), solve(Problem(problem.value, tuple(families)))
    assert after.bound >= before.bound * (1 - 1e-5)
