"""Every attack is tried on one bank, in the order of its kinds; the last kinds change the trail and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bankloop.bench.attacks import approvals, files, inference, requests, rights, rounds, signing, trail
from bankloop.bench.attacks.target import ATTACKS, Attack, AttackSucceeded, AttackTarget, open_target

KINDS = (signing, requests, rights, files, inference, approvals, rounds, trail)


def measure(customers: int) -> dict[str, Any]:
    """Return ``{tried, held, broken, list: [{kind, attack, held, got}]}``."""
    with open_target(customers) as target:
        found = try_all(target, in_order())
    lost = sum(not one["held"] for one in found)
    return {"tried": len(found), "held": len(found) - lost, "broken": lost, "list": found}


def in_order() -> list[Attack]:
    """Return all attacks, kind by kind."""
    places = [kind.__name__ for kind in KINDS]
    return sorted(ATTACKS, key=lambda one: places.index(one.act.__module__))


def try_all(target: AttackTarget, attacks: Sequence[Attack]) -> list[dict[str, Any]]:
    """Try attacks one after the other; an attack that ends in an error nobody foresaw has broken something too."""
    found = []
    for one in attacks:
        try:
            one.act(target)
            got = ""
        except AttackSucceeded as lost:
            got = str(lost) or "it succeeded"
        except Exception as error:
            got = f"{type(error).__name__}: {error}"[:300]
        found.append({"kind": one.kind, "attack": one.name, "held": not got, "got": got})
    return found
