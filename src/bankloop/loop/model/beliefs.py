"""What a card says of an effect in numbers: who the segments are, what was stated of them, what is believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bankloop.loop.model.contracts import BelievedEffect, SegmentBelief, SegmentBound
from bankloop.loop.model.segments import Turn
from bankloop.loop.model.uplift import Z95, Uplift

# Ages, days and counts stay as they are below; money lies above, on a log scale, which is how it matters.
LINEAR_TO = 1_000.0


def unscaled(value: float) -> float:
    """Return the number that a feature's value stands for."""
    size = abs(value)
    return value if size <= LINEAR_TO else float(np.sign(value) * LINEAR_TO * np.exp(size / LINEAR_TO - 1.0))


def beliefs_of(model: Uplift, actions: Sequence[str]) -> tuple[SegmentBelief, ...]:
    """Return every segment with the stated and the believed effect of each action there, and its 95 % interval."""
    stated = {action: model.stated.effect(model.segments.rate, action) for action in actions}
    found = {action: (model.by_segment(action), model.spread_of(action)) for action in actions}
    return tuple(
        SegmentBelief(
            bounds=_joined([(model.base.features[bound.feature], bound) for bound in bounds]),
            rate=float(model.segments.rate[number]),
            share=float(model.segments.share[number]),
            effects={
                action: BelievedEffect(
                    float(stated[action][number]),
                    float(mean[number]),
                    float(mean[number] - Z95 * spread[number]),
                    float(mean[number] + Z95 * spread[number]),
                )
                for action, (mean, spread) in found.items()
            },
        )
        for number, bounds in enumerate(model.segments.bounds())
    )


def _joined(bounds: Sequence[tuple[str, Turn]]) -> tuple[SegmentBound, ...]:
    """Return the bounds of each feature as one span: the path asks after the same feature more than once."""
    spans: dict[str, SegmentBound] = {}
    for name, one in bounds:
        span = spans.get(name, SegmentBound(name, None, None, unknown=True))
        low, high, value = span.low, span.high, unscaled(one.threshold)
        if one.above:
            low = value if low is None else max(low, value)
        else:
            high = value if high is None else min(high, value)
        spans[name] = SegmentBound(name, low, high, unknown=span.unknown and one.unknown)
    return tuple(spans.values())
