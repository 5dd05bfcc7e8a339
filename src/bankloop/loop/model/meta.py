"""S, T, X and DR learners over boosted trees, and the linear T that they must beat; probabilities of treatment are known.

Nuisances are cross-fitted: what a row is judged by was learned without it. (Künzel et al. 2019; Kennedy 2023.) The last
step of X and DR regresses on few leaves, because an effect differs less between people than an outcome does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.loop.model.contracts import Floats

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


@dataclass(frozen=True, slots=True)
class Effects:
    """A learned effect: ``rank`` orders people, ``predict`` is the same on the scale of the outcome (isotonic)."""

    learner: Learner
    rank: Callable[[Floats], Floats]
    steps: Any

    def predict(self, x: Floats) -> Floats:
        """Return the calibrated effect (n,)."""
        return np.asarray(self.steps.predict(self.rank(x)), np.float64)


def learn_effects(learner: Learner, trial: Trial, seed: int) -> Effects:
    """Return the effect of treatment by one learner, calibrated on scores that were predicted out of fold."""
    from sklearn.isotonic import IsotonicRegression  # here and not above: it takes a second to import

    with threadpool_limits(1, user_api="openmp"):
        nuisance = _nuisances(trial, seed)
        effect = pseudo_outcome(trial, *nuisance)
        held = np.empty(len(trial.y))
        for fold, rest in _folds(len(trial.y), 2, seed + 1):
            part = [values[rest] for values in nuisance]
            held[fold] = _RANKERS[learner](trial.part(rest), part, seed)(trial.x[fold])
        steps = IsotonicRegression(out_of_bounds="clip").fit(held, effect)
        return Effects(learner, _RANKERS[learner](trial, list(nuisance), seed), steps)


def learn_rank(learner: Learner, trial: Trial, seed: int) -> Callable[[Floats], Floats]:
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


def _outcome(x: Floats, y: Floats, seed: int) -> Callable[[Floats], Floats]:
    """Return P(y = 1 | x), or the mean where there is only one class or too few of the other."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if min(y.sum(), (1.0 - y).sum()) < 10:
        mean = float(y.mean()) if len(y) else 0.0
        return lambda rows: np.full(len(rows), mean)
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=100, l2_regularization=20.0,
        early_stopping=False, random_state=seed,
    ).fit(x, y)  # fmt: skip
    return lambda rows: np.asarray(trees.predict_proba(rows)[:, 1], np.float64)


def _effect_trees(x: Floats, y: Floats, weight: Floats | None, seed: int) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        max_iter=50, learning_rate=0.05, max_leaf_nodes=5, min_samples_leaf=400, l2_regularization=50.0,
        early_stopping=False, random_state=seed,
    ).fit(x, y, sample_weight=weight)  # fmt: skip
    return lambda rows: np.asarray(trees.predict(rows), np.float64)


def _single(trial: Trial, nuisance: list[Floats], seed: int) -> Callable[[Floats], Floats]:
    del nuisance
    both = _outcome(np.column_stack([trial.x, trial.treated]), trial.y, seed)

    def effect(x: Floats) -> Floats:
        return both(np.column_stack([x, np.ones(len(x))])) - both(np.column_stack([x, np.zeros(len(x))]))

    return effect


def _two(trial: Trial, nuisance: list[Floats], seed: int) -> Callable[[Floats], Floats]:
    del nuisance
    sides = [_outcome(trial.x[trial.treated == side], trial.y[trial.treated == side], seed) for side in (False, True)]
    return lambda x: sides[1](x) - sides[0](x)


def _crossed(trial: Trial, nuisance: list[Floats], seed: int) -> Callable[[Floats], Floats]:
    without, treated = nuisance
    mine = trial.treated
    on_treated = _effect_trees(trial.x[mine], trial.y[mine] - without[mine], None, seed)
    on_others = _effect_trees(trial.x[~mine], treated[~mine] - trial.y[~mine], None, seed)
    share = float(trial.probability.mean())
    return lambda x: share * on_others(x) + (1.0 - share) * on_treated(x)


def _robust(trial: Trial, nuisance: list[Floats], seed: int) -> Callable[[Floats], Floats]:
    return _effect_trees(trial.x, pseudo_outcome(trial, *nuisance), None, seed)


def _linear(trial: Trial, nuisance: list[Floats], seed: int) -> Callable[[Floats], Floats]:
    from sklearn.linear_model import LogisticRegression

    del nuisance, seed
    x = np.nan_to_num(trial.x)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)

    def standard(rows: Floats) -> Floats:
        return np.asarray((np.nan_to_num(rows) - centre) / spread)

    sides = []
    for side in (False, True):
        rows = trial.treated == side
        if trial.y[rows].min(initial=1.0) == trial.y[rows].max(initial=0.0):
            return lambda rows: np.zeros(len(rows))
        sides.append(LogisticRegression(max_iter=200).fit(standard(x[rows]), trial.y[rows]))
    without, treated = sides
    return lambda rows: np.asarray(
        treated.predict_proba(standard(rows))[:, 1] - without.predict_proba(standard(rows))[:, 1], np.float64
    )


_RANKERS: Mapping[Learner, Callable[[Trial, list[Floats], int], Callable[[Floats], Floats]]] = {
    Learner.S: _single,
    Learner.T: _two,
    Learner.X: _crossed,
    Learner.DR: _robust,
    Learner.LINEAR_T: _linear,
}
