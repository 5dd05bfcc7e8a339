"""Drift of a champion: PSI and calibration against their limits, in words."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.loop.model import index_of, psi
from bankloop.loop.model.cards import tenths
from bankloop.loop.optimize import population_drift, stability


def test_psi_0_31_is_over_0_25_and_says_what_to_do() -> None:
    found = population_drift(0.31)
    assert found.alarm
    assert found.sentence.en == "PSI 0.31 > 0.25: the population has changed; retrain and submit for approval"
    assert "重训" in found.sentence.zh
    assert not population_drift(0.25).alarm


def test_the_cards_distribution_gives_the_same_index_as_the_scores_themselves() -> None:
    rng = np.random.default_rng(1)
    then, now = rng.beta(2, 5, 5_000), rng.beta(3, 4, 5_000)
    edges, shares = tenths(then)
    found = stability({"edges": edges.tolist(), "shares": shares.tolist()}, now)
    assert found is not None
    assert found.value == pytest.approx(psi(then, now))
    assert found.alarm
    assert stability({"edges": edges.tolist(), "shares": shares.tolist()}, then) is not None
    assert index_of(shares, shares) == 0.0


def test_a_card_of_before_says_nothing_instead_of_all_is_well() -> None:
    assert stability({}, np.ones(10)) is None
    assert stability({"edges": [0.5], "shares": [0.5, 0.5]}, np.zeros(0)) is None
