"""Step 8, 优模型: outcomes become labels when due, a challenger is trained and compared; people promote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bankloop.loop.model import Labelled, ModelCard, Uplift, learn_uplift, learner_for, stated_prior, train_causal
from bankloop.loop.optimize.comparison import Comparison, Tried, compare, guards_of
from bankloop.loop.optimize.gain import Setting, gain_of
from bankloop.loop.spec import Campaign

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Challenger:
    """A trained challenger with its card and its comparison; ``version`` is the registry's, once it is entered."""

    model: Uplift
    card: ModelCard
    comparison: Comparison
    version: int = 0


def labels_due(due: date, today: date) -> bool:
    """Return whether outcomes decided on may be used as labels: not before their window has closed."""
    return today >= due


def train_challenger(
    campaign: Campaign,
    champion: Uplift,
    learnt: Sequence[int],
    data: Labelled,
    tried: Tried | None,
    now: Floats,
    seed: int,
    lock: str = "",
    today: Setting | None = None,
) -> Challenger:
    """Train on all randomised rounds so far; compare the plans of ``today``, and errors round by round in order of time.

    ``learnt`` are the rounds that the champion was trained on: they judge nothing. Where the campaign leaves the learner to
    comparison, each part of the data chooses its own: what is judged had no say in who learned. ``lock`` is a digest.
    """
    first = champion.stating(stated_prior(campaign), campaign.model.moderators, data)

    def train(part: Labelled) -> Uplift:
        learner = learner_for(campaign.model.learner, first, part, seed).learner
        return learn_uplift(first, part, seed, learner)[0]

    comparison = compare(champion, learnt, train, data, tried, seed)
    model, card = train_causal(campaign, data, now, seed, champion, lock)
    gain = gain_of(today, champion, model) if today is not None and len(today.x) else None
    guards = guards_of(champion, model, card, data)
    return Challenger(model, card, replace(comparison, guards=guards, plan=gain, trees=bool(model.learned)))
