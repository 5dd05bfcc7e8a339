"""The benchmark of decisions: nobody beats who knows the truth, seeds are banks, and shares are told with what was not seen."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.bench import decisions
from bankloop.bench.decisions import BIND, KEEP, Judge, first_round_in, knowable, lineage
from bankloop.bench.fast_rounds import Rulebook, first_models, planned, rows_of, rulebook
from bankloop.bench.populations import Population, make_population
from bankloop.loop.model import Uplift
from bankloop.simulate.parameters import Parameters, read_parameters

CUSTOMERS = 12_000
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return read_parameters(None)


@pytest.fixture(scope="module")
def bank(parameters: Parameters) -> Population:
    return make_population(parameters, CUSTOMERS, 3)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return rulebook(CUSTOMERS)


@pytest.fixture(scope="module")
def first(bank: Population, book: Rulebook) -> dict[str, Uplift]:
    return first_models(bank, book, 3)


def test_a_bank_in_memory_is_the_same_for_its_seed_and_knows_what_a_bank_knows(
    parameters: Parameters, bank: Population
) -> None:
    again = make_population(parameters, CUSTOMERS, 3)
    assert again.state["customer_no"].equals(bank.state["customer_no"])
    for name, one in bank.audiences.items():
        assert np.array_equal(one.x, again.audiences[name].x, equal_nan=True)
        assert (one.base == again.audiences[name].base).all()
        assert one.x.shape == (len(one.rows), len(bank.features))
    # What a call truly does: it wins those who do not renew by themselves, and loses some of those who do.
    keep = bank.audiences[KEEP]
    renews = keep.x[:, bank.features.index("auto_renew_next")] == 1
    call = keep.effect[decisions.CALL]
    assert call[renews].mean() < 0 < call[~renews].mean()
    assert keep.base[renews].mean() > keep.base[~renews].mean()


def test_nobody_wins_more_than_who_knows_the_truth(bank: Population, book: Rulebook, first: dict[str, Uplift]) -> None:
    judge = Judge.of(bank, book, first)
    oracle = sum(judge.won(judge.given_out(judge.truth)).values())
    plan = sum(judge.won(judge.by(first)).values())
    known = sum(judge.attainable(knowable([bank])).values())
    assert oracle >= known > 0
    assert oracle >= plan
    calls, churn = judge.calls(judge.by(first))
    best = np.sort(judge.truth.max(axis=1))[::-1].clip(min=0).sum()
    assert max(calls, churn) <= best


def test_where_chance_decided_is_known_and_champions_change_only_as_the_product_changes_them(
    bank: Population, book: Rulebook, first: dict[str, Uplift]
) -> None:
    rows = rows_of(bank, planned(bank, book, first, 1, 5), 5, 1)
    for arm in rows[BIND].arms.values():
        assert ((arm.probability > 0) & (arm.probability < 1)).all()
    treated = sum(int(arm.treated.sum()) for arm in rows[BIND].arms.values())
    assert rows[BIND].quiet is not None
    issued = int((~rows[BIND].quiet).sum())
    # Whom the plan's repair gave something else than was intended at its prices tells of neither.
    assert 0.9 * issued <= treated <= issued
    champions = lineage([bank, bank], book.only(KEEP), {KEEP: first[KEEP]}, 1)
    assert len(champions) == 3
    assert champions[0][KEEP] is first[KEEP]


def test_in_a_world_without_anything_to_win_calls_win_nothing(parameters: Parameters) -> None:
    found = first_round_in(parameters, CUSTOMERS, 1, 0.0, -5.0, 0.6)
    assert found["plan"] < 0
    assert found["below_nothing"] == 1.0


def test_a_share_of_none_is_told_with_its_upper_bound() -> None:
    assert decisions.unseen_at_most(60) == 0.049
    assert decisions.unseen_at_most(1) == 0.95
    assert decisions._told(np.array([0.5, 0.75])) == {"mean": 0.625, "worst": 0.5}
