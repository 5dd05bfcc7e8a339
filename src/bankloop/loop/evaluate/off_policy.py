"""What a policy would have brought, read from decisions that were drawn with known probabilities (off-policy).

IPS reweights what happened, SNIPS divides by the weights' own sum, DM trusts an outcome model, DR corrects the model by
the reweighted residual, SNDR by the self-normalised one; Switch-DR and DRos leave out or shrink the heaviest weights as
far as the log says that this costs less bias than it saves variance. (Dudík, Langford, Li 2011, "Doubly robust policy evaluation and learning"; Swaminathan and
Joachims 2015 for SNIPS; Chernozhukov et al. 2018 for cross-fitting;
Wang, Agarwal, Dudík 2017 for Switch; Su et al. 2020 for optimistic shrinkage.) Intervals are two-sided at 95 %, normal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.errors import InputError, SpecError
from bankloop.kit.text import Text
from bankloop.loop.evaluate.statistics import FEWEST, MOST_SKEW, Z95, Estimate

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FOLDS = 5
# Thresholds that Switch and shrinkage are chosen among.
GRID = 12
# On standard scores and thousands of rows this only steadies columns that say the same thing twice.
PENALTY = 10.0
# Fewer decisions than this, as if drawn from the policy itself, are not read; nor are scores whose mean is more skewed than
# a reading of money may be. With as many, the interval of a rate covered 93 to 99 times in 100 in measured logs (three arms,
# rates of 5 to 50 %), that of lognormal money (σ 1) 85 to 93 from a hundred on.
FEWEST_EFFECTIVE = 30
# Probabilities are shares that were divided and summed again.
ROUNDING = 1e-9


class UnsupportedPolicy(SpecError):
    """The policy does what was never tried; ``policy.unsupported``."""


def unsupported(place: str, group: str | Text, action: str, seen: str | Text) -> UnsupportedPolicy:
    """Return the refusal that names which group, which action, and what that group did see."""
    return UnsupportedPolicy(
        "policy.unsupported",
        Text(
            "{place}：策略要对“{group}”用 {action}，但从未对其试过；{group} 只见过 {seen}。"
            "没有试过的无法估值：请改用试过的动作，或先小范围随机试验",
            "{place}: the policy gives {action} to {group}, where {action} was never tried; {group} saw {seen}. "
            "What was never tried cannot be valued: choose what was, or try it at random on a few first",
        ),
        place=place,
        group=group,
        action=action,
        seen=seen,
    )


@dataclass(frozen=True, slots=True)
class Logs:
    """Logged decisions: what was done, with which probability anything could have been done, and what came of it.

    ``action`` (n,) column 0 … k − 1; ``propensity`` (n, k) the logging policy; ``reward`` (n,) in one unit; ``names``
    (k,) of the actions; ``group`` (n,) the stratum's name for refusals, None when there is one.
    """

    action: Integers
    propensity: Floats
    reward: Floats
    names: tuple[str, ...]
    group: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        n, k = self.propensity.shape
        fits = self.action.shape == self.reward.shape == (n,) and len(self.names) == k and n > 0
        if not fits or not np.isfinite(self.reward).all() or not np.isfinite(self.propensity).all():
            raise _broken(Text("形状不符、为空或含非有限数", "shapes differ, no rows, or a number is not finite"))
        if ((self.action < 0) | (self.action >= k)).any() or (self.taken(self.propensity) <= 0).any():
            raise _broken(Text("有动作的概率为零", "an action was taken that had no probability"))
        if (self.propensity < 0).any() or (abs(self.propensity.sum(axis=1) - 1.0) > 1e-6).any():
            raise _broken(Text("概率为负或合计不为 1", "probabilities are negative or do not add up to 1"))

    def taken(self, table: Floats) -> Floats:
        """Return the entry (n,) of an (n, k) table at the action that was taken."""
        return np.asarray(table[np.arange(len(self.action)), self.action])


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """A policy's value per decision with its 95 % interval, in the reward's unit.

    ``ess`` is (Σw)²/Σw², how many decisions drawn from the policy itself would tell as much; ``max_weight`` the heaviest.
    """

    estimate: Estimate
    standard_error: float
    ess: float
    max_weight: float


def weights(logs: Logs, policy: Floats, place: str = "policy") -> Floats:
    """Return π(a|x)/p(a|x) (n,) of a policy (n, k); raise ``UnsupportedPolicy`` where p is zero and π is not."""
    if policy.shape != logs.propensity.shape or (policy < -ROUNDING).any():
        raise _broken(Text("策略概率的形状或符号不对", "the policy's probabilities have another shape or are negative"))
    if (abs(policy.sum(axis=1) - 1.0) > 1e-6).any():
        raise _broken(Text("策略概率合计不为 1", "the policy's probabilities do not add up to 1"))
    beyond = (policy > ROUNDING) & (logs.propensity <= 0.0)
    if beyond.any():
        row, column = (int(found[0]) for found in np.nonzero(beyond))
        raise unsupported(place, _group(logs, row), logs.names[column], _seen(logs, row))
    return logs.taken(policy) / logs.taken(logs.propensity)


def ips(logs: Logs, policy: Floats) -> PolicyValue:
    """Return the inverse-propensity value: the mean of w·r. Unbiased with known propensities, noisy."""
    w = weights(logs, policy)
    return summary(w * logs.reward, w)


def snips(logs: Logs, policy: Floats) -> PolicyValue:
    """Return the self-normalised value Σw·r/Σw; its error by the delta method."""
    w = weights(logs, policy)
    value = float((w * logs.reward).sum() / w.sum())
    return summary(value + w * (logs.reward - value) / w.mean(), w)


def direct_method(logs: Logs, policy: Floats, model: Floats) -> PolicyValue:
    """Return the mean of Σ π·q for outcomes ``model`` (n, k); the interval leaves out the model's own error."""
    return summary((policy * model).sum(axis=1), weights(logs, policy))


