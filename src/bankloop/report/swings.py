"""How much a plan hangs on what the owner stated is lost: the same plan were nobody lost, half or twice as many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from bankloop.kit.text import Text
from bankloop.loop import reach
from bankloop.loop.model import beliefs_of, feature_matrix, ways
from bankloop.loop.reach import Problem
from bankloop.loop.round.window import Window
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table

FACTORS = (0.0, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class SwingLine:
    """The plan were ``factor`` times as many lost: value in fen, contacts, staff tasks, and the plan's contacts it keeps."""

    factor: float
    value: float
    contacts: int
    tasks: int
    kept: int


@dataclass(frozen=True, slots=True)
class BeliefLine:
    """What a campaign's plan believes: the part of its model's card that says so, and the attributes it names."""

    campaign: str
    card: Mapping[str, Any]
    named: Mapping[str, Any]


def swings(window: Window) -> tuple[SwingLine, ...]:
    """Return the plan solved again with other losses, itself (factor 1) among them; nothing where none is stated."""
    if not any(share for model in window.models.values() for share in model.stated.loses.values()):
        return ()
    plan, found = window.plan, window.plan.candidates
    staff = np.array([action.staff for action in found.actions])
    mine = set(zip(*(one.tolist() for one in plan.solution.pairs), strict=True))
    lines = [SwingLine(1.0, plan.solution.objective, len(mine), int(staff[plan.solution.pairs[1]].sum()), len(mine))]
    for factor in FACTORS:
        problem = replace(plan.problem, value=_valued(window, factor))
        solution = reach.assign(problem, plan.rules, plan.solution.price)
        rows, columns = solution.pairs
        kept = sum(pair in mine for pair in zip(rows.tolist(), columns.tolist(), strict=True))
        lines.append(SwingLine(factor, solution.objective, len(rows), int(staff[columns].sum()), kept))
    return tuple(sorted(lines, key=lambda one: one.factor))


def _valued(window: Window, factor: float) -> np.ndarray:
    """Return the values (n, K) of the plan's open actions where losses were stated ``factor`` times as large."""
    problem: Problem = window.plan.problem
    found = window.plan.candidates
    value = np.full(problem.value.shape, -np.inf)
    for index, side in enumerate(found.campaigns):
        model = window.models[side.campaign]
        other = replace(model, stated=model.stated.times(factor))
        x = feature_matrix(window.state.table.take(pa.array(side.rows)), model.base.features)
        uplift = other.effects_of(side.base, x, [action.key for action in side.actions])
        place, columns = np.searchsorted(found.rows, side.rows), np.flatnonzero(found.column_campaign == index)
        value[np.ix_(place, columns)] = reach.action_values(replace(side, uplift=uplift))
    return np.where(np.isfinite(problem.value), value, -np.inf)


def beliefs(window: Window) -> tuple[BeliefLine, ...]:
    """Return what each campaign's plan believes of its segments, and whose word the prior is."""
    lines = []
    for name, model in window.models.items():
        lock = window.locks[name]
        segments = [asdict(one) for one in beliefs_of(model, ways(lock.campaign))]
        said = lock.campaign.model.stated
        card = {
            "segments": segments,
            "stated": {key: (won, model.stated.loses.get(key, 0.0)) for key, won in model.stated.wins.items()},
            "statement": {}
            if said is None
            else {"owner": said.owner, "on": said.on.isoformat(), "source": said.source},
        }
        definitions = lock.content["attributes"]
        read = {bound["feature"] for one in segments for bound in one["bounds"]}
        named = {
            key: {part: definitions[key][part] for part in ("zh", "en", "type")} for key in read if key in definitions
        }
        lines.append(BeliefLine(name, card, named))
    return tuple(lines)


def swing_table(lines: tuple[SwingLine, ...]) -> Table | None:
    """Return the plan beside those of other stated losses."""
    if not lines:
        return None
    rows = tuple(
        (
            Cell(_named(one.factor)),
            Cell(say.money(one.value)),
            Cell(say.count(one.contacts)),
            Cell(say.count(one.tasks)),
            Cell(say.percent(one.kept / one.contacts if one.contacts else 0.0, 0)),
        )
        for one in lines
    )
    columns = (
        Column(Text("先验里的“失”", "The stated losses")),
        Column(Text("方案自认的价值", "Value by its own lights"), number=True),
        Column(Text("触达", "Contacts"), number=True),
        Column(Text("其中员工任务", "Of these staff tasks"), number=True),
        Column(Text("与本方案相同", "As in this plan"), number=True),
    )
    note = Text(
        "“失”是署名人写的判断，没有默认值；相同的少，说明方案吊在这个判断上。",
        "What is lost is the signer's judgement, with no default; where few contacts stay, the plan hangs on it.",
    )
    return Table("swings", Text("先验写错会怎样", "Were the stated losses wrong"), columns, rows, note)


def _named(factor: float) -> Text:
    if factor == 1.0:
        return Text("照写（本方案）", "as stated (this plan)")
    return Text("没有", "none") if factor == 0.0 else Text(f"{factor:g} 倍", f"{factor:g} times")
