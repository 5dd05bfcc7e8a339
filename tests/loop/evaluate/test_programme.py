"""The whole programme against the holdout: right where the truth is known, and nobody counted twice."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from bankloop.loop import evaluate
from bankloop.loop.evaluate import ProgrammeMembers, Verdict
from bankloop.organization.principals import system
from bankloop.performance.programme import read_programme
from bankloop.store.history import read_decisions
from tests.bankfixture import SmallBank

WINDOW = ("2026-07-01", "2026-09-30")


def drawn(seed: int, gain: float = 40.0, n: int = 20_000, share: float = 0.1) -> ProgrammeMembers:
    """Two campaigns whose contacts bring ``gain`` fen a customer over what each would have brought anyway."""
    rng = np.random.default_rng(seed)
    holdout = rng.random(n) < share
    before = rng.gamma(2.0, 300.0, n)
    earned = before + rng.normal(0, 200.0, n) + np.where(holdout, 0.0, gain + 5.0)
    cost = np.where(holdout, 0.0, 5.0)
    reached = {"a": rng.random(n) < 0.1, "b": rng.random(n) < np.where(holdout, 0.05, 0.09)}
    member = {"a": np.ones(n, bool), "b": rng.random(n) < 0.5}
    return ProgrammeMembers(holdout, earned, cost, np.where(holdout, 0.0, earned), before, member, reached)


def test_what_was_expected_beforehand_takes_out_most_of_the_noise() -> None:
    found = evaluate.read_members(drawn(1), 0.1, (1, 2), WINDOW)
    assert found.variance_cut > 0.5
    assert found.per_head is not None
    assert found.plain is not None
    assert found.per_head.high - found.per_head.low < found.plain.high - found.plain.low
    assert found.verdict is Verdict.GAIN
    assert found.incremental is not None
    assert found.incremental.value == pytest.approx(found.per_head.value * found.treated)
    assert found.attributed > 5 * found.incremental.value


def test_its_interval_covers_the_truth_as_often_as_it_says_and_nothing_is_claimed_of_nothing() -> None:
    covered = claimed = 0
    for seed in range(200):
        found = evaluate.read_members(drawn(seed, n=4_000), 0.1, (1,), WINDOW).per_head
        assert found is not None
        covered += found.low <= 40.0 <= found.high
        claimed += evaluate.read_members(drawn(seed, gain=0.0, n=4_000), 0.1, (1,), WINDOW).verdict is Verdict.GAIN
    # Three standard errors of .95, and of .025, over 200 draws.
    assert 0.9 <= covered / 200 <= 0.995
    assert claimed / 200 <= 0.06


def test_a_holdout_that_is_not_as_planned_forbids_reading() -> None:
    found = evaluate.read_members(drawn(3, share=0.14), 0.1, (1,), WINDOW)
    assert found.verdict is Verdict.UNREADABLE
    assert "not as large as planned" in found.sentence.en


def test_without_a_holdout_nothing_is_read() -> None:
    assert evaluate.read_members(drawn(4, share=0.0), 0.1, (1,), WINDOW).verdict is Verdict.UNREADABLE


def test_the_small_bank_s_programme_is_everybody_once(small: SmallBank) -> None:
    found = read_programme(small.open, system())
    with small.open.store.begin(system()) as connection:
        decided = read_decisions(connection, sorted(small.window.locks), 1)
    taking = decided.filter(pc.not_equal(decided["cell"], "exempt"))
    held = taking.filter(pc.equal(taking["cell"], "holdout"))
    assert found.treated + found.holdout == len(pc.unique(taking["customer_no"]))
    assert found.holdout == len(pc.unique(held["customer_no"])) > 0
    assert found.rounds == (1,)
    assert [line.campaign for line in found.lines] == sorted(small.window.locks)
    # All readings of the round spent what the programme spent: costs of treated customers, each counted once.
    assert found.cost == pytest.approx(sum(told.reading.money.cost for told in small.story.rounds[0]), abs=3)
