"""One budget: the whole curve, exact at every one of its points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.loop.reach import Family, Problem, budget_path, solve
from tests.loop.reach.test_assignment import exact_optimum


def values(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    value = rng.lognormal(3, 1, (n, k)) - 15
    value[rng.random((n, k)) < 0.3] = -np.inf
    return value, np.r_[0.0, rng.integers(1, 9, k - 1)].astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_every_point_of_the_curve_is_the_optimum(seed: int) -> None:
    value, use = values(60, 4, seed)
    path = budget_path(value, use)
    for step in (0, len(path.price) // 3, len(path.price) - 1):
        budget = float(path.spent[step])
        best = exact_optimum(Problem(value, (Family("budget", use, np.array([budget])),)))
        assert path.at(budget)[0] == pytest.approx(best, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 200), seed=st.integers(0, 10**6), share=st.floats(0.0, 1.2))
def test_prices_fall_money_is_kept_and_the_plan_agrees(n: int, seed: int, share: float) -> None:
    value, use = values(n, 5, seed)
    path = budget_path(value, use)
    assert (np.diff(path.price) <= 1e-9).all()
    assert (np.diff(path.earned) >= -1e-9).all()
    budget = share * float(path.spent[-1]) if len(path.spent) else 1.0
    choice = path.choice(budget)
    taken = choice >= 0
    assert use[choice[taken]].sum() <= budget + 1e-6
    assert value[taken, choice[taken]].sum() == pytest.approx(path.at(budget)[0])
    solution = solve(Problem(value, (Family("budget", use, np.array([budget])),)))
    assert path.at(budget)[0] <= solution.bound * (1 + 1e-9) + 1e-6
    assert solution.objective >= path.at(budget)[0] - path.at(budget)[1] * use.max() - 1e-6


def test_enough_money_gives_everybody_their_best() -> None:
    value, use = values(300, 5, 9)
    assert budget_path(value, use).at(np.inf) == (pytest.approx(np.maximum(value.max(axis=1), 0).sum()), 0.0)
