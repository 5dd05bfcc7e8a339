"""What randomised rows add to the stated prior: one regression over all actions of a campaign, its trust in the data measured.

τ_a(x) = (s + s_a)·prior_a(x) + m_a·(l + l_a) + m_a·z(x)·(θ + θ_a): the actions of a campaign share how people differ,
``m_a`` is the mean of the stated effect, and every term is normal about the stated prior (s about 1, the rest about 0). It is
the posterior mean of a regression of y − m(x) on (W − e)·[…] over the rows where chance decided, W who was treated and e
the known probability. ``m`` predicts the outcome of everybody, each row's learned without it: residuals of a model that saw
the row are too small where nobody was treated, which reads as an effect. (Nie and Wager 2021, the R-learner.)

How far people may differ, and actions from each other, is not assumed: each width's share in the answer is how well it
predicted the data (the marginal likelihood; empirical Bayes, averaged and not picked). With little data it stays at the prior.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bankloop.kit.later import later
from bankloop.loop.model.contracts import Floats, Labelled, RandomisedArm
from bankloop.loop.model.forest import scores_of
from bankloop.loop.model.learners import fitted

if TYPE_CHECKING:
    from scipy import linalg
else:
    linalg = later("scipy.linalg")

FOLDS = 5
LEARNT_ROWS = 30_000
# Widths of the prior in units of the stated mean effect: the shared scale and level may be out by once that effect;
# how people and how actions differ is tried at these widths.
SHARED_SD = 1.0
PEOPLE_SDS = (1e-4, 0.3, 1.0)
ACTION_SDS = (0.1, 0.5)
# What sets one action's people apart from another's is smaller than what sets people apart.
OWN_SLOPES = 0.3
_LEAST_EFFECT = 1e-4
_EDGE = 0.002
_LEAST_VARIANCE = 1.0 / 3.0
_FEW = 10

Stated = Callable[[str], Floats]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where each term of an action's effect stands among all parameters: shared first, then the actions' own."""

    actions: tuple[str, ...]
    features: int

    @property
    def width(self) -> int:
        return (2 + self.features) * (1 + len(self.actions))

    def places(self, action: str) -> list[NDArray[np.int64]]:
        """Return the parameters (2 + f,) that an action adds up: the shared ones, and its own where it was tried."""
        size = 2 + self.features
        found = [np.arange(size)]
        if action in self.actions:
            found.append(np.arange(size) + size * (1 + self.actions.index(action)))
        return found

    def variances(self, people: float, action: float) -> Floats:
        shared = np.r_[SHARED_SD, SHARED_SD, np.full(self.features, people)]
        own = np.r_[action, action, np.full(self.features, people * OWN_SLOPES)]
        return np.concatenate([shared, np.tile(own, len(self.actions))]) ** 2


