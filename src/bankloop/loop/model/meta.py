"""S, T, X and DR learners over boosted trees, and the linear T that they must beat; probabilities of treatment are known.

Nuisances are cross-fitted: what a row is judged by was learned without it. (Künzel et al. 2019; Kennedy 2023.) The last
step of X and DR regresses on few leaves, because an effect differs less between people than an outcome does. What is learned
are values: trees as flat arrays, which a batch and one customer walk alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Floats
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.learners import fitted
from bankloop.loop.model.steps import Steps

FOLDS = 3
Bools = NDArray[np.bool_]


class Learner(StrEnum):
    """A way to learn an effect from rows where chance decided."""

    S = "S"
    T = "T"
    X = "X"
    DR = "DR"
    LINEAR_T = "linear_T"


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows where chance decided: ``x`` (n, f), ``treated`` (n,), outcome ``y`` (n,), ``probability`` (n,) of treatment."""

    x: Floats
    treated: Bools
    y: Floats
    probability: Floats

    def part(self, rows: NDArray[Any]) -> Trial:
        """Return some of the rows."""
        return Trial(self.x[rows], self.treated[rows], self.y[rows], self.probability[rows])


class Rank(Protocol):
    """What orders people by their effect: (n, f) to (n,)."""

    def __call__(self, x: Floats, /) -> Floats:
        """Return the effect (n,), not yet on a scale that can be trusted."""


@dataclass(frozen=True, slots=True)
class LearnedEffect:
    """A learned effect: ``rank`` orders people, ``predict`` is the same on the scale of the outcome (isotonic)."""

    learner: Learner
    rank: Rank
    steps: Steps

    def predict(self, x: Floats) -> Floats:
        """Return the calibrated effect (n,)."""
        return np.asarray(self.steps.predict(self.rank(x)), np.float64)


def learn_effects(learner: Learner, trial: Trial, seed: int) -> LearnedEffect:
    """Return the effect of treatment by one learner, calibrated on scores that were predicted out of fold."""
    from sklearn.isotonic import IsotonicRegression  # here and not above: it takes a second to import

    with threadpool_limits(1, user_api="openmp"):
        nuisance = _nuisances(trial, seed)
        effect = pseudo_outcome(trial, *nuisance)
        held = np.empty(len(trial.y))
        for fold, rest in _folds(len(trial.y), 2, seed + 1):
            part = [values[rest] for values in nuisance]
            held[fold] = _RANKERS[learner](trial.part(rest), part, seed)(trial.x[fold])
        fitted = IsotonicRegression(out_of_bounds="clip").fit(held, effect)
        steps = Steps(np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64))
        return LearnedEffect(learner, _RANKERS[learner](trial, list(nuisance), seed), steps)


def learn_rank(learner: Learner, trial: Trial, seed: int) -> Rank:
    """Return the order of people by their effect alone, without the scale: for comparisons of learners."""
    with threadpool_limits(1, user_api="openmp"):
        needs = learner in (Learner.X, Learner.DR)
        return _RANKERS[learner](trial, list(_nuisances(trial, seed)) if needs else [], seed)


def pseudo_outcome(trial: Trial, without: Floats, treated: Floats) -> Floats:
    """Return (n,) an unbiased if noisy effect of each row: doubly robust, and the probability is known anyway."""
    own = np.where(trial.treated, treated, without)
    weight = (trial.treated - trial.probability) / (trial.probability * (1.0 - trial.probability))
    return np.asarray(treated - without + weight * (trial.y - own))


