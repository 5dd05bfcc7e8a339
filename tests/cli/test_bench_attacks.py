"""The attacks that are known of, tried on a bank of their own; and what counts as one that succeeded."""

from __future__ import annotations

from typing import cast

import pytest

from bankloop.bench.attacks.runner import KINDS, in_order, measure, try_all
from bankloop.bench.attacks.target import ATTACKS, Attack, AttackTarget, held


@pytest.mark.soak
def test_none_succeeds() -> None:
    found = measure(2_000)
    assert [one for one in found["list"] if not one["held"]] == []
    assert (found["tried"], found["broken"]) == (len(ATTACKS), 0)
    assert found["held"] == found["tried"] >= 50


def test_every_kind_is_tried_and_every_attack_says_what_it_tries() -> None:
    names = [one.name for one in in_order()]
    assert len(names) == len(set(names)) == len(ATTACKS) >= 50
    assert all(len(name.split()) > 2 for name in names)
    assert {one.act.__module__ for one in ATTACKS} == {kind.__name__ for kind in KINDS}


def test_what_succeeds_or_ends_in_an_error_is_broken() -> None:
    def holds(_: AttackTarget) -> None:
        held(True)

    def succeeds(_: AttackTarget) -> None:
        held(False, "the door stood open")

    def fails(_: AttackTarget) -> None:
        raise KeyError("nobody foresaw this")

    tried = [Attack("x", act.__name__, act) for act in (holds, succeeds, fails)]
    found = try_all(cast(AttackTarget, None), tried)
    assert [one["held"] for one in found] == [True, False, False]
    assert found[1]["got"] == "the door stood open"
    assert found[2]["got"].startswith("KeyError")