def cross_fitted_rates(
    x: Floats, y: Floats, prior: Floats, seed: int, wanted: NDArray[np.bool_] | None = None
) -> Floats:
    """Return P(success | x) (n,) of everybody, treated or not, each row's learned without it; ``prior`` (n,) is a feature.

    Where only the rows ``wanted`` (n,) are asked for, the others keep their prior. A fold learns from at most
    ``LEARNT_ROWS`` of the other folds' rows, and there are no more folds than it takes to leave it that many: so few small
    trees have no use for more, and what they leave unexplained costs a little precision and no bias.
    """
    rng = np.random.default_rng(seed)
    folds = next((k for k in range(2, FOLDS) if len(y) * (k - 1) // k >= LEARNT_ROWS), FOLDS)
    fold = rng.integers(0, folds, len(y))
    rests = [_some(np.flatnonzero(fold != number), rng) for number in range(folds)]
    asked = np.ones(len(y), bool) if wanted is None else wanted

    def both(rows: NDArray[np.int64]) -> Floats:
        return np.column_stack([prior[rows], x[rows]])

    def rate_of(number: int) -> tuple[NDArray[np.int64], Floats]:
        rest, out = rests[number], np.flatnonzero(asked & (fold == number))
        return out, _rate(both(rest), y[rest], both(out), seed)

    rate = np.array(prior, np.float64)
    # A fold is one thread: threads within a fold would wait for each other on a busy machine.
    with threadpool_limits(1, user_api="openmp"), ThreadPoolExecutor(min(folds, os.cpu_count() or 1)) as pool:
        for out, found in pool.map(rate_of, range(folds)):
            rate[out] = found
    return np.clip(rate, _EDGE, 1.0 - _EDGE)


def _some(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= LEARNT_ROWS else np.sort(rng.choice(rows, LEARNT_ROWS, replace=False))


def _rate(known: Floats, y: Floats, asked: Floats, seed: int) -> Floats:
    """Return the rate of the rows ``asked``, learned from the rows ``known`` and their outcomes ``y``."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # here and not above: it takes a second to import

    hits = float(y.sum())
    if not len(asked) or min(hits, len(y) - hits) < _FEW:
        return np.full(len(asked), (hits + 1.0) / (len(y) + 2.0))
    trees = HistGradientBoostingClassifier(
        max_iter=30, learning_rate=0.15, max_leaf_nodes=8, min_samples_leaf=50, l2_regularization=20.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return scores_of(fitted(trees, known, y), asked)


def pooled_coefficients(
    data: Labelled, rate: Floats, z: Floats, stated: Stated, actions: tuple[str, ...]
) -> dict[str, Floats]:
    """Return each action's coefficients (2 + f,): scale of its stated effect, level, slopes on standard features ``z``.

    ``rate`` (n,) are cross-fitted; ``stated`` gives an action's stated effect (n,). ``actions`` that were never tried have
    what the others share.
    """
    tried = tuple(sorted(data.arms))
    layout = _Layout(tried, z.shape[1])
    size = {a: max(float(np.mean(stated(a))), _LEAST_EFFECT) for a in {*tried, *actions}}
    gram, moment = np.zeros((layout.width, layout.width)), np.zeros(layout.width)
    for action in tried:
        own, pull = _sums(data.arms[action], data.y, rate, z, stated(action), size[action])
        places = layout.places(action)
        for a in places:
            moment[a] += pull
            for b in places:
                gram[np.ix_(a, b)] += own
    mean = _averaged(gram, moment, layout)
    scales = np.r_[1.0, 1.0, np.full(z.shape[1], 1.0 / max(z.shape[1], 1) ** 0.5)]
    return {
        a: np.sum([mean[p] for p in layout.places(a)], axis=0) * np.r_[1.0, np.full(1 + z.shape[1], size[a])] * scales
        for a in size
    }


def variance_of(rate: Floats) -> Floats:
    """Return the variance (n,) of outcomes at their rates, none below a third of the mean: a rate near 0 is never that sure."""
    variance = rate * (1.0 - rate)
    return np.maximum(variance, _LEAST_VARIANCE * float(variance.mean()))


def _sums(arm: RandomisedArm, y: Floats, rate: Floats, z: Floats, stated: Floats, size: float) -> tuple[Floats, Floats]:
    """Return XᵀWX and XᵀWr of an action's rows, X = (treated − probability)·[stated, size, size·z/√f], W = 1/variance."""
    rows = arm.rows
    weight = 1.0 / variance_of(rate)[rows]
    terms = np.column_stack([stated[rows], np.full(len(rows), size), z[rows] * (size / max(z.shape[1], 1) ** 0.5)])
    x = terms * (arm.treated - arm.probability)[:, None]
    weighted = x * weight[:, None]
    return x.T @ weighted, weighted.T @ (y[rows] - rate[rows])


def _averaged(gram: Floats, moment: Floats, layout: _Layout) -> Floats:
    """Return the posterior mean over all widths of the prior, each weighted by its marginal likelihood."""
    prior = np.zeros(layout.width)
    prior[0] = 1.0
    residual = moment - gram @ prior
    found, evidence = [], []
    for people, action in product(PEOPLE_SDS, ACTION_SDS):
        root = np.sqrt(layout.variances(people, action))
        factor = np.linalg.cholesky(np.eye(layout.width) + root[:, None] * gram * root[None, :])
        half = linalg.solve_triangular(factor, root * residual, lower=True, check_finite=False)
        evidence.append(0.5 * float(half @ half) - float(np.log(np.diag(factor)).sum()))
        found.append(prior + root * linalg.solve_triangular(factor, half, lower=True, trans="T", check_finite=False))
    weight = np.exp(np.array(evidence) - max(evidence))
    return np.asarray(weight @ np.array(found) / weight.sum())


def squared_errors(data: Labelled, rate: Floats, effects: Mapping[str, Floats]) -> tuple[NDArray[np.int64], Floats]:
    """Return (rows (m,), error (m,)) of effects (n,) by action on the rows where chance decided: smaller is nearer the truth.

    In expectation it is least for the true effect. (The R-loss of Nie and Wager, each row by 1 / its variance.)
    """
    rows, errors = [], []
    for action in sorted(data.arms):
        arm = data.arms[action]
        residual = data.y[arm.rows] - rate[arm.rows]
        residual = residual - (arm.treated - arm.probability) * effects[action][arm.rows]
        rows.append(arm.rows)
        errors.append(residual**2 / variance_of(rate)[arm.rows])
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(rows), np.concatenate(errors)
