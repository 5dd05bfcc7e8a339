"""How much a round could find before it is started: detectable lift, control size, rounds, and what certainty costs.

Rates and money alike are read from the standard deviation of one customer; 80 % of such rounds find a lift of 2.80
standard errors of the difference at 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt

from bankloop.loop.evaluate.statistics.effects import Z95
from bankloop.loop.evaluate.statistics.scores import FEWEST

# Four rounds in five find a lift of this many standard errors of the difference.
Z80 = 0.8416212335729143


@dataclass(frozen=True, slots=True)
class Design:
    """A round that has not run: ``detectable`` is the lift that 80 % of such rounds find, ``rounds`` how many pooled.

    ``rounds`` is None where no number of rounds finds it: no lift is expected, or an arm is empty.
    """

    control_share: float
    treated: int
    control: int
    base: float
    expected: float
    detectable: float
    rounds: int | None

    @property
    def successes(self) -> float:
        """Return how many successes the smaller arm expects of one round."""
        return self.base * min(self.treated, self.control)

    @property
    def readable(self) -> bool:
        """Return whether one such round finds the lift that is expected, four times in five."""
        return self.rounds == 1


def minimum_detectable(base: float, treated: int, control: int) -> float:
    """Return the lift that 80 % of such rounds would find at 95 %: 2.80 standard errors of the difference.

    Infinite where nobody or everybody succeeds anyway: a rate without variance is not known, it is not there.
    """
    if not 0.0 < base < 1.0:
        return inf
    return detectable_mean(sqrt(base * (1.0 - base)), treated, control)


def detectable_mean(deviation: float, treated: int, control: int) -> float:
    """Return the difference of means that 80 % of such rounds would find, given one customer's standard deviation."""
    if treated <= 0 or control <= 0:
        return inf
    return (Z95 + Z80) * deviation * sqrt(1.0 / treated + 1.0 / control)


def rounds_to_find(lift: float, base: float, treated: int, control: int) -> int | None:
    """Return how many such rounds, pooled, find ``lift`` four times in five; None for no lift or an empty arm.

    So many at least that the smaller arm expects enough successes, and failures, for any lift to be read.
    """
    rounds = rounds_for(lift, minimum_detectable(base, treated, control) / (Z95 + Z80))
    if rounds is None:
        return None
    return max(rounds, ceil(FEWEST / (min(base, 1.0 - base) * min(treated, control))))


def rounds_for(lift: float, se: float) -> int | None:
    """Return how many rounds of standard error ``se``, pooled, find ``lift`` four times in five; None where none do."""
    if not lift or not isfinite(se):
        return None
    return max(1, ceil((se * (Z95 + Z80) / lift) ** 2))


def design(population: int, control_share: float, base: float, expected: float) -> Design:
    """Return what a round over ``population`` customers could find with a control of ``control_share``."""
    control = round(population * control_share)
    treated = population - control
    return Design(
        control_share=control_share,
        treated=treated,
        control=control,
        base=base,
        expected=expected,
        detectable=minimum_detectable(base, treated, control),
        rounds=rounds_to_find(expected, base, treated, control),
    )


def designs(population: int, shares: Sequence[float], base: float, expected: float) -> tuple[Design, ...]:
    """Return the design of each control share: a larger control sees more and leaves more customers alone."""
    return tuple(design(population, share, base, expected) for share in shares)
