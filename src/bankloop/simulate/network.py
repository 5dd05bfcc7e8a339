"""Head office, branches, staff, employers, corporates, merchants, and who is tied to whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bankloop.simulate.draw import Bools, Floats, Ints
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import ADULT, SimulatedPeople
from bankloop.simulate.streams import Streams

NOBODY = -1
RELATION_KINDS = ("family", "employment", "legal_representative", "shareholder", "guarantor")


@dataclass(frozen=True, slots=True)
class Network:
    """Rows and pointers; a sub-branch is counted from 0 over the bank, and belongs to ``branch_of``."""

    branches: int
    branch_of: Ints
    manager_unit: Ints
    manager_on_leave: Bools
    seats: int
    sub_branch: Ints
    manager: Ints
    employer: Ints
    employer_unit: Ints
    employer_payday: Ints
    corporate_unit: Ints
    corporate_sector: Ints
    merchant_unit: Ints
    merchant_owner: Ints
    merchant_sector: Ints
    relation_from: Ints
    relation_to: Ints
    relation_kind: Ints
    relation_years: Floats
    execution: Floats
    false_log: Floats
    by_hand: Floats

    @property
    def sub_branches(self) -> int:
        """Return the number of sub-branches."""
        return len(self.branch_of)


def make_network(parameters: Parameters, streams: Streams, people: SimulatedPeople) -> Network:
    """Place every customer in a sub-branch, give the upper tiers a manager, and tie people to firms and families."""
    p, n = parameters, people.count
    rng = streams.generator("network")
    least = int(p.number("organization.branches_least")) * int(p.number("organization.sub_branches_per_branch_least"))
    subs = max(least, round(n / p.number("organization.customers_per_sub_branch")))
    branches = int(np.clip(round(subs**0.5), p["organization.branches_least"], p["organization.branches_largest"]))
    branch_of = np.sort(np.arange(subs) % branches)
    size = rng.lognormal(0, 0.3, subs)
    sub = np.searchsorted(np.cumsum(size) / size.sum(), rng.random(n), side="right").clip(0, subs - 1)
    managers = max(subs, round(n * p.number("organization.managers_per_customer")))
    manager_unit = np.sort(np.arange(managers) % subs)
    employer, employer_unit, payday = _employers(p, streams.generator("employer"), people, subs)
    corporates = max(10, round(n * p.number("organization.corporates_per_customer")))
    merchants = max(10, round(n * p.number("organization.merchants_per_customer")))
    execution, false_log, by_hand = _execution(p, streams.generator("execution"), subs)
    source, target, kind, years = _relations(p, streams.generator("relation"), people, employer, corporates)
    owners = streams.generator("owner").permutation(np.flatnonzero(people.merchant_owner))
    owner = np.full(merchants, NOBODY)
    owner[: len(owners)] = owners[:merchants]
    return Network(
        branches=branches,
        branch_of=branch_of,
        manager_unit=manager_unit,
        manager_on_leave=rng.random(managers) < _absent(p),
        seats=max(2, round(n * p.number("organization.seats_per_customer"))),
        sub_branch=sub,
        manager=_books(p, rng, people, sub, manager_unit),
        employer=employer,
        employer_unit=employer_unit,
        employer_payday=payday,
        corporate_unit=rng.integers(0, subs, corporates),
        corporate_sector=rng.integers(0, 8, corporates),
        merchant_unit=rng.integers(0, subs, merchants),
        merchant_owner=owner,
        merchant_sector=rng.integers(0, 8, merchants),
        relation_from=source,
        relation_to=target,
        relation_kind=kind,
        relation_years=years,
        execution=execution,
        false_log=false_log,
        by_hand=by_hand,
    )


def _absent(p: Parameters) -> float:
    """Return the share of posts without anyone at work: on leave, or left and not yet followed."""
    vacant = p.number("organization.turnover_a_year") * p.number("organization.vacancy_months") / 12
    return p.number("organization.leave") + vacant


def _books(p: Parameters, rng: np.random.Generator, people: SimulatedPeople, sub: Ints, manager_unit: Ints) -> Ints:
    """Return the manager of each customer from the book's tier on, spread evenly within the sub-branch."""
    manager = np.full(people.count, NOBODY)
    rows = rng.permutation(np.flatnonzero(people.tier >= p.number("organization.manager_from_tier")))
    rows = rows[np.argsort(sub[rows], kind="stable")]
    first = np.searchsorted(manager_unit, np.arange(sub.max() + 2))
    start = np.searchsorted(sub[rows], np.arange(sub.max() + 2))
    place = np.arange(len(rows)) - start[sub[rows]]
    manager[rows] = first[sub[rows]] + place % (first[sub[rows] + 1] - first[sub[rows]])
    return manager


