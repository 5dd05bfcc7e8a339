"""What is believed of an effect, and how surely: the stated two-sided prior, moved by the rows where chance decided.

τ_a(x) = (s + s_a)·stated_a(g) − η·wins_a·rate(g) + size_a·(d_g + c_a + z(x)·θ), g the customer's segment. s is about
1 (what the owner stated), η lets more be lost than was stated, d_g sets a segment apart, s_a and c_a an action, θ
people within a segment by the few moderators that the campaign's file names. Every term is normal about the stated
prior; what is kept is the posterior, so that a plan's gain has a probability and not only an estimate.

How far people may differ is not known. Sceptical odds say that they hardly do; the marginal likelihood of the data
moves them (a mixture over widths, averaged and not picked). With little data all of it stays at the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.later import later
from bankloop.loop.model.contracts import Floats, Labelled, RandomisedArm
from bankloop.loop.model.residuals import variance_of
from bankloop.loop.model.segments import Segments

if TYPE_CHECKING:
    from scipy import linalg, special
else:
    linalg, special = later("scipy.linalg"), later("scipy.special")

# A spread below which there is none.
_FLAT = 1e-12
# What was stated may be out by half of itself; more may be lost than was stated, as a share of what is won; a segment
# may lie off by two fifths of the mean effect. Looser, a bank of 60,000 follows its noise (shares of what is
# attainable fell to .66).
STATED_SD, LOSES_SD, SEGMENT_SD = 0.5, 0.1, 0.4
# How far people within a segment differ, in units of the mean effect, with the odds before any data: hardly, as much
# as the mean, three times as much (where one in eight carries nearly all of an effect, one attribute moves it by its
# whole mean).
PEOPLE = ((1e-4, 0.80), (1.0, 0.15), (3.0, 0.05))
ACTION_SDS = (0.1, 0.5)
_LEAST_EFFECT = 1e-4


@dataclass(frozen=True, slots=True)
class StatedPrior:
    """What the owner stated: by channel and benefit the share that a contact ``wins`` and the share that it ``loses``.

    Wins are a share of the base: of those who would not reach the goal by themselves (``fails``), else of those who
    would. Losses are always of those who would.
    """

    wins: Mapping[str, float]
    loses: Mapping[str, float]
    fails: bool

    def won(self, action: str) -> float:
        """Return the share of the base that an action wins: its channel's and its benefit's."""
        return self._both(self.wins, action)

    def effect(self, rate: Floats, action: str) -> Floats:
        """Return the stated effect at the rates (s,) of reaching the goal unasked."""
        return self.won(action) * self.base(rate) - self._both(self.loses, action) * rate

    def base(self, rate: Floats) -> Floats:
        """Return the share whom a contact can win."""
        return 1.0 - rate if self.fails else rate

    def times(self, factor: float) -> StatedPrior:
        """Return the same with what is lost multiplied: how much a plan hangs on it."""
        return StatedPrior(self.wins, {key: one * factor for key, one in self.loses.items()}, self.fails)

    @staticmethod
    def _both(shares: Mapping[str, float], action: str) -> float:
        _, benefit, channel = action.split("|")
        return shares.get(channel, 0.0) + shares.get(benefit, 0.0)


@dataclass(frozen=True, slots=True)
class Posterior:
    """A mixture over widths: ``weight`` (k,), ``mean`` (k·p,) and ``covariance`` (k·p·p,) of the terms.

    ``tried`` are the actions with terms of their own; ``shared`` is the number of terms that all actions have.
    """

    tried: tuple[str, ...]
    shared: int
    weight: Floats
    mean: Floats
    covariance: Floats

    def __post_init__(self) -> None:
        """Refuse numbers that do not belong together."""
        k, p = self.weight.size, self.width
        if k < 1 or self.mean.size != k * p or self.covariance.size != k * p * p:
            raise ValueError("this is no posterior")

    @property
    def width(self) -> int:
        """Return the number of terms p."""
        return self.shared + 2 * len(self.tried)

    @property
    def average(self) -> Floats:
        """Return the posterior mean (p,) of the terms."""
        return np.asarray(self.weight @ self.mean.reshape(-1, self.width))

    def along(self, direction: Floats) -> tuple[Floats, Floats]:
        """Return mean (k,) and standard deviation (k,) of terms @ ``direction`` (p,), by part of the mixture."""
        spread = self.covariance.reshape(-1, self.width, self.width) @ direction @ direction
        return self.mean.reshape(-1, self.width) @ direction, np.sqrt(np.maximum(spread, 0.0))

    def above(self, directions: Floats) -> tuple[Floats, Floats]:
        """Return P(terms @ d > 0) (n,) and its mean (n,) for each of ``directions`` (n, p)."""
        kinds, of = np.unique(directions, axis=0, return_inverse=True)
        parts = [self.along(one) for one in kinds]
        means, spreads = (np.array([part[i] for part in parts]).reshape(len(kinds), -1) for i in (0, 1))
        chance = special.ndtr(means / np.maximum(spreads, _FLAT)) @ self.weight
        return chance[of.ravel()], (means @ self.weight)[of.ravel()]

    def own(self, action: str) -> slice | None:
        """Return where an action's own terms stand; None where it was never tried."""
        if action not in self.tried:
            return None
        at = self.shared + 2 * self.tried.index(action)
        return slice(at, at + 2)


