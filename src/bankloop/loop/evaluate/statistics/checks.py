"""What must hold before a lift may be read, and what keeps many lifts honest together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bankloop.kit.later import later
from bankloop.kit.text import Text
from bankloop.loop.evaluate.statistics.aggregates import ArmSums, Floats
from bankloop.loop.evaluate.statistics.effects import difference

if TYPE_CHECKING:
    from scipy import special
else:
    special = later("scipy.special")

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
    "before": Text("分组之前就有的差异", "a difference from before the assignment"),
}


def sample_ratio_p(treated: int, control: int, control_share: float) -> float:
    """Return the p-value of the arms' sizes against the planned control share (χ², one degree of freedom)."""
    n = treated + control
    expected = n * control_share
    if n == 0 or expected <= 0 or expected >= n:
        return 1.0
    gap = (control - expected) ** 2 / expected + (treated - (n - expected)) ** 2 / (n - expected)
    return float(special.chdtrc(1, gap))


def sample_ratio_family(
    control: NDArray[np.bool_],
    control_share: float | Floats,
    strata: NDArray[np.int64] | None = None,
    meant: NDArray[np.bool_] | None = None,
    before: ArrayLike | None = None,
) -> tuple[RatioCheck, ...]:
    """Return the checks of one reading: all rows, each stratum, those meant to be contacted, and the time before.

    ``control_share`` is the planned share, one for all or one a row (n,): rounds may have had different ones. ``before``
    (n,) was known of each customer before the assignment, so that it cannot differ but by chance.
    """
    share = np.broadcast_to(np.asarray(control_share, np.float64), control.shape)
    found = {"assignment": _rows_p(control, share)}
    if strata is not None and len(strata):
        found["strata"] = _strata_p(control, share, strata)
    if meant is not None:
        found["ghosts"] = _rows_p(control[meant], share[meant])
    if before is not None:
        x = np.asarray(before, np.float64)
        found["before"] = pre_period_p(ArmSums.of(x[~control]), ArmSums.of(x[control]))
    others = max(len(found) - 1, 1)
    levels = {name: SRM_ALARM if name == "assignment" else _SHARED_ALARM / others for name in found}
    return tuple(RatioCheck(name, _TITLES[name], p, levels[name]) for name, p in found.items())


def _rows_p(control: NDArray[np.bool_], share: Floats) -> float:
    """Return the p-value of a control's size against rows drawn with the share (n,) of each."""
    if not len(control):
        return 1.0
    expected, variance = float(share.sum()), float((share * (1.0 - share)).sum())
    if variance <= 0:
        return 1.0
    return float(special.chdtrc(1, (float(control.sum()) - expected) ** 2 / variance))


def _strata_p(control: NDArray[np.bool_], share: Floats, strata: NDArray[np.int64]) -> float:
    """χ² over strata with five or more expected in each arm, a degree of freedom each."""
    n = np.bincount(strata).astype(np.float64)
    held = np.bincount(strata, control)
    expected = np.bincount(strata, share)
    enough = (expected >= 5) & (n - expected >= 5)
    if not enough.any():
        return 1.0
    gap = (held - expected)[enough] ** 2 * (1.0 / expected[enough] + 1.0 / (n - expected)[enough])
    return float(special.chdtrc(enough.sum(), gap.sum()))


def pre_period_p(treated: ArmSums, control: ArmSums) -> float:
    """Return the p-value of a difference that was there before the campaign; small means that the arms were unlike."""
    before = difference(treated, control)
    return float(before.p) if np.isfinite(before.value) and before.se > 0 else 1.0


def heterogeneity_p(value: ArrayLike, se: ArrayLike) -> float:
    """Return the p-value of Cochran's Q: are the effects of these parts one and the same? 1 below two readable parts."""
    v, s = np.asarray(value, np.float64), np.asarray(se, np.float64)
    known = np.isfinite(v) & np.isfinite(s) & (s > 0)
    if known.sum() < 2:
        return 1.0
    weight = 1.0 / s[known] ** 2
    mean = float((weight * v[known]).sum() / weight.sum())
    return float(special.chdtrc(known.sum() - 1, float((weight * (v[known] - mean) ** 2).sum())))


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
