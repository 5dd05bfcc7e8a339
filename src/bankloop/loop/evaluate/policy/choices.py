"""The policies that are valued: the plan, learned on one part only, and what it is held against.

For arms the plan is the assignment under a share of customers; for a rate it is one level per group, every combination
looked at, under the logged mean. Nothing here reads an outcome of the rows that are valued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from bankloop.kit.later import later
from bankloop.kit.located import Located
from bankloop.kit.text import Text
from bankloop.loop.evaluate.off_policy import Floats, Integers, fit_outcomes
from bankloop.loop.evaluate.policy import errors
from bankloop.loop.evaluate.policy.contracts import PolicyComparison, PolicySpec
from bankloop.loop.evaluate.policy.design import ExperimentDesign, OfferedBand, costs_of, refuse_rate
from bankloop.loop.evaluate.policy.logged import Experiment

if TYPE_CHECKING:
    from bankloop.loop import reach
else:
    # Most of what is read of a campaign values no policy.
    reach = later("bankloop.loop.reach")

PPM = 1_000_000
# The solver's tolerances are made for fen; an uplift of 0.0001 visits should be well above them.
_SOLVER_UNIT = 1_000.0
# Rates and their weighted means are compared after division.
_MEAN_SLACK = 1e-9
# A group's slope on the rate is steadied as if this many rows at one standard deviation had shown none.
_RATE_PENALTY = 100.0


@dataclass(frozen=True, slots=True)
class PolicyCandidate:
    """One policy to value: its title and the probability of every action for each test row, (m, k)."""

    title: Text
    probability: Floats


@dataclass(frozen=True, slots=True)
class Choices:
    """All policies by name, ``plan`` and ``logged`` first; ``chosen`` says what the plan does and how it keeps its limit."""

    policies: Mapping[str, PolicyCandidate]
    chosen: Mapping[str, Any]


def choose(spec: PolicySpec, experiment: Experiment, design: ExperimentDesign, seed: int, located: Located) -> Choices:
    """Return the policies of a spec, learned on the learn part; raise ``UnsupportedPolicy`` for what was never tried."""
    costs = costs_of(spec, spec.rewards[0], design.names)
    reward = experiment.reward(spec.rewards[0]) - costs[design.action]
    if spec.arms is not None:
        plan, single, chosen = _arms(spec, experiment, design, reward, seed)
    else:
        plan, single, chosen = _rates(spec, design, reward, located)
    compared = {
        name: PolicyCandidate(one.title.text, _compared(spec, design, name, one, located))
        for name, one in spec.compare.items()
    }
    policies = {
        "plan": PolicyCandidate(Text("计划", "the plan"), plan),
        "logged": PolicyCandidate(Text("当时的做法", "as it was logged"), design.propensity()),
        "best_single": single,
        **compared,
    }
    return Choices(policies, chosen)


def _arms(
    spec: PolicySpec, experiment: Experiment, design: ExperimentDesign, reward: Floats, seed: int
) -> tuple[Floats, PolicyCandidate, dict[str, Any]]:
    assert spec.arms is not None
    assert spec.under.share is not None
    k, nothing = len(design.names), design.names.index(spec.arms.nothing)
    offers = np.array([arm for arm in range(k) if arm != nothing])
    x, learn, test = experiment.features(spec.features), design.learn, design.test
    learned = fit_outcomes(x[learn], design.action[learn], reward[learn], k).predict(x[test])
    uplift = learned[:, offers] - learned[:, [nothing]]
    m = int(test.sum())
    limit = m * spec.under.share // PPM
    budget = reach.Family("share", np.ones(len(offers)), np.array([float(limit)]))
    solution = reach.solve(reach.Problem(uplift * _SOLVER_UNIT, (budget,)), seed=seed)
    choice = np.where(solution.choice == reach.NONE, nothing, offers[solution.choice])
    means = np.array([reward[learn & (design.action == arm)].mean() for arm in offers])
    best = int(offers[means.argmax()])
    title = Text(
        f"最好的单一动作（{design.names[best]}），随机", f"the best single offer ({design.names[best]}), at random"
    )
    single = PolicyCandidate(title, _by_share(design, m, nothing, {best: spec.under.share}))
    chosen = {
        "customers": {name: int((choice == arm).sum()) for arm, name in enumerate(design.names)},
        "limit": limit,
        "used": int(solution.used[0][0]),
        "gap": solution.gap,
        "best_single": design.names[best],
    }
    return np.eye(k)[choice], single, chosen


def _rates(
    spec: PolicySpec, design: ExperimentDesign, reward: Floats, located: Located
) -> tuple[Floats, PolicyCandidate, dict[str, Any]]:
    expected = np.array([_response(design, index, band, reward) for index, band in enumerate(design.bands)])
    rows = np.array([band.rows for band in design.bands], dtype=np.float64)
    means = np.array([band.level_mean for band in design.bands])
    limit = float(rows @ [band.mean for band in design.bands] / rows.sum())
    keeping = [
        levels
        for levels in product(range(means.shape[1]), repeat=len(rows))
        if _mean(means, rows, levels) <= limit + _MEAN_SLACK
    ]
    if not keeping:
        raise errors.no_choice(located.place("rate", "levels"))
    # The combinations rise, and max keeps the first: among equals the cheapest for customers wins.
    best = max(keeping, key=lambda levels: _total(expected, rows, levels))
    same = [levels for levels in keeping if len(set(levels)) == 1]
    if not same:
        raise errors.no_choice(located.place("rate", "levels"))
    single = max(same, key=lambda levels: _total(expected, rows, levels))
    title = Text(f"各组同一档（第 {single[0] + 1} 档）", f"the same level in every group (level {single[0] + 1})")
    chosen = {
        "groups": {
            band.name: _described(band, level)
            for index, (band, level) in enumerate(zip(design.bands, best, strict=True))
        },
        "mean_rate": round(_mean(means, rows, best), 4),
        "mean_rate_limit": round(limit, 4),
        "best_single": f"level {single[0] + 1}",
        "learned_rows_outside": design.dropped,
    }
    return _by_level(design, best), PolicyCandidate(title, _by_level(design, single)), chosen


def _response(design: ExperimentDesign, index: int, band: OfferedBand, reward: Floats) -> Floats:
    """Return the reward (levels,) a group is expected to bring at each level's mean rate: a line in the rate."""
    assert design.group is not None
    assert design.rate is not None
    rows = design.learn & (design.group == index)
    if not rows.any():
        raise errors.no_rows(Text(f"学习部分的 {band.name} ", f"{band.name} in the part to learn from"))
    fitted = fit_outcomes(
        design.rate[rows][:, None], np.zeros(int(rows.sum()), np.int64), reward[rows], 1, _RATE_PENALTY
    )
    expected: Floats = fitted.predict(band.level_mean[:, None])[:, 0]
    # A level that was never offered cannot be chosen.
    return np.where(np.isnan(band.level_mean), -np.inf, expected)


