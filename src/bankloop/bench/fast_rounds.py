"""Rounds of banks in memory: the product's models, cells, lots, ghosts and assignment over the simulator's people."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.bench.populations import TODAY, Audience, Population
from bankloop.bench.proportion import in_proportion
from bankloop.customer.catalogue import frozen_catalogue, read_catalogue
from bankloop.loop import reach
from bankloop.loop.learning.first_lot import first_lot
from bankloop.loop.model import Labelled, RandomisedArm, Uplift, stated_prior, stated_uplift, train_propensity
from bankloop.loop.reach import (
    Action,
    CampaignCandidates,
    Candidates,
    ExperimentCell,
    Family,
    Problem,
    by_campaign,
    wished_at,
)
from bankloop.loop.spec import Lock, Policies, make_lock, read_bank_spec
from bankloop.simulate.service import write_templates

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_WORTH = {"bind-card": (4_500.0, 0.0), "first-wealth": (3_000.0, 0.0), "keep-deposits": (0.0, 0.00825)}


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The files of a simulated bank of one size, limits in proportion: its locks and policies."""

    locks: Mapping[str, Lock]
    policies: Policies

    def only(self, name: str) -> Rulebook:
        """Return the same with one campaign."""
        return Rulebook({name: self.locks[name]}, self.policies)


@dataclass(frozen=True, slots=True)
class Lived:
    """A round as planned: ``issued`` and ``intended`` (n, c) columns or none, as in the product's plan."""

    candidates: Candidates
    families: tuple[Family, ...]
    lot: reach.Lot
    issued: NDArray[np.int64]
    intended: NDArray[np.int64]


def rulebook(customers: int) -> Rulebook:
    """Return what a bank of so many customers writes."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home)
        write_templates(folder)
        in_proportion(folder, customers)
        catalogue = frozen_catalogue(read_catalogue(folder).definitions)
        spec = read_bank_spec(folder, catalogue.types)
        written = {n: {**body, "uses": sorted(catalogue[n].reads)} for n, body in catalogue.definitions.items()}
        locks = {
            name: make_lock(one, spec, written, {name: "0" * 64}, catalogue.types)
            for name, one in spec.campaigns.items()
        }
        return Rulebook(locks, spec.policies)


def first_models(bank: Population, book: Rulebook, seed: int) -> dict[str, Uplift]:
    """Return each campaign's model before any round, from what its audience did by itself in the month before."""
    found = {}
    for name, lock in book.locks.items():
        people = bank.audiences[name]
        y = (np.random.default_rng((seed, 1)).random(len(people.base)) < people.base).astype(np.float64)
        data = Labelled(people.x, y, bank.features, (TODAY, TODAY))
        base = train_propensity(data, seed)[0]
        found[name] = stated_uplift(base, data, stated_prior(lock.campaign), lock.campaign.model.moderators, seed)
    return found


def candidates(bank: Population, book: Rulebook, models: Mapping[str, Uplift], number: int) -> Candidates:
    """Return the candidates of a round as the product joins them."""
    sides = [_side(bank, lock, models[name], number) for name, lock in book.locks.items()]
    types = {name: type_ for lock in book.locks.values() for name, type_ in lock.types.items()}
    return reach.join(sides, bank.state, book.policies, types, TODAY, number)


def limits_of(found: Candidates, book: Rulebook) -> tuple[Family, ...]:
    """Return what there is to give out in a window."""
    return reach.families_of(found, book.locks, book.policies, reach.window_days(TODAY, book.policies.plan.window))


def planned(bank: Population, book: Rulebook, models: Mapping[str, Uplift], number: int, seed: int) -> Lived:
    """Return a round as the product plans it: explore's lot, the assignment of the rest, and everybody's ghosts."""
    found = candidates(bank, book, models, number)
    families = limits_of(found, book)
    lot = reach.draw_lot(found, families, book.policies.experiment.explore / 1_000_000, seed)
    rest = tuple(replace(f, limit=np.maximum(f.limit - used, 0.0)) for f, used in zip(families, lot.used, strict=True))
    apart = (found.cell == ExperimentCell.HOLDOUT.value) | (found.cell == ExperimentCell.EXPLORE.value)
    closed = apart[:, None] | found.control[:, found.column_campaign]
    solution = reach.assign(Problem(np.where(closed, -np.inf, found.value), rest), None, None, seed)
    issued = by_campaign(found, *solution.pairs)
    issued[lot.rows] = reach.NONE
    drawn = lot.choice != reach.NONE
    issued[lot.rows[drawn], found.column_campaign[lot.choice[drawn]]] = lot.choice[drawn]
    intended = by_campaign(found, *wished_at(Problem(found.value, rest), None, solution.price))
    return Lived(found, families, lot, issued, intended)


