"""Compiles what plans and scores are computed with: done once after installing, no bank's first plan waits for it."""

from __future__ import annotations

from datetime import date

import numpy as np

from bankloop.loop import model, reach

_WINDOW = (date(2026, 1, 1), date(2026, 1, 31))
_CUSTOMERS, _ACTIONS, _BRANCHES = 400, 3, 4


def compile_kernels() -> None:
    """Plan for and score a few invented customers, one action and several; the compiled code is kept on disk."""
    rng = np.random.default_rng(1)
    value = rng.lognormal(6.0, 1.0, (_CUSTOMERS, _ACTIONS)) - 300.0
    value[rng.random(value.shape) < 0.2] = -np.inf
    contacts = reach.Family("contacts", np.ones(_ACTIONS), np.array([_CUSTOMERS / 8]))
    minutes = reach.Family(
        "minutes",
        np.arange(_ACTIONS, dtype=np.float64),
        np.full(_BRANCHES, 20.0),
        rng.integers(0, _BRANCHES, _CUSTOMERS),
    )
    for families in ((contacts,), (contacts, minutes)):
        reach.assign(reach.Problem(value, families), None)
    reach.assign(reach.Problem(value, (contacts, minutes)), reach.Rules(2, tuple(range(_ACTIONS))))
    x = rng.random((_CUSTOMERS, 2))
    data = model.Labelled(x, (x[:, 0] > rng.random(_CUSTOMERS)).astype(np.float64), ["a", "b"], _WINDOW)
    model.train_propensity(data, 1)[0].predict(x)
