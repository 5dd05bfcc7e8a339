"""From decisions, contacts and events to the outcomes of one campaign's round; the store's rows, nothing remembered twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from bankloop.loop.evaluate.service import FUNNEL, Outcomes
from bankloop.loop.reach import actions_of
from bankloop.loop.spec import Lock

# Who was never part of the comparison: the bank-wide holdout, and private banking, which stays out of experiments.
_APART = pa.array(["holdout", "exempt"])


def event_types(lock: Lock) -> list[str]:
    """Return the event types that reading a campaign needs."""
    return sorted({lock.campaign.goal.event, *(name for _, _, names in FUNNEL for name in names)})


def population(decisions: pa.Table, campaign: str) -> pa.Table:
    """Return a campaign's decisions of those who take part in its experiment."""
    mine = decisions.filter(pc.equal(decisions["campaign"], campaign))
    return mine.filter(pc.invert(pc.is_in(mine["cell"], _APART))).combine_chunks()


def outcomes_of(lock: Lock, round_: int, decisions: pa.Table, accepted: pa.Array, events: pa.Table) -> Outcomes:
    """Return the outcomes of a round.

    ``decisions`` are the campaign's population; ``accepted`` the ids of decisions whose contact passed the gate;
    ``events`` those inside the goal's window.
    """
    issued = pc.fill_null(decisions["issued_action"], "")
    went_out = pc.and_(pc.not_equal(issued, ""), pc.is_in(decisions["decision_id"], accepted))
    contacted = _bools(went_out)
    success = _had(decisions, events, [lock.campaign.goal.event]).astype(np.float64)
    worth, attributed = _worths(lock, decisions)
    spoke = _had(decisions, events, ["call_connected"])
    return Outcomes(
        round=round_,
        control=_bools(pc.equal(decisions["cell"], "control")),
        meant=_bools(pc.not_equal(pc.fill_null(decisions["intended_action"], ""), "")),
        contacted=contacted,
        success=success,
        worth=worth,
        attributed_worth=attributed,
        cost=_costs(lock, issued, contacted, success),
        by_hand=spoke & ~contacted,
        steps={name: _had(decisions, events, types) & contacted for name, _, types in FUNNEL if types},
    )


def _had(decisions: pa.Table, events: pa.Table, types: Sequence[str]) -> NDArray[np.bool_]:
    who = events.filter(pc.is_in(events["type"], pa.array(list(types))))["customer_no"].combine_chunks()
    return _bools(pc.is_in(decisions["customer_no"], who.unique()))


def _bools(column: pa.ChunkedArray | pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)


def _worths(lock: Lock, decisions: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a success is worth and what attribution claims for it, fen, from the values recorded with the decision."""
    product = next(p for p in lock.products if p.key == lock.campaign.products[0])
    contribution = product.contribution
    worth = np.full(decisions.num_rows, float(contribution.fixed))
    if contribution.of is not None and decisions.num_rows:
        balance = _recorded(decisions["attributes"], contribution.of)
        worth += np.floor(balance * contribution.rate / 1_000_000 + 0.5)
    claimed = worth if contribution.attributed is None else np.full(len(worth), float(contribution.attributed))
    return worth, claimed


def _recorded(bodies: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    lines = "\n".join(bodies.to_pylist()).encode()
    schema = pj.ParseOptions(explicit_schema=pa.schema([(name, pa.float64())]), unexpected_field_behavior="ignore")
    table = pj.read_json(pa.BufferReader(lines), pj.ReadOptions(block_size=1 << 24), schema)
    return np.asarray(np.nan_to_num(table[name].to_numpy()), dtype=np.float64)


def _costs(
    lock: Lock, issued: pa.ChunkedArray, contacted: NDArray[np.bool_], success: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What was spent on each customer, fen: the contact, and the benefit's face where the goal was met with it."""
    keys = np.array(issued.to_pylist(), dtype=object)
    cost = np.zeros(len(keys))
    for action in actions_of(lock):
        rows = (keys == action.key) & contacted
        cost[rows] = action.contact_cost + action.face * success[rows]
    return cost
