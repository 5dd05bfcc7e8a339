"""The assignment: who gets which action when budgets, stock, channels and people are scarce.

max Σ v_ik x_ik, at most one action per customer, Σ use ≤ limit for every resource. Solved as the Lagrangian dual in the
prices of the resources: cutting planes inside a trust box on the prices, warm-started on a sample; then greedy repair and
fill make the choice integral. The answer carries its certificate: dual bound, objective, gap, use and price of every
resource. (Fisher 1981, "The Lagrangian relaxation method"; Kelley 1960 for the cuts.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from bankloop.kit import InputError, Text
from bankloop.loop.reach import kernels
from bankloop.loop.reach.kernels import NONE, Floats, Integers

SAMPLE = 20_000
MAX_CUTS = 80
# Below this relative gap between the dual and its cutting-plane model more cuts change nothing a person could see.
DUAL_TOLERANCE = 1e-7
FILL_CANDIDATES = 400_000
FILL_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of scarce resource: a single pool, or one pool per group (branch, sub-branch).

    ``use`` (k,) is what one action takes; ``limit`` (groups,) what there is; ``group`` (n,) the pool of each customer,
    None when there is one pool for all.
    """

    name: str
    use: Floats
    limit: Floats
    group: NDArray[np.integer] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Values (n, k) in fen, −inf where an action is not open to a customer, and the scarce resources."""

    value: NDArray[np.floating]
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """An integral plan with its certificate.

    ``choice`` (n,) column or −1; ``unrepaired`` the choice at the prices alone; ``price`` and ``used`` per family;
    ``bound`` ≥ optimum ≥ ``objective``, all in fen; ``gap`` = (bound − objective) / bound.
    """

    choice: Integers
    unrepaired: Integers
    price: tuple[Floats, ...]
    used: tuple[Floats, ...]
    objective: float
    bound: float
    passes: int

    @property
    def gap(self) -> float:
        """Return the certified relative distance from the optimum."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.objective) / self.bound)


@dataclass(frozen=True, slots=True)
class _Flat:
    """The problem as the kernels want it."""

    value: Floats
    use: Floats
    group: Integers
    start: Integers
    limit: Floats

    def rows(self, chosen: Integers, share: float) -> _Flat:
        return _Flat(
            np.ascontiguousarray(self.value[chosen]),
            self.use,
            np.ascontiguousarray(self.group[:, chosen]),
            self.start,
            self.limit * share,
        )


def solve(problem: Problem, start_price: Sequence[Floats] | None = None, seed: int = 0) -> Solution:
    """Return an integral, feasible plan with its certificate; deterministic for a seed.

    ``start_price`` (one array per family) warm-starts the prices, for example from yesterday's plan. Raises
    ``InputError`` for NaN or +inf values, negative use or limits, and shapes that do not fit.
    """
    flat = _flatten(problem)
    price = np.concatenate(start_price) if start_price is not None else np.zeros_like(flat.limit)
    passes = 0
    n = flat.value.shape[0]
    if start_price is None and n > 2 * SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
        price, _, passes = _minimise_dual(flat.rows(chosen, SAMPLE / n), price)
    price, bound, more = _minimise_dual(flat, price)
    _, used, unrepaired = kernels.evaluate(flat.value, flat.use, flat.group, flat.start, price)
    choice = _integral(flat, price, unrepaired.copy(), used.copy())
    final = _use_of(flat, choice)
    return Solution(
        choice=choice,
        unrepaired=unrepaired,
        price=tuple(np.split(price, flat.start[1:])),
        used=tuple(np.split(final, flat.start[1:])),
        objective=_objective(flat.value, choice),
        bound=bound,
        passes=passes + more,
    )


def _flatten(problem: Problem) -> _Flat:
    value = np.ascontiguousarray(problem.value, dtype=np.float64)
    n, k = value.shape
    if np.isnan(value).any() or np.isposinf(value).any():
        row, column = (int(x[0]) for x in np.nonzero(np.isnan(value) | np.isposinf(value)))
        raise InputError(
            "plan.value",
            Text(
                "第 {row} 位客户第 {column} 个动作的价值不是有限数；检查评分和毛利",
                "the value of action {column} for customer {row} is not finite; check scores and margins",
            ),
            row=row,
            column=column,
        )
    for family in problem.families:
        if family.use.shape != (k,) or (family.use < 0).any() or (family.limit < 0).any():
            raise InputError(
                "plan.resource",
                Text("资源 {name} 的用量或上限为负，或与动作数不符", "resource {name} has a negative use or limit, or not one use per action"),
                name=family.name,
            )  # fmt: skip
    zeros = np.zeros(n, np.int64)
    return _Flat(
        value,
        np.array([family.use for family in problem.families], dtype=np.float64).reshape(len(problem.families), k),
        np.array([zeros if f.group is None else f.group for f in problem.families], dtype=np.int64).reshape(
            len(problem.families), n
        ),
        np.cumsum([0, *[len(f.limit) for f in problem.families]])[:-1].astype(np.int64),
        np.concatenate([np.asarray(f.limit, np.float64) for f in problem.families] or [np.zeros(0)]),
    )


