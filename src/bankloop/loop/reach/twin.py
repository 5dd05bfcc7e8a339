"""The plan for one customer who is here now: the same values and prices, ranked and explained, in microseconds.

``decide`` is a pure function: values of one customer, pools, day, prices and what is left go in, an answer comes out. At the
plan's own prices it is the plan's choice before repair. Reserving what it takes is the gate's work, after and at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from bankloop.kit.text import Text
from bankloop.loop.reach import errors
from bankloop.loop.reach.contracts import DatedPlan
from bankloop.loop.reach.kernels import NONE, Floats


@dataclass(frozen=True, slots=True)
class ResourcePrice:
    """The price of one resource: ``use`` (k,) of it by each action, ``price`` by pool, ``pools`` the pools' names."""

    name: str
    use: Floats
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
    """One customer's side: ``value`` (k,) in fen, −inf where an action is closed; pool by resource; day of the scores."""

    value: Floats
    pools: Mapping[str, str]
    scored_on: date


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
        ResourcePrice(family.name, family.use, price, family.pools)
        for family, price in zip(plan.problem.families, plan.solution.price, strict=True)
    )
    actions = tuple(f"{action.campaign}|{action.key}" for action in plan.candidates.actions)
    return Tariff(plan.plan_id, actions, rates, plan.window_start, plan.window_end)


def decide(
    tariff: Tariff, person: TwinCustomer, today: date, valid_days: int, left: Mapping[str, float] | None = None
) -> Answer:
    """Return the ranked, explained decision for one customer.

    ``left`` says what remains of resources in the customer's pools; who is not named has enough. Scores older than
    ``valid_days`` and prices outside of their plan's window decide nothing. Raises ``InputError`` for a value that is no
    number and for a pool that the resource does not have.
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
    score = person.value - charged(tariff, prices)
    fits = _fitting(tariff, left or {})
    pick = best(np.where(fits, score, -np.inf))
    offers = _explained(tariff, person, prices, score, fits, pick)
    return Answer(tariff.plan_id, offers, tariff.actions[pick] if pick != NONE else "", None if pick != NONE else Silence.NOTHING_PAYS)  # fmt: skip


def best(score: Floats) -> int:
    """Return the action of the highest score above zero, the lowest of equals, or none: as the plan does."""
    pick = int(np.argmax(score)) if score.size else NONE
    return pick if pick != NONE and score[pick] > 0.0 else NONE


def charged(tariff: Tariff, prices: list[float]) -> Floats:
    """Return (k,) what the prices take, added up in the plan's own order."""
    total = np.zeros(len(tariff.actions))
    for rate, price in zip(tariff.rates, prices, strict=True):
        total += price * rate.use
    return total


def _price(rate: ResourcePrice, person: TwinCustomer) -> float:
    if not rate.pools:
        return float(rate.price[0])
    pool = person.pools.get(rate.name, "")
    if pool not in rate.pools:
        raise errors.bad_group(rate.name)
    return float(rate.price[rate.pools.index(pool)])


def _fitting(tariff: Tariff, left: Mapping[str, float]) -> np.ndarray:
    fits = np.ones(len(tariff.actions), bool)
    for rate in tariff.rates:
        if rate.name in left:
            fits &= (rate.use <= left[rate.name] + 1e-9) | (rate.use == 0.0)
    return fits


def _explained(
    tariff: Tariff, person: TwinCustomer, prices: list[float], score: Floats, fits: np.ndarray, pick: int
) -> tuple[Offer, ...]:
    order = np.lexsort((np.arange(score.size), -score))
    offers = []
    for column in order.tolist():
        value = float(person.value[column])
        taken = {rate.name: price * float(rate.use[column]) for rate, price in zip(tariff.rates, prices, strict=True) if rate.use[column] and price}  # fmt: skip
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
