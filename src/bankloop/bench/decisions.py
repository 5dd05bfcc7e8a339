"""Measures decisions: what plans truly bring, as a share of what could be had from what a bank can know.

Each seed is a bank whose customers judge and whose outcomes nobody learns from; its rounds are lived by other banks,
with the models of the round before. Attainable is what the truth of yet other banks, regressed on what a bank knows,
gives out under the same limits. A share of 0 of the seeds means that none was seen; its upper bound stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.bench.fast_rounds import (
    Rulebook,
    candidates,
    first_models,
    joined,
    limits_of,
    planned,
    rows_of,
    rulebook,
    true_values,
)
from bankloop.bench.populations import Population, make_population
from bankloop.loop import reach
from bankloop.loop.model import Labelled, Scorer, Uplift, learn_uplift
from bankloop.loop.optimize import Setting, gain_of
from bankloop.loop.reach import Candidates, Family, Problem
from bankloop.simulate.parameters import Parameters, read_parameters

KEEP, BIND = "keep-deposits", "bind-card"
CALL = "term-deposit-renewal|none|rm_call"
SIZES: Mapping[str, tuple[int, int]] = {"60k": (60_000, 60), "300k": (300_000, 20), "1M": (1_000_000, 10)}
QUICK: Mapping[str, tuple[int, int]] = {"60k": (60_000, 8)}
ROUNDS, TOLD = 6, (0, 3, 6)
# Nothing was chosen on these seeds, nor on those whose truth says what is attainable.
FIRST_SEED, KNOWN_SEEDS, KNOWN_CUSTOMERS = 1_001, (901, 902, 903, 904), 300_000
MOST_ROWS = 60_000
# How a call works in worlds in which the stated prior is wrong: points that it wins of those who do not renew by
# themselves, points of those who do, and how many calls connect.
WORLDS = {
    "+9 -3": (9.0, -3.0, 0.6),
    "+4 -1": (4.0, -1.0, 0.6),
    "+2 0": (2.0, 0.0, 0.6),
    "+4 -5": (4.0, -5.0, 0.6),
    "30 % connect": (9.0, -3.0, 0.3),
    "45 % connect": (9.0, -3.0, 0.45),
}

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
Models = Mapping[str, Uplift]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Knowable:
    """The truth regressed on what a bank knows: who comes alone, and each action's effect."""

    base: Scorer
    effect: Mapping[str, Scorer]


@dataclass(frozen=True, slots=True)
class Judge:
    """A bank whose customers judge models: all of them, under the bank's limits, nobody held out."""

    bank: Population
    book: Rulebook
    found: Candidates
    families: tuple[Family, ...]
    truth: Floats

    @staticmethod
    def of(bank: Population, book: Rulebook, models: Models) -> Judge:
        """Return the judge; ``models`` only say which actions there are."""
        found = candidates(bank, book, models, 1)
        return Judge(bank, book, found, limits_of(found, book), true_values(bank, found))

    def given_out(self, value: Floats) -> Pairs:
        """Return who gets what where actions are worth ``value`` (n, K)."""
        return reach.assign(Problem(np.where(np.isfinite(self.found.value), value, -np.inf), self.families), None).pairs

    def won(self, pairs: Pairs) -> dict[str, float]:
        """Return the true fen by campaign of giving things out so."""
        rows, columns = pairs
        of = self.found.column_campaign[columns]
        return {
            side.campaign: float(self.truth[rows, columns][of == index].sum())
            for index, side in enumerate(self.found.campaigns)
        }

    def by(self, models: Models) -> Pairs:
        """Return the plan of some models."""
        return self.given_out(candidates(self.bank, self.book, models, 1).value)

    def attainable(self, known: Mapping[str, Knowable]) -> dict[str, float]:
        """Return what the best that can be known brings."""
        value = np.full(self.found.value.shape, -np.inf)
        for index, side in enumerate(self.found.campaigns):
            people, best = self.bank.audiences[side.campaign], known[side.campaign]
            place = np.searchsorted(self.found.rows, people.rows)
            alone = np.clip(best.base.batch(people.x)[:, 0], 0.0, 1.0)
            for column, action in zip(np.flatnonzero(self.found.column_campaign == index), side.actions, strict=True):
                effect = best.effect[action.key].batch(people.x)[:, 0]
                value[place, column] = (
                    effect * (side.worth - action.face) - people.cost[action.key] - alone * action.face
                )
        return self.won(self.given_out(value))

    def calls(self, plan: Pairs) -> tuple[float, float]:
        """Return the true fen of the plan's calls, and of as many to those who are likeliest to leave."""
        column = next(at for at, action in enumerate(self.found.actions) if action.key == CALL)
        side = self.found.campaigns[int(self.found.column_campaign[column])]
        called = plan[0][plan[1] == column]
        place = np.searchsorted(self.found.rows, side.rows)
        first = place[np.argsort(side.base, kind="stable")][: len(called)]
        return float(self.truth[called, column].sum()), float(self.truth[first, column].sum())