def rows_of(bank: Population, plan: Lived, seed: int, number: int) -> dict[str, Labelled]:
    """Live a round by the truth and return each campaign's training rows, as the product makes them."""
    found = plan.candidates
    explored = found.cell == ExperimentCell.EXPLORE.value
    apart = (found.cell == ExperimentCell.HOLDOUT.value) | (found.cell == ExperimentCell.EXEMPT.value)
    marginal = np.zeros((len(found.rows), found.width + 1))
    marginal[plan.lot.rows] = plan.lot.marginal
    rows: dict[str, Labelled] = {}
    for index, side in enumerate(found.campaigns):
        people = bank.audiences[side.campaign]
        place = np.searchsorted(found.rows, people.rows)
        kept = np.flatnonzero(~apart[place])
        at = place[kept]
        issued, intended, control = plan.issued[at, index], plan.intended[at, index], found.control[at, index]
        y = _lived(people, found, issued, kept, np.random.default_rng((seed, number, index)))
        arms = {}
        for column in np.flatnonzero(found.column_campaign == index):
            meant = np.flatnonzero(~explored[at] & (intended == column) & ((issued == column) | control))
            odds = marginal[at, column]
            drew = np.flatnonzero(explored[at] & (odds > 0) & ((issued == column) | (issued == reach.NONE)))
            arm = np.r_[meant, drew]
            chance = np.r_[
                np.full(len(meant), 1.0 - side.control_share), odds[drew] / (odds[drew] + marginal[at[drew], -1])
            ]
            if len(arm):
                arms[found.actions[column].key] = RandomisedArm(
                    arm, issued[arm] == column, np.clip(chance, 0.001, 0.999)
                )
        quiet = issued == reach.NONE
        rows[side.campaign] = Labelled(
            people.x[kept],
            y,
            bank.features,
            (TODAY, TODAY),
            quiet,
            control,
            arms,
            np.full(len(kept), number),
            side.worth[kept],
        )
    return rows


def joined(rounds: Sequence[Labelled]) -> Labelled:
    """Return several rounds' rows as one."""
    starts = np.cumsum([0, *(len(one.y) for one in rounds)])
    keys = sorted({key for one in rounds for key in one.arms})
    arms = {}
    for key in keys:
        parts = [(one.arms[key], at) for one, at in zip(rounds, starts, strict=False) if key in one.arms]
        arms[key] = RandomisedArm(
            np.concatenate([arm.rows + at for arm, at in parts]),
            np.concatenate([arm.treated for arm, _ in parts]),
            np.concatenate([arm.probability for arm, _ in parts]),
        )
    x, y, quiet, control, number, worth = (
        np.concatenate([getattr(one, name) for one in rounds])
        for name in ("x", "y", "quiet", "control", "round", "worth")
    )
    return Labelled(x, y, rounds[0].features, rounds[0].window, quiet, control, arms, number, worth)


def true_values(bank: Population, found: Candidates) -> Floats:
    """Return the true fen (n, K) of every action, 0 for who is in no audience of it."""
    value = np.zeros((len(found.rows), found.width))
    for index, side in enumerate(found.campaigns):
        people = bank.audiences[side.campaign]
        place = np.searchsorted(found.rows, people.rows)
        keys = tuple(action.key for action in side.actions)
        value[np.ix_(place, np.flatnonzero(found.column_campaign == index))] = people.value(keys)
    return value


def _lived(
    people: Audience,
    found: Candidates,
    issued: NDArray[np.int64],
    kept: NDArray[np.int64],
    rng: np.random.Generator,
) -> Floats:
    chance = people.base[kept] + people.hand[kept]
    for column in np.unique(issued[issued != reach.NONE]):
        hit = issued == column
        chance[hit] = (people.base + people.effect[found.actions[column].key])[kept[hit]]
    return (rng.random(len(kept)) < np.clip(chance, 0.0, 1.0)).astype(np.float64)


def _side(bank: Population, lock: Lock, model: Uplift, number: int) -> CampaignCandidates:
    people = bank.audiences[lock.name]
    actions = tuple(one for one in reach.actions_of(lock) if one.delivery != reach.SLOT)
    base, uplift = model.predict(people.x, [action.key for action in actions])
    fixed, rate = _WORTH[lock.name]
    maturing = bank.state["term_maturing_60d"].to_numpy()[people.rows]
    share = lock.campaign.evaluate.control
    assert isinstance(share, int)
    numbers = bank.state["customer_no"].take(pa.array(people.rows)).to_pylist()
    return CampaignCandidates(
        campaign=lock.name,
        lock_digest=lock.digest,
        rows=people.rows,
        actions=actions,
        base=base,
        uplift=uplift,
        worth=np.floor(fixed + rate * maturing + 0.5),
        open=_open(bank, people, lock, actions),
        control=reach.draw_control(numbers, lock.name, number, share),
        control_share=share / 1_000_000,
        explore_staff=lock.campaign.evaluate.explore_staff,
        lot=first_lot(model, actions, len(people.rows)),
    )


def _open(bank: Population, people: Audience, lock: Lock, actions: Sequence[Action]) -> Bools:
    """Return (m, k) which action each customer is open to: by channel, by assessment, by what a call takes."""

    def known(name: str) -> Bools:
        return np.asarray(bank.state[name].to_numpy()[people.rows], dtype=bool)

    every = np.ones(len(people.rows), bool)
    push = known("app_registered") & known("push_allowed")
    by_channel = {"app_push": push, "sms": every, "wecom": known("wecom_friend"), "rm_call": every}
    if lock.name == "first-wealth":
        by_channel["rm_call"] = bank.state["aum"].to_numpy()[people.rows] >= 200_000 * 100
    assessed = known("has_valid_risk_assessment") if lock.name == "first-wealth" else every
    columns = []
    for action in actions:
        fits = ~assessed if action.product == "risk-assessment" else assessed
        columns.append(by_channel[action.channel] & fits)
    return np.column_stack(columns)
