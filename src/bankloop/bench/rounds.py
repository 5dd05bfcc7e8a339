"""Measures whether the loop learns: each round's plan at its true value, beside what else could have been done.

On the same customers, under the same limits, in the same cells: the plan as made by the round's champion; by an oracle
who knows each action's true value; by the first models, had nothing ever been learned; and by the present propensities,
had whoever was likeliest to succeed been contacted as if that were the effect.

Limits are in proportion to the bank: what the demo's bank has for 300,000 customers would be plenty for fewer, and where
nothing is scarce nobody has to know whom to choose. Champions change only where the comparison supports it.

Each round has other customers than the one before (who was won is in no audience any more, and the seasons differ), so that
rounds do not compare. Whether the regret falls is therefore read on the same customers: every round's champions plan the
first round of another simulated bank, whose customers no champion has ever seen.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import t as student

from bankloop.bench.story import FIRST_DAY, ROUND_DAYS, begin, clock_of, start_of_round
from bankloop.loop import model, reach
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.learning.promotion import promote
from bankloop.loop.model import Uplift
from bankloop.loop.reach import CampaignCandidates
from bankloop.loop.round.window import Window
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.report.simulated_truth import true_values
from bankloop.simulate.answers import answer_round
from bankloop.simulate.world import World
from bankloop.store.embedded import remove_cluster
from bankloop.wiring import load, open_bank

WAYS = ("policy", "oracle", "never_learning", "propensity_only")
# How far the seed of the bank that nobody has seen lies from the seed of the bank that lives its rounds.
UNSEEN = 1_000
# The rule of promotion was chosen on the seeds 42 to 47: it is measured on others.
FIRST_SEED = 48
Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def measure(
    customers: int, rounds: int, seeds: int, say: Callable[[str], None], first_seed: int = FIRST_SEED
) -> dict[str, Any]:
    """Return by round the mean true value in fen of each way and the policy's regret, with 95 % intervals over seeds.

    ``over_…`` are differences within each seed, so that what the seed itself brings cancels; ``promoted`` counts the
    champions that changed before the round; ``regret_on_the_same`` is that of the round's champions on the customers of a
    bank that none of them has seen; ``whole`` is over all rounds. ``regret_falls`` is the first round's regret less the
    last one's on those same customers, ``raw_regret_falls`` on each round's own.
    """
    found, promoted = np.zeros((seeds, rounds, len(WAYS))), np.zeros((seeds, rounds))
    same = np.zeros((seeds, rounds))
    for number in range(seeds):
        say(f"seed {first_seed + number}")
        with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
            folder, unseen = Path(home) / "bank", Path(home) / "unseen"
            try:
                found[number], promoted[number], champions = lived(folder, customers, rounds, first_seed + number)
            finally:
                remove_cluster(folder)
            try:
                same[number] = regrets_on_the_same(unseen, customers, first_seed + number + UNSEEN, champions)
            finally:
                remove_cluster(unseen)
    regret = 1.0 - found[:, :, 0] / np.where(found[:, :, 1] > 0, found[:, :, 1], np.nan)
    whole = found.sum(axis=1)
    return {
        "customers": customers,
        "seeds": seeds,
        "rounds": [
            {
                "round": number + 1,
                **{way: _spread(found[:, number, place], 0) for place, way in enumerate(WAYS)},
                "regret_ratio": _spread(regret[:, number], 4),
                "regret_on_the_same": _spread(same[:, number], 4),
                "over_never_learning": _spread(found[:, number, 0] - found[:, number, 2], 0),
                "over_propensity_only": _spread(found[:, number, 0] - found[:, number, 3], 0),
                "promoted": int(promoted[:, number].sum()),
            }
            for number in range(rounds)
        ],
        "whole": {
            **{way: _spread(whole[:, place], 0) for place, way in enumerate(WAYS)},
            "over_never_learning": _spread(whole[:, 0] - whole[:, 2], 0),
            "over_propensity_only": _spread(whole[:, 0] - whole[:, 3], 0),
            "regret_ratio": _spread(1.0 - whole[:, 0] / whole[:, 1], 4),
            "regret_of_never_learning": _spread(1.0 - whole[:, 2] / whole[:, 1], 4),
        },
        "regret_falls": _spread(same[:, 0] - same[:, -1], 4),
        "raw_regret_falls": _spread(regret[:, 0] - regret[:, -1], 4),
    }


def lived(folder: Path, customers: int, rounds: int, seed: int) -> tuple[Floats, Floats, list[Mapping[str, Uplift]]]:
    """Live ``rounds`` rounds of one simulated bank.

    Returns the true values (rounds, ways) in fen, how many champions changed before each round, and each round's champions.
    """
    _, world = begin(folder, customers, seed, _quiet)
    values, changed, champions = np.zeros((rounds, len(WAYS))), np.zeros(rounds), list[Mapping[str, Uplift]]()
    for number in range(1, rounds + 1):
        start = start_of_round(number)
        with open_bank(folder, clock_of(start)) as bank:
            window = _planned(bank, number, start, seed)
            champions.append(window.models)
            loop.run(bank, system(), number, start, seed, prepared=window)
            values[number - 1] = ways_of(window, world, champions[0])
            responses = [answer_round(bank, world, name, number, start) for name in bank.spec.campaigns]
            world.advance(folder, responses, start + timedelta(days=ROUND_DAYS))
        if number < rounds:
            with open_bank(folder, clock_of(start_of_round(number + 1))) as bank:
                load(bank)
                for name in bank.spec.campaigns:
                    learned = loop.learn(bank, maker(), name, number, start_of_round(number + 1))
                    if learned.comparison.supported:
                        promote(bank, checker(), name)
                        changed[number] += 1
    return values, changed, champions


def regrets_on_the_same(folder: Path, customers: int, seed: int, champions: Sequence[Mapping[str, Uplift]]) -> Floats:
    """Return the regret (rounds,) of every round's champions, had they planned the first round of a bank of another seed."""
    _, world = begin(folder, customers, seed, _quiet)
    with open_bank(folder, clock_of(FIRST_DAY)) as bank:
        window = _planned(bank, 1, FIRST_DAY, seed)
    truth = true_values(window, world)
    best = float(truth[_given_out(window, truth)].sum())
    won = [float(truth[_given_out(window, _as_predicted(window, models))].sum()) for models in champions]
    return np.asarray(1.0 - np.array(won, np.float64) / best)


