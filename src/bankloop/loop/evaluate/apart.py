"""Whether shares of groups of customers differ by more than chance: for tables of groups that nobody drew by lot."""

from __future__ import annotations

from numpy.typing import ArrayLike

from bankloop.loop.evaluate.contracts import Floats
from bankloop.loop.evaluate.statistics import ArmSums, exact_p, false_discovery

# A difference is told where chance alone would so rarely make it.
CHANCE = 0.05


def beside_others(customers: ArrayLike, active: ArrayLike) -> Floats:
    """Return by group (g,) the exact p-value of its share against all others', adjusted over the groups.

    Benjamini and Hochberg's: of groups that are all alike, however many and small, one table in twenty names any.
    """
    import numpy as np

    size, hit = np.asarray(customers, np.int64), np.asarray(active, np.int64)
    rest, others = size.sum() - size, hit.sum() - hit
    return false_discovery(exact_p(ArmSums(size, hit, hit), ArmSums(rest, others, others)))


def share_apart(customers: tuple[int, int], active: tuple[int, int]) -> bool:
    """Return whether two shares differ by more than chance makes them, by Fisher's exact test."""
    one, other = (ArmSums(n, y, y) for n, y in zip(customers, active, strict=True))
    return float(exact_p(one, other)) < CHANCE
