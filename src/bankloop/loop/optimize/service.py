"""Step 8, 优模型: outcomes become labels when due, a challenger is trained and compared; people promote it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bankloop.kit import Text
from bankloop.loop.evaluate import Estimate, points
from bankloop.loop.model import PSI_ALARM, Card, Labelled, Uplift, train_causal
from bankloop.loop.spec import Campaign

BOOTSTRAPS = 200
HOLD_OUT = 0.3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion beside challenger on rows neither was trained on.

    ``champion`` and ``challenger`` are the lift among the half that each would rather contact; ``gain`` is challenger −
    champion with its interval from paired bootstrap.
    """

    rows: int
    champion: float
    challenger: float
    gain: Estimate

    @property
    def sentence(self) -> Text:
        """Return the comparison in words; a tie is called one."""
        if self.gain.low > 0:
            return Text("挑战者更好", "the challenger is better")
        if self.gain.high < 0:
            return Text("挑战者更差：保留现任", "the challenger is worse: keep the champion")
        return Text("两者分不出高下", "the two cannot be told apart")


@dataclass(frozen=True, slots=True)
class Challenger:
    """A trained challenger with its card and its comparison."""

    model: Uplift
    card: Card
    comparison: Comparison


def labels_due(due: date, today: date) -> bool:
    """Return whether outcomes decided on may be used as labels: not before their window has closed."""
    return today >= due


def drift_alert(card: Card) -> Text | None:
    """Return the alert when the scored population has left the training rows, else None."""
    if card.psi <= PSI_ALARM:
        return None
    return Text(
        f"PSI {card.psi:.2f} > {PSI_ALARM}：客群已变，请重训并提交审批",
        f"PSI {card.psi:.2f} > {PSI_ALARM}: the population has changed; retrain and submit for approval",
    )


def train_challenger(campaign: Campaign, champion: Uplift, data: Labelled, now: Floats, seed: int) -> Challenger:
    """Train on seven tenths of a randomised round, compare on the rest, then train on all of it."""
    held = np.random.default_rng(seed).random(len(data.y)) < HOLD_OUT
    trial, _ = train_causal(campaign, data.part(~held), now, seed)
    comparison = compare(champion, trial, data.part(held), seed)
    model, card = train_causal(campaign, data, now, seed)
    return Challenger(model, card, comparison)


def compare(champion: Uplift, challenger: Uplift, held: Labelled, seed: int) -> Comparison:
    """Compare two models by the intention-to-treat lift among the half that each would rather contact."""
    assert held.control is not None
    keys = sorted(held.arms)
    if not keys or min(held.control.sum(), (~held.control).sum()) < 50:
        return Comparison(len(held.y), 0.0, 0.0, Estimate(0.0, -1.0, 1.0))
    picks = [_top_half(model, held.x, keys) for model in (champion, challenger)]
    rng = np.random.default_rng(seed)
    gains = []
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, len(held.y), len(held.y))
        a, b = (_lift(held.y[rows], held.control[rows], pick[rows]) for pick in picks)
        gains.append(b - a)
    a, b = (_lift(held.y, held.control, pick) for pick in picks)
    low, high = np.quantile(gains, [0.025, 0.975])
    return Comparison(len(held.y), a, b, Estimate(b - a, float(low), float(high)))


def _top_half(model: Uplift, x: Floats, keys: list[str]) -> NDArray[np.bool_]:
    best = model.predict(x, keys)[1].max(axis=1)
    return np.asarray(best > np.median(best))


def _lift(y: Floats, control: NDArray[np.bool_], pick: NDArray[np.bool_]) -> float:
    treated, ghosts = pick & ~control, pick & control
    return float(y[treated].mean() - y[ghosts].mean()) if treated.any() and ghosts.any() else 0.0


def next_draft(campaign: Campaign, comparison: Comparison, lift: Estimate | None) -> Text:
    """Return what the next round's draft says of where it comes from."""
    learned = points(lift.value) if lift else "—"
    return Text(
        f"由上一轮预填：测得提升 {learned}；模型比较：{comparison.sentence.zh}",
        f"prefilled from the last round of {campaign.campaign}: measured lift {learned}; models: {comparison.sentence.en}",
    )
