"""The bank's own ways to choose, as its campaign files write them: an order over attributes, some customers first."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.loop.spec import Lock
from bankloop.loop.spec.batch import conditions, measures


def own_orders(lock: Lock, members: pa.Table, as_of: date) -> dict[str, NDArray[np.float64]]:
    """Return by rule a score (n,) of a campaign's members: the highest is chosen first, unknown last."""
    rules = lock.campaign.rules
    by = measures(members, {name: rule.by for name, rule in rules.items()}, lock.types, as_of)
    first = {name: rule.among for name, rule in rules.items() if rule.among is not None}
    among = conditions(members, first, lock.types, as_of)
    found = {}
    for name, rule in rules.items():
        score = np.nan_to_num(by[name] if rule.first == "most" else -by[name], nan=-np.inf)
        rank = np.argsort(np.argsort(score, kind="stable"), kind="stable").astype(np.float64)
        found[name] = rank + len(rank) * among.get(name, np.zeros(len(rank), bool))
    return found