def measure(sizes: Mapping[str, tuple[int, int]], permutations: int, say: Say) -> dict[str, Any]:
    """Return, by size, shares of what is attainable, and how often a rule of thumb or nothing was better."""
    p = read_parameters(None)
    known = knowable([make_population(p, KNOWN_CUSTOMERS, seed) for seed in KNOWN_SEEDS])
    found = {}
    for name, (customers, seeds) in sizes.items():
        say(name)
        found[name] = _size(p, customers, seeds, known, say)
    customers, seeds = next(iter(sizes.values()))
    say("worlds")
    worlds = {name: first_round_in(p, customers, seeds, *world) for name, world in WORLDS.items()}
    say("permuted")
    return {"sizes": found, "worlds": worlds, "permuted_claims": permuted_claims(p, customers, permutations)}


def knowable(banks: Sequence[Population]) -> dict[str, Knowable]:
    """Return the truth of banks regressed on what a bank knows."""
    found = {}
    for name in banks[0].audiences:
        sides = [one.audiences[name] for one in banks]
        x = np.concatenate([one.x for one in sides])
        rows = np.random.default_rng(0).permutation(len(x))[:MOST_ROWS]
        effect = {k: _regressed(x[rows], np.concatenate([s.effect[k] for s in sides])[rows]) for k in sides[0].effect}
        found[name] = Knowable(_regressed(x[rows], np.concatenate([one.base for one in sides])[rows]), effect)
    return found


def _regressed(x: Floats, y: Floats) -> Scorer:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingRegressor(
        max_iter=120, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=200, random_state=0
    )
    with threadpool_limits(1, user_api="openmp"):
        return Scorer.plain(trees.fit(x, y), x.shape[1])


def lineage(banks: Sequence[Population], book: Rulebook, first: Models, seed: int) -> list[Models]:
    """Return the champions before each round and after the last: a round a bank, promoted as the product promotes."""
    rows: dict[str, list[Labelled]] = {name: [] for name in book.locks}
    champions: list[Models] = [first]
    for number, bank in enumerate(banks, 1):
        plan = planned(bank, book, champions[-1], number, seed * 100 + number)
        after = dict(champions[-1])
        for name, lived in rows_of(bank, plan, seed, number).items():
            rows[name].append(lived)
            challenger, _ = learn_uplift(first[name], joined(rows[name]), seed)
            gain = gain_of(setting_of(bank, book, after, name), after[name], challenger)
            if gain.sure and gain.reaches:
                after[name] = challenger
        champions.append(after)
    return champions


def setting_of(bank: Population, book: Rulebook, models: Models, name: str) -> Setting:
    """Return a campaign alone with its bank's limits, as the product sets two models beside each other."""
    own = book.only(name)
    found = candidates(bank, own, models, 1)
    return Setting(found.campaigns[0], bank.audiences[name].x, limits_of(found, own))


