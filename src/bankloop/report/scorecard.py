"""The metrics as people see them: a tree of needs, each number with its formula, owner and version, and its drill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from bankloop.kit.text import Text
from bankloop.loop.evaluate import NEEDS, Metric, Number
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table

_DASH = say.same("—")
LEVEL_NAMES = {
    "bank": Text("全行", "Whole bank"),
    "branch": Text("分行", "Branch"),
    "sub_branch": Text("支行", "Sub-branch"),
    "manager": Text("客户经理", "Manager"),
    "customer": Text("客户", "Customer"),
}


def said(number: Number, metric: Metric) -> Text:
    """Return a metric's number as people read it."""
    if number.value is None:
        return _DASH
    match metric.unit:
        case "money":
            return say.money(number.value)
        case "share":
            return say.percent(number.value)
        case "ratio":
            return say.same(f"{number.value:,.2f}")
        case "count":
            return say.count(number.value)


def metric_tables(
    found: Sequence[Number], catalogue: Mapping[str, Metric], as_of: date, more: str = ""
) -> tuple[Table, ...]:
    """Return the whole bank's numbers, a table a need; ``more`` is added to the addresses of their drills."""
    by_need: dict[str, list[Number]] = {need: [] for need in NEEDS}
    for number in found:
        by_need[catalogue[number.metric].need].append(number)
    columns = (
        Column(Text("指标", "Metric")),
        Column(Text("数值", "Number"), number=True),
        Column(Text("公式", "Formula")),
        Column(Text("负责", "Owner")),
        Column(Text("版本", "Version")),
    )
    tables = []
    for need, numbers in by_need.items():
        rows = tuple(
            (
                Cell(catalogue[one.metric].title.text, drill=f"?by=branch&metric={one.metric}{more}"),
                Cell(said(one, catalogue[one.metric])),
                Cell(catalogue[one.metric].on(as_of).formula),
                Cell(say.same(catalogue[one.metric].owner)),
                Cell(say.same(f"v{one.version}")),
            )
            for one in numbers
        )
        if rows:
            tables.append(Table(f"need-{need}", NEEDS[need], columns, rows))
    return tuple(tables)


def person_table(found: Sequence[Number], catalogue: Mapping[str, Metric], unit: str | None, as_of: date) -> Table:
    """Return a person's KPI: each metric of their customers, leading to it by the managers of their unit."""
    rows = tuple(
        (
            Cell(catalogue[one.metric].title.text, drill=_managers(one.metric, unit)),
            Cell(said(one, catalogue[one.metric])),
            Cell(NEEDS[catalogue[one.metric].need]),
            Cell(say.same(f"v{one.version}")),
        )
        for one in found
    )
    columns = (
        Column(Text("指标", "Metric")),
        Column(Text("数值", "Number"), number=True),
        Column(Text("服务的需求", "Need")),
        Column(Text("版本", "Version")),
    )
    note = Text(f"{as_of} 收盘，名下客户合计。", f"As of {as_of}, of the person's own customers.")
    return Table("kpi", Text("KPI", "KPI"), columns, rows, note)


def _managers(metric: str, unit: str | None) -> str | None:
    return f"scorecard?metric={metric}&by=manager&sub_branch={unit}" if unit else None


def drill_table(
    found: Sequence[Number], metric: Metric, level: str, deeper: str | None, *, part: bool = False
) -> Table:
    """Return one metric by the groups of a level; each leads to the level below it, ``deeper`` its address so far.

    ``part``: there are more groups than are shown.
    """
    rows = tuple(
        (
            Cell(say.same(one.group or "—"), drill=f"{deeper}{one.group}" if deeper and one.group else None),
            Cell(said(one, metric)),
            Cell(_sum(one.above, metric)),
            Cell(_DASH if metric.unit in ("count", "money") and one.below <= 1 else say.count(one.below)),
        )
        for one in found
    )
    total = sum(one.above for one in found)
    columns = (
        Column(LEVEL_NAMES[level]),
        Column(Text("数值", "Number"), number=True),
        Column(Text("分子", "Above the line"), number=True),
        Column(Text("分母", "Below the line"), number=True),
    )
    whole = _sum(total, metric)
    note = Text(
        f"各行分子合计 {whole.zh}，与上一层完全相等。",
        f"The rows add up to {whole.en} above the line, exactly what the level above shows.",
    )
    if part:
        note = Text(
            "只列您的机构与人员；人数太少的不列。",
            "Of your own units and people only; those of too few customers are not shown.",
        )
    return Table("drill", Text(f"{metric.title.zh}：按{LEVEL_NAMES[level].zh}", f"{metric.title.en}: by {LEVEL_NAMES[level].en.lower()}"), columns, rows, note)  # fmt: skip


def _sum(value: int, metric: Metric) -> Text:
    return say.money(value) if metric.unit == "money" else say.count(value)
