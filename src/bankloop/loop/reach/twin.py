"""The plan for one customer who is here now: the same values and prices, ranked and explained, in microseconds.

``decide`` is a pure function: values of one customer, pools, day, prices and what is left go in, an answer comes out. At the
plan's own prices it is the plan's choice before repair. Reserving what it takes is the gate's work, after and at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.reach import errors
from bankloop.loop.reach.contracts import DatedPlan
from bankloop.loop.reach.kernels import NONE, Floats


@dataclass(frozen=True, slots=True)
class ResourcePrice:
    """The price of one resource: ``use`` (k,) of it by each action, ``price`` by pool, ``pools`` the pools' names.

    ``use`` is None where it differs by customer: then the customer brings it.
    """

    name: str
    use: NDArray[np.floating] | None
    price: Floats
    pools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tariff:
    """A plan's prices as the real-time plane needs them, valid until the plan's window ends."""

    plan_id: str
    actions: tuple[str, ...]
    rates: tuple[ResourcePrice, ...]
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class TwinCustomer:
    """One customer's side: ``value`` (k,) in fen, −inf where an action is closed; pool by resource; day of the scores.

    ``uses`` (k,) is by resource what this customer's actions take of it, where that differs by customer.
    """

    value: Floats
    pools: Mapping[str, str]
    scored_on: date
    uses: Mapping[str, Floats] = field(default_factory=dict)


class ActionOutcome(StrEnum):
    """What became of one action."""

    CHOSEN = "chosen"
    LOST_TO = "lost_to"
    NO_ROOM = "no_room"
    PRICED_OUT = "priced_out"
    NOT_WORTH = "not_worth"
    CLOSED = "closed"


class Silence(StrEnum):
    """Why there is no action at all."""

    NOTHING_PAYS = "nothing_pays"
    PRICES_EXPIRED = "prices_expired"
    SCORES_STALE = "scores_stale"


SILENCES = {
    Silence.NOTHING_PAYS: Text("没有值得做的动作", "Nothing is worth doing"),
    Silence.PRICES_EXPIRED: Text("方案已过期，等新方案", "The plan has expired; a new one is needed"),
    Silence.SCORES_STALE: Text(
        "评分超过有效期，等新评分", "The scores are older than they may be; new ones are needed"
    ),
}
OUTCOMES = {
    ActionOutcome.CHOSEN: Text("选中", "Chosen"),
    ActionOutcome.LOST_TO: Text("让给更优的动作", "Lost to a better one"),
    ActionOutcome.NO_ROOM: Text("资源已用完", "A resource is used up"),
    ActionOutcome.PRICED_OUT: Text("资源留给更值的客户", "Its resources are worth more elsewhere"),
    ActionOutcome.NOT_WORTH: Text("增量价值不抵成本", "Worth less than it costs"),
    ActionOutcome.CLOSED: Text("不可用", "Not open"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One action as ranked: value, what the prices take by resource, the score that is left, and what became of it."""

    action: str
    value: float
    charges: Mapping[str, float]
    score: float
    outcome: ActionOutcome
    lost_to: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision: every action, best first; ``chosen`` the action or '', then ``silence`` says why."""

    plan_id: str
    offers: tuple[Offer, ...]
    chosen: str
    silence: Silence | None


def tariff_of(plan: DatedPlan) -> Tariff:
    """Return the prices of a plan for the real-time plane."""
    rates = tuple(
        ResourcePrice(family.name, family.use if family.use.ndim == 1 else None, price, family.pools)
        for family, price in zip(plan.problem.families, plan.solution.price, strict=True)
    )
    actions = tuple(f"{action.campaign}|{action.key}" for action in plan.candidates.actions)
    return Tariff(plan.plan_id, actions, rates, plan.window_start, plan.window_end)


def plain_tariff(tariff: Tariff) -> dict[str, Any]:
    """Return what the store keeps of a plan's prices; ``tariff_from`` reads it back, number for number."""
    rates = [
        [one.name, None if one.use is None else one.use.tolist(), one.price.tolist(), list(one.pools)]
        for one in tariff.rates
    ]
    return {"actions": list(tariff.actions), "rates": rates}


def tariff_from(plain: Mapping[str, Any], plan_id: str, valid_from: date, valid_to: date) -> Tariff:
    """Return the prices of a plan as the store kept them."""
    rates = tuple(
        ResourcePrice(name, None if use is None else np.array(use), np.array(price), tuple(pools))
        for name, use, price, pools in plain["rates"]
    )
    return Tariff(plan_id, tuple(plain["actions"]), rates, valid_from, valid_to)


