"""Off-policy estimators on generated decisions whose true value is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bankloop.kit.errors import InputError
from bankloop.loop.evaluate.off_policy import (
    Floats,
    Logs,
    UnsupportedPolicy,
    cross_fitted,
    direct_method,
    doubly_robust,
    doubly_robust_scores,
    fit_outcomes,
    interval,
    ips,
    self_normalised_doubly_robust,
    shrunk_doubly_robust,
    snips,
    switch_doubly_robust,
    weights,
)

# Those whose intervals are concluded from; Switch and shrinkage trade bias for variance.
NAMES = ("ips", "snips", "dr", "sndr")
SEEDS = 300
ROWS = 1_200


@dataclass(frozen=True)
class World:
    logs: Logs
    x: Floats
    policy: Floats
    truth: float


def softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


# The value of the policy over the whole population that every sample is drawn from.
def true_value() -> float:
    rng = np.random.default_rng(2026)
    x = rng.normal(size=(400_000, 3))
    return float((target(x) * mean_reward(x)).sum(axis=1).mean())


def mean_reward(x: Floats) -> Floats:
    return np.asarray(np.column_stack([2.0 + x[:, 0], 2.5 + x[:, 1] - 0.5 * x[:, 0], 1.5 + 0.8 * x[:, 2]]))


def target(x: Floats) -> Floats:
    return softmax(1.5 * np.column_stack([x[:, 0], x[:, 1], -x[:, 1]]))


def world(seed: int, truth: float = 0.0) -> World:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, 3))
    propensity = softmax(0.7 * np.column_stack([x[:, 2], -x[:, 0], np.zeros(ROWS)]))
    action = (rng.random(ROWS)[:, None] > propensity.cumsum(axis=1)).sum(axis=1)
    reward = mean_reward(x)[np.arange(ROWS), action] + rng.normal(size=ROWS)
    return World(Logs(action, propensity, reward, ("a", "b", "c")), x, target(x), truth)


@pytest.fixture(scope="module")
def truth() -> float:
    return true_value()


@pytest.fixture(scope="module")
def readings(truth: float) -> dict[str, np.ndarray]:
    """(SEEDS, 3) value, low, high of each estimator over many samples."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in NAMES}
    for seed in range(SEEDS):
        w = world(seed)
        model = cross_fitted(w.x, w.logs, seed)
        read = {
            "ips": ips(w.logs, w.policy),
            "snips": snips(w.logs, w.policy),
            "dr": doubly_robust(w.logs, w.policy, model),
            "sndr": self_normalised_doubly_robust(w.logs, w.policy, model),
        }
        for name, value in read.items():
            found[name].append((value.estimate.value, value.estimate.low, value.estimate.high))
    return {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_intervals_cover_the_truth_as_often_as_they_say(
    name: str, readings: dict[str, np.ndarray], truth: float
) -> None:
    rows = readings[name]
    covered = ((rows[:, 1] <= truth) & (truth <= rows[:, 2])).mean()
    # 95 % ± 2.5 standard errors of a share over 300 samples.
    assert 0.918 <= covered <= 0.982


@pytest.mark.parametrize("name", NAMES)
def test_estimates_are_unbiased(name: str, readings: dict[str, np.ndarray], truth: float) -> None:
    values = readings[name][:, 0]
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(SEEDS) + 0.002


def test_doubly_robust_varies_far_less_than_ips(readings: dict[str, np.ndarray]) -> None:
    spread = {name: rows[:, 0].std() for name, rows in readings.items()}
    assert spread["dr"] < 0.6 * spread["ips"]
    assert spread["dr"] < spread["snips"]


def test_doubly_robust_corrects_a_wrong_model_and_the_direct_method_does_not(truth: float) -> None:
    off, corrected = [], []
    for seed in range(60):
        w = world(seed)
        wrong = np.full(w.policy.shape, 5.0)
        off.append(direct_method(w.logs, w.policy, wrong).estimate.value)
        corrected.append(doubly_robust(w.logs, w.policy, wrong).estimate.value)
    assert abs(np.mean(off) - truth) > 1.0
    assert abs(np.mean(corrected) - truth) < 0.1


def test_a_shift_of_reward_and_model_together_shifts_the_self_normalised_value() -> None:
    w = world(3)
    model = cross_fitted(w.x, w.logs, 3)
    moved = Logs(w.logs.action, w.logs.propensity, w.logs.reward + 7.0, w.logs.names)
    plain, shifted = (
        self_normalised_doubly_robust(logs, w.policy, q) for logs, q in ((w.logs, model), (moved, model + 7.0))
    )
    assert shifted.estimate.value == pytest.approx(plain.estimate.value + 7.0)


def test_where_a_few_weights_are_huge_and_the_model_is_right_the_tamed_estimators_err_less() -> None:
    rng = np.random.default_rng(4)
    errors: dict[str, list[float]] = {"dr": [], "switch": [], "dros": []}
    for _ in range(60):
        x = rng.normal(size=(ROWS, 3))
        rare = np.column_stack([np.full(ROWS, 0.998), np.full(ROWS, 0.001), np.full(ROWS, 0.001)])
        action = (rng.random(ROWS)[:, None] > rare.cumsum(axis=1)).sum(axis=1)
        reward = mean_reward(x)[np.arange(ROWS), action] + rng.normal(size=ROWS)
        logs, policy, model = Logs(action, rare, reward, ("a", "b", "c")), np.full((ROWS, 3), 1 / 3), mean_reward(x)
        value = float(mean_reward(x).mean())
        errors["dr"].append(doubly_robust(logs, policy, model).estimate.value - value)
        errors["switch"].append(switch_doubly_robust(logs, policy, model).estimate.value - value)
        errors["dros"].append(shrunk_doubly_robust(logs, policy, model).estimate.value - value)
    rms = {name: float(np.sqrt(np.mean(np.square(some)))) for name, some in errors.items()}
    assert rms["switch"] < 0.9 * rms["dr"]
    assert rms["dros"] < 0.9 * rms["dr"]


def test_the_logging_policy_is_worth_the_mean_reward() -> None:
    w = world(7)
    read = ips(w.logs, w.logs.propensity)
    assert read.estimate.value == pytest.approx(w.logs.reward.mean())
    assert read.ess == pytest.approx(ROWS)
    assert read.max_weight == pytest.approx(1.0)


def test_effective_rows_of_one_action_are_those_that_saw_it() -> None:
    action = np.arange(900) % 3
    logs = Logs(action, np.full((900, 3), 1 / 3), action.astype(float), ("a", "b", "c"))
    read = snips(logs, np.tile([0.0, 0.0, 1.0], (900, 1)))
    assert read.estimate.value == pytest.approx(2.0)
    assert (read.ess, read.max_weight) == (pytest.approx(300.0), pytest.approx(3.0))


def test_self_normalised_value_follows_a_shift_of_the_reward() -> None:
    w = world(3)
    shifted = Logs(w.logs.action, w.logs.propensity, w.logs.reward + 100.0, w.logs.names)
    assert snips(shifted, w.policy).estimate.value == pytest.approx(snips(w.logs, w.policy).estimate.value + 100.0)


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    w = world(11)
    model = cross_fitted(w.x, w.logs, 11)
    one, other = w.policy, 0.9 * w.policy + 0.1 * w.logs.propensity
    pair, _ = interval(doubly_robust_scores(w.logs, one, model) - doubly_robust_scores(w.logs, other, model))
    apart = doubly_robust(w.logs, one, model).standard_error + doubly_robust(w.logs, other, model).standard_error
    assert pair.high - pair.low < apart


def test_what_was_never_tried_is_refused_with_group_action_and_what_was_seen() -> None:
    group = np.array(["young"] * 50 + ["old"] * 50)
    propensity = np.where(group[:, None] == "young", [[0.5, 0.5, 0.0]], [[0.5, 0.0, 0.5]])
    action = np.zeros(100, np.int64)
    logs = Logs(action, propensity, np.ones(100), ("none", "sms", "call"), group)
    policy = np.where(group[:, None] == "young", [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    with pytest.raises(UnsupportedPolicy) as caught:
        weights(logs, policy, "policy.yaml:7")
    assert caught.value.code == "policy.unsupported"
    assert "policy.yaml:7: the policy gives sms to old, where sms was never tried; old saw none, call" in str(
        caught.value
    )
    assert "从未对其试过" in caught.value.message.zh


def test_broken_logs_are_refused() -> None:
    good = np.full((4, 2), 0.5)
    for action, propensity, reward in (
        (np.zeros(4, np.int64), good, np.array([1.0, np.nan, 0, 0])),
        (np.zeros(4, np.int64), np.tile([0.0, 1.0], (4, 1)), np.zeros(4)),
        (np.full(4, 2), good, np.zeros(4)),
        (np.zeros(4, np.int64), good * 0.8, np.zeros(4)),
        (np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros(0)),
    ):
        with pytest.raises(InputError, match=r"policy\.logs"):
            Logs(action, propensity, reward, ("a", "b"))
    with pytest.raises(InputError, match="do not add up to 1"):
        weights(Logs(np.zeros(4, np.int64), good, np.zeros(4), ("a", "b")), good * 0.5)


def test_an_action_that_was_never_taken_expects_the_mean_and_unknown_features_count_as_average() -> None:
    x = np.array([[0.0], [1.0], [np.nan], [2.0]])
    fitted = fit_outcomes(x, np.zeros(4, np.int64), np.array([1.0, 2.0, 2.0, 3.0]), 2)
    assert fitted.predict(x)[:, 1] == pytest.approx(2.0)
    assert fitted.predict(np.array([[np.nan]]))[0, 0] == pytest.approx(2.0)
