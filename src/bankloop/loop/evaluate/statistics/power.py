"""How much a round could find before it is started: detectable lift, control size, and how many rounds it would take."""

from __future__ import annotations

from math import ceil, inf, sqrt

from bankloop.loop.evaluate.statistics.effects import Z95

# Four rounds in five find a lift of this many standard errors of the difference.
Z80 = 0.8416212335729143


def minimum_detectable(base: float, treated: int, control: int) -> float:
    """Return the lift that 80 % of such rounds would find at 95 %: 2.80 standard errors of the difference."""
    if not treated or not control:
        return inf
    return (Z95 + Z80) * sqrt(base * (1 - base) * (1 / treated + 1 / control))


def rounds_to_find(lift: float, base: float, treated: int, control: int) -> int | None:
    """Return how many such rounds, pooled, find ``lift`` four times in five; None for no lift or an empty arm."""
    detectable = minimum_detectable(base, treated, control)
    if not lift or detectable == inf:
        return None
    return max(1, ceil((detectable / abs(lift)) ** 2))
