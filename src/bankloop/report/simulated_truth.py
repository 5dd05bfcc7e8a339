"""What a plan is truly worth, where the bank is simulated and the truth is known: no bank in the world has this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.errors import NotFoundError
from bankloop.loop import reach
from bankloop.loop.reach import Problem
from bankloop.loop.round.window import Window
from bankloop.simulate.world import World

Floats = NDArray[np.float64]
ORACLE, PLAN = "oracle", "plan"


@dataclass(frozen=True, slots=True)
class TruthLine:
    """One way to give out the same things: its true value in fen, customers."""

    way: str
    value: float
    customers: int


def truth_of(window: Window, folder: Path) -> Floats | None:
    """Return the true value (n, K) in fen of every action of a window; None where the simulator does not know it.

    A bank that was not simulated has no truth, nor has a campaign that the simulator has no people for.
    """
    try:
        return true_values(window, World.load(folder))
    except NotFoundError:
        return None


def true_values(window: Window, world: World) -> Floats:
    """Return the true value (n, K) in fen of every action, 0 for who is in no audience of it."""
    found = window.plan.candidates
    truth = np.zeros(found.value.shape)
    for index, side in enumerate(found.campaigns):
        # A plan sends nothing to a slot, and the simulator has nobody who comes to one.
        sent = [at for at, action in enumerate(side.actions) if action.delivery != reach.SLOT]
        here, columns = np.flatnonzero(found.member[:, index]), np.flatnonzero(found.column_campaign == index)[sent]
        people = found.customer_no.take(pa.array(here))
        keys = [side.actions[at].key for at in sent]
        truth[np.ix_(here, columns)] = world.value_of(side.campaign, people, keys, window.plan.window_start)[:, 1:]
    return truth


def truth_lines(window: Window, truth: Floats, ways: Sequence[reach.WayOutcome]) -> tuple[TruthLine, ...]:
    """Return the true value of the plan, of simple ``ways``, and of the oracle that plans by the truth itself."""
    plan, problem = window.plan, window.plan.problem
    known = Problem(np.where(np.isfinite(problem.value), truth, -np.inf), problem.families)
    chosen = {
        ORACLE: reach.assign(known, plan.rules, plan.solution.price).pairs,
        PLAN: plan.solution.pairs,
        **{one.way.value: one.pairs for one in ways},
    }
    return tuple(TruthLine(way, float(truth[pairs].sum()), len(np.unique(pairs[0]))) for way, pairs in chosen.items())