def doubly_robust(logs: Logs, policy: Floats, model: Floats) -> PolicyValue:
    """Return the doubly robust value: unbiased when the propensities or the outcome ``model`` (n, k) are right."""
    return summary(doubly_robust_scores(logs, policy, model), weights(logs, policy))


def doubly_robust_scores(logs: Logs, policy: Floats, model: Floats) -> Floats:
    """Return each decision's share (n,) in the doubly robust value, so that two policies can be compared in pairs."""
    residual = logs.reward - logs.taken(model)
    return np.asarray((policy * model).sum(axis=1) + weights(logs, policy) * residual)


def self_normalised_doubly_robust(logs: Logs, policy: Floats, model: Floats) -> PolicyValue:
    """Return DM + Σw·(r − q)/Σw; its error by the delta method."""
    w = weights(logs, policy)
    residual = logs.reward - logs.taken(model)
    shift = float((w * residual).sum() / w.sum())
    return summary((policy * model).sum(axis=1) + shift + w * (residual - shift) / w.mean(), w)


def switch_doubly_robust(logs: Logs, policy: Floats, model: Floats) -> PolicyValue:
    """Return DR that trusts the model alone where the weight is above a threshold, which the log itself chooses.

    It buys less variance with some bias, which its interval does not count: DR is what is concluded from.
    """
    w = weights(logs, policy)
    return _least_error(logs, policy, model, w, [np.where(w <= limit, w, 0.0) for limit in _grid(w)])


def shrunk_doubly_robust(logs: Logs, policy: Floats, model: Floats) -> PolicyValue:
    """Return DR with optimistic shrinkage λw/(w² + λ) of the weights (DRos), λ chosen by the log itself.

    Biased like Switch, and like it shown beside DR.
    """
    w = weights(logs, policy)
    return _least_error(logs, policy, model, w, [limit**2 * w / (w**2 + limit**2) for limit in _grid(w)])


