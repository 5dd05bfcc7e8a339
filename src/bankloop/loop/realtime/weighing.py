"""One customer at one place, weighed: each action at the plan's prices, the cell, what is chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.ids import CELL_BUCKETS, cell_bucket
from bankloop.loop import reach
from bankloop.loop.reach import ExperimentCell
from bankloop.loop.realtime.contracts import RankedAction
from bankloop.loop.realtime.desk import Counter, OpenWindow, Row
from bankloop.loop.spec import Quota

Floats = NDArray[np.float64]
PPM = 1_000_000
CONTROL = "control"
_SCORED_DAYS = 1


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan had decided of the customer for a campaign: the cell, and whether its own contact is near."""

    cell: str
    near: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one open window says of one customer at one place.

    ``answer`` is what may be shown, ``ghost`` what would be were there no experiment; ``odds`` ppm by action where
    chance decided, '' being none. ``members`` are the campaigns that want the customer; ``reached`` those whose offer
    goes over another channel already, ``declined`` those whose offer is not wanted, ``control`` those that keep the
    customer apart.
    """

    window: OpenWindow
    members: tuple[str, ...]
    cell: str
    control: frozenset[str]
    reached: frozenset[str]
    declined: frozenset[str]
    answer: reach.Answer
    ghost: reach.Answer
    chosen: str
    odds: Mapping[str, int]

    @property
    def score(self) -> float:
        """Return what is left of the chosen action's value after the plan's prices; nothing chosen is −inf."""
        return next((one.score for one in self.answer.offers if one.action == self.chosen), -np.inf)

    @property
    def by_lot(self) -> bool:
        """Return whether chance has a say in what is shown to somebody whom a campaign wants."""
        drawn = self.cell in (ExperimentCell.HOLDOUT.value, ExperimentCell.EXPLORE.value)
        return bool(self.members) and (drawn or bool(self.control.intersection(self.members)))

    def ranked(self) -> tuple[RankedAction, ...]:
        """Return every action that is open, best first, in whole fen."""
        return tuple(
            RankedAction(
                one.action.split("|", 1)[0],
                one.action.split("|", 1)[1],
                round(one.value),
                {name: round(fen) for name, fen in one.charges.items()},
                round(one.score),
                reach.ActionOutcome.CHOSEN if one.action == self.chosen else one.outcome,
            )
            for one in self.answer.offers
            if np.isfinite(one.value)
        )


def weigh(
    counter: Counter,
    window: OpenWindow,
    row: Row,
    number: str,
    slot: str,
    planned: Mapping[str, Planned],
    declined: frozenset[str] = frozenset(),
    left: Mapping[str, float] | None = None,
) -> Weighed:
    """Return what a window says of a customer at a slot; '' as a slot asks what the plan itself would choose.

    ``planned`` is by campaign what the plan decided of the customer, ``declined`` the campaigns whose offer the
    customer does not want, ``left`` what remains of resources by name.
    """
    values, uses, members = _values(counter, window, row, slot)
    exempt = counter.exempt is not None and counter.exempt(row) is True
    cell = _cell(window, number, planned, exempt)
    control = frozenset(name for name in window.locks if _is_control(window, number, name, planned, exempt))
    reached = frozenset(name for name in window.locks if slot and name in planned and planned[name].near)
    campaign = [action.split("|", 1)[0] for action in window.tariff.actions]
    tariff, pools, strange = _pooled(counter, window, row)
    values = _without(window, values, uses, strange)
    free = np.where(_among(campaign, reached | declined), -np.inf, values)
    shown = np.where(_among(campaign, control), -np.inf, free)

    def at(some: Floats) -> reach.Answer:
        person = reach.TwinCustomer(some, pools, counter.as_of, uses)
        return reach.decide(tariff, person, counter.today, _SCORED_DAYS, left)

    answer, ghost = at(shown), at(free)
    chosen, odds = answer.chosen, {answer.chosen.split("|", 1)[-1]: PPM}
    if cell == ExperimentCell.HOLDOUT.value:
        chosen, odds = "", {"": PPM}
    elif cell == ExperimentCell.EXPLORE.value and slot:
        chosen, odds = _drawn(answer, window, number, slot)
    return Weighed(window, members, cell, control, reached, declined, answer, ghost, chosen, odds)


def _values(
    counter: Counter, window: OpenWindow, row: Row, slot: str
) -> tuple[Floats, dict[str, Floats], tuple[str, ...]]:
    """Return (K,) values, −inf where closed, what actions take of own amounts, and who wants the customer."""
    place = {action: at for at, action in enumerate(window.tariff.actions)}
    values = np.full(len(place), -np.inf)
    uses = {one.name: np.zeros(len(place)) for one in window.tariff.rates if one.use is None}
    members = []
    for name, valuer in window.valuers.items():
        here = [at for at, one in enumerate(valuer.actions) if _is_here(one, slot)]
        if not here or counter.outside(name, row):
            continue
        if valuer.audience(row) is True:
            members.append(name)
        hidden = counter.withheld(name, row)
        worth, taken = valuer.values(row), valuer.uses(row)
        for at in here:
            action = valuer.actions[at]
            column = place.get(f"{name}|{action.key}")
            if column is None or action.benefit in hidden:
                continue
            values[column] = worth[at]
            for resource, use in taken.items():
                if resource in uses:
                    uses[resource][column] = use[at]
    return values, uses, tuple(members)


def _is_here(action: reach.Action, slot: str) -> bool:
    return action.channel == slot if slot else action.delivery != reach.SLOT


def _among(campaign: Sequence[str], named: Iterable[str]) -> NDArray[np.bool_]:
    some = frozenset(named)
    return np.array([one in some for one in campaign], bool)


def _cell(window: OpenWindow, number: str, planned: Mapping[str, Planned], exempt: bool) -> str:
    """Return the customer's cell: as the plan has it, else drawn as the plan would have."""
    known = [one.cell for name, one in planned.items() if name in window.locks and one.cell != CONTROL]
    if known:
        return known[0]
    experiment = window.policies.experiment
    drawn = reach.draw_cells(
        [number], window.plan.as_of, window.round, experiment.holdout, experiment.explore, np.array([exempt])
    )
    return str(drawn[0])


