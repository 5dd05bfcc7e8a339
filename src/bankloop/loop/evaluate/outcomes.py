"""From decisions, contacts and events to the outcomes of one campaign's round; the store's rows, nothing remembered twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from bankloop.kit.expression import BOOL, DATE, STRING
from bankloop.kit.later import later
from bankloop.loop.evaluate.contracts import FUNNEL, Bools, Floats, Integers, Outcomes, Words
from bankloop.loop.spec import Lock

if TYPE_CHECKING:
    from bankloop.loop import reach
else:
    # Whoever asks for a metric's definition alone needs no plan.
    reach = later("bankloop.loop.reach")

# What a reading takes of a decision, as the store names it.
DECISION_COLUMNS = (
    "decision_id",
    "campaign",
    "round",
    "customer_no",
    "unit_id",
    "window_start",
    "recorded_at",
    "lock_digest",
    "as_of",
    "state_digest",
    "cell",
    "intended_action",
    "issued_action",
)
# Who was never part of the comparison: the bank-wide holdout, and private banking, which stays out of experiments.
_APART = ("holdout", "exempt")
_ARROW = {BOOL: pa.bool_(), STRING: pa.string(), DATE: pa.string()}
_NEVER = np.iinfo(np.int64).max
# What is read of an event; ``occurred_on`` is its bank-local day.
HAPPENED = pa.schema(
    [
        ("customer_no", pa.string()),
        ("type", pa.string()),
        ("scene", pa.string()),
        ("occurred_on", pa.date32()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
    ]
)


def event_types(lock: Lock) -> list[str]:
    """Return the event types that reading a campaign needs."""
    return sorted({lock.campaign.goal.event, *(name for _, _, names in FUNNEL for name in names)})


def population(decisions: pa.Table, campaign: str) -> pa.Table:
    """Return a campaign's decisions of those who take part in its experiment: each customer's first one."""
    mine = decisions.filter(pc.equal(decisions["campaign"], campaign))
    return first_decisions(mine.filter(pc.invert(pc.is_in(mine["cell"], pa.array(_APART)))))


def first_decisions(decisions: pa.Table) -> pa.Table:
    """Return each customer's first decision: a round of several windows decides on some of them again."""
    whole = decisions.combine_chunks()
    if len(pc.unique(whole["window_start"])) < 2:
        return whole
    _, customer = np.unique(_words(whole["customer_no"]), return_inverse=True)
    order = np.lexsort((np.arange(whole.num_rows), _days(whole["window_start"])))
    _, first = np.unique(customer[order], return_index=True)
    return whole.take(pa.array(np.sort(order[first])))


def outcomes_of(
    lock: Lock,
    round_: int,
    decisions: pa.Table,
    accepted: pa.Array,
    events: pa.Table,
    *,
    again: pa.Table | None = None,
    before: Floats | None = None,
    labels: Mapping[str, Words] | None = None,
    share: Mapping[date, float] | None = None,
    amount: Floats | None = None,
) -> Outcomes:
    """Return the outcomes of a round.

    ``decisions`` are the campaign's population, a customer a row; ``again`` all decisions of a round of several windows;
    ``accepted`` the ids of decisions whose contact passed the gate; ``events`` (``HAPPENED``) those of the round;
    ``before`` (n,) the chance of success known before the assignment, ``amount`` (n,) the expected amount of one in fen; ``share`` the planned control by window's start.
    Events from before the assignment do not count, nor contact events that another campaign caused.
    """
    every = decisions if again is None else again.combine_chunks()
    issued = pc.fill_null(every["issued_action"], "")
    went_out = _bools(pc.and_(pc.not_equal(issued, ""), pc.is_in(every["decision_id"], accepted)))
    row = _places(every["customer_no"], decisions["customer_no"])
    contacted = _any(went_out, row, decisions.num_rows)
    day, early = first_day(decisions, events, [lock.campaign.goal.event], lock.campaign.goal.within)
    success = (day >= 0).astype(np.float64)
    worth, attributed, unknown = worths(lock, decisions, amount)
    ours = _caused_by(events, lock.name)
    steps = {
        name: (first_day(decisions, ours, types, lock.campaign.goal.within)[0] >= 0)
        for name, _, types in FUNNEL
        if types
    }
    spoke = first_day(decisions, ours, ["call_connected"], lock.campaign.goal.within)[0] >= 0
    intended = _words(decisions["intended_action"])
    spent = costs(lock, issued, went_out, row, success)
    return Outcomes(
        round=round_,
        control=_bools(pc.equal(decisions["cell"], "control")),
        meant=intended != "",
        contacted=contacted,
        success=success,
        worth=worth,
        attributed_worth=attributed,
        cost=spent.total,
        staff_cost=spent.staff,
        benefit_cost=spent.benefits,
        by_hand=spoke & ~contacted,
        steps={name: hit & contacted for name, hit in steps.items()},
        before=before,
        day=day,
        labels={**_intentions(lock, intended), **(labels or {})},
        share=_shares(decisions, share),
        window=_window_codes(decisions),
        notes={
            "before_assignment": early,
            "again": every.num_rows - decisions.num_rows,
            "two_cells": _crossed(every, decisions, row),
            "no_worth": unknown,
            "negative": int((worth < 0).sum()),
        },
    )