# The estimators by the names of the literature, all called alike: (logs, policy, model).
ESTIMATORS: Mapping[str, Callable[[Logs, Floats, Floats], PolicyValue]] = {
    "IPS": lambda logs, policy, _: ips(logs, policy),
    "SNIPS": lambda logs, policy, _: snips(logs, policy),
    "DM": direct_method,
    "DR": doubly_robust,
    "SNDR": self_normalised_doubly_robust,
    "SwitchDR": switch_doubly_robust,
    "DRos": shrunk_doubly_robust,
}


def _grid(w: Floats) -> Floats:
    """Thresholds from the median weight to well above the heaviest, on a log scale; the last ones change nothing."""
    middle, most = float(np.median(w[w > 0])) if (w > 0).any() else 1.0, float(w.max(initial=1.0))
    return np.geomspace(max(middle, 1e-3), max(most * 100.0, 1.0), GRID)


def _least_error(logs: Logs, policy: Floats, model: Floats, w: Floats, tamed: Sequence[Floats]) -> PolicyValue:
    """Return DR by the weights of least estimated squared error: variance, and the square of the bias as estimated."""
    direct, residual = (policy * model).sum(axis=1), logs.reward - logs.taken(model)
    n = len(w)

    def squared_error(some: Floats) -> float:
        bias = float(((w - some) * residual).mean())
        return float((direct + some * residual).var()) / n + bias**2

    best = min(tamed, key=squared_error)
    return summary(direct + best * residual, best)


def summary(scores: Floats, w: Floats) -> PolicyValue:
    """Return mean, error and 95 % interval of per-decision scores (n,), with the diagnostics of weights (n,)."""
    estimate, error = interval(scores)
    return PolicyValue(estimate, error, effective_rows(w), float(w.max(initial=0.0)))


def interval(scores: Floats) -> tuple[Estimate, float]:
    """Return (mean with its 95 % interval, standard error) of per-decision scores (n,)."""
    n = len(scores)
    value = float(scores.mean())
    error = float(scores.std(ddof=1)) / sqrt(n) if n > 1 else float("inf")
    return Estimate(value, value - Z95 * error, value + Z95 * error), error


_NOBODY = Text("没有人达成目标：先查数据是否送到", "nobody reached the goal: check the feed")
_ALL_ALIKE = Text("人人结果相同，没有差异可读：先查数据是否送到", "everybody's outcome is the same: check the feed")
_FEW_ROWS = Text(
    "读不出：有效样本只有 {rows}，至少要 {least}", "cannot be read: {rows} effective rows, and {least} are needed"
)
_FEW_REWARDED = Text(
    "读不出：有效样本中只有 {rows} 个有结果，至少要 {least}",
    "cannot be read: an outcome in {rows} effective rows, and {least} are needed",
)
_SKEWED = Text(
    "读不出：少数几个决策决定了结果；这样的数据约要 {times} 倍",
    "cannot be read: a few decisions make the value; about {times} times such data are needed",
)


def why_unread(logs: Logs, policy: Floats, scores: Floats) -> Text | None:
    """Return why a policy's value, the mean of its ``scores`` (n,), has no interval that could be trusted; None if it has."""
    if not logs.reward.any():
        return _NOBODY
    if not np.ptp(logs.reward) > 0:
        return _ALL_ALIKE
    w = weights(logs, policy)
    rows, rewarded = effective_rows(w), effective_rows(w * (logs.reward != 0))
    if rows < FEWEST_EFFECTIVE:
        return _FEW_ROWS.filled(rows=f"{rows:,.0f}", least=FEWEST_EFFECTIVE)
    if rewarded < FEWEST:
        return _FEW_REWARDED.filled(rows=f"{rewarded:,.0f}", least=f"{FEWEST:.0f}")
    return why_skewed(scores)


