"""What a round could find before it starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from bankloop.loop import evaluate


def test_the_detectable_mean_is_the_textbooks() -> None:
    found = evaluate.detectable_mean(2.0, 4_000, 1_000)
    effect = found / 2.0
    power = NormalIndPower().power(effect, nobs1=4_000, alpha=0.05, ratio=0.25)
    assert power == pytest.approx(0.8, abs=1e-6)


def test_a_design_that_cannot_find_what_it_expects_says_how_many_rounds_would() -> None:
    small = evaluate.design(2_700, 0.2, 0.009, 0.002)
    assert not small.readable
    assert small.rounds == evaluate.rounds_to_find(0.002, 0.009, 2_160, 540)
    assert small.rounds is not None
    assert small.rounds > 10
    assert evaluate.design(400_000, 0.2, 0.009, 0.002).readable


def test_nothing_expected_is_found_by_no_number_of_rounds() -> None:
    assert evaluate.design(1_000, 0.2, 0.05, 0.0).rounds is None
    assert evaluate.design(0, 0.2, 0.05, 0.01).rounds is None


@given(population=st.integers(100, 10**6), base=st.floats(0.001, 0.9), expected=st.floats(0.0005, 0.2))
def test_a_larger_control_up_to_half_sees_more(population: int, base: float, expected: float) -> None:
    found = [one.detectable for one in evaluate.designs(population, (0.05, 0.1, 0.2, 0.35, 0.5), base, expected)]
    assert found == sorted(found, reverse=True)
