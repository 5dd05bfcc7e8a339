"""The customers whose action was drawn by lot, as a log that values any policy: what each could have got, got, and brought."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.loop import evaluate as evaluation
from bankloop.loop import reach
from bankloop.loop.optimize import Tried
from bankloop.loop.spec import Lock

_PPM = 1_000_000


def tried_rows(lock: Lock, rounds: Sequence[pa.Table], outcomes: Sequence[evaluation.Outcomes]) -> Tried | None:
    """Return those drawn by lot in all ``rounds`` (tables of decisions, in order); None where nobody was.

    Who was barred from contact by the campaign's control tells nothing and is left out.
    """
    actions = reach.actions_of(lock)
    names = (*(action.key for action in actions), "")
    place = {name: column for column, name in enumerate(names)}
    rows, taken, odds, reward, worth = [], [], [], [], []
    at, planned, contacted = 0, 0, 0
    for decided, found in zip(rounds, outcomes, strict=True):
        issued = pc.fill_null(decided["issued_action"], "").to_pylist()
        lots = decided["propensities"].to_pylist()
        cell = np.array(decided["cell"].to_pylist())
        net = found.earned - found.cost
        for row in np.flatnonzero(cell == reach.ExperimentCell.EXPLORE.value).tolist():
            lot = json.loads(lots[row])
            if not set(lot) <= set(place) or issued[row] not in lot:
                continue  # an action that the campaign no longer has
            shares = np.zeros(len(names))
            for name, ppm in lot.items():
                shares[place[name]] = ppm / _PPM
            rows.append(at + row)
            taken.append(place[issued[row]])
            odds.append(shares)
            reward.append(net[row])
            worth.append(found.worth[row])
        plan = cell == reach.ExperimentCell.OPTIMIZE.value
        planned += int(plan.sum())
        contacted += int((plan & (np.array(issued) != "")).sum())
        at += decided.num_rows
    if not rows:
        return None
    logs = evaluation.Logs(np.array(taken), np.array(odds), np.array(reward), names)
    cost = np.array([action.contact_cost for action in actions])
    face = np.array([float(action.face) for action in actions])
    return Tried(np.array(rows), logs, np.array(worth), cost, face, contacted / max(planned, 1))
