"""What is known of a plan's customers is not asked again, and changes no answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from bankloop.loop import reach
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.several import repriced


def scarce(pooled: bool) -> reach.Problem:
    rng = np.random.default_rng(5)
    families = [
        reach.Family("budget", np.array([1.0, 2.0, 0.5]), np.array([4_000.0])),
        reach.Family("calls", np.array([0.0, 1.0, 0.0]), np.array([900.0])),
    ]
    if pooled:
        group = rng.integers(0, 30, 20_000)
        families.append(reach.Family("minutes", np.array([0.0, 12.0, 1.0]), np.full(30, 300.0), group))
    return reach.Problem(rng.lognormal(3.0, 1.0, (20_000, 3)), tuple(families))


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("factor", [0.3, 0.9, 1.7])
def test_another_limit_is_answered_alike_from_what_is_known_and_sooner(pooled: bool, factor: float) -> None:
    problem, cuts = scarce(pooled), Cuts()
    first = reach.solve(problem, cuts=cuts)
    assert len(cuts) >= first.passes - 2
    other = reach.with_limit(problem, 0, factor)
    anew, known = reach.solve(other), reach.solve(other, first.price, cuts=cuts)
    assert known.objective == pytest.approx(anew.objective, rel=2e-4)
    assert known.bound >= known.objective
    assert known.bound == pytest.approx(anew.bound, rel=1e-5)
    assert known.passes < anew.passes
    assert repriced(other, None, first.price, cuts)[0][0] == pytest.approx(anew.price[0][0], rel=0.01)


def test_another_limit_under_rules_is_answered_alike_from_what_is_known() -> None:
    problem, cuts, rules = scarce(False), Cuts(), reach.Rules(2, (0, 1, 2))
    first = reach.assign(problem, rules, cuts=cuts)
    other = reach.with_limit(problem, 0, 0.5)
    anew, known = reach.assign(other, rules), reach.assign(other, rules, first.price, cuts=cuts)
    assert known.objective == pytest.approx(anew.objective, rel=1e-3)
    assert known.passes < anew.passes


@pytest.mark.parametrize("seed", range(5))
def test_the_least_point_is_that_of_the_linear_program_made_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale, cuts = 2.0 ** rng.integers(-2, 5, 4), Cuts()
    cuts.begin(scale, 1e6)
    limit, floor = rng.uniform(50.0, 100.0, 4), np.array([0.0, 20.0, 0.0, 5.0])
    cuts.aim(limit, floor)
    planes = []
    for _ in range(30):
        planes.append((float(rng.uniform(1e5, 1e6)), rng.uniform(0.0, 400.0, 4) / scale))
        cuts.add(*planes[-1])
        low, high = -rng.uniform(0.0, 9.0, 4) * scale * (floor > 0), rng.uniform(1.0, 9.0, 4) * scale
        found = cuts.least(low, high)
        assert found is not None
        slopes = np.array([used for _, used in planes])
        rows = np.column_stack([-slopes, slopes, -np.ones(len(planes))])
        anew = linprog(
            np.r_[limit, -floor, 1.0], A_ub=rows, b_ub=-np.array([constant for constant, _ in planes]),
            bounds=[*zip(np.maximum(low, 0.0), high, strict=True), *zip(np.zeros(4), -low, strict=True), (None, None)],
        )  # fmt: skip
        assert found[1] == pytest.approx(anew.fun, rel=1e-6)
        assert (found[0] >= low - 1e-6).all()
        assert (found[0] <= high + 1e-6).all()


@pytest.mark.parametrize("pooled", [False, True])
def test_prices_that_start_far_away_arrive(pooled: bool) -> None:
    problem = scarce(pooled)
    dear = reach.solve(reach.with_limit(problem, 0, 0.05)).price
    anew, from_afar = reach.solve(problem), reach.solve(problem, dear)
    assert from_afar.gap < 1e-3
    assert from_afar.objective == pytest.approx(anew.objective, rel=1e-3)
    assert from_afar.passes < 60
