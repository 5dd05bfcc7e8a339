"""What a challenger's plan brings beside the champion's, on today's customers under today's limits, and how surely.

Both models give out the same scarce things to the same people. The difference of the two plans is a sum of effects,
and the posterior that the rounds left says with which probability it is above zero. Nothing is drawn anew: a sum of
normal terms is normal. That effects end at certainty is left out; plans contact few whom that concerns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.later import later
from bankloop.loop.evaluate import Estimate
from bankloop.loop.model import Propensity, Uplift
from bankloop.loop.reach import CampaignCandidates, Family, Problem, action_values, assign

if TYPE_CHECKING:
    from scipy import special
else:
    special = later("scipy.special")

# A change is proposed where the new plan brings more four times in five: to wait for nineteen in twenty never learns
# at the sizes of a city bank, and a person decides anyway.
SURE = 0.8
# Who contacts hardly anybody learns hardly anything more. The first plan is the anchor: against the champion it could
# halve again and again.
LEAST_REACH = 0.5
_Z95 = 1.959963984540054

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Setting:
    """Today: a campaign's customers with what they know of them (``x`` (m, f)), and what there is to give out."""

    side: CampaignCandidates
    x: Floats
    families: tuple[Family, ...]
    _chances: dict[int, tuple[Propensity, Floats]] = field(default_factory=dict, repr=False, compare=False)

    def chance_by(self, base: Propensity) -> Floats:
        """Return everybody's chance without contact (m,); a propensity that several models share is asked once."""
        if id(base) not in self._chances:
            self._chances[id(base)] = base, base.predict(self.x)
        return self._chances[id(base)][1]


@dataclass(frozen=True, slots=True)
class PlanGain:
    """What the new plan brings above the old one, fen of a window, and with which ``probability`` that is above nothing.

    ``reached`` are the customers of the new plan, ``first`` those of the first plan, made of the stated prior alone.
    """

    probability: float
    gain: Estimate
    reached: int
    first: int

    @property
    def sure(self) -> bool:
        """Return whether the new plan brings more, surely enough."""
        return self.probability >= SURE

    @property
    def least(self) -> int:
        """Return how many customers the new plan must reach: half of the first plan's."""
        return ceil(LEAST_REACH * self.first)

    @property
    def reaches(self) -> bool:
        """Return whether the new plan still reaches enough people to be found wrong one day."""
        return self.reached >= self.least


def plan_by(setting: Setting, model: Uplift) -> Pairs:
    """Return who gets what as (rows, columns) where a model plans."""
    value = action_values(believing(setting, model))
    return assign(Problem(value, setting.families), None).pairs


def believing(setting: Setting, model: Uplift) -> CampaignCandidates:
    """Return the campaign's customers as a model sees them."""
    base = setting.chance_by(model.base)
    uplift = model.effects_of(base, setting.x, [action.key for action in setting.side.actions])
    return replace(setting.side, base=base, uplift=uplift)


def gain_of(setting: Setting, champion: Uplift, challenger: Uplift) -> PlanGain:
    """Return what the challenger's plan brings above the champion's, by the posterior of the challenger's rounds."""
    new = plan_by(setting, challenger)
    probability, gain = difference_of(setting, challenger, new, plan_by(setting, champion))
    first = plan_by(setting, challenger.unlearned)
    return PlanGain(probability, gain, len(new[0]), len(first[0]))


def difference_of(setting: Setting, judge: Uplift, one: Pairs, other: Pairs) -> tuple[float, Estimate]:
    """Return the probability that ``one`` way to give things out brings more than ``other``, and by how much, fen.

    ``judge`` is the model whose posterior values both; of the customers whom both treat alike nothing is uncertain.
    """
    chance = setting.chance_by(judge.base)
    direction, certain = np.zeros(judge.posterior.width), 0.0
    for sign, (rows, columns) in ((1.0, one), (-1.0, other)):
        for column in np.unique(columns):
            action, mine = setting.side.actions[column], rows[columns == column]
            stake = setting.side.worth[mine] - action.face
            direction += sign * (stake @ judge.terms(setting.x[mine], action.key))
            certain -= sign * float(action.contact_cost * len(mine) + action.face * chance[mine].sum())
    means, spreads = judge.posterior.along(direction)
    return _mixed(judge.posterior.weight, means + certain, spreads)


def unsure_share(setting: Setting, judge: Uplift, given: Pairs) -> float:
    """Return the share of what is given out that is worth something only if a doubtful sign is right, 0 … 1.

    Doubtful is a person of whom the judge cannot say four times in five that the action helps more than it hurts.
    """
    doubtful = whole = 0.0
    for column in np.unique(given[1]):
        action, mine = setting.side.actions[column], given[0][given[1] == column]
        helps, effect = judge.posterior.above(judge.terms(setting.x[mine], action.key))
        worth = np.maximum((setting.side.worth[mine] - action.face) * effect, 0.0)
        doubtful += float(worth[helps < SURE].sum())
        whole += float(worth.sum())
    return doubtful / whole if whole else 0.0


def _mixed(weight: Floats, means: Floats, spreads: Floats) -> tuple[float, Estimate]:
    """Return P(above 0) of a mixture of normals, and its mean with an interval of its variance."""
    flat = spreads <= 1e-9
    above = np.where(
        flat, np.where(np.abs(means) <= 1e-9, 0.5, means > 0), special.ndtr(means / np.where(flat, 1.0, spreads))
    )
    mean = float(weight @ means)
    half = _Z95 * float(weight @ (spreads**2 + (means - mean) ** 2)) ** 0.5
    return float(weight @ above), Estimate(mean, mean - half, mean + half)