def first_day(decisions: pa.Table, events: pa.Table, types: Sequence[str], within: int) -> tuple[Integers, int]:
    """Return the day (n,) of each customer's window, from 0, on which one of ``types`` first happened; −1 for never.

    Second: how many such events lie in the window and before the assignment, and do not count.
    """
    wanted = events.filter(pc.is_in(events["type"], pa.array(list(types), pa.string())))
    row = _places(wanted["customer_no"], decisions["customer_no"])
    known = row >= 0
    at = row[known]
    start = _days(decisions["window_start"])
    day = _days(wanted["occurred_on"])[known] - start[at]
    inside = (day >= 0) & (day < within)
    early = inside & (_moments(wanted["occurred_at"])[known] < _moments(decisions["recorded_at"])[at])
    counts = inside & ~early
    first = np.full(decisions.num_rows, _NEVER)
    np.minimum.at(first, at[counts], day[counts])
    return np.where(first == _NEVER, -1, first), int(early.sum())


def worth_reads(lock: Lock) -> list[str]:
    """Return the attributes that what a success is worth is computed from: one or none."""
    product = next(p for p in lock.products if p.key == lock.campaign.products[0])
    return [] if product.contribution.of is None else [product.contribution.of]


def worths(lock: Lock, decisions: pa.Table, amount: Floats | None = None) -> tuple[Floats, Floats, int]:
    """Return what a success is worth and what attribution claims for it, fen, from the values recorded with the decision.

    Where the product names an attribute (``worth_reads``), ``decisions`` has it in its column ``attributes``; ``amount``
    (n,) fen is what the locked model expected, in its place. Third: for how many customers neither is known.
    """
    product = next(p for p in lock.products if p.key == lock.campaign.products[0])
    contribution = product.contribution
    worth = np.full(decisions.num_rows, float(contribution.fixed))
    unknown = 0
    if contribution.of is not None and decisions.num_rows:
        balance = amount
        if balance is None:
            balance = recorded(decisions, lock, [contribution.of])[contribution.of].to_numpy(zero_copy_only=False)
        unknown = int(np.isnan(np.asarray(balance, np.float64)).sum())
        worth += np.floor(np.nan_to_num(np.asarray(balance, np.float64)) * contribution.rate / 1_000_000 + 0.5)
    claimed = worth if contribution.attributed is None else np.full(len(worth), float(contribution.attributed))
    return worth, claimed, unknown