def why_skewed(scores: Floats) -> Text | None:
    """Return why the mean of ``scores`` (n,) cannot be read where a few of them make it; None where it can."""
    gap = scores - scores.mean()
    variance = float((gap**2).mean())
    if variance <= 0.0:
        return _ALL_ALIKE
    skew = abs(float((gap**3).mean())) / variance**1.5 / sqrt(len(scores))
    return None if skew <= MOST_SKEW else _SKEWED.filled(times=ceil((skew / MOST_SKEW) ** 2))


def effective_rows(w: Floats) -> float:
    """Return (Σw)²/Σw², how many decisions drawn from the policy itself tell as much as rows weighted by ``w`` (n,)."""
    square = float((w**2).sum())
    return float(w.sum()) ** 2 / square if square > 0 else 0.0


def cross_fitted(x: Floats, logs: Logs, seed: int, folds: int = FOLDS, penalty: float = PENALTY) -> Floats:
    """Return outcomes q (n, k) predicted for each row by ridge regressions that never saw it; features ``x`` (n, f)."""
    n, k = logs.propensity.shape
    fold = np.random.default_rng(seed).permutation(n) % folds
    model = np.zeros((n, k))
    for number in range(folds):
        out = fold == number
        kept = ~out
        if kept.any():
            fitted = fit_outcomes(x[kept], logs.action[kept], logs.reward[kept], k, penalty)
            model[out] = fitted.predict(x[out])
    return model


@dataclass(frozen=True, slots=True)
class OutcomeRegressions:
    """One ridge regression per action on standard scores: ``level`` (k,) and ``slope`` (f, k) of the reward."""

    centre: Floats
    spread: Floats
    level: Floats
    slope: Floats

    def predict(self, x: Floats) -> Floats:
        """Return the outcome (n, k) expected under each action; an unknown feature counts as average."""
        return self.level + _standardised(x, self.centre, self.spread) @ self.slope


def fit_outcomes(x: Floats, action: Integers, reward: Floats, k: int, penalty: float = PENALTY) -> OutcomeRegressions:
    """Fit the outcome of each action; an action that was never taken expects the mean of all."""
    centre, spread = _moments(x)
    z = _standardised(x, centre, spread)
    level, slope = np.full(k, reward.mean()), np.zeros((x.shape[1], k))
    for arm in range(k):
        rows = action == arm
        if rows.any():
            level[arm], slope[:, arm] = _ridge(z[rows], reward[rows], penalty)
    return OutcomeRegressions(centre, spread, level, slope)


def _ridge(z: Floats, y: Floats, penalty: float) -> tuple[float, Floats]:
    middle = z.mean(axis=0)
    centred = z - middle
    gram = centred.T @ centred + penalty * np.eye(z.shape[1])
    slope = np.linalg.solve(gram, centred.T @ (y - y.mean()))
    return float(y.mean() - middle @ slope), np.asarray(slope)


def _moments(x: Floats) -> tuple[Floats, Floats]:
    known = ~np.isnan(x)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, x, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (x - centre) ** 2, 0.0).sum(axis=0) / count)
    return centre, np.where(spread > 0, spread, 1.0)


def _standardised(x: Floats, centre: Floats, spread: Floats) -> Floats:
    return np.clip(np.nan_to_num((x - centre) / spread, nan=0.0), -4.0, 4.0)


def _group(logs: Logs, row: int) -> str | Text:
    return Text("全体客户", "all customers") if logs.group is None else str(logs.group[row])


def _seen(logs: Logs, row: int) -> str:
    return ", ".join(name for name, p in zip(logs.names, logs.propensity[row], strict=True) if p > 0)


def _broken(reason: Text) -> InputError:
    return InputError(
        "policy.logs",
        Text("记录的决策不可用：{reason}；请检查日志", "the logged decisions cannot be used: {reason}; check the log"),
        reason=reason,
    )
