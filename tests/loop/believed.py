"""Models that believe what a test wants them to, and are as sure of it as it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bankloop.loop.model import Posterior, Uplift


def believing(model: Uplift, own: Mapping[str, tuple[float, float]], slopes: float = 0.0, sure: float = 0.0) -> Uplift:
    """Return a model with each action's scale of what was stated and its level (in mean stated effects), people alike.

    ``slopes`` is what a step of each moderator adds; ``sure`` the standard deviation of every term.
    """
    tried = tuple(sorted(own))
    shared = 2 + model.segments.count + len(model.moderators)
    mean = np.zeros(shared + 2 * len(tried))
    mean[0] = 1.0
    mean[2 + model.segments.count : shared] = slopes
    for number, action in enumerate(tried):
        mean[shared + 2 * number : shared + 2 * number + 2] = own[action]
    return replace(model, posterior=Posterior(tried, shared, np.ones(1), mean, (np.eye(len(mean)) * sure**2).ravel()))
