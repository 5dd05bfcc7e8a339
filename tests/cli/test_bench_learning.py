"""The benchmark of learning: every way on the same customers, and every round's champions on customers nobody has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from bankloop.bench import rounds
from bankloop.bench.rounds import WAYS, regrets_on_the_same, ways_of
from bankloop.kit.clock import FixedClock
from bankloop.simulate.world import World
from bankloop.store.embedded import EmbeddedServer, remove_cluster
from tests.bankfixture import SmallBank, shared


@pytest.fixture(scope="module")
def small(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    """The small bank after its first round."""
    with shared(store_server, clock, tmp_path_factory) as found:
        yield found


def test_nobody_gives_out_more_than_who_knows_and_first_models_plan_as_they_did(small: SmallBank) -> None:
    found = dict(zip(WAYS, ways_of(small.window, World.load(small.open.folder), small.window.models), strict=True))
    assert found["oracle"] >= max(found.values())
    # The plan itself leaves explore to the lot; the same models give out the rest alike.
    assert found["never_learning"] == pytest.approx(found["policy"], rel=0.05)


@pytest.mark.bank
def test_champions_plan_for_customers_of_another_bank(small: SmallBank, tmp_path: Path) -> None:
    try:
        found = regrets_on_the_same(tmp_path / "bank", 1_000, 8, [small.window.models, small.window.models])
    finally:
        remove_cluster(tmp_path / "bank")
    assert found[0] == found[1], "the same champions plan the same customers alike"
    assert 0.0 <= found[0] <= 1.5


def test_what_fell_is_read_on_the_same_customers_within_each_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lived(
        folder: Path, customers: int, count: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray, list[Mapping[str, object]]]:
        policy = np.array([50.0, 30.0]) + seed - rounds.FIRST_SEED
        values = np.column_stack([policy, [100.0, 60.0], policy - 5.0, [10.0, 10.0]])
        return values, np.array([0.0, 1.0]), [{}, {}]

    monkeypatch.setattr(rounds, "lived", lived)
    monkeypatch.setattr(rounds, "regrets_on_the_same", lambda *_: np.array([0.5, 0.4]))
    monkeypatch.setattr(rounds, "remove_cluster", lambda _: None)
    found = rounds.measure(2_000, 2, 3, lambda _: None)
    assert found["regret_falls"] == {"mean": 0.1, "low": 0.1, "high": 0.1}
    assert found["raw_regret_falls"]["low"] < 0.0 < found["raw_regret_falls"]["high"]
    assert found["whole"]["over_never_learning"] == {"mean": 10.0, "low": 10.0, "high": 10.0}
    assert [one["promoted"] for one in found["rounds"]] == [0, 3]
