"""Use that differs by customer: whole fen are never exceeded, the certificate holds, and small plans are the exact ones."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.kit.errors import InputError
from bankloop.loop.reach import NONE, Family, PlanSolution, Problem, Rules, assign, solve
from tests.loop.reach.test_assignment import exact_optimum, make

# A loan's amount in fen: thousands of yuan to a quarter of a million, nothing round about it.
_LEAST, _MOST = 100_003, 25_000_019


def with_amounts(
    problem: Problem, seed: int, tightness: float = 0.3, budgets: int = 2, *, branches: int = 0
) -> Problem:
    """Return a problem with budgets over amounts that differ by customer, of some actions each, in whole fen."""
    rng = np.random.default_rng(seed)
    n, k = problem.value.shape
    families = list(problem.families)
    for number in range(budgets):
        some = rng.random(k) < 0.6
        some[rng.integers(k)] = True
        amounts = np.where(some, np.round(rng.lognormal(14.0, 1.0, (n, k)).clip(_LEAST, _MOST)), 0.0)
        pools = branches if branches and number == 0 else 1
        limit = np.full(pools, np.floor(tightness * amounts.max(axis=1, initial=0.0).sum() / pools))
        group = rng.integers(0, pools, n) if pools > 1 else None
        families.append(Family(f"volume:{number}", amounts, limit, group))
    return Problem(problem.value, tuple(families))


def assert_within(problem: Problem, solution: PlanSolution) -> None:
    """Count every limit again in integer fen."""
    rows, columns = solution.pairs
    assert np.isfinite(problem.value[rows, columns]).all()
    for family, told in zip(problem.families, solution.used, strict=True):
        used = [0] * len(family.limit)
        for row, column, amount in zip(
            rows.tolist(), columns.tolist(), family.takes(rows, columns).tolist(), strict=True
        ):
            pool = 0 if family.group is None else int(family.group[row])
            assert column < problem.value.shape[1]
            used[pool] += int(amount) if family.use.ndim == 2 else amount
        for pool, limit in enumerate(family.limit.tolist()):
            if family.use.ndim == 2:
                assert used[pool] <= int(limit), family.name
                assert used[pool] == int(told[pool])
            else:
                assert used[pool] <= limit + 1e-6, family.name


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(1, 200), k=st.integers(1, 6), seed=st.integers(0, 10**6), tightness=st.sampled_from([0.0, 0.02, 0.3, 3.0]),
    branches=st.sampled_from([0, 1, 6]), pools=st.sampled_from([0, 5]), single=st.booleans(),
)  # fmt: skip
def test_no_limit_is_ever_exceeded_in_whole_fen(
    n: int, k: int, seed: int, tightness: float, branches: int, pools: int, single: bool
) -> None:
    problem = with_amounts(make(n, k, seed, 0.5, branches), seed, tightness, branches=pools)
    if single:
        value = problem.value.astype(np.float32)
        problem = Problem(value, tuple(replace(f, use=f.use.astype(np.float32)) if f.use.ndim == 2 and f.use.max() < 2**24 else f for f in problem.families))  # fmt: skip
    solution = solve(problem)
    assert_within(problem, solution)
    assert solution.objective <= solution.bound + 1e-6 * max(1.0, abs(solution.bound))
    assert 0.0 <= solution.gap <= 1.0


def brute_force(problem: Problem) -> float:
    """Return the best value of all (k + 1)^n plans."""
    n, k = problem.value.shape
    best = 0.0
    for choice in itertools.product(range(-1, k), repeat=n):
        rows = np.flatnonzero(np.array(choice) >= 0)
        columns = np.array(choice, np.int64)[rows]
        value = float(problem.value[rows, columns].sum())
        if value <= best:
            continue
        fits = True
        for family in problem.families:
            group = np.zeros(rows.size, np.int64) if family.group is None else family.group[rows]
            used = np.bincount(group, family.takes(rows, columns), minlength=len(family.limit))
            fits &= bool((used <= family.limit + 1e-9).all())
        best = value if fits else best
    return best


@pytest.mark.parametrize("seed", range(12))
def test_plans_of_a_handful_are_the_best_of_all_plans(seed: int) -> None:
    problem = with_amounts(make(6, 3, seed, 2.0, branches=2 * (seed % 2)), seed, 0.4, branches=2 * (seed % 3 == 0))
    best, solution = brute_force(problem), solve(problem)
    assert solution.objective == pytest.approx(best, rel=1e-9)
    assert solution.bound >= best - 1e-6 * max(1.0, best)


@pytest.mark.parametrize("seed", range(6))
def test_bound_and_plan_enclose_the_exact_optimum(seed: int) -> None:
    problem = with_amounts(make(120, 4, seed, branches=3 * (seed % 2)), seed, 0.2)
    exact, solution = exact_optimum(problem), solve(problem)
    assert solution.objective <= exact * (1 + 1e-6)
    assert exact <= solution.bound * (1 + 1e-6)
    assert solution.objective >= 0.98 * exact


def test_use_that_is_alike_for_all_gives_the_plan_of_use_by_action() -> None:
    """The same problem said in both ways has the same bound, and plans as near to it."""
    problem = make(3_000, 5, 4)
    n = len(problem.value)
    spelled = Problem(problem.value, tuple(replace(f, use=np.tile(f.use, (n, 1))) for f in problem.families))
    by_action, by_customer = solve(problem), solve(spelled)
    assert by_customer.bound == pytest.approx(by_action.bound, rel=1e-6)
    assert by_customer.gap < 1e-4


def test_large_plans_are_near_their_bound_with_branches_beside_amounts() -> None:
    gaps = [solve(with_amounts(make(n, 8, 3, branches=b), 3)).gap for n, b in ((4_000, 0), (40_000, 0), (40_000, 40))]
    assert gaps[0] < 5e-4
    assert gaps[1] < 1e-4
    assert gaps[2] < 1e-3


def test_a_part_of_the_customers_keeps_its_own_amounts() -> None:
    from bankloop.loop.reach.assignment import part_of

    problem = with_amounts(make(50, 3, 1), 1)
    rows = np.array([3, 7, 40])
    part = part_of(problem, rows)
    assert (part.families[2].use == problem.families[2].use[rows]).all()


def test_amounts_that_are_no_amounts_are_refused() -> None:
    value = np.ones((3, 2))
    for use in (np.full((3, 2), np.nan), np.full((3, 2), -1.0), np.ones((2, 2)), np.full((3, 2), np.inf)):
        with pytest.raises(InputError, match="volume"):
            solve(Problem(value, (Family("volume", use, np.array([1.0])),)))


def test_amounts_beside_several_campaigns_are_refused_with_the_cure() -> None:
    problem = with_amounts(make(20, 2, 1), 1)
    with pytest.raises(InputError, match="per_customer to 1") as caught:
        assign(problem, Rules(2, (0, 1)))
    assert caught.value.code == "plan.own_use_and_several"
    assert "volume:0" in caught.value.message.zh


def test_amounts_of_a_floor_are_reached() -> None:
    """Half of the volume must go out though every loan loses."""
    rng = np.random.default_rng(2)
    amounts = np.round(rng.uniform(1_000, 9_000, (200, 2)))
    value = -rng.uniform(1, 5, (200, 2))
    floor = np.array([np.floor(amounts.max(axis=1).sum() / 2)])
    problem = Problem(value, (Family("volume", amounts, np.array([amounts.max(axis=1).sum()]), None, floor),))
    solution = solve(problem)
    assert solution.feasible
    assert solution.used[0][0] >= floor[0]
    assert (solution.choice != NONE).any()
