"""Champion beside challenger, on rounds that neither was trained on, and whether that supports a promotion.

What decides is what the challenger's plan brings today above the champion's (``gain``), under today's limits, as far
as the rounds make that sure. Beside it stands what they say of the effects: each unseen round judges a challenger
that was trained on the rounds before it (time-ordered; a first round judges in thirds), by the squared error in money
over all rows where chance decided; and the customers drawn by lot value each model's own choices off-policy by every
estimator. Both are told and decide nothing, but for a learner over trees, which has no posterior to ask: it must be
surely nearer the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.evaluate import ESTIMATORS, Estimate, Logs, cross_fitted, interval
from bankloop.loop.model import PSI_ALARM, Labelled, ModelCard, Uplift, auc, cross_fitted_rates, squared_errors
from bankloop.loop.optimize.gain import SURE, PlanGain

BOOTSTRAPS = 200
# A learner over trees must be nearer the truth ninety-nine times in a hundred, for every campaign asks after every
# round.
ONE_SIDED = 2.3263478740408408
# What a success is worth counts up to the worth of the dearest customer in a hundred: no handful decides.
DEAREST = 0.99
# Below so many rows where chance decided, or drawn by lot, nothing is compared.
FEWEST = 100
# Of fewer successes or failures than these a handful decides, and no interval says so.
FEWEST_OUTCOMES = 100
# A calibration may be out by chance (one in a thousand), and a rank by so much.
CHANCE, RANK = 3.2905267314919255, 0.03
_THIRDS = 3
_MOST_ROUNDS = 4

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Train = Callable[[Labelled], Uplift]


@dataclass(frozen=True, slots=True)
class Tried:
    """The customers drawn by lot, among the rows of a ``Labelled``: what each got, could have got, and brought.

    ``rows`` (e,) index the training rows; ``logs`` over the actions and none as the last; ``worth`` (e,) fen of a success;
    ``cost`` and ``face`` (k,) fen of a contact and of a redemption; ``contacted`` is the share that the plan contacts.
    """

    rows: NDArray[np.int64]
    logs: Logs
    worth: Floats
    cost: Floats
    face: Floats
    contacted: float


@dataclass(frozen=True, slots=True)
class Valued:
    """Both models' choices by one estimator, fen a customer, each with its interval."""

    estimator: str
    champion: Estimate
    challenger: Estimate


@dataclass(frozen=True, slots=True)
class GuardMetric:
    """What may not get worse: the challenger's and the champion's number, and whether it holds."""

    name: str
    title: Text
    champion: float
    challenger: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion beside challenger on ``rows`` where chance decided, in ``rounds`` neither was trained on.

    ``champion`` and ``challenger`` are the lift among the half that each would rather contact, ``gain`` their
    difference (paired bootstrap). ``error`` is the champion's squared error less the challenger's, a row, weighted by
    the square of what a success is worth (weights of mean 1): above 0 the challenger is nearer the truth. ``values``
    are off-policy, fen a customer, ``worth`` the gain by DR, paired. ``plan`` is what the new plan brings today, None
    where there is nobody to plan for; ``trees`` says that the challenger was learned over trees.
    """

    rows: int
    champion: float
    challenger: float
    gain: Estimate
    error: Estimate | None = None
    rounds: tuple[int, ...] = ()
    values: tuple[Valued, ...] = ()
    worth: Estimate | None = None
    guards: tuple[GuardMetric, ...] = ()
    plan: PlanGain | None = None
    trees: bool = False

    @property
    def supported(self) -> bool:
        """Return whether promotion may be proposed: the plan surely brings more, reaches people, breaks no guard."""
        return self.plan is not None and self.plan.reaches and self._sure and all(guard.ok for guard in self.guards)

    @property
    def better(self) -> bool:
        """Return whether the challenger's effects are surely nearer the truth."""
        return self.error is not None and self.error.value > ONE_SIDED * self.error.se

    @property
    def _sure(self) -> bool:
        return self.better if self.trees else self.plan is not None and self.plan.sure

    @property
    def sentence(self) -> Text:
        """Return the comparison in words: what is missing where the champion stays."""
        broken = [guard.title for guard in self.guards if not guard.ok]
        if broken:
            zh, en = "、".join(one.zh for one in broken), ", ".join(one.en for one in broken)
            return Text(f"守护指标没过（{zh}）：保留现任", f"a guard metric fails ({en}): keep the champion")
        if self.plan is None:
            return _NOBODY
        if not self.plan.reaches:
            return _TOO_FEW.filled(
                reached=f"{self.plan.reached:,}", least=f"{self.plan.least:,}", first=f"{self.plan.first:,}"
            )
        if self._sure:
            return _SURE.filled(probability=f"{self.plan.probability:.0%}")
        return _TREES if self.trees else _UNSURE.filled(probability=f"{self.plan.probability:.0%}", sure=f"{SURE:.0%}")


