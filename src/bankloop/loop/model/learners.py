"""The learners: a calibrated propensity by gradient boosting, and uplift per action, learned about the stated prior.

The uplift of an action is a scale of its stated prior, a level, and slopes on standard features (``pooled``); with little
data it stays at the prior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Arm, Effect, Floats, Labelled
from bankloop.loop.model.pooled import cross_fitted_rates, pooled_coefficients

HOLD_OUT = 0.3
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Propensity:
    """P(success without contact | x): boosted trees, calibrated by an isotonic step on rows held out."""

    trees: Any
    isotonic: Any
    features: tuple[str, ...]

    def predict(self, x: Floats) -> Floats:
        """Return probabilities (n,)."""
        if not len(x):
            return np.zeros(0)
        with threadpool_limits(1, user_api="openmp"):
            return np.asarray(self.isotonic.predict(self.trees.predict_proba(x)[:, 1]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Uplift:
    """Uplift per action; ``coefficient`` (f + 2,) of an action: scale of its prior, level, slopes on standard features.

    ``prior`` maps channels and benefits to their stated share of the base; ``fails`` takes the base as 1 − p.
    """

    base: Propensity
    prior: Mapping[str, float]
    fails: bool
    centre: Floats
    spread: Floats
    coefficient: Mapping[str, Floats]

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
        columns = [self._one(p, z, action) for action in actions]
        return np.column_stack(columns) if columns else np.zeros((len(x), 0))

    def _one(self, p: Floats, z: Floats, action: str) -> Floats:
        prior = self.stated(p, action)
        learned = self.coefficient.get(action)
        if learned is not None:
            prior = learned[0] * prior + learned[1] + z @ learned[2:]
        return np.clip(prior, -p, 1.0 - p)

    def stated(self, p: Floats, action: str) -> Floats:
        """Return the stated prior uplift (n,) of an action."""
        _, benefit, channel = action.split("|")
        share = self.prior.get(channel, 0.0) + self.prior.get(benefit, 0.0)
        return share * ((1.0 - p) if self.fails else p)


@dataclass(frozen=True, slots=True)
class Steps:
    """A rising line through the points (``at``, ``rate``), level beyond its ends."""

    at: Floats
    rate: Floats

    def predict(self, scores: Floats) -> Floats:
        """Return the rate at each score."""
        return np.interp(scores, self.at, self.rate)


def centred_steps(score: Floats, y: Floats) -> Steps:
    """Return the isotonic rates of y by score, each level drawn through its centre.

    Plain isotonic steps tie customers whom the trees tell apart, and lose up to half a point of AUC by it. (Oron and
    Flournoy 2017, centred isotonic regression.)
    """
    from sklearn.isotonic import isotonic_regression  # here and not above: it takes a second to import

    order = np.argsort(score, kind="stable")
    rate = np.asarray(isotonic_regression(y[order], y_min=0.0, y_max=1.0), np.float64)
    level = np.r_[0, np.cumsum(np.diff(rate) != 0)]
    size = np.bincount(level)
    at, rates = np.bincount(level, score[order]) / size, np.bincount(level, rate) / size
    apart = np.r_[True, np.diff(at) > 0]
    return Steps(at[apart], rates[apart])


def train_propensity(data: Labelled, seed: int) -> tuple[Propensity, NDArray[np.bool_]]:
    """Train on seven tenths, calibrate on half of the rest; return it with the mask of rows never seen (for the card).

    With fewer than 20 positives the propensity is the plain rate: trees would invent differences.
    """
    # Here and not above: commands that train nothing start seconds sooner.
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    draw = rng.random(len(data.y))
    train, test = draw >= HOLD_OUT, draw < HOLD_OUT / 2
    calibrate = ~train & ~test
    if data.y[train].sum() < 20 or data.y[calibrate].sum() < 5 or data.y.min() == data.y.max():
        return Propensity(_Constant(float(data.y.mean())), _Identity(), tuple(data.features)), test
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.12, max_leaf_nodes=15, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    # One thread: the trees are small, the sums then have one order, and threads that wait for each other on a busy
    # machine made this nine times slower.
    with threadpool_limits(1, user_api="openmp"):
        trees.fit(data.x[train], data.y[train])
    steps = centred_steps(trees.predict_proba(data.x[calibrate])[:, 1], data.y[calibrate])
    return Propensity(trees, steps, tuple(data.features)), test


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
) -> tuple[Uplift, dict[str, Effect]]:
    """Return the uplift learned from the arms of randomised rounds, and each tried action's mean effect.

    ``actions`` that were never tried are learned from what the tried ones share. Without a row where chance decided the
    uplift is the stated prior.
    """
    stated = stated_uplift(base, data, prior, fails)
    arms = {key: arm for key, arm in data.arms.items() if arm.treated.any() and not arm.treated.all()}
    if not arms:
        return stated, {}
    known = replace(data, arms=arms)
    p = base.predict(data.x)
    z = standardised(data.x, stated.centre, stated.spread)
    rate = cross_fitted_rates(data.x, data.y, p, seed)
    coefficient = pooled_coefficients(known, rate, z, lambda action: stated.stated(p, action), tuple(actions))
    effects = {key: _effect(data.y[arm.rows] - rate[arm.rows], arm) for key, arm in sorted(arms.items())}
    return replace(stated, coefficient=coefficient), effects


def _effect(residual: Floats, arm: Arm) -> Effect:
    """Mean difference between treated and untreated rows of an arm, weighted by 1 / probability of what each got."""
    means, variance = [], 0.0
    for mask, weight in ((arm.treated, 1.0 / arm.probability), (~arm.treated, 1.0 / (1.0 - arm.probability))):
        w = weight[mask]
        mean = float(w @ residual[mask] / w.sum())
        variance += float((w**2) @ (residual[mask] - mean) ** 2 / w.sum() ** 2)
        means.append(mean)
    value, half = means[0] - means[1], Z95 * float(np.sqrt(variance))
    return Effect(int(arm.treated.sum()), value, value - half, value + half)


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


@dataclass(frozen=True, slots=True)
class _Constant:
    rate: float

    def predict_proba(self, x: Floats) -> Floats:
        return np.column_stack([np.full(len(x), 1.0 - self.rate), np.full(len(x), self.rate)])


@dataclass(frozen=True, slots=True)
class _Identity:
    def predict(self, scores: Floats) -> Floats:
        return scores
