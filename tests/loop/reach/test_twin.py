"""Real time says what the batch plan says, explains itself, and keeps pace with what is left."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.kit.errors import InputError
from bankloop.loop import reach
from bankloop.loop.reach import (
    NONE,
    ActionOutcome,
    Pace,
    Problem,
    ResourcePrice,
    Silence,
    Tariff,
    TwinCustomer,
    decide,
    paced,
    solve,
)
from tests.loop.reach.test_assignment import make
from tests.loop.reach.test_own_use import with_amounts
from tests.loop.test_reach import planned

TODAY = date(2026, 8, 24)
END = TODAY + timedelta(days=6)


def tariff(problem: Problem, prices: tuple[np.ndarray, ...]) -> Tariff:
    rates = tuple(
        ResourcePrice(
            f.name,
            f.use if f.use.ndim == 1 else None,
            p,
            () if f.group is None else tuple(f"B{g}" for g in range(len(f.limit))),
        )
        for f, p in zip(problem.families, prices, strict=True)
    )
    return Tariff("plan", tuple(f"a{j}" for j in range(problem.value.shape[1])), rates, TODAY, END)


def person(problem: Problem, row: int) -> TwinCustomer:
    pools = {f.name: f"B{f.group[row]}" for f in problem.families if f.group is not None}
    uses = {f.name: np.asarray(f.use[row], np.float64) for f in problem.families if f.use.ndim == 2}
    return TwinCustomer(np.asarray(problem.value[row], np.float64), pools, TODAY, uses)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 120), seed=st.integers(0, 10**6), branches=st.sampled_from([0, 1, 5]), ties=st.booleans(),
    budgets=st.sampled_from([0, 1, 3]), pools=st.sampled_from([0, 4]),
)  # fmt: skip
def test_the_twin_is_the_plan_before_repair(
    n: int, seed: int, branches: int, ties: bool, budgets: int, pools: int
) -> None:
    """Alike use and amounts of each customer's own, in one pool and in several: the same choice from the same prices."""
    problem = with_amounts(make(n, 5, seed, branches=branches, ties=ties), seed, 0.1, budgets, branches=pools)
    solution = solve(problem)
    prices = tariff(problem, solution.price)
    for row in range(n):
        answer = decide(prices, person(problem, row), TODAY, 1)
        expected = solution.unrepaired[row]
        assert answer.chosen == ("" if expected == NONE else f"a{expected}")


def test_the_twin_of_a_bank_s_plan_agrees_for_everybody() -> None:
    plan, _ = planned(1_500)
    prices = reach.tariff_of(plan)
    found = plan.candidates
    for row in range(len(found.rows)):
        pools = {f.name: found.branches[f.group[row]] for f in plan.problem.families if f.group is not None}
        answer = decide(prices, TwinCustomer(found.value[row], pools, plan.as_of), plan.window_start, 400)
        intended = plan.intended[row, 0]
        assert answer.chosen == ("" if intended == NONE else prices.actions[intended])


def simple(*values: float) -> tuple[Tariff, TwinCustomer]:
    use = np.arange(len(values), dtype=float)
    names = tuple(f"a{j}" for j in range(len(values)))
    return Tariff("plan", names, (ResourcePrice("budget", use, np.array([2.0])),), TODAY, END), TwinCustomer(
        np.array(values), {}, TODAY
    )


def test_of_three_eligible_offers_one_is_sent_and_two_have_lost_to_it() -> None:
    answer = decide(*simple(10.0, 30.0, 25.0), TODAY, 1)
    assert answer.chosen == "a1"
    assert [offer.outcome for offer in answer.offers] == [
        ActionOutcome.CHOSEN,
        ActionOutcome.LOST_TO,
        ActionOutcome.LOST_TO,
    ]
    assert {offer.lost_to for offer in answer.offers[1:]} == {"a1"}
    assert answer.offers[1].charges == {"budget": 4.0}
    assert answer.offers[1].score == 21.0


