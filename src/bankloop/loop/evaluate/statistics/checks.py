"""What must hold before a lift may be read, and what keeps many lifts honest together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from bankloop.kit import Text
from bankloop.loop.evaluate.statistics.aggregates import Arm, Floats
from bankloop.loop.evaluate.statistics.effects import difference

# A sample ratio this improbable means that assignment or logging is broken: no lift is read then.
SRM_ALARM = 0.001
# The other members of the family share this much: all together cry wolf less than twice in a thousand readings.
_SHARED_ALARM = SRM_ALARM / 4


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """One member of the family of sample-ratio checks: its p-value and the level below which it alarms."""

    name: str
    title: Text
    p: float
    alarm: float

    @property
    def ok(self) -> bool:
        """Return whether the arms look as they were drawn."""
        return self.p >= self.alarm


_TITLES: Mapping[str, Text] = {
    "assignment": Text("处理与对照的人数", "treated against control"),
    "strata": Text("各层内的人数", "the arms within each stratum"),
    "ghosts": Text("本应触达者中的人数", "the arms among those who were meant"),
}


def sample_ratio_p(treated: int, control: int, control_share: float) -> float:
    """Return the p-value of the arms' sizes against the planned control share (χ², one degree of freedom)."""
    n = treated + control
    expected = n * control_share
    if n == 0 or expected <= 0 or expected >= n:
        return 1.0
    gap = (control - expected) ** 2 / expected + (treated - (n - expected)) ** 2 / (n - expected)
    return float(chdtrc(1, gap))


def sample_ratio_family(
    control: NDArray[np.bool_],
    control_share: float,
    strata: NDArray[np.int64] | None = None,
    meant: NDArray[np.bool_] | None = None,
) -> tuple[RatioCheck, ...]:
    """Return the checks of one reading: all rows, each stratum, and those whom the plan meant to contact."""
    found = {"assignment": sample_ratio_p(int((~control).sum()), int(control.sum()), control_share)}
    if strata is not None and len(strata):
        found["strata"] = _strata_p(control, control_share, strata)
    if meant is not None:
        found["ghosts"] = sample_ratio_p(int((meant & ~control).sum()), int((meant & control).sum()), control_share)
    others = max(len(found) - 1, 1)
    levels = {name: SRM_ALARM if name == "assignment" else _SHARED_ALARM / others for name in found}
    return tuple(RatioCheck(name, _TITLES[name], p, levels[name]) for name, p in found.items())


def _strata_p(control: NDArray[np.bool_], share: float, strata: NDArray[np.int64]) -> float:
    """χ² over strata with five or more expected in each arm, a degree of freedom each."""
    n = np.bincount(strata).astype(np.float64)
    held = np.bincount(strata, control)
    expected = n * share
    enough = (expected >= 5) & (n - expected >= 5)
    if not enough.any():
        return 1.0
    gap = (held - expected)[enough] ** 2 * (1.0 / expected[enough] + 1.0 / (n - expected)[enough])
    return float(chdtrc(enough.sum(), gap.sum()))


def pre_period_p(treated: Arm, control: Arm) -> float:
    """Return the p-value of a difference that was there before the campaign; small means that the arms were unlike."""
    before = difference(treated, control)
    return float(before.p) if np.isfinite(before.value) and before.se > 0 else 1.0


def false_discovery(p: ArrayLike) -> Floats:
    """Return p-values adjusted by Benjamini and Hochberg: claim those below 0.05 and one claim in twenty is false."""
    from scipy.stats import false_discovery_control

    values = np.asarray(p, np.float64)
    known = np.isfinite(values)
    adjusted = np.full(values.shape, np.nan)
    if known.any():
        adjusted[known] = false_discovery_control(values[known])
    return adjusted


@dataclass(frozen=True, slots=True)
class Winsorised:
    """Outcomes with declared limits, and how many rows were moved to them: never silently."""

    outcome: Floats
    low: float
    high: float
    moved: int


def winsorised(outcome: ArrayLike, upper_share: float, lower_share: float = 0.0) -> Winsorised:
    """Return outcomes with the top and bottom shares pulled in to the quantiles over both arms together."""
    y = np.asarray(outcome, np.float64)
    if not len(y):
        return Winsorised(y, 0.0, 0.0, 0)
    low, high = (float(q) for q in np.quantile(y, [lower_share, 1.0 - upper_share]))
    clipped = np.clip(y, low, high)
    return Winsorised(clipped, low, high, int((clipped != y).sum()))