def _quiet(_: str) -> None:
    return None


def _planned(bank: Bank, number: int, start: date, seed: int) -> Window:
    for name in bank.spec.campaigns:
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    return loop.plan(bank, system(), number, start, seed)


def ways_of(window: Window, world: World, first: Mapping[str, Uplift]) -> Floats:
    """Return the true value (ways,) in fen of the window given out in each way."""
    truth = true_values(window, world)
    scored = {
        "oracle": truth,
        "never_learning": _as_predicted(window, first),
        "propensity_only": _scored(window, _likeliest),
    }
    chosen = {"policy": window.plan.solution.pairs}
    chosen |= {way: _given_out(window, value) for way, value in scored.items()}
    return np.array([truth[chosen[way]].sum() for way in WAYS])


def _given_out(window: Window, value: Floats) -> Pairs:
    """Return the pairs of the window planned by other values (n, K), under its own limits."""
    closed = ~np.isfinite(window.plan.problem.value)
    problem = replace(window.plan.problem, value=np.where(closed, -np.inf, value))
    return reach.assign(problem, window.plan.rules, window.plan.solution.price).pairs


def _as_predicted(window: Window, models: Mapping[str, Uplift]) -> Floats:
    return _scored(window, lambda side: _predicted(window, side, models[side.campaign]))


def _scored(window: Window, believed: Callable[[CampaignCandidates], CampaignCandidates]) -> Floats:
    """Return the values (n, K) of all actions as somebody believes them."""
    found = window.plan.candidates
    value = np.full(found.value.shape, -np.inf)
    for index, side in enumerate(found.campaigns):
        here, columns = np.flatnonzero(found.member[:, index]), np.flatnonzero(found.column_campaign == index)
        value[np.ix_(here, columns)] = reach.action_values(believed(side))
    return value


def _predicted(window: Window, side: CampaignCandidates, learned: Uplift) -> CampaignCandidates:
    members = window.state.table.take(pa.array(side.rows))
    x = model.feature_matrix(members, learned.base.features)
    base, uplift = learned.predict(x, [action.key for action in side.actions])
    return replace(side, base=base, uplift=uplift)


def _likeliest(side: CampaignCandidates) -> CampaignCandidates:
    return replace(side, uplift=np.repeat(side.base[:, None], len(side.actions), axis=1))


def _spread(values: Floats, digits: int) -> dict[str, float]:
    known = values[np.isfinite(values)]
    n = len(known)
    mean = float(known.mean()) if n else 0.0
    half = float(student.ppf(0.975, n - 1) * known.std(ddof=1) / n**0.5) if n > 1 else 0.0
    return {"mean": round(mean, digits), "low": round(mean - half, digits), "high": round(mean + half, digits)}
