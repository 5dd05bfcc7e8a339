"""The benchmark of linking: what it counts, and that it has its keys also where no public set is at hand."""

from __future__ import annotations

import pytest

from bankloop.bench.identities import measure, quality


def test_quality_counts_pairs_of_records() -> None:
    truth = {"a": "1", "b": "1", "c": "1", "d": "2", "e": "3"}
    assert quality([frozenset("abd")], truth) == {"precision": 0.3333, "recall": 0.3333, "f1": 0.3333}
    assert quality([frozenset("abc")], truth) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


@pytest.mark.soak
def test_every_key_is_there_and_the_floors_hold_on_a_small_register() -> None:
    found = measure(4_000, 1_000, None)
    assert [found[name] for name in ("febrl1", "febrl2", "febrl3", "febrl4", "historical", "reference")] == [None] * 6
    assert found["simulated"]["f1"] >= 0.97
    assert set(found["simulated"]) == {
        "records", "precision", "recall", "f1", "seconds", "peak_mb", "splink_seconds",
    }  # fmt: skip
    assert found["increment"]["rows"] == 10
    assert found["increment"]["pairs_share"] <= 0.06
