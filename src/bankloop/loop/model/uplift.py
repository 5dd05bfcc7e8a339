"""Uplift per action: learned about the stated prior, or by one of the learners over trees where a campaign asks for it.

The uplift of an action is a scale of its stated prior, a level, and slopes on standard features (``pooled``); with little
data it stays at the prior. A learner over trees takes the actions that have rows enough; the others stay pooled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bankloop.loop.model.amounts import Amount
from bankloop.loop.model.contracts import ActionEffect, Floats, Labelled, RandomisedArm
from bankloop.loop.model.learners import Propensity
from bankloop.loop.model.meta import LearnedEffect, Learner, Trial, learn_effects
from bankloop.loop.model.pooled import cross_fitted_rates, pooled_coefficients

POOLED = "pooled"
# Leaves of an effect hold 400 rows: an action with fewer on either side has nothing for trees to tell apart.
LEAST_SIDE, LEAST_EACH = 400, 20
# So few small trees have no use for more rows of an action.
MOST_ROWS = 120_000
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Uplift:
    """Uplift per action; ``coefficient`` (f + 2,) of an action: scale of its prior, level, slopes on standard features.

    ``prior`` maps channels and benefits to their stated share of the base; ``fails`` takes the base as 1 − p. ``learned`` are
    the actions that ``learner`` has learned over trees instead. ``amount`` of a success is an artefact of its own, put beside
    it where a lock names one.
    """

    base: Propensity
    prior: Mapping[str, float]
    fails: bool
    centre: Floats
    spread: Floats
    coefficient: Mapping[str, Floats]
    learned: Mapping[str, LearnedEffect] = field(default_factory=dict)
    learner: str = POOLED
    amount: Amount | None = None

    @property
    def causal(self) -> bool:
        """Return whether any action's uplift was learned from randomised rows."""
        return bool(self.coefficient)

    def predict(self, x: Floats, actions: Sequence[str]) -> tuple[Floats, Floats]:
        """Return (propensity without contact (n,), uplift (n, actions)) as probabilities."""
        p = self.base.predict(x)
        return p, self.effects_of(p, x, actions)

    def effects_of(self, p: Floats, x: Floats, actions: Sequence[str]) -> Floats:
        """Return the uplift (n, actions) of customers whose propensities ``p`` (n,) are known."""
        z = standardised(x, self.centre, self.spread)
        columns = [self._one(p, x, z, action) for action in actions]
        return np.column_stack(columns) if columns else np.zeros((len(x), 0))

    def _one(self, p: Floats, x: Floats, z: Floats, action: str) -> Floats:
        effect = self.stated(p, action)
        learned = self.coefficient.get(action)
        if action in self.learned:
            effect = self.learned[action].predict(x)
        elif learned is not None:
            effect = learned[0] * effect + learned[1] + z @ learned[2:]
        return np.clip(effect, -p, 1.0 - p)

    def stated(self, p: Floats, action: str) -> Floats:
        """Return the stated prior uplift (n,) of an action."""
        _, benefit, channel = action.split("|")
        share = self.prior.get(channel, 0.0) + self.prior.get(benefit, 0.0)
        return share * ((1.0 - p) if self.fails else p)


def stated_uplift(base: Propensity, data: Labelled, prior: Mapping[str, float], fails: bool) -> Uplift:
    """Return the uplift that is only the stated prior: not yet causal."""
    centre, spread = _moments(data.x)
    return Uplift(base, dict(prior), fails, centre, spread, {})


def learn_uplift(
    base: Propensity,
    data: Labelled,
    prior: Mapping[str, float],
    fails: bool,
    actions: Sequence[str] = (),
    seed: int = 0,
    learner: str = POOLED,
) -> tuple[Uplift, dict[str, ActionEffect]]:
    """Return the uplift learned from the arms of randomised rounds, and each tried action's mean effect.

    ``actions`` that were never tried are learned from what the tried ones share. ``learner`` other than ``pooled`` takes the
    actions with rows enough. Without a row where chance decided the uplift is the stated prior.
    """
    stated = stated_uplift(base, data, prior, fails)
    arms = {key: arm for key, arm in data.arms.items() if arm.treated.any() and not arm.treated.all()}
    if not arms:
        return stated, {}
    known = replace(data, arms=arms)
    p = base.predict(data.x)
    z = standardised(data.x, stated.centre, stated.spread)
    rate = cross_fitted_rates(data.x, data.y, p, seed, known.by_chance)
    coefficient = pooled_coefficients(known, rate, z, lambda action: stated.stated(p, action), tuple(actions))
    effects = {key: _effect(data.y[arm.rows] - rate[arm.rows], arm) for key, arm in sorted(arms.items())}
    return by_learner(replace(stated, coefficient=coefficient), known, learner, seed), effects


def by_learner(pooled: Uplift, data: Labelled, learner: str, seed: int) -> Uplift:
    """Return a pooled uplift with what ``learner`` makes of every action that has rows enough."""
    if learner == POOLED:
        return pooled
    trials = {key: trial_of(data, arm, seed) for key, arm in sorted(data.arms.items()) if enough(data, arm)}
    learned = {key: learn_effects(Learner(learner), trial, seed) for key, trial in trials.items()}
    return replace(pooled, learned=learned, learner=learner)


def enough(data: Labelled, arm: RandomisedArm) -> bool:
    """Return whether an action has rows and outcomes enough for trees, treated and not."""
    y = data.y[arm.rows]
    sides = min(arm.treated.sum(), (~arm.treated).sum())
    return bool(sides >= LEAST_SIDE and min(y.sum(), (1.0 - y).sum()) >= LEAST_EACH)


def trial_of(data: Labelled, arm: RandomisedArm, seed: int) -> Trial:
    """Return an action's rows as a trial, at most ``MOST_ROWS`` of them by lot."""
    kept = np.arange(len(arm.rows))
    if len(kept) > MOST_ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(kept, MOST_ROWS, replace=False))
    rows = arm.rows[kept]
    return Trial(data.x[rows], arm.treated[kept], data.y[rows], arm.probability[kept])


def _effect(residual: Floats, arm: RandomisedArm) -> ActionEffect:
    """Mean difference between treated and untreated rows of an arm, weighted by 1 / probability of what each got."""
    means, variance = [], 0.0
    for mask, weight in ((arm.treated, 1.0 / arm.probability), (~arm.treated, 1.0 / (1.0 - arm.probability))):
        w = weight[mask]
        mean = float(w @ residual[mask] / w.sum())
        variance += float((w**2) @ (residual[mask] - mean) ** 2 / w.sum() ** 2)
        means.append(mean)
    value, half = means[0] - means[1], Z95 * float(np.sqrt(variance))
    return ActionEffect(int(arm.treated.sum()), value, value - half, value + half)


def _moments(x: Floats) -> tuple[Floats, Floats]:
    known = ~np.isnan(x)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, x, 0.0)
    centre = filled.sum(axis=0) / count
    spread = np.sqrt(np.where(known, (x - centre) ** 2, 0.0).sum(axis=0) / count)
    return centre, np.where(spread > 0, spread, 1.0)


def standardised(x: Floats, centre: Floats, spread: Floats) -> Floats:
    """Return standard scores clipped at ±4, with unknown at the mean: one rich customer must not steer a slope."""
    return np.clip(np.nan_to_num((x - centre) / spread, nan=0.0), -4.0, 4.0)
