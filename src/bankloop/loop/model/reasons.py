"""Why a model scores one customer as it does: what each feature changes, beside the same customer with it as usual.

A feature's part is the score less the score with that feature at its mean over the training rows, one feature at a time.
(The occlusion of Zeiler and Fergus 2014, on one row of a table.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bankloop.loop.model.contracts import Floats
from bankloop.loop.model.learners import Propensity

# Less than this part of a point is nobody's reason.
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """What one feature adds to a probability, and whether its value lies above the usual."""

    feature: str
    change: float
    above: bool


def parts_of(base: Propensity, x: Floats, usual: Floats, most: int = 3) -> list[tuple[FeaturePart, ...]]:
    """Return for each row of ``x`` (n, f) the features that move its probability most, the strongest first.

    ``usual`` (f,) are the means of the training rows. An unknown value is no reason.
    """
    n, f = x.shape
    if not n or not f:
        return [()] * n
    changed = np.repeat(x, f, axis=0)
    changed[np.arange(n * f), np.tile(np.arange(f), n)] = np.tile(usual, n)
    change = base.predict(x)[:, None] - base.predict(changed).reshape(n, f)
    change = np.where(np.isnan(x), 0.0, change)
    found = []
    for row in range(n):
        order = np.argsort(-np.abs(change[row]), kind="stable")[:most]
        found.append(
            tuple(
                FeaturePart(base.features[j], float(change[row, j]), bool(x[row, j] > usual[j]))
                for j in order
                if abs(change[row, j]) >= _LEAST
            )
        )
    return found
