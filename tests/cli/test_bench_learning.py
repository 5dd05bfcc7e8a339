"""The benchmark of learning: every way on the same customers, and every round's champions on customers nobody has seen."""

from __future__ import annotations

import pytest

from bankloop.cli.demo.rounds import measure


@pytest.mark.bank
def test_rounds_are_valued_by_the_truth_beside_every_other_way() -> None:
    said: list[str] = []
    found = measure(2_000, 2, 1, said.append)
    assert said == ["seed 48"]
    for one in found["rounds"]:
        assert one["oracle"]["mean"] >= max(one[way]["mean"] for way in ("policy", "never_learning", "propensity_only"))
        assert one["regret_on_the_same"]["mean"] >= 0.0
    first, last = found["rounds"]
    fell = first["regret_on_the_same"]["mean"] - last["regret_on_the_same"]["mean"]
    assert found["regret_falls"]["mean"] == pytest.approx(fell, abs=1e-4)
    if not last["promoted"]:
        assert fell == 0.0, "the same champions plan the same customers alike"