def _size(p: Parameters, customers: int, seeds: int, known: Mapping[str, Knowable], say: Say) -> dict[str, Any]:
    book = rulebook(customers)
    banks = [make_population(p, customers, FIRST_SEED + at) for at in range(max(seeds, ROUNDS + 1))]
    parts = ("keep_deposits", "keep_deposits_no_harm", "bind_card", "portfolio")
    share = {part: np.zeros((seeds, ROUNDS + 1)) for part in parts}
    below = np.zeros((2, seeds))
    for seed in range(seeds):
        say(f"seed {FIRST_SEED + seed}")
        others = [banks[(seed + number) % len(banks)] for number in range(1, ROUNDS + 1)]
        first = first_models(banks[seed], book, FIRST_SEED + seed)
        judge = Judge.of(banks[seed], book, first)
        best = judge.attainable(known)
        silent = {
            KEEP: first[KEEP].stating(first[KEEP].stated.times(0.0), first[KEEP].moderators, _nobody(first[KEEP]))
        }
        harmless = lineage(others, book.only(KEEP), silent, seed)
        for number, models in enumerate(lineage(others, book, first, seed)):
            plan = judge.by(models)
            won = judge.won(plan)
            share["keep_deposits"][seed, number] = won[KEEP] / best[KEEP]
            share["bind_card"][seed, number] = won[BIND] / best[BIND]
            share["portfolio"][seed, number] = sum(won.values()) / sum(best.values())
            share["keep_deposits_no_harm"][seed, number] = (
                judge.won(judge.by({**models, **harmless[number]}))[KEEP] / best[KEEP]
            )
            called, churn = judge.calls(plan)
            below[:, seed] += np.array([called < churn, called < 0.0]) / (ROUNDS + 1)
    return {
        "seeds": seeds,
        **{part: {f"r{n}": _told(found[:, n]) for n in TOLD} for part, found in share.items()},
        "below_churn_first": round(float(below[0].mean()), 4),
        "below_nothing": round(float(below[1].mean()), 4),
        "none_seen_at_most": unseen_at_most(seeds),
    }


def first_round_in(
    p: Parameters, customers: int, seeds: int, wins: float, loses: float, connect: float
) -> dict[str, Any]:
    """Return how the first plan's calls compare with churn-first's where calls work otherwise than was stated."""
    lifts = {"keep-deposits.lifts_other": {CALL: wins}, "keep-deposits.lifts_auto_renew": {CALL: loses}}
    world = p.where({**lifts, "channels.rm_call": {"reached": connect}})
    book = rulebook(customers).only(KEEP)
    below, won = np.zeros((2, seeds)), np.zeros((2, seeds))
    for at in range(seeds):
        bank = make_population(world, customers, FIRST_SEED + at)
        first = first_models(bank, book, FIRST_SEED + at)
        judge = Judge.of(bank, book, first)
        won[:, at] = judge.calls(judge.by(first))
        below[:, at] = won[0, at] < won[1, at], won[0, at] < 0.0
    mean = [round(float(one.mean())) for one in won]
    often = [round(float(one.mean()), 3) for one in below]
    return {"plan": mean[0], "churn_first": mean[1], "below_churn_first": often[0], "below_nothing": often[1]}


def permuted_claims(p: Parameters, customers: int, permutations: int) -> float:
    """Return the share of permutations of a treatment in which a plan of one half claims a gain on the other."""
    book = rulebook(customers)
    bank = make_population(p, customers, FIRST_SEED - 1)
    first = first_models(bank, book, FIRST_SEED - 1)
    rows = rows_of(bank, planned(bank, book, first, 1, 1), 1, 1)[BIND]
    key = max(rows.arms, key=lambda one: len(rows.arms[one].rows))
    claims = 0
    for number in range(permutations):
        rng = np.random.default_rng((FIRST_SEED, number))
        half = rng.random(len(rows.y)) < 0.5
        arms = {k: replace(arm, treated=rng.random(len(arm.rows)) < arm.probability) for k, arm in rows.arms.items()}
        shuffled = replace(rows, arms=arms)
        learned, _ = learn_uplift(first[BIND], shuffled.part(half), number)
        other = shuffled.part(~half)
        arm = other.arms[key]
        picked = learned.predict(other.x[arm.rows], [key])[1][:, 0] > 0.0
        weight = (arm.treated - arm.probability) / (arm.probability * (1.0 - arm.probability))
        score = picked * weight * (other.y[arm.rows] - learned.base.predict(other.x[arm.rows]))
        claims += float(score.mean()) > 1.96 * float(score.std()) / len(score) ** 0.5 > 0.0
    return claims / permutations


def _nobody(model: Uplift) -> Labelled:
    """Return no rows at all, which a model restated of the same moderators does not look at."""
    from bankloop.bench.populations import TODAY

    return Labelled(np.zeros((0, len(model.base.features))), np.zeros(0), model.base.features, (TODAY, TODAY))


def _told(shares: Floats) -> dict[str, float]:
    return {"mean": round(float(shares.mean()), 3), "worst": round(float(shares.min()), 3)}


def unseen_at_most(seeds: int) -> float:
    """Return the upper bound at 95 % of how often that happens which none of so many seeds showed (Clopper–Pearson)."""
    return round(float(1.0 - 0.05 ** (1.0 / seeds)), 3)