def decide(
    tariff: Tariff, person: TwinCustomer, today: date, valid_days: int, left: Mapping[str, float] | None = None
) -> Answer:
    """Return the ranked, explained decision for one customer.

    ``left`` says what remains of resources in the customer's pools; who is not named has enough. Scores older than
    ``valid_days`` and prices outside of their plan's window decide nothing. Raises ``InputError`` for a value that is no
    number, for a pool that the resource does not have, and for amounts of the customer that are missing or no amounts.
    """
    if person.value.shape != (len(tariff.actions),):
        raise errors.bad_shape()
    bad = np.flatnonzero(np.isnan(person.value) | np.isposinf(person.value))
    if bad.size:
        raise errors.bad_value(0, int(bad[0]))
    if not tariff.valid_from <= today <= tariff.valid_to:
        return Answer(tariff.plan_id, (), "", Silence.PRICES_EXPIRED)
    if person.scored_on < today - timedelta(days=valid_days):
        return Answer(tariff.plan_id, (), "", Silence.SCORES_STALE)
    prices = [_price(rate, person) for rate in tariff.rates]
    uses = [_use(rate, person) for rate in tariff.rates]
    score = _net(tariff, person.value, prices, uses) - charged(tariff, prices)
    fits = _fitting(tariff, uses, left or {})
    pick = best(np.where(fits, score, -np.inf))
    offers = _explained(tariff, person, prices, uses, score, fits, pick)
    return Answer(tariff.plan_id, offers, tariff.actions[pick] if pick != NONE else "", None if pick != NONE else Silence.NOTHING_PAYS)  # fmt: skip


def best(score: Floats) -> int:
    """Return the action of the highest score above zero, the lowest of equals, or none: as the plan does."""
    pick = int(np.argmax(score)) if score.size else NONE
    return pick if pick != NONE and score[pick] > 0.0 else NONE


def charged(tariff: Tariff, prices: list[float]) -> Floats:
    """Return (k,) what the prices take alike from everybody, added up in the plan's own order."""
    total = np.zeros(len(tariff.actions))
    for rate, price in zip(tariff.rates, prices, strict=True):
        if rate.use is not None:
            total += price * rate.use
    return total


def _net(tariff: Tariff, value: Floats, prices: list[float], uses: list[Floats]) -> Floats:
    """Return (k,) values less what the prices take of this customer's own amounts, taken off as the plan does."""
    left = value
    for rate, price, use in zip(tariff.rates, prices, uses, strict=True):
        if rate.use is None:
            left = left - price * use
    return left


def _use(rate: ResourcePrice, person: TwinCustomer) -> Floats:
    if rate.use is not None:
        return np.asarray(rate.use, np.float64)
    own = np.asarray(person.uses.get(rate.name, np.zeros(0)), np.float64)
    if own.shape != person.value.shape or not np.isfinite(own).all() or (own < 0).any():
        raise errors.bad_resource(rate.name)
    return own


def _price(rate: ResourcePrice, person: TwinCustomer) -> float:
    if not rate.pools:
        return float(rate.price[0])
    pool = person.pools.get(rate.name, "")
    if pool not in rate.pools:
        raise errors.bad_group(rate.name)
    return float(rate.price[rate.pools.index(pool)])


def _fitting(tariff: Tariff, uses: list[Floats], left: Mapping[str, float]) -> np.ndarray:
    fits = np.ones(len(tariff.actions), bool)
    for rate, use in zip(tariff.rates, uses, strict=True):
        if rate.name in left:
            fits &= (use <= left[rate.name] + 1e-9) | (use == 0.0)
    return fits


def _explained(
    tariff: Tariff,
    person: TwinCustomer,
    prices: list[float],
    uses: list[Floats],
    score: Floats,
    fits: np.ndarray,
    pick: int,
) -> tuple[Offer, ...]:
    order = np.lexsort((np.arange(score.size), -score))
    offers = []
    for column in order.tolist():
        value = float(person.value[column])
        taken = {
            rate.name: price * float(use[column])
            for rate, price, use in zip(tariff.rates, prices, uses, strict=True)
            if use[column] and price
        }
        outcome = _outcome(column, pick, value, float(score[column]), bool(fits[column]))
        lost_to = tariff.actions[pick] if outcome is ActionOutcome.LOST_TO else ""
        offers.append(Offer(tariff.actions[column], value, taken, float(score[column]), outcome, lost_to))
    return tuple(offers)


def _outcome(column: int, pick: int, value: float, score: float, fits: bool) -> ActionOutcome:
    if column == pick:
        return ActionOutcome.CHOSEN
    if value == -np.inf:
        return ActionOutcome.CLOSED
    if value <= 0.0:
        return ActionOutcome.NOT_WORTH
    if score <= 0.0:
        return ActionOutcome.PRICED_OUT
    return ActionOutcome.LOST_TO if fits else ActionOutcome.NO_ROOM
