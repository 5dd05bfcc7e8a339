"""One limit or one decision by fiat changed, everything solved again: what the plan would then be worth and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.loop.reach import Problem, ResourceLine, Rules, assign
from bankloop.report.contracts import WhatIf
from bankloop.report.record import PlanRecord
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

# Beyond this a limit is a slip of the keyboard, not a question.
MOST = 1e15


@dataclass(frozen=True, slots=True)
class _Answer:
    value: float
    cost: float
    customers: int
    price: float


def changeable(record: PlanRecord) -> tuple[ResourceLine, ...]:
    """Return the resources whose limit a what-if may change: bank-wide ones, and those that every pool has alike."""
    found = {line.name: line for line in record.resources}
    lines = []
    for index, family in enumerate(record.problem.families):
        if family.name in found:
            if np.isfinite(found[family.name].limit):
                lines.append(found[family.name])
        elif family.group is not None:
            lines += _together(record, index)
    return tuple(lines)


def _together(record: PlanRecord, index: int) -> list[ResourceLine]:
    """Return the pools of a family as one line, a limit of each; nothing where their limits differ."""
    family = record.problem.families[index]
    names = {family.named(pool): family.pools[pool] if family.pools else str(pool) for pool in range(len(family.limit))}
    mine = [line for line in record.resources if line.name in names]
    if not mine or len({line.limit for line in mine}) > 1 or not np.isfinite(mine[0].limit):
        return []
    first, pool = mine[0], names[mine[0].name]
    zh = first.title.zh.replace(f"（{pool}）", "（每个网点）")
    en = first.title.en.replace(f" at {pool}", " at each branch").replace(f" ({pool})", " (each branch)")
    return [
        replace(
            first, name=family.name, title=Text(zh, en), used=sum(line.used for line in mine), explored=0.0,
            price=float(np.mean([line.price for line in mine])),
        )
    ]  # fmt: skip


def what_if(record: PlanRecord, resource: str, limit: float) -> WhatIf:
    """Return before and after of another limit, in the resource's own unit (fen for money).

    Raises ``InputError`` for an unknown resource and for a limit that is none.
    """
    line = next((one for one in changeable(record) if one.name == resource), None)
    if line is None:
        raise InputError(
            "what_if.resource",
            Text("没有资源“{resource}”；可改的有 {known}", "no resource '{resource}'; those that can be changed are {known}"),
            resource=resource, known=", ".join(one.name for one in changeable(record)),
        )  # fmt: skip
    if not np.isfinite(limit) or not 0 <= limit <= MOST:
        raise InputError(
            "what_if.limit",
            Text("上限 {limit} 不合理；请填 0 以上的数", "a limit of {limit} makes no sense; give a number from 0 up"),
            limit=limit,
        )
    index = next(i for i, family in enumerate(record.problem.families) if family.name == resource)
    left = record.problem.families[index].limit
    # What explore has taken of a pool stays taken.
    changed = np.where(np.isfinite(left), np.maximum(limit - np.maximum(line.limit - left, 0.0), 0.0), left)
    before, after = _answer(record, left, index), _answer(record, changed, index)
    return WhatIf(resource, line.title, line.limit, limit, _table(line, before, after, limit))


def levers(record: PlanRecord) -> dict[str, Text]:
    """Return the decisions by fiat that a what-if answers, by key: a campaign or a channel closed, two campaigns a customer."""
    found = {}
    if len(record.campaigns) > 1:
        for one in record.campaigns:
            found[f"campaign:{one.name}"] = Text(f"停掉{one.title.zh}", f"without {one.title.en}")
    for line in record.lines:
        name, _, _ = line.title.zh.partition(" + ")
        named, _, _ = line.title.en.partition(" + ")
        found.setdefault(f"channel:{line.action.split('|')[2]}", Text(f"停掉{name}", f"without {named}"))
    if record.rules is None and len(record.campaigns) > 1 and not any(line.floor for line in record.resources):
        found["several:2"] = Text("一位客户可进两个战役", "two campaigns a customer")
    return found


def what_if_by_fiat(record: PlanRecord, lever: str) -> WhatIf:
    """Return before and after of a decision by fiat; raise ``InputError`` for one that there is not."""
    known = levers(record)
    if lever not in known:
        raise InputError(
            "what_if.lever",
            Text("没有“{lever}”这个选项；可选 {known}", "there is no lever '{lever}'; those there are: {known}"),
            lever=lever[:64], known=", ".join(known),
        )  # fmt: skip
    kind, _, key = lever.partition(":")
    problem, rules = record.problem, record.rules
    if kind == "several":
        names = [one.name for one in record.campaigns]
        rules = Rules(int(key), tuple(names.index(line.campaign) for line in record.lines))
    else:
        closed = np.array(
            [(line.campaign if kind == "campaign" else line.action.split("|")[2]) == key for line in record.lines]
        )
        problem = replace(problem, value=np.where(closed[None, :], -np.inf, problem.value))
    before, after = _solved(record, record.problem, record.rules, None), _solved(record, problem, rules, None)
    return WhatIf(lever, known[lever], before.value, after.value, _outcomes(before, after))


def _answer(record: PlanRecord, limit: np.ndarray, index: int) -> _Answer:
    families = list(record.problem.families)
    families[index] = replace(families[index], limit=limit)
    return _solved(record, replace(record.problem, families=tuple(families)), record.rules, index)


def _solved(record: PlanRecord, problem: Problem, rules: Rules | None, index: int | None) -> _Answer:
    solved = assign(problem, rules, record.prices)
    rows, columns = solved.pairs
    cost = float(record.cost[rows, columns].sum())
    price = 0.0 if index is None else float(solved.price[index][np.isfinite(problem.families[index].limit)].mean())
    return _Answer(solved.objective, cost, len(np.unique(rows)), price)


def _table(line: ResourceLine, before: _Answer, after: _Answer, limit: float) -> Table:
    by = 100.0 if line.unit.en == "fen" else 1.0
    changed = _row(line.title, say.amount(line.limit, line.unit), say.amount(limit, line.unit), None)
    price = _row(
        Text("再多一份的价格", "Price of one more"), say.price(before.price * by), say.price(after.price * by), None
    )
    table = _outcomes(before, after)
    return replace(table, rows=(changed, *table.rows, price))


def _outcomes(before: _Answer, after: _Answer) -> Table:
    rows = (
        _row(Text("价值", "Value"), say.money(before.value), say.money(after.value), after.value - before.value),
        _row(
            Text("成本", "Cost"), say.money(before.cost), say.money(after.cost), after.cost - before.cost, judge=False
        ),
        _row(Text("触达客户", "Customers reached"), say.count(before.customers), say.count(after.customers), None),
    )
    columns = (
        Column(Text("项目", "Item")),
        Column(Text("现在", "Now"), number=True),
        Column(Text("如果", "If"), number=True),
        Column(Text("变化", "Change"), number=True),
    )
    note = Text(
        "只重算优化部分；探索按抽签不变。", "Only the optimised part is solved again; exploring stays as it was drawn."
    )
    return Table("what-if", Text("现在与如果", "Now and if"), columns, rows, note)


def _row(label: Text, before: Text, after: Text, change: float | None, *, judge: bool = True) -> tuple[Cell, ...]:
    if change is None:
        return Cell(label), Cell(before), Cell(after), Cell(say.same(""))
    small = abs(change) < 0.5
    tone = Tone.PLAIN if small or not judge else Tone.GOOD if change > 0 else Tone.BAD
    return Cell(label), Cell(before), Cell(after), Cell(say.same("0") if small else say.money(change, sign=True), tone)
