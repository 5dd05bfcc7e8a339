"""Measures the off-policy estimators where the truth is known: generated decisions, digits turned into decisions.

The generator, written down: contexts x ~ N(0, I₅); 30 actions with slopes θₐ ~ U(−1, 1)⁵ and levels bₐ ~ U(−1, 1) drawn
once; the chance of reward is q(x, a) = 1 / (1 + exp(−θₐ·x − bₐ)). What was logged is softmax(−3 q(x, ·)), a policy that
prefers what is worse; what is valued is softmax(3 q̂(x, ·)), q̂ learned once from another log of 10,000 decisions. Each
run draws 10,000 decisions anew; the truth is the mean over 400,000 contexts of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bankloop.loop.evaluate import ESTIMATORS, Logs, PolicyValue, cross_fitted, fit_outcomes, interval

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDS, ACTIONS, DIMENSIONS = 10_000, 30, 5
BEHAVIOUR, VALUED = -3.0, 3.0
_TRUTH_CONTEXTS = 400_000
_DIGITS_VALUED = 0.7  # of the digits are decided on; the classifiers learn from the rest
_BEHAVIOUR_SURE, _VALUED_SURE = 0.4, 0.9


def measure(runs: int, data: Path | None = None, seed: int = 12_345) -> dict[str, Any]:
    """Return each estimator's mean relative error, DR's root mean square error over that of IPS, and its coverage."""
    synthetic, covered = _synthetic(runs, seed)
    digits = _digits(runs, seed)
    ratio = max(_rms(found["DR"]) / _rms(found["IPS"]) for found in (synthetic, digits))
    found: dict[str, Any] = {
        "runs": runs,
        "synthetic": {name: round(float(np.mean(np.abs(errors))), 6) for name, errors in synthetic.items()},
        "digits": {name: round(float(np.mean(np.abs(errors))), 6) for name, errors in digits.items()},
        "dr_over_ips": round(ratio, 4),
        "coverage": round(covered, 4),
    }
    place = None if data is None else data / "obd" / "obd_sample_60000.parquet"
    return found if place is None or not place.exists() else {**found, "open_bandit": open_bandit(place)}


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _synthetic(runs: int, seed: int) -> tuple[dict[str, Floats], float]:
    """Relative errors of each estimator over the runs, and how often DR's interval held the truth."""
    rng = np.random.default_rng(seed)
    slopes, levels = rng.uniform(-1, 1, (DIMENSIONS, ACTIONS)), rng.uniform(-1, 1, ACTIONS)

    def chance(x: Floats) -> Floats:
        return np.asarray(1.0 / (1.0 + np.exp(-(x @ slopes + levels))))

    def logged() -> tuple[Floats, Logs]:
        x = rng.normal(size=(ROUNDS, DIMENSIONS))
        q = chance(x)
        return x, _drawn(rng, _softmax(BEHAVIOUR * q), lambda rows, action: rng.random(len(rows)) < q[rows, action])

    x, log = logged()
    learned = fit_outcomes(x, log.action, log.reward, ACTIONS)
    contexts = rng.normal(size=(_TRUTH_CONTEXTS, DIMENSIONS))
    truth = float((_softmax(VALUED * learned.predict(contexts)) * chance(contexts)).sum(axis=1).mean())
    errors: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
    covered = 0
    for run in range(runs):
        x, log = logged()
        found = _values(log, _softmax(VALUED * learned.predict(x)), cross_fitted(x, log, run))
        covered += found["DR"].estimate.low <= truth <= found["DR"].estimate.high
        for name, one in found.items():
            errors[name].append((one.estimate.value - truth) / truth)
    return {name: np.array(some) for name, some in errors.items()}, covered / runs


def _digits(runs: int, seed: int) -> dict[str, Floats]:
    """Handwritten digits as decisions: an action is a guess, its reward 1 where it is right; the truth is counted."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import scale
    from threadpoolctl import threadpool_limits

    whole = load_digits()
    features = scale(whole.data)
    errors: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
    rng = np.random.default_rng(seed)
    for run in range(runs):
        known, x, answers, label = train_test_split(
            features, whole.target, test_size=_DIGITS_VALUED, random_state=seed + run
        )
        with threadpool_limits(1):
            behaviour = LogisticRegression(max_iter=200, tol=1e-3).fit(known, answers)
            valued = RandomForestClassifier(100, random_state=run).fit(known, answers)
            before, policy = (
                _mostly(one.predict(x), sure) for one, sure in ((behaviour, _BEHAVIOUR_SURE), (valued, _VALUED_SURE))
            )
        log = _drawn(rng, before, _right(label))
        truth = float(policy[np.arange(len(label)), label].mean())
        for name, one in _values(log, policy, cross_fitted(x, log, run)).items():
            errors[name].append((one.estimate.value - truth) / truth)
    return {name: np.array(some) for name, some in errors.items()}


def _right(label: Integers) -> Callable[[Integers, Integers], NDArray[np.bool_]]:
    return lambda rows, action: np.asarray(label[rows] == action)


def open_bandit(place: Path) -> dict[str, dict[str, float]]:
    """The Thompson sampler of the Open Bandit sample, valued from the uniformly random log, and as it really did.

    10,000 impressions with about 40 clicks a log: intervals, and no claim on errors. A policy is how often each item was
    shown at each position.
    """
    table = pq.read_table(place, columns=["policy", "campaign", "item_id", "position", "click", "propensity_score"])
    rows = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    log, real = (
        {name: column[(rows["campaign"] == "all") & (rows["policy"] == policy)] for name, column in rows.items()}
        for policy in ("random", "bts")
    )
    items, positions = int(log["item_id"].max()) + 1, np.unique(log["position"])
    share = {p: np.bincount(real["item_id"][real["position"] == p], minlength=items) for p in positions}
    policy = np.array([share[p] / share[p].sum() for p in log["position"]])
    x = (log["position"][:, None] == positions[None, 1:]).astype(np.float64)
    names = tuple(str(item) for item in range(items))
    logs = Logs(
        log["item_id"].astype(np.int64), np.full((len(x), items), 1.0 / items), log["click"].astype(np.float64), names
    )
    found = {name: one.estimate for name, one in _values(logs, policy, cross_fitted(x, logs, 0)).items()}
    found["on policy"] = interval(real["click"].astype(np.float64))[0]
    return {
        name: {"value": round(e.value, 5), "low": round(e.low, 5), "high": round(e.high, 5)}
        for name, e in found.items()
    }


def _values(log: Logs, policy: Floats, model: Floats) -> Mapping[str, PolicyValue]:
    return {name: estimate(log, policy, model) for name, estimate in ESTIMATORS.items()}


def _drawn(
    rng: np.random.Generator, probability: Floats, rewarded: Callable[[Integers, Integers], NDArray[np.bool_]]
) -> Logs:
    n, k = probability.shape
    action = (rng.random((n, 1)) > probability.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    reward = np.asarray(rewarded(np.arange(n), action), np.float64)
    return Logs(action.astype(np.int64), probability, reward, tuple(str(one) for one in range(k)))


def _mostly(guess: Integers, sure: float) -> Floats:
    """Return the guess with probability ``sure``, and any of the ten digits with the rest."""
    return np.asarray(sure * np.eye(10)[guess] + (1.0 - sure) / 10.0)


def _softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
