"""Assignments to measure with: customers whose values are lognormal and follow what actions cost, and their odd relatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bankloop.loop.reach import Family, Problem

Values = NDArray[np.float32]

_CHUNK = 500_000
_CLOSED = 0.3
_SAMPLE = 20_000
_TYPICAL_COST = 300.0  # fen
_FEN_A_COST = 1_000.0  # a loan of ¥3,000 where the action cost ¥3
# What each resource gives, as a share of what would be taken were it free.
_SHARE = (0.3, 0.8)


def instance(name: str, customers: int, actions: int, resources: int, branches: int | None, seed: int = 1) -> Problem:
    """Return a problem of one kind: values (n, k) float32 in fen; ``branches`` adds a pool of staff minutes for each."""
    if name == OWN_USE:
        return _with_amounts(instance("lognormal", customers, actions, resources, branches, seed), seed)
    rng = np.random.default_rng(seed)
    scale = rng.lognormal(0.0, 0.5, actions)
    cost = _TYPICAL_COST * scale * rng.lognormal(0.0, 0.2, actions)
    value = np.empty((customers, actions), np.float32)
    for at in range(0, customers, _CHUNK):
        rows = value[at : at + _CHUNK]
        wealth = rng.lognormal(0.0, 0.5, (len(rows), 1)).astype(np.float32)
        rows[:] = rng.standard_normal(rows.shape, np.float32)
        np.exp(rows, out=rows)
        rows *= (_TYPICAL_COST * 5.0 * scale).astype(np.float32) * wealth
        rows -= cost.astype(np.float32)
        _SHAPES[name](rows, at)
        rows[rng.random(rows.shape, np.float32) < _CLOSED] = -np.inf
    families = _resources(rng, cost, resources)
    if branches is not None:
        families.append(_staff(rng, customers, actions, branches))
    return Problem(value, _limited(rng, value, families, _TIGHTNESS.get(name, 1.0)))


def _plain(rows: Values, at: int) -> None:
    del rows, at


def _ties(rows: Values, at: int) -> None:
    del at
    np.round(rows / 1_000.0, out=rows)
    rows *= 1_000.0


def _zeros(rows: Values, at: int) -> None:
    rows[np.random.default_rng(at).random(rows.shape, np.float32) < 0.6] = 0.0


def _giant(rows: Values, at: int) -> None:
    if at == 0:
        rows[0] = 1e10


def _dominant(rows: Values, at: int) -> None:
    del at
    rows[:, 0] = np.abs(rows[:, 0]) * 20.0 + 1_000.0


_SHAPES: Mapping[str, Callable[[Values, int], None]] = {
    "lognormal": _plain,
    "tight": _plain,
    "slack": _plain,
    "ties": _ties,
    "zeros": _zeros,
    "giant": _giant,
    "dominant": _dominant,
}
_TIGHTNESS = {"tight": 0.05, "slack": 4.0}
# Budgets over amounts: what an action takes of one differs by customer, as a loan does.
OWN_USE = "own-use"
INSTANCES = (*_SHAPES, OWN_USE)


def _with_amounts(problem: Problem, seed: int) -> Problem:
    """Return a problem whose campaign budgets take each customer's own amount: whole fen, lognormal, ¥1 to ¥100,000.

    Every action's mean is what it took of everybody before, so that the limits are as scarce as they were.
    """
    rng = np.random.default_rng(seed + 1)
    families = list(problem.families)
    for at, family in enumerate(families):
        if family.group is not None or not family.name.startswith("budget:") or family.name == "budget:bank":
            continue
        drawn = np.exp(rng.standard_normal(problem.value.shape, np.float32) - np.float32(0.5))
        drawn *= (family.use * _FEN_A_COST).astype(np.float32)
        amounts = np.where(family.use > 0, np.clip(np.rint(drawn), 100.0, 1e7), 0.0).astype(np.float32)
        families[at] = replace(family, use=amounts, limit=np.floor(family.limit * _FEN_A_COST))
    return Problem(problem.value, tuple(families))


def _resources(rng: np.random.Generator, cost: NDArray[np.float64], count: int) -> list[Family]:
    """The bank's budget over everything, then channels, benefits and campaign budgets over some actions each."""
    nothing = np.zeros(1)
    found = [Family("budget:bank", cost, nothing)] if count else []
    for number in range(1, count):
        some = rng.random(len(cost)) < 0.35
        some[rng.integers(len(cost))] = True
        kind = ("channel", "stock", "budget")[number % 3]
        found.append(Family(f"{kind}:{number}", np.where(some, cost if kind == "budget" else 1.0, 0.0), nothing))
    return found


def _staff(rng: np.random.Generator, customers: int, actions: int, branches: int) -> Family:
    """A quarter of the actions take five to thirty minutes of the customer's own branch; branches differ in size."""
    minutes = np.where(np.arange(actions) % 4 == 0, 5.0 * rng.integers(1, 7, actions), 0.0)
    weight = rng.lognormal(0.0, 0.5, branches)
    home = rng.choice(branches, customers, p=weight / weight.sum())
    return Family("staff_minutes", minutes, np.zeros(branches), home)


def _limited(rng: np.random.Generator, value: Values, families: list[Family], tightness: float) -> tuple[Family, ...]:
    """Limit every resource to a share of what would be taken were everything free."""
    shown = value[:_SAMPLE]
    taken = np.where(shown.max(axis=1, initial=-np.inf) > 0, shown.argmax(axis=1), -1)
    demand = np.bincount(taken[taken >= 0], minlength=value.shape[1]) * (len(value) / len(shown))
    found = []
    for family in families:
        total = float(demand @ family.use)
        if family.group is None:
            share = np.ones(1)
        else:
            share = np.bincount(family.group, minlength=len(family.limit)) / len(value)
        drawn = rng.uniform(*_SHARE, len(family.limit)) * tightness
        found.append(Family(family.name, family.use, np.floor(total * share * drawn), family.group))
    return tuple(found)
