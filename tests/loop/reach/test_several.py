"""Several actions per customer: within the rules and the limits always, near the exact optimum."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from bankloop.kit.errors import InputError
from bankloop.loop.reach import Family, Problem, Rules, SeveralSolution, solve, solve_several
from tests.loop.reach.test_assignment import make

# Two placements of two and a third of one; 0 and 2 exclude each other; 3 goes only with 4.
RULES = Rules(3, (0, 0, 1, 1, 2), excludes=((0, 2),), needs=((3, 4),))


def assert_allowed(problem: Problem, rules: Rules, solution: SeveralSolution) -> None:
    assert np.isfinite(problem.value[solution.chosen]).all()
    for row in solution.chosen:
        assert rules.allows(np.flatnonzero(row).tolist())
    for family in problem.families:
        each = (solution.chosen * family.use).sum(axis=1)
        group = np.zeros(len(each), int) if family.group is None else family.group
        assert (np.bincount(group, each, len(family.limit)) <= family.limit + 1e-6).all(), family.name


def exact(problem: Problem, rules: Rules) -> float:
    n, k = problem.value.shape
    allowed = [s for m in range(1, rules.most + 1) for s in itertools.combinations(range(k), m) if rules.allows(s)]
    member = np.array([[c in s for c in range(k)] for s in allowed], float)
    value = np.where(np.isfinite(problem.value), problem.value, -1e7) @ member.T
    wide = Problem(value, tuple(Family(f.name, member @ f.use, f.limit, f.group) for f in problem.families))
    sets = len(allowed)
    rows, limits = [np.kron(np.eye(n), np.ones(sets))], [np.ones(n)]
    for family in wide.families:
        group = np.zeros(n, int) if family.group is None else family.group
        for g, limit in enumerate(family.limit):
            rows.append(((group == g)[:, None] * family.use[None, :]).reshape(1, -1))
            limits.append(np.array([limit]))
    answer = milp(-value.ravel(), constraints=LinearConstraint(np.vstack(rows), ub=np.concatenate(limits)),
                  integrality=np.ones(n * sets), bounds=(0, 1))  # fmt: skip
    return float(-answer.fun)


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 150), seed=st.integers(0, 10**6), tightness=st.sampled_from([0.0, 0.1, 0.5, 5.0]),
    most=st.integers(1, 4), branches=st.sampled_from([0, 3]),
)  # fmt: skip
def test_rules_and_limits_always_hold(n: int, seed: int, tightness: float, most: int, branches: int) -> None:
    problem = make(n, 5, seed, tightness, branches)
    rules = Rules(most, RULES.placement, RULES.excludes, RULES.needs)
    solution = solve_several(problem, rules)
    assert_allowed(problem, rules, solution)
    assert 0.0 <= solution.objective <= solution.bound * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_near_the_exact_optimum(seed: int) -> None:
    problem = make(60, 5, seed, 0.4)
    best = exact(problem, RULES)
    solution = solve_several(problem, RULES)
    assert solution.objective <= best + 1e-6 <= solution.bound + 1e-4 * best
    assert solution.objective >= 0.97 * best


def test_one_action_each_is_the_plan_of_one_action() -> None:
    problem = make(2_000, 5, 4)
    one = solve_several(problem, Rules(1, tuple(range(5))))
    assert one.bound == pytest.approx(solve(problem).bound, rel=1e-5)
    assert one.objective == pytest.approx(solve(problem).objective, rel=2e-3)


def test_what_is_needed_comes_along_though_it_pays_nothing_itself() -> None:
    value = np.array([[10.0, -4.0], [3.0, -4.0]])
    solution = solve_several(Problem(value, ()), Rules(2, (0, 1), needs=((0, 1),)))
    assert solution.chosen.tolist() == [[True, True], [False, False]]
    assert solution.objective == 6.0


def test_a_window_s_cap_and_last_prices() -> None:
    problem = make(3_000, 5, 8)
    free = Rules(2, tuple(range(5)))
    cold = solve_several(problem, free)
    warm = solve_several(problem, free, cold.price)
    assert cold.chosen.sum(axis=1).max() == 2
    assert warm.bound == pytest.approx(cold.bound, rel=1e-5)
    assert warm.passes < cold.passes


@pytest.mark.parametrize(
    "rules",
    [
        Rules(2, (0, 1)), Rules(0, (0, 1, 2)), Rules(2, (0, 1, 2), excludes=((0, 3),)),
        Rules(2, (0, 1, 2), needs=((-1, 0),)),
    ],
)  # fmt: skip
def test_rules_that_do_not_fit_are_refused(rules: Rules) -> None:
    with pytest.raises(InputError, match="do not fit the actions"):
        solve_several(make(10, 3, 1), rules)


def test_rules_with_too_many_combinations_are_refused() -> None:
    with pytest.raises(InputError, match="too many combinations"):
        solve_several(Problem(np.ones((2, 40)), ()), Rules(20, tuple(range(40))))
