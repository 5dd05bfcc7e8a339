"""m by expectation and maximisation over every pair that blocks bring together, with u as random pairs have it.

A block of exact agreement shows only doubles that agree there: with one error a record, those that agree on name and
birth all differ in the third field, and the third looks worthless. Over the union of blocks every field is seen to err. How many
pairs of two people agree by chance is known from u and from how many pairs there are, so that the share of doubles is
found beside m and nothing has to be sure beforehand. (Fellegi and Sunter 1969; Winkler 1988, with u held.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Where nothing is compared: it says nothing either way.
NOTHING = -1
_STEPS, _NEAR = 1_000, 1e-7
# Doubles mostly agree: what is looked for begins near to where it is.
_AGREES = 0.9
# A double or two in each level beforehand, spread as chance has it: a level that none shows is not impossible.
_BEFOREHAND = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """How many pairs are doubles, and m of every level (best first) by field."""

    doubles: float
    m: tuple[Floats, ...]


def find_doubles(patterns: Integers, counts: Integers, u: Sequence[Floats], pairs: float) -> Found:
    """Return the most likely doubles among compared pairs, and how they agree.

    ``patterns`` (p, k) is which level of each field a pair reached, 0 the best, ``NOTHING`` where nothing is compared;
    ``counts`` (p,) how many pairs did; ``u`` by field the chance of each level for two people; ``pairs`` how many the
    records make, compared or not.
    """
    chance = np.exp(_logs(patterns, u))
    m = [_beginning(levels) for levels in u]
    doubles = max(float(counts.sum()) / 2, 1.0)
    for _ in range(_STEPS):
        alike = doubles * np.exp(_logs(patterns, m))
        share = counts * (alike / (alike + np.maximum(pairs - doubles, 1.0) * chance))
        fresh = [_levels(patterns[:, field], share, u[field]) for field in range(len(u))]
        moved = max(float(np.abs(one - other).max()) for one, other in zip(m, fresh, strict=True))
        m, doubles = fresh, float(share.sum())
        if moved < _NEAR:
            break
    return Found(doubles, tuple(m))


def _logs(patterns: Integers, levels: Sequence[Floats]) -> Floats:
    """Return the logarithm of each pattern's chance (p,)."""
    total = np.zeros(len(patterns))
    for field, chances in enumerate(levels):
        at = patterns[:, field]
        total += np.where(at == NOTHING, 0.0, np.log(chances)[np.maximum(at, 0)])
    return total


def _levels(at: Integers, share: Floats, u: Floats) -> Floats:
    seen = np.bincount(at[at != NOTHING], share[at != NOTHING], len(u)) + _BEFOREHAND * u
    found: Floats = (seen / seen.sum()).astype(np.float64)
    return found


def _beginning(u: Floats) -> Floats:
    rest = np.full(len(u), (1 - _AGREES) / max(len(u) - 1, 1))
    rest[0] = _AGREES
    found: Floats = rest / rest.sum()
    return found