def _is_control(window: OpenWindow, number: str, name: str, planned: Mapping[str, Planned], exempt: bool) -> bool:
    if name in planned:
        return planned[name].cell == CONTROL
    share = window.control.get(name, 0)
    return not exempt and bool(reach.draw_control([number], name, window.round, share)[0])


def _pooled(counter: Counter, window: OpenWindow, row: Row) -> tuple[reach.Tariff, dict[str, str], frozenset[str]]:
    """Return the prices, the customer's pool of each resource that has several, and resources without one for them.

    Of a pool that the plan did not know it has no price: what takes of it is closed.
    """
    quotas = reach.quotas_of(window.locks, window.policies)
    pools, rates, strange = {}, [], set()
    for rate in window.tariff.rates:
        pool = _pool(counter, rate, quotas, row) if rate.pools else ""
        if rate.pools and pool not in rate.pools:
            strange.add(rate.name)
            continue
        if rate.pools:
            pools[rate.name] = pool
        rates.append(rate)
    return replace(window.tariff, rates=tuple(rates)), pools, frozenset(strange)


def _without(window: OpenWindow, values: Floats, uses: Mapping[str, Floats], strange: frozenset[str]) -> Floats:
    """Return the values with what takes of a resource that has no price here closed."""
    for rate in window.tariff.rates:
        if rate.name in strange:
            use = uses[rate.name] if rate.use is None else rate.use
            values = np.where(use > 0, -np.inf, values)
    return values


def _pool(counter: Counter, rate: reach.ResourcePrice, quotas: Mapping[str, Quota], row: Row) -> str:
    branch = str(row.get("branch_id"))
    quota = quotas.get(rate.name.removeprefix("quota:").split(":")[0]) if rate.name.startswith("quota:") else None
    if quota is None or quota.each_branch:
        return branch
    if quota.segment is not None:
        met = counter.segments.get(quota.segment)
        return quota.segment if met is not None and met(row) is True else ""
    return branch if branch == quota.branch else ""


def _drawn(answer: reach.Answer, window: OpenWindow, number: str, slot: str) -> tuple[str, dict[str, int]]:
    """Return what chance shows to who explores: uniform over what is open and nothing, the same all the window."""
    ways = sorted(
        one.action for one in answer.offers if np.isfinite(one.value) and one.outcome is not reach.ActionOutcome.NO_ROOM
    )
    bucket = cell_bucket(f"slot:{slot}:{window.round}:{window.plan.window_start}", number)
    at = bucket * (len(ways) + 1) // CELL_BUCKETS
    each = PPM // (len(ways) + 1)
    odds: dict[str, Any] = {one.split("|", 1)[1]: each for one in ways}
    return (ways[at] if at < len(ways) else ""), {**odds, "": PPM - each * len(ways)}