def _folds(rows: int, count: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    drawn = np.random.default_rng(seed).integers(0, count, rows)
    return [(np.flatnonzero(drawn == fold), np.flatnonzero(drawn != fold)) for fold in range(count)]


def _nuisances(trial: Trial, seed: int) -> tuple[Floats, Floats]:
    """Return the expected outcome (n,) without and with treatment, each row's learned from others."""
    without, treated = np.empty(len(trial.y)), np.empty(len(trial.y))
    for fold, rest in _folds(len(trial.y), FOLDS, seed):
        for side, out in ((False, without), (True, treated)):
            rows = rest[trial.treated[rest] == side]
            out[fold] = _outcome(trial.x[rows], trial.y[rows], seed)(trial.x[fold])
    return without, treated


def _outcome(x: Floats, y: Floats, seed: int) -> Rank:
    """Return P(y = 1 | x), or the mean where there is only one class or too few of the other."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if min(y.sum(), (1.0 - y).sum()) < 10:
        return _Mean(float(y.mean()) if len(y) else 0.0)
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=100, l2_regularization=20.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return _Trees(Scorer.plain(fitted(trees, x, y), x.shape[1]))


def _effect_trees(x: Floats, y: Floats, seed: int) -> Rank:
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        max_iter=50, learning_rate=0.05, max_leaf_nodes=5, min_samples_leaf=400, l2_regularization=50.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return _Trees(Scorer.plain(fitted(trees, x, y), x.shape[1]))


@dataclass(frozen=True, slots=True)
class _Mean:
    value: float

    def __call__(self, x: Floats) -> Floats:
        return np.full(len(x), self.value)


@dataclass(frozen=True, slots=True)
class _Trees:
    flat: Scorer

    def __call__(self, x: Floats) -> Floats:
        return self.flat.batch(x)[:, 0]


@dataclass(frozen=True, slots=True)
class _Switched:
    """One model of the outcome in which treatment is the last feature."""

    outcome: Rank

    def __call__(self, x: Floats) -> Floats:
        sides = [self.outcome(np.column_stack([x, np.full(len(x), side)])) for side in (0.0, 1.0)]
        return sides[1] - sides[0]


@dataclass(frozen=True, slots=True)
class _Mixed:
    """What two models say, each with its weight: +1 and −1 for a difference."""

    parts: tuple[tuple[float, Rank], ...]

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(np.sum([weight * rank(x) for weight, rank in self.parts], axis=0))


@dataclass(frozen=True, slots=True)
class _Logit:
    """A logistic regression on standard features, unknown at the mean."""

    centre: Floats
    spread: Floats
    slope: Floats
    level: float

    def __call__(self, x: Floats) -> Floats:
        z = (np.nan_to_num(x) - self.centre) / self.spread
        return np.asarray(1.0 / (1.0 + np.exp(-(z @ self.slope + self.level))))


def _single(trial: Trial, nuisance: list[Floats], seed: int) -> Rank:
    del nuisance
    return _Switched(_outcome(np.column_stack([trial.x, trial.treated]), trial.y, seed))


def _two(trial: Trial, nuisance: list[Floats], seed: int) -> Rank:
    del nuisance
    without, treated = (
        _outcome(trial.x[trial.treated == side], trial.y[trial.treated == side], seed) for side in (False, True)
    )
    return _Mixed(((1.0, treated), (-1.0, without)))


def _crossed(trial: Trial, nuisance: list[Floats], seed: int) -> Rank:
    without, treated = nuisance
    mine = trial.treated
    on_treated = _effect_trees(trial.x[mine], trial.y[mine] - without[mine], seed)
    on_others = _effect_trees(trial.x[~mine], treated[~mine] - trial.y[~mine], seed)
    share = float(trial.probability.mean())
    return _Mixed(((share, on_others), (1.0 - share, on_treated)))


def _robust(trial: Trial, nuisance: list[Floats], seed: int) -> Rank:
    without, treated = nuisance
    return _effect_trees(trial.x, pseudo_outcome(trial, without, treated), seed)


def _linear(trial: Trial, nuisance: list[Floats], seed: int) -> Rank:
    from sklearn.linear_model import LogisticRegression

    del nuisance, seed
    x = np.nan_to_num(trial.x)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    sides = []
    for side in (False, True):
        rows = trial.treated == side
        if trial.y[rows].min(initial=1.0) == trial.y[rows].max(initial=0.0):
            return _Mean(0.0)
        fitted = LogisticRegression(max_iter=200).fit((x[rows] - centre) / spread, trial.y[rows])
        sides.append(_Logit(centre, spread, fitted.coef_[0], float(fitted.intercept_[0])))
    return _Mixed(((1.0, sides[1]), (-1.0, sides[0])))


# What a learned order may consist of, by the name that a kept model gives it.
RANKS: Mapping[str, type] = {
    "mean": _Mean,
    "trees": _Trees,
    "switched": _Switched,
    "mixed": _Mixed,
    "logit": _Logit,
}

_RANKERS: Mapping[Learner, Callable[[Trial, list[Floats], int], Rank]] = {
    Learner.S: _single,
    Learner.T: _two,
    Learner.X: _crossed,
    Learner.DR: _robust,
    Learner.LINEAR_T: _linear,
}
