"""Which learner a campaign's uplift is learned by: the one that its file names, or by comparison on rows none of them saw.

The segments' posterior stays unless another is surely nearer to what happened: by the R-loss of Nie and Wager,
customer by customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bankloop.kit.text import Text
from bankloop.loop.model.contracts import Floats, Gain, Labelled
from bankloop.loop.model.meta import Learner
from bankloop.loop.model.residuals import cross_fitted_rates, squared_errors
from bankloop.loop.model.uplift import SEGMENTS, Z95, Uplift, by_learner, enough, learn_uplift

AUTO = "auto"
CHALLENGERS = (Learner.S, Learner.T, Learner.X, Learner.DR)
FOLDS = 3
# One-sided, 1 in 20 over four challengers: which of them wins by luck alone must not be rarer than that.
SURE = 2.2414


@dataclass(frozen=True, slots=True)
class LearnerChoice:
    """The learner, why in words, and by how much each challenger's squared error is below the segments', if compared."""

    learner: str
    said: Text
    gains: Mapping[str, Gain] = field(default_factory=dict)


def learner_for(asked: str, first: Uplift, data: Labelled, seed: int) -> LearnerChoice:
    """Return who learns: whom the file names, or for ``auto`` the winner of the comparison on these rows."""
    if not any(enough(data, arm) for arm in data.arms.values()):
        said = Text(
            "没有哪个动作的随机样本够树模型分辨，用分群后验",
            "no action has random rows enough for trees: the segments' posterior",
        )
        return LearnerChoice(SEGMENTS, said)
    if asked != AUTO:
        return LearnerChoice(asked, Text(f"战役文件指定 {asked}", f"the campaign's file names {asked}"))
    gains = _gains(first, data, seed)
    sure = {name: one for name, one in gains.items() if one.mean > SURE * one.se}
    if not sure:
        said = Text(
            "没有学习器确定比分群后验更接近事实", "no learner is surely nearer to what happened than the segments"
        )
        return LearnerChoice(SEGMENTS, said, gains)
    best = max(sure, key=lambda name: sure[name].mean)
    said = Text(
        f"{best} 在未见过的样本上确定比分群后验更接近事实",
        f"{best} is surely nearer than the segments to what happened on rows not seen",
    )
    return LearnerChoice(best, said, gains)


def _gains(first: Uplift, data: Labelled, seed: int) -> dict[str, Gain]:
    """Return how much smaller each challenger's error is a customer, all judged on the same rows that none of them saw."""
    keys = sorted(data.arms)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(data.y))
    effects = {name: np.zeros((len(data.y), len(keys))) for name in (SEGMENTS, *CHALLENGERS)}
    for number in range(FOLDS):
        out, rest = fold == number, data.part(fold != number)
        segments = learn_uplift(first, rest, seed)[0]
        for name, found in effects.items():
            found[out] = by_learner(segments, rest, name, seed).predict(data.x[out], keys)[1]
    rate = cross_fitted_rates(data.x, data.y, first.base.predict(data.x), seed, data.by_chance)
    rows, theirs = _errors(data, rate, keys, effects.pop(SEGMENTS))
    return {str(name): _gain(theirs - _errors(data, rate, keys, found)[1], rows) for name, found in effects.items()}


def _errors(data: Labelled, rate: Floats, keys: list[str], effects: Floats) -> tuple[Floats, Floats]:
    """Return (rows counted (n,), squared errors summed by customer (n,))."""
    rows, errors = squared_errors(data, rate, dict(zip(keys, effects.T, strict=True)))
    total, counted = np.zeros(len(data.y)), np.zeros(len(data.y))
    np.add.at(total, rows, errors)
    counted[rows] = 1.0
    return counted, total


def _gain(difference: Floats, counted: Floats) -> Gain:
    mine = difference[counted > 0]
    se = float(mine.std() / max(len(mine), 1) ** 0.5)
    mean = float(mine.mean())
    return Gain(mean, mean - Z95 * se, mean + Z95 * se, se)