def leaf_terms(stated: StatedPrior, segments: Segments, action: str) -> tuple[Floats, float]:
    """Return an action's terms by segment (s, 2 + s), and its size: the mean of what it wins."""
    won, rate = stated.won(action), segments.rate
    size = max(won * float(segments.share @ stated.base(rate)), _LEAST_EFFECT)
    terms = np.column_stack([stated.effect(rate, action), -won * rate, size * np.eye(segments.count)])
    return terms, size


def prior_of(segments: Segments, moderators: int) -> Posterior:
    """Return what is believed before any row where chance decided."""
    return _mixture(np.zeros(0), np.zeros(0), segments.count, moderators, ())


def learned_posterior(
    data: Labelled, rate: Floats, z: Floats, of: NDArray[np.int64], stated: StatedPrior, segments: Segments
) -> Posterior:
    """Return what is believed after the rows of ``data`` where chance decided.

    ``rate`` (n,) are cross-fitted, ``z`` (n, m) the moderators on a standard scale, ``of`` (n,) each customer's
    segment.
    """
    tried = tuple(sorted(data.arms))
    shared = 2 + segments.count + z.shape[1]
    width = shared + 2 * len(tried)
    gram, moment = np.zeros((width, width)), np.zeros(width)
    variance = variance_of(rate)
    for number, action in enumerate(tried):
        arm = data.arms[action]
        terms = action_terms(stated, segments, action, of[arm.rows], z[arm.rows])
        own = slice(shared + 2 * number, shared + 2 * number + 2)
        _add(gram, moment, np.r_[np.arange(shared), np.arange(own.start, own.stop)], terms, arm, data, rate, variance)
    return _mixture(gram, moment, segments.count, z.shape[1], tried)


def action_terms(stated: StatedPrior, segments: Segments, action: str, of: NDArray[np.int64], z: Floats) -> Floats:
    """Return an action's terms (n, 2 + s + m + 2): those that all actions share, then its own scale and level."""
    leaf, size = leaf_terms(stated, segments, action)
    people = z * (size / max(z.shape[1], 1) ** 0.5)
    return np.column_stack([leaf[of], people, leaf[of, 0], np.full(len(of), size)])


def _add(
    gram: Floats,
    moment: Floats,
    place: NDArray[np.int64],
    terms: Floats,
    arm: RandomisedArm,
    data: Labelled,
    rate: Floats,
    variance: Floats,
) -> None:
    """Add XᵀWX and XᵀWr of an action's rows, X = (treated − probability)·terms, W = 1 / variance."""
    rows = arm.rows
    x = terms * (arm.treated - arm.probability)[:, None]
    weighted = x / variance[rows][:, None]
    gram[np.ix_(place, place)] += x.T @ weighted
    moment[place] += weighted.T @ (data.y[rows] - rate[rows])


def _mixture(gram: Floats, moment: Floats, segments: int, moderators: int, tried: tuple[str, ...]) -> Posterior:
    """Return the posterior over all widths, each weighted by its odds and by how well it predicted the data."""
    shared = 2 + segments + moderators
    width = shared + 2 * len(tried)
    gram, moment = (gram, moment) if gram.size else (np.zeros((width, width)), np.zeros(width))
    prior = np.zeros(width)
    prior[0] = 1.0
    residual = moment - gram @ prior
    means, spreads, evidence = [], [], []
    for (people, odds), action in product(PEOPLE, ACTION_SDS):
        by_people = np.r_[np.full(segments, SEGMENT_SD), np.full(moderators, people)]
        root = np.r_[STATED_SD, LOSES_SD, by_people, np.full(2 * len(tried), action)]
        factor = np.linalg.cholesky(np.eye(width) + root[:, None] * gram * root[None, :])
        half = linalg.solve_triangular(factor, root * residual, lower=True, check_finite=False)
        evidence.append(float(np.log(odds)) + 0.5 * float(half @ half) - float(np.log(np.diag(factor)).sum()))
        means.append(prior + root * linalg.solve_triangular(factor, half, lower=True, trans="T", check_finite=False))
        inverse = linalg.solve_triangular(factor, np.diag(root), lower=True, check_finite=False)
        spreads.append(inverse.T @ inverse)
    weight = np.exp(np.array(evidence) - max(evidence))
    return Posterior(tried, shared, weight / weight.sum(), np.concatenate(means), np.concatenate(spreads).ravel())
