"""Whether the champion still fits the people it scores: PSI of its scores, and what it said against what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bankloop.kit.text import Text
from bankloop.loop.model import PSI_ALARM, Uplift, index_of, shares_between
from bankloop.loop.optimize.comparison import CHANCE, Floats

# Chance alone is out by more than this part of what it said is; smaller differences, however sure, change no plan.
MATERIAL = 0.25


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is watched: its value, the limit that it may not pass, and what to do where it did."""

    kind: str
    value: float
    limit: float
    sentence: Text

    @property
    def alarm(self) -> bool:
        """Return whether the limit is passed."""
        return self.value > self.limit


def stability(card: Mapping[str, Any], scores: Floats) -> Drift | None:
    """Return the PSI of ``scores`` (n,) against the card's training rows; None where the card kept no distribution."""
    edges, shares = card.get("edges"), card.get("shares")
    if not shares or not len(scores):
        return None
    return population_drift(index_of(np.asarray(shares, float), shares_between(scores, np.asarray(edges, float))))


def population_drift(value: float) -> Drift:
    """Return a stability index with what it says."""
    if value > PSI_ALARM:
        said = Text(
            f"PSI {value:.2f} > {PSI_ALARM}：客群已变，请重训并提交审批",
            f"PSI {value:.2f} > {PSI_ALARM}: the population has changed; retrain and submit for approval",
        )
    else:
        said = Text(f"PSI {value:.2f}，客群稳定", f"PSI {value:.2f}: the population is stable")
    return Drift("psi", value, PSI_ALARM, said)


def calibration(model: Uplift, x: Floats, y: Floats) -> Drift | None:
    """Return by how much the chance without contact is out on customers who got nothing, beyond luck; None for nobody."""
    if not len(y):
        return None
    said, rate = float(model.base.predict(x).mean()), float(y.mean())
    luck = CHANCE * (rate * (1.0 - rate) / len(y)) ** 0.5
    limit = max(luck, MATERIAL * max(rate, 1.0 / len(y)))
    off = abs(said - rate)
    word = "偏高" if said > rate else "偏低"
    over = "too high" if said > rate else "too low"
    sentence = (
        Text(
            f"模型说 {said:.1%}，实际 {rate:.1%}：{word}，请重训并提交审批",
            f"the model said {said:.1%}, {rate:.1%} happened: {over}; retrain and submit for approval",
        )
        if off > limit
        else Text(
            f"模型说 {said:.1%}，实际 {rate:.1%}：相符", f"the model said {said:.1%}, {rate:.1%} happened: it holds"
        )
    )
    return Drift("calibration", off, limit, sentence)