_NOBODY = Text("今天没有可供规划的客户：保留现任", "there is nobody to plan for today: keep the champion")
_TOO_FEW = Text(
    "新方案只触达 {reached} 人，至少要 {least} 人（首个方案 {first} 人的一半），否则以后学不到东西：保留现任",
    "the new plan reaches {reached} customers and must reach {least} (half of the first plan's {first}), or no later round "
    "could learn: keep the champion",
)
_SURE = Text(
    "挑战者更好：它的方案带来更多，把握 {probability}",
    "the challenger is better: its plan brings more with a probability of {probability}",
)
_UNSURE = Text(
    "新方案带来更多的把握是 {probability}，提议换人要 {sure}：保留现任",
    "the new plan brings more with a probability of {probability}; a change takes {sure}: keep the champion",
)
_TREES = Text(
    "树模型要确定更接近事实才提议，两者分不出高下：保留现任",
    "a learner over trees must be surely nearer what happened, and the two cannot be told apart: keep the champion",
)


def compare(
    champion: Uplift, learnt: Sequence[int], train: Train, data: Labelled, tried: Tried | None, seed: int
) -> Comparison:
    """Compare the champion, trained on the rounds ``learnt``, with what ``train`` makes of earlier rounds."""
    assert data.round is not None
    rounds = [r for r in sorted(set(data.round.tolist())) if r not in set(learnt)][-_MOST_ROUNDS:]
    held = np.isin(data.round, rounds)
    keys = sorted(data.arms)
    part = data.part(held)
    count = sum(len(arm.rows) for arm in part.arms.values())
    nothing = Estimate(0.0, -1.0, 1.0)
    outcomes = part.y[np.unique(np.concatenate([arm.rows for arm in part.arms.values()]))] if keys else part.y[:0]
    if count < FEWEST or min(outcomes.sum(), (1.0 - outcomes).sum()) < FEWEST_OUTCOMES:
        return Comparison(count, 0.0, 0.0, nothing, rounds=tuple(rounds))
    mine = champion.predict(part.x, keys)[1]
    theirs = _beforehand(train, data, rounds, keys, seed)[held]
    rate = cross_fitted_rates(part.x, part.y, champion.base.predict(part.x), seed, part.by_chance)
    a, b, gain = _halves(part, mine, theirs, seed)
    found = Comparison(count, a, b, gain, _error(part, rate, keys, mine, theirs), tuple(rounds))
    if tried is None:
        return found
    values, worth = _values(champion, part.x, held, tried, keys, (mine, theirs), seed)
    return Comparison(found.rows, a, b, gain, found.error, found.rounds, values, worth)


def guards_of(champion: Uplift, challenger: Uplift, card: ModelCard, data: Labelled) -> tuple[GuardMetric, ...]:
    """Return what the challenger may not break: on the newest round's customers, those who got nothing, those scored now."""
    assert data.round is not None
    assert data.quiet is not None
    newest = data.part(data.quiet & (data.round == data.round.max()))
    off, ranks = [], []
    for one in (champion, challenger):
        chance = one.base.predict(newest.x)
        off.append(abs(float(chance.mean() - newest.y.mean())) if len(newest.y) else 0.0)
        ranks.append(auc(chance, newest.y))
    rate = float(newest.y.mean()) if len(newest.y) else 0.0
    luck = CHANCE * (rate * (1.0 - rate) / max(len(newest.y), 1)) ** 0.5
    return (
        GuardMetric("calibration", Text("校准", "calibration"), off[0], off[1], off[1] <= max(off[0], luck)),
        GuardMetric("auc", Text("排序（AUC）", "ranking (AUC)"), ranks[0], ranks[1], ranks[1] >= ranks[0] - RANK),
        GuardMetric("psi", Text("客群稳定（PSI）", "stability (PSI)"), PSI_ALARM, card.psi, card.psi <= PSI_ALARM),
    )


def _beforehand(train: Train, data: Labelled, rounds: Sequence[int], keys: list[str], seed: int) -> Floats:
    """Return effects (n, k) for the rows of ``rounds``, each by a challenger that did not see it."""
    assert data.round is not None
    effects = np.zeros((len(data.y), len(keys)))
    for number in rounds:
        here, before = data.round == number, data.round < number
        if before.any():
            effects[here] = train(data.part(before)).predict(data.x[here], keys)[1]
            continue
        third = np.random.default_rng(seed).integers(0, _THIRDS, len(data.y))
        for out in range(_THIRDS):
            mask = here & (third == out)
            if mask.any():
                effects[mask] = train(data.part(here & (third != out))).predict(data.x[mask], keys)[1]
    return effects