def _described(band: OfferedBand, level: int) -> dict[str, float | int]:
    return {
        "level": level + 1,
        "from": round(float(band.edges[level]), 4),
        "to": round(float(band.edges[level + 1]), 4),
        "mean_rate": round(float(band.level_mean[level]), 4),
        "logged_mean_rate": round(band.mean, 4),
        "customers": band.rows,
    }


def _mean(means: Floats, rows: Floats, levels: tuple[int, ...]) -> float:
    """Return the mean rate over customers; a level that was never offered keeps no limit."""
    mean = float(rows @ means[np.arange(len(rows)), levels] / rows.sum())
    return float("inf") if np.isnan(mean) else mean


def _total(expected: Floats, rows: Floats, levels: tuple[int, ...]) -> float:
    return float(rows @ expected[np.arange(len(rows)), levels])


def _compared(spec: PolicySpec, design: ExperimentDesign, name: str, one: PolicyComparison, located: Located) -> Floats:
    m = int(design.test.sum())
    if one.shares is not None:
        assert spec.arms is not None
        nothing = design.names.index(spec.arms.nothing)
        place = located.place("compare", name, "shares")
        for arm in one.shares:
            if arm not in design.names:
                raise errors.unknown_name(place, arm, design.names)
        if sum(one.shares.values()) > PPM:
            raise errors.too_much(place, name)
        return _by_share(design, m, nothing, {design.names.index(arm): ppm for arm, ppm in one.shares.items()})
    if one.level is not None:
        if one.level > len(design.names):
            raise errors.unknown_name(located.place("compare", name, "level"), f"level {one.level}", design.names)
        return _by_level(design, (one.level - 1,) * len(design.bands))
    assert one.rates is not None
    return _by_level(design, _levels_of(spec, design, name, one.rates, located))


def _levels_of(
    spec: PolicySpec, design: ExperimentDesign, name: str, rates: Mapping[str, float], located: Located
) -> tuple[int, ...]:
    place = located.place("compare", name, "rates")
    groups = [band.name for band in design.bands]
    for group in [*rates, *groups]:
        if group not in groups or group not in rates:
            raise errors.unknown_name(place, group, groups if group not in groups else rates)
    levels = []
    for band in design.bands:
        level = band.level_of(rates[band.name])
        if level is None:
            raise refuse_rate(located.place("compare", name, "rates", band.name), band, rates[band.name], spec)
        levels.append(level)
    return tuple(levels)


def _by_share(design: ExperimentDesign, m: int, nothing: int, shares: Mapping[int, int]) -> Floats:
    probability = np.zeros((m, len(design.names)))
    for arm, ppm in shares.items():
        probability[:, arm] = ppm / PPM
    probability[:, nothing] += 1.0 - probability.sum(axis=1)
    return probability


def _by_level(design: ExperimentDesign, levels: tuple[int, ...]) -> Floats:
    assert design.group is not None
    chosen: Integers = np.array(levels)[design.group[design.test]]
    return np.asarray(np.eye(len(design.names))[chosen])