def test_every_action_that_is_not_taken_says_why() -> None:
    rates, who = simple(-1.0, 1.5, -np.inf, 50.0)
    answer = decide(rates, who, TODAY, 1, {"budget": 2.5})
    assert answer.silence is Silence.NOTHING_PAYS
    assert {offer.action: offer.outcome for offer in answer.offers} == {
        "a0": ActionOutcome.NOT_WORTH, "a1": ActionOutcome.PRICED_OUT, "a2": ActionOutcome.CLOSED, "a3": ActionOutcome.NO_ROOM}  # fmt: skip


def test_a_resource_that_is_used_up_leaves_the_next_best() -> None:
    assert decide(*simple(10.0, 30.0, 25.0), TODAY, 1, {"budget": 0.0}).chosen == "a0"


def test_prices_of_another_week_and_old_scores_decide_nothing() -> None:
    rates, who = simple(10.0, 30.0)
    assert decide(rates, who, END + timedelta(days=1), 30).silence is Silence.PRICES_EXPIRED
    assert decide(rates, who, TODAY + timedelta(days=2), 1).silence is Silence.SCORES_STALE
    assert decide(rates, who, TODAY + timedelta(days=1), 1).silence is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_and_unknown_pools_are_refused(bad: float) -> None:
    rates, _ = simple(1.0, 2.0)
    with pytest.raises(InputError, match="action 1"):
        decide(rates, TwinCustomer(np.array([1.0, bad]), {}, TODAY), TODAY, 1)
    pooled = Tariff("plan", ("a0",), (ResourcePrice("minutes", np.ones(1), np.ones(2), ("B1", "B2")),), TODAY, END)
    with pytest.raises(InputError, match="minutes"):
        decide(pooled, TwinCustomer(np.ones(1), {"minutes": "B9"}, TODAY), TODAY, 1)


def test_amounts_price_a_customer_out_are_told_and_must_be_known() -> None:
    rates = Tariff("plan", ("a0", "a1"), (ResourcePrice("quota:loans:volume", None, np.array([0.001])),), TODAY, END)
    small, large = (
        decide(
            rates, TwinCustomer(np.full(2, 5_000.0), {}, TODAY, {"quota:loans:volume": np.array([fen, 0.0])}), TODAY, 1
        )
        for fen in (1_000_000.0, 9_000_000.0)
    )
    assert {offer.action: offer.charges for offer in small.offers}["a0"] == {"quota:loans:volume": 1_000.0}
    assert {offer.action: offer.outcome for offer in large.offers}["a0"] is ActionOutcome.PRICED_OUT
    assert large.chosen == "a1"
    full = {"quota:loans:volume": 999_999.0}
    alone = TwinCustomer(np.array([5_000.0, -1.0]), {}, TODAY, {"quota:loans:volume": np.array([1_000_000.0, 0.0])})
    assert decide(rates, alone, TODAY, 1, full).chosen == ""
    for wrong in ({}, {"quota:loans:volume": np.array([np.nan, 0.0])}, {"quota:loans:volume": np.array([-1.0, 0.0])}):
        with pytest.raises(InputError, match="quota:loans:volume"):
            decide(rates, TwinCustomer(np.ones(2), {}, TODAY, wrong), TODAY, 1)


def pace(left: float, ahead: float, planned_price: float = 5.0) -> float:
    made = Pace(np.array([planned_price]), np.array([10.0]), np.array([100.0]), np.array([left]), ahead)
    return float(paced(made)[0])


def test_on_pace_the_price_is_the_plan_s() -> None:
    assert pace(100.0, 1.0) == pytest.approx(5.0)
    assert pace(40.0, 0.4) == pytest.approx(5.0)
    assert pace(100.0, 1.0, 0.0) == 0.0


@settings(max_examples=60, deadline=None)
@given(left=st.floats(0, 100), more=st.floats(0, 50), ahead=st.floats(0, 1), price=st.sampled_from([0.0, 5.0]))
def test_the_less_is_left_the_dearer(left: float, more: float, ahead: float, price: float) -> None:
    assert 0.0 <= pace(left + more, ahead, price) <= pace(left, ahead, price)
    assert pace(0.0, 0.5, price) > price