def _error(part: Labelled, rate: Floats, keys: list[str], mine: Floats, theirs: Floats) -> Estimate:
    """Return the mean over customers of the champion's squared error less the challenger's, with its interval."""
    one, other = (squared_errors(part, rate, dict(zip(keys, found.T, strict=True))) for found in (mine, theirs))
    total, rows = np.zeros(len(part.y)), np.unique(one[0])
    np.add.at(total, one[0], one[1] - other[1])
    if part.worth is not None and part.worth[rows].any():
        stake = np.minimum(part.worth[rows], np.quantile(part.worth[rows], DEAREST)) ** 2
        total[rows] *= stake / stake.mean()
    return interval(total[rows])[0]


def _halves(part: Labelled, mine: Floats, theirs: Floats, seed: int) -> tuple[float, float, Estimate]:
    """Return the lift among the half that each would rather contact, and the gain with its interval."""
    assert part.control is not None
    if min(part.control.sum(), (~part.control).sum()) < 50:
        return 0.0, 0.0, Estimate(0.0, -1.0, 1.0)
    picks = [found.max(axis=1) > np.median(found.max(axis=1)) for found in (mine, theirs)]
    rng, gains = np.random.default_rng(seed), []
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, len(part.y), len(part.y))
        a, b = (_lift(part.y[rows], part.control[rows], pick[rows]) for pick in picks)
        gains.append(b - a)
    a, b = (_lift(part.y, part.control, pick) for pick in picks)
    low, high = np.quantile(gains, [0.025, 0.975])
    return a, b, Estimate(b - a, float(low), float(high))


def _lift(y: Floats, control: Bools, pick: Bools) -> float:
    treated, ghosts = pick & ~control, pick & control
    return float(y[treated].mean() - y[ghosts].mean()) if treated.any() and ghosts.any() else 0.0


def _values(
    champion: Uplift,
    x: Floats,
    held: Bools,
    tried: Tried,
    keys: list[str],
    effects: tuple[Floats, Floats],
    seed: int,
) -> tuple[tuple[Valued, ...], Estimate | None]:
    """Return what each model's choices are worth by every estimator, and the gain by DR, on those drawn by lot."""
    mine = np.flatnonzero(held[tried.rows])
    if len(mine) < FEWEST:
        return (), None
    logs = Logs(tried.logs.action[mine], tried.logs.propensity[mine], tried.logs.reward[mine], tried.logs.names)
    rows = (np.cumsum(held) - 1)[tried.rows[mine]]
    chance, found = champion.base.predict(x[rows]), {}
    names = list(tried.logs.names[:-1])
    policies = []
    for effect in effects:
        known: Mapping[str, Floats] = dict(zip(keys, effect[rows].T, strict=True))
        lift = np.column_stack([known.get(name, np.full(len(rows), -1.0)) for name in names])
        policies.append(choices_of(lift, chance, tried, mine, logs.propensity))
    model = cross_fitted(x[rows], logs, seed)
    for name, estimator in ESTIMATORS.items():
        a, b = (estimator(logs, policy, model).estimate for policy in policies)
        found[name] = Valued(name, a, b)
    return tuple(found.values()), _paired(logs, policies, model)


def choices_of(lift: Floats, chance: Floats, tried: Tried, mine: NDArray[np.int64], propensity: Floats) -> Floats:
    """Return (e, k + 1) a model's choices: the dearest open action of as many customers as the plan contacts, else none."""
    value = _net(lift, chance, tried.worth[mine], tried)
    value = np.where(propensity[:, :-1] > 0, value, -np.inf)
    best, column = value.max(axis=1), value.argmax(axis=1)
    bar = max(0.0, float(np.quantile(np.where(np.isfinite(best), best, -1e18), 1.0 - tried.contacted)))
    takes = np.isfinite(best) & (best > 0) & (best >= bar)
    policy = np.zeros(propensity.shape)
    policy[np.arange(len(best)), np.where(takes, column, propensity.shape[1] - 1)] = 1.0
    return policy


def _net(lift: Floats, chance: Floats, worth: Floats, tried: Tried) -> Floats:
    """Return (n, k) what each action brings in fen: its lift's worth less the contact and the benefits of all who succeed."""
    success = np.clip(chance[:, None] + lift, 0.0, 1.0)
    return lift * worth[:, None] - tried.cost - success * tried.face


def _paired(logs: Logs, policies: Sequence[Floats], model: Floats) -> Estimate | None:
    """Return the mean difference of the doubly robust scores of two policies, with its interval."""
    residual = logs.reward - logs.taken(model)
    scores = [
        (policy * model).sum(axis=1) + logs.taken(policy) / logs.taken(logs.propensity) * residual
        for policy in policies
    ]
    gain = scores[1] - scores[0]
    return interval(gain)[0] if np.any(gain) else None