def recorded(decisions: pa.Table, lock: Lock, names: Sequence[str]) -> pa.Table:
    """Return the attributes as they were recorded with each decision, its column ``attributes``; what was not is null."""
    fields = pa.schema([(name, _ARROW.get(lock.types[name], pa.int64())) for name in names])
    if not decisions.num_rows or not names:
        return fields.empty_table()
    lines = "\n".join(decisions["attributes"].to_pylist()).encode()
    options = pj.ParseOptions(explicit_schema=fields, unexpected_field_behavior="ignore")
    return pj.read_json(pa.BufferReader(lines), pj.ReadOptions(block_size=1 << 24), options).combine_chunks()


@dataclass(frozen=True, slots=True)
class Costs:
    """What was spent on each customer (n,), fen: ``channels`` for the contacts, ``staff`` for people's minutes, ``benefits``."""

    channels: Floats
    staff: Floats
    benefits: Floats

    @property
    def total(self) -> Floats:
        """Return all of it."""
        return self.channels + self.staff + self.benefits


def costs(lock: Lock, issued: pa.ChunkedArray, went_out: Bools, row: Integers, success: Floats) -> Costs:
    """Return what was spent on each customer: every contact, and the benefit's face where the goal was met with it."""
    keys = np.array(issued.to_pylist(), dtype=object)
    found = Costs(*(np.zeros(len(success)) for _ in range(3)))
    for action in reach.actions_of(lock):
        at = row[(keys == action.key) & went_out & (row >= 0)]
        np.add.at(found.channels, at, action.contact_cost - action.staff_cost)
        np.add.at(found.staff, at, action.staff_cost)
        once = np.unique(at)
        found.benefits[once] += action.face * success[once]
    return found


def _intentions(lock: Lock, intended: Words) -> dict[str, Words]:
    """Return what the plan meant to do to each customer, and by which channel and script; '' for nothing."""
    by_key = {action.key: action for action in reach.actions_of(lock)}
    keys, code = np.unique(intended, return_inverse=True)

    def named(words: Sequence[str]) -> Words:
        return np.array(words)[code] if len(words) else np.array([], dtype=str)

    known = [by_key.get(key) for key in keys.tolist()]
    return {
        "action": intended,
        "channel": named([one.channel if one else "" for one in known]),
        "script": named([one.script if one else "" for one in known]),
    }


def _caused_by(events: pa.Table, campaign: str) -> pa.Table:
    """Return the events without those whose scene names another cause than this campaign."""
    scene = pc.fill_null(events["scene"], "")
    return events.filter(pc.or_(pc.equal(scene, ""), pc.equal(scene, campaign)))


def _places(names: pa.ChunkedArray, among: pa.ChunkedArray) -> Integers:
    found = pc.index_in(names, value_set=among.combine_chunks() if isinstance(among, pa.ChunkedArray) else among)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def _any(hit: Bools, row: Integers, n: int) -> Bools:
    found = np.zeros(n, bool)
    found[row[hit & (row >= 0)]] = True
    return found


def _crossed(every: pa.Table, first: pa.Table, row: Integers) -> int:
    """How many customers of the population later had another cell than at first, treated for control or back."""
    if every.num_rows == first.num_rows:
        return 0
    then, now = (_bools(pc.equal(table["cell"], "control")) for table in (first, every))
    known = row >= 0
    moved = now[known] != then[row[known]]
    return len(np.unique(row[known][moved]))


def _shares(decisions: pa.Table, share: Mapping[date, float] | None) -> Floats | None:
    if share is None:
        return None
    starts, code = np.unique(_days(decisions["window_start"]), return_inverse=True)
    planned = {np.datetime64(str(day), "D").astype(np.int64): value for day, value in share.items()}
    return np.array([planned[start] for start in starts.tolist()])[code] if len(starts) else np.zeros(0)


def _window_codes(decisions: pa.Table) -> Integers:
    return np.unique(_days(decisions["window_start"]), return_inverse=True)[1].astype(np.int64)


def _days(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.cast(pa.int32()).to_numpy(), dtype=np.int64)


def _moments(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _bools(column: pa.ChunkedArray | pa.Array) -> Bools:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)


def _words(column: pa.ChunkedArray) -> Words:
    return np.array(pc.fill_null(column, "").to_pylist(), dtype=str)
