"""Uplift per action: the posterior about the stated prior, or a learner over trees where a campaign asks for it.

With little data the uplift stays at the prior. A learner over trees takes the actions that have rows enough; the
others stay with the posterior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bankloop.loop.model.amounts import Amount
from bankloop.loop.model.contracts import ActionEffect, Floats, Labelled, RandomisedArm
from bankloop.loop.model.learners import Propensity
from bankloop.loop.model.meta import LearnedEffect, Learner, Trial, learn_effects
from bankloop.loop.model.posterior import Posterior, StatedPrior, action_terms, leaf_terms, learned_posterior, prior_of
from bankloop.loop.model.residuals import cross_fitted_rates
from bankloop.loop.model.segments import Segments, grow_segments

SEGMENTS = "segments"
# Leaves of an effect hold 400 rows: an action with fewer on either side has nothing for trees to tell apart.
LEAST_SIDE, LEAST_EACH = 400, 20
# So few small trees have no use for more rows of an action.
MOST_ROWS = 120_000
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Uplift:
    """Uplift per action, by the customer's segment and the moderators that the campaign's file names.

    ``centre`` and ``spread`` (m,) put the ``moderators`` on a standard scale; ``usual`` (f,) are the training rows'
    means of all features, beside which a person's reasons are told. ``learned`` are the actions that
    ``learner`` has learned over trees instead. ``amount`` of a success is an artefact of its own, put beside it where a
    lock names one.
    """

    base: Propensity
    stated: StatedPrior
    segments: Segments
    moderators: tuple[str, ...]
    centre: Floats
    spread: Floats
    usual: Floats
    posterior: Posterior
    learned: Mapping[str, LearnedEffect] = field(default_factory=dict)
    learner: str = SEGMENTS
    amount: Amount | None = None

    @property
    def causal(self) -> bool:
        """Return whether any action's uplift was learned from randomised rows."""
        return bool(self.posterior.tried)

    @property
    def unlearned(self) -> Uplift:
        """Return the same before any row where chance decided: what the first plan is made of."""
        return replace(self, posterior=prior_of(self.segments, len(self.moderators)), learned={}, learner=SEGMENTS)

    def stating(self, stated: StatedPrior, moderators: Sequence[str], data: Labelled) -> Uplift:
        """Return the first model of the same base and segments with what is stated now."""
        named, centre, spread = _scale(data, moderators)
        if named == self.moderators:
            centre, spread = self.centre, self.spread
        first = replace(self, stated=stated, moderators=named, centre=centre, spread=spread)
        return first.unlearned

    def predict(self, x: Floats, actions: Sequence[str]) -> tuple[Floats, Floats]:
        """Return (propensity without contact (n,), uplift (n, actions)) as probabilities."""
        p = self.base.predict(x)
        return p, self.effects_of(p, x, actions)

    def effects_of(self, p: Floats, x: Floats, actions: Sequence[str]) -> Floats:
        """Return the uplift (n, actions) of customers whose propensities ``p`` (n,) are known."""
        if not actions:
            return np.zeros((len(x), 0))
        of, z = self.segments.of(x), self.people(x)
        columns = [self.learned[a].predict(x) if a in self.learned else self._believed(of, z, a) for a in actions]
        return np.clip(np.column_stack(columns), -p[:, None], 1.0 - p[:, None])

    def people(self, x: Floats) -> Floats:
        """Return the moderators (n, m) on their standard scale."""
        places = [self.base.features.index(name) for name in self.moderators]
        return standardised(x[:, places], self.centre, self.spread)

    def terms(self, x: Floats, action: str) -> Floats:
        """Return (n, p) what an action's effect adds up, in the order of the posterior's terms."""
        found = action_terms(self.stated, self.segments, action, self.segments.of(x), self.people(x))
        whole = np.zeros((len(x), self.posterior.width))
        whole[:, : self.posterior.shared] = found[:, :-2]
        if (own := self.posterior.own(action)) is not None:
            whole[:, own] = found[:, -2:]
        return whole

    def by_segment(self, action: str) -> Floats:
        """Return the effect (s,) of an action on the mean customer of each segment."""
        nobody = np.zeros((self.segments.count, len(self.moderators)))
        return self._believed(np.arange(self.segments.count), nobody, action)

    def spread_of(self, action: str) -> Floats:
        """Return the posterior standard deviation (s,) of an action's effect on the mean customer of each segment."""
        count = self.segments.count
        found = action_terms(
            self.stated, self.segments, action, np.arange(count), np.zeros((count, len(self.moderators)))
        )
        own = self.posterior.own(action)
        deviations = []
        for row in found:
            direction = np.zeros(self.posterior.width)
            direction[: self.posterior.shared] = row[:-2]
            if own is not None:
                direction[own] = row[-2:]
            mean, sd = self.posterior.along(direction)
            centre = float(self.posterior.weight @ mean)
            deviations.append(float(self.posterior.weight @ (sd**2 + (mean - centre) ** 2)) ** 0.5)
        return np.array(deviations)

    def _believed(self, of: NDArray[np.int64], z: Floats, action: str) -> Floats:
        average, (leaf, size) = self.posterior.average, leaf_terms(self.stated, self.segments, action)
        split = leaf.shape[1]
        by_leaf = leaf @ average[:split]
        if (own := self.posterior.own(action)) is not None:
            scale, level = average[own]
            by_leaf = by_leaf + scale * leaf[:, 0] + level * size
        slopes = average[split : self.posterior.shared] * (size / max(len(self.moderators), 1) ** 0.5)
        return np.asarray(by_leaf[of] + z @ slopes)


