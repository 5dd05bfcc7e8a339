"""Programmes on an open bank: a metric of the programme's customers before and now, net of the bank-wide holdout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.customer.persons import led_numbers
from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.located import nearest_said
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Growth, Metric
from bankloop.loop.spec import ProgrammeSpec, read_programmes
from bankloop.performance.scorecard import metric_amounts
from bankloop.store.contracts import Plan, Principal
from bankloop.store.history import read_decisions
from bankloop.store.registry import read_plans

_SUMMED = ("count", "money")


@dataclass(frozen=True, slots=True)
class ProgrammeGrowth:
    """A programme's growth on a day: ``elapsed`` and ``reached`` are shares of its window and of its target."""

    spec: ProgrammeSpec
    metric: Metric
    baseline_on: date
    as_of: date
    growth: Growth
    rounds: tuple[int, ...]

    @property
    def elapsed(self) -> float:
        """Return the share of the window that has passed (序时进度)."""
        window = self.spec.window
        return min(max(((self.as_of - window.first).days + 1) / ((window.last - window.first).days + 1), 0.0), 1.0)

    @property
    def reached(self) -> float | None:
        """Return the share of the target that the gross growth has reached; None without growth or target."""
        target = self.spec.target / 1_000_000
        return None if self.growth.gross is None or not target else self.growth.gross / target


def programmes_of(bank: Bank) -> dict[str, ProgrammeSpec]:
    """Return the bank's programmes by name."""
    return read_programmes(bank.folder, bank.spec.campaigns, evaluation.read_metrics(bank.folder))


def programme_growth(
    bank: Bank, principal: Principal, name: str, as_of: date, metric: str | None = None
) -> ProgrammeGrowth:
    """Return how a programme's metric, or another summed one, grew until ``as_of``, net of the holdout.

    Its customers are those of its campaigns' first round within the window, whoever they became later.
    """
    programmes = programmes_of(bank)
    if name not in programmes:
        write = f"programmes/{name}.yaml"
        raise NotFoundError(
            "programme.unknown",
            Text("没有项目“{name}”；{cure}", "there is no programme '{name}'; {cure}"),
            name=name,
            cure=nearest_said(name, programmes, Text(f"请先写 {write}", f"write {write}")),
        )
    spec = programmes[name]
    chosen = evaluation.metric_of(evaluation.read_metrics(bank.folder), metric or spec.metric)
    if chosen.unit not in _SUMMED:
        raise ConflictError(
            "programme.metric",
            Text("{metric} 是比率，不能按基线算增长；请选金额或个数的指标", "{metric} is a ratio and has no growth over a baseline; name a metric of money or counts"),
            metric=chosen.key,
        )  # fmt: skip
    with bank.store.begin(principal) as connection:
        customers, holdout, rounds = _members(connection, spec, bank.leads())
    day = min(as_of, spec.window.last)
    start = spec.window.first - timedelta(days=1)
    before = metric_amounts(bank, chosen.on(start), start, customers)
    now = metric_amounts(bank, chosen.on(day), day, customers)
    return ProgrammeGrowth(spec, chosen, start, day, evaluation.read_growth(before, now, holdout), rounds)


def _members(
    connection: Connection, spec: ProgrammeSpec, leads: pa.Table
) -> tuple[pa.Array, np.ndarray, tuple[int, ...]]:
    """The people of the programme's first round, who of them is in the holdout, and the rounds so far."""
    plans = [plan for plan in read_plans(connection) if _belongs(plan, spec)]
    rounds = tuple(sorted({int(plan.summary["round"]) for plan in plans}))
    if not rounds:
        raise ConflictError(
            "programme.no_round",
            Text("项目 {name} 的战役在其窗口内还没有执行过；先运行 bankloop run", "no campaign of programme {name} has run within its window yet; run bankloop run first"),
            name=spec.programme,
        )  # fmt: skip
    found = read_decisions(connection, list(spec.campaigns), rounds[0], columns=("customer_no", "cell"))
    kept = found.filter(pc.not_equal(found["cell"], "exempt"))
    persons = led_numbers(kept["customer_no"], leads)
    customers = pc.unique(persons)
    held = pc.unique(persons.filter(pc.equal(kept["cell"], "holdout")))
    holdout = np.asarray(pc.is_in(customers, value_set=held).to_numpy(zero_copy_only=False), dtype=bool)
    return customers, holdout, rounds


def _belongs(plan: Plan, spec: ProgrammeSpec) -> bool:
    inside = spec.window.first <= plan.window_start <= spec.window.last
    return inside and "round" in plan.summary and bool(set(plan.campaigns) & set(spec.campaigns))