def _minimise_dual(flat: _Flat, price: Floats) -> tuple[Floats, float, int]:
    """Return (prices, bound, passes): cutting planes in a box around the best prices so far."""
    scale = _price_scale(flat)
    best, gradient = _dual(flat, price)
    cuts = [(best - float(gradient @ price), gradient)]
    best_price, radius = price, 1.0
    passes = 1
    while passes < MAX_CUTS and flat.limit.size:
        candidate, floor = _model_minimum(cuts, best_price, radius * scale)
        if best - floor <= DUAL_TOLERANCE * max(1.0, abs(best)):
            if radius >= 1.0:
                break
            radius *= 8.0
            continue
        dual, gradient = _dual(flat, candidate)
        passes += 1
        cuts.append((dual - float(gradient @ candidate), gradient))
        if dual < best:
            radius = min(radius * 2.0, 1e6) if best - dual > 0.5 * (best - floor) else radius
            best, best_price = dual, candidate
        else:
            radius *= 0.4
    return best_price, best, passes


def _dual(flat: _Flat, price: Floats) -> tuple[float, Floats]:
    total, used, _ = kernels.evaluate(flat.value, flat.use, flat.group, flat.start, price)
    return float(total + price @ flat.limit), flat.limit - used


def _price_scale(flat: _Flat) -> Floats:
    """A typical price per resource: the largest value a unit of it could earn."""
    positive = np.where(np.isfinite(flat.value), flat.value, 0.0)
    top = np.maximum(positive.max(axis=0, initial=0.0), 0.0)
    sizes = np.diff([*flat.start, flat.limit.size])
    per_family = [
        float(np.max(np.divide(top, use, out=np.zeros_like(top), where=use > 0), initial=0.0)) for use in flat.use
    ]
    return np.asarray(np.maximum(np.repeat(per_family, sizes), 1e-6))


def _model_minimum(cuts: list[tuple[float, Floats]], centre: Floats, radius: Floats) -> tuple[Floats, float]:
    """Return the prices, and the value there, of the least of the cutting-plane model within the box."""
    m = centre.size
    a = np.column_stack([np.array([g for _, g in cuts]), -np.ones(len(cuts))])
    b = -np.array([c for c, _ in cuts])
    bounds = [*zip(np.maximum(centre - radius, 0.0), centre + radius, strict=True), (None, None)]
    # Scaling by the size of the dual keeps the little LP well conditioned whatever the currency.
    unit = max(1.0, float(np.abs(b).max()))
    answer = linprog(np.r_[np.zeros(m), 1.0], A_ub=a / unit, b_ub=b / unit, bounds=bounds, method="highs")
    if answer.x is None:
        return centre, -np.inf
    return np.asarray(answer.x[:m]), float(answer.x[m])


def _integral(flat: _Flat, price: Floats, choice: Integers, used: Floats) -> Integers:
    """Repair what the prices alone overrun, then fill what they leave."""
    reduced = kernels.reduced_values(flat.value, flat.use, flat.group, flat.start, price)
    if (used > flat.limit + 1e-9).any():
        order = _by_loss(reduced, choice)
        kernels.repair(order, reduced, choice, flat.use, flat.group, flat.start, used, flat.limit)
    for _ in range(FILL_ROUNDS):
        rows, columns = _fill_candidates(reduced, flat.value, choice)
        if not kernels.fill(rows, columns, flat.value, choice, flat.use, flat.group, flat.start, used, flat.limit):
            break
    return choice


def _by_loss(reduced: Floats, choice: Integers) -> Integers:
    """Customers with an action, by what giving it up costs: reduced value less the next best."""
    chosen = np.flatnonzero(choice != NONE)
    taken = reduced[chosen].copy()
    current = taken[np.arange(chosen.size), choice[chosen]]
    taken[np.arange(chosen.size), choice[chosen]] = -np.inf
    loss = current - np.maximum(taken.max(axis=1, initial=-np.inf), 0.0)
    return chosen[np.argsort(loss, kind="stable")].astype(np.int64)


def _fill_candidates(reduced: Floats, value: Floats, choice: Integers) -> tuple[Integers, Integers]:
    """Pairs (customer, action) that would raise value, the least regretted at the prices first."""
    n = value.shape[0]
    has = choice != NONE
    index = np.arange(n)
    now = np.where(has, value[index, choice], 0.0)
    priced = np.where(has, reduced[index, choice], 0.0)
    rows, columns = np.nonzero(value > now[:, None] + 1e-9)
    regret = priced[rows] - reduced[rows, columns]
    if regret.size > FILL_CANDIDATES:
        keep = np.argpartition(regret, FILL_CANDIDATES)[:FILL_CANDIDATES]
        rows, columns, regret = rows[keep], columns[keep], regret[keep]
    order = np.lexsort((columns, rows, regret))
    return rows[order].astype(np.int64), columns[order].astype(np.int64)


def _use_of(flat: _Flat, choice: Integers) -> Floats:
    used = np.zeros(flat.limit.size)
    chosen = np.flatnonzero(choice != NONE)
    for family, use in enumerate(flat.use):
        np.add.at(used, flat.start[family] + flat.group[family, chosen], use[choice[chosen]])
    return used


def _objective(value: Floats, choice: Integers) -> float:
    chosen = np.flatnonzero(choice != NONE)
    return float(value[chosen, choice[chosen]].sum())