def _employers(p: Parameters, rng: np.random.Generator, people: SimulatedPeople, subs: int) -> tuple[Ints, Ints, Ints]:
    count = max(5, round(people.count * p.number("organization.employers_per_customer")))
    size = 1 / np.arange(1, count + 1) ** 0.7
    rows = np.flatnonzero(people.payroll)
    employer = np.full(people.count, NOBODY)
    employer[rows] = np.searchsorted(np.cumsum(size) / size.sum(), rng.random(len(rows)), side="right").clip(
        0, count - 1
    )
    # Quotas by size: with few employers a draw by number alone would miss the paydays' shares of people.
    days, shares = p.numbers("events.paydays"), np.array(p.numbers("events.payday_shares"))
    payday, load = np.empty(count, dtype=np.int64), np.zeros(len(days))
    for number, weight in enumerate(size):
        chosen = int(np.argmax(shares * (load.sum() + weight) - load))
        load[chosen] += weight
        payday[number] = int(days[chosen])
    return employer, rng.integers(0, subs, count), payday


def _execution(p: Parameters, rng: np.random.Generator, subs: int) -> tuple[Floats, Floats, Floats]:
    """Return execution, false-log and by-hand rates of the sub-branches; the quartiles are the parameter's."""
    low, high = p.numbers("execution.quartiles")
    mean = p.number("execution.mean")
    rank = (rng.permutation(subs) + 0.5) / subs
    rate = np.interp(rank, [0, 0.25, 0.5, 0.75, 1], [low - 0.17, low, mean + 0.03, high, 0.97])
    rate = np.clip(rate + mean - rate.mean(), 0.05, 0.99)
    false_log = _around(p.number("execution.false_log"), rng.gamma(4, 0.25, subs))
    by_hand = _around(p.number("execution.by_hand_a_month"), rng.gamma(6, 1 / 6, subs))
    return rate, false_log, by_hand


def _around(mean: float, spread: Floats) -> Floats:
    """Return rates of the given mean, spread as the factors are."""
    return np.asarray(np.clip(mean * spread / spread.mean(), 0, 0.6), dtype=np.float64)


def _relations(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, employer: Ints, corporates: int
) -> tuple[Ints, Ints, Ints, Floats]:
    adults = rng.permutation(np.flatnonzero(people.age >= ADULT))
    pairs = round(p.number("people.families") * people.count / 2)
    pairs = min(pairs, len(adults) // 2)
    workers = np.flatnonzero(employer != NOBODY)
    firms = np.arange(corporates)
    holders = rng.integers(0, corporates, corporates // 2)
    wards = rng.integers(0, corporates, corporates // 4)

    def anyone(count: int) -> Ints:
        return adults[rng.integers(0, len(adults), count)]

    parts = [
        (adults[: 2 * pairs : 2], adults[1 : 2 * pairs : 2]),
        (workers, employer[workers]),
        (anyone(corporates), firms),
        (anyone(len(holders)), holders),
        (anyone(len(wards)), wards),
    ]
    kind = np.repeat(np.arange(len(parts)), [len(source) for source, _ in parts])
    source = np.concatenate([source for source, _ in parts])
    target = np.concatenate([target for _, target in parts])
    _, first = np.unique((kind * (people.count + 1) + source) * (people.count + 1) + target, return_index=True)
    return source[first], target[first], kind[first], rng.random(len(first)) * 15