def stated_uplift(
    base: Propensity, data: Labelled, stated: StatedPrior, moderators: Sequence[str] = (), seed: int = 0
) -> Uplift:
    """Return the uplift that is only the stated prior, over the segments of ``data``: not yet causal.

    ``data`` are rows of those whom nobody contacted. Moderators that the rows do not have are left out.
    """
    named, centre, spread = _scale(data, moderators)
    segments = grow_segments(data.x, data.y, seed)
    usual = _moments(data.x)[0]
    return Uplift(base, stated, segments, named, centre, spread, usual, prior_of(segments, len(named)))


def learn_uplift(
    first: Uplift, data: Labelled, seed: int = 0, learner: str = SEGMENTS
) -> tuple[Uplift, dict[str, ActionEffect]]:
    """Return ``first`` moved by the arms of randomised rounds, and each tried action's mean effect.

    Actions that were never tried move by what the tried ones share. ``learner`` other than ``segments`` takes the
    actions with rows enough. Without a row where chance decided the uplift is the stated prior.
    """
    arms = {key: arm for key, arm in data.arms.items() if arm.treated.any() and not arm.treated.all()}
    if not arms:
        return first.unlearned, {}
    known = replace(data, arms=arms)
    rate = cross_fitted_rates(data.x, data.y, first.base.predict(data.x), seed, known.by_chance)
    of, z = first.segments.of(data.x), first.people(data.x)
    posterior = learned_posterior(known, rate, z, of, first.stated, first.segments)
    effects = {key: _effect(data.y[arm.rows] - rate[arm.rows], arm) for key, arm in sorted(arms.items())}
    return by_learner(replace(first, posterior=posterior, learned={}, learner=SEGMENTS), known, learner, seed), effects


def by_learner(segments: Uplift, data: Labelled, learner: str, seed: int) -> Uplift:
    """Return an uplift with what ``learner`` makes of every action that has rows enough."""
    if learner == SEGMENTS:
        return segments
    trials = {key: trial_of(data, arm, seed) for key, arm in sorted(data.arms.items()) if enough(data, arm)}
    learned = {key: learn_effects(Learner(learner), trial, seed) for key, trial in trials.items()}
    return replace(segments, learned=learned, learner=learner)


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


def _scale(data: Labelled, moderators: Sequence[str]) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return the moderators that the rows have, and what puts them on a standard scale."""
    named = tuple(name for name in moderators if name in data.features)
    return named, *_moments(data.x[:, [data.features.index(name) for name in named]])


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
