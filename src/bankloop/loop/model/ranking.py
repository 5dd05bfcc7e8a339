"""How well an effect orders people: Qini with its ties fixed, compared in pairs on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bankloop.loop.model.contracts import Floats


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over draws with the interval that holds 95 % of them."""

    mean: float
    low: float
    high: float

    @staticmethod
    def of(draws: Floats, mean: float) -> MeanInterval:
        """Return the interval of draws around a mean."""
        low, high = np.quantile(draws, [0.025, 0.975])
        return MeanInterval(mean, float(low), float(high))


def qini(effect: Floats, y: Floats, treated: Floats) -> float:
    """Return the Qini coefficient: the area won over chance, as a share of what the best order would win.

    Customers of equal effect come in together. (Radcliffe 2007; the normalisation of scikit-uplift.)
    """
    chance = _area(*_curve(np.zeros(len(y)), y, treated))
    best = _area(*_curve(np.where(treated > 0, y, -y), y, treated)) - chance
    return 0.0 if best == 0 else float((_area(*_curve(effect, y, treated)) - chance) / best)


def _curve(effect: Floats, y: Floats, treated: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-effect, kind="stable")
    sorted_effect, y, treated = effect[order], y[order], treated[order]
    ends = np.r_[np.flatnonzero(np.diff(sorted_effect)), len(y) - 1] if len(y) else np.zeros(0, np.int64)
    with_it, success = np.cumsum(treated)[ends], np.cumsum(y * treated)[ends]
    count = ends + 1.0
    without, others = count - with_it, np.cumsum(y)[ends] - success
    scaled = others * np.divide(with_it, without, out=np.zeros_like(with_it), where=without > 0)
    return np.r_[0.0, count], np.r_[0.0, success - scaled]


def _area(x: Floats, y: Floats) -> float:
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1])).sum() / 2.0)


def paired_qini(
    effects: Mapping[str, Floats], y: Floats, treated: Floats, draws: int, seed: int
) -> tuple[dict[str, float], dict[str, Floats]]:
    """Return each effect's Qini, and its Qini on ``draws`` resamples of the rows, the same rows for all of them."""
    whole = {name: qini(effect, y, treated) for name, effect in effects.items()}
    rng = np.random.default_rng(seed)
    again: dict[str, list[float]] = {name: [] for name in effects}
    for _ in range(draws):
        rows = rng.integers(0, len(y), len(y))
        for name, effect in effects.items():
            again[name].append(qini(effect[rows], y[rows], treated[rows]))
    return whole, {name: np.array(found) for name, found in again.items()}


def better_than(baseline: str, whole: Mapping[str, float], again: Mapping[str, Floats]) -> str:
    """Return the name with the highest Qini among those surely above the baseline, else the baseline.

    Surely: 95 % of the differences, taken in pairs on the same resamples, lie above zero.
    """
    sure = [n for n in whole if n != baseline and np.quantile(again[n] - again[baseline], 0.025) > 0]
    return max(sure, key=lambda name: whole[name], default=baseline)
