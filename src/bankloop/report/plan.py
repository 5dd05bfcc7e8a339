"""The plan's page: what it brings, what is scarce and what one more would be worth, who gets what, who does not and why."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import numpy as np

from bankloop.kit.text import Text
from bankloop.kit.worktime import unknown_after
from bankloop.loop.reach import LeftOut, ResourceLine
from bankloop.loop.round.window import Window
from bankloop.loop.spec import Channel
from bankloop.report.contracts import PlanView
from bankloop.report.record import UNLISTED, CampaignRecord, PlanRecord, record_of
from bankloop.view import format as say
from bankloop.view.figures import (
    Bar,
    BarRole,
    Bars,
    Cell,
    Column,
    Curve,
    Figure,
    Picture,
    Point,
    Scale,
    StepKind,
    Table,
    Tone,
    Waterfall,
    WaterfallStep,
)

# A use this close to its limit is shown as full.
FULL = 0.995
_DASH = say.same("—")
_AUDIENCE = Text("目标客群", "Audience")
_MACHINE, _PEOPLE = Text("电子", "electronic"), Text("人工", "by people")
_INBOUND = Text("客户来看时", "where customers come")
_REACHED = Text("进入方案", "In the plan")


def plan_page(window: Window | PlanRecord) -> PlanView:
    """Return the page of a planned window, or of one that was kept."""
    record = window if isinstance(window, PlanRecord) else record_of(window)
    return PlanView(
        plan_id=record.plan_id,
        round=record.round,
        window_start=record.window_start,
        window_end=record.window_end,
        answer=_answer(record),
        figures=_figures(record),
        resources=resource_table(record),
        actions=action_table(record),
        waterfalls={one.name: _waterfall(one) for one in record.campaigns},
        left_out={one.name: _left_out(one) for one in record.campaigns},
        certainty=tuple(_certainty(one) for one in record.campaigns if _readable(one)),
        curves=tuple(_curve(record, name) for name in record.curves),
    )


def mix_picture(record: PlanRecord, channels: Mapping[str, Channel], inbound: Mapping[str, int]) -> Picture:
    """Return how a plan's contacts are made: by machines, by people, and decided where customers come by themselves.

    ``inbound`` is how many were shown something at each slot in the plan's window.
    """
    counts = dict.fromkeys(channels, 0)
    for line in record.lines:
        counts[line.action.rpartition("|")[2]] += line.customers
    counts |= inbound
    total = sum(counts.values())
    modes: dict[Text, int] = dict.fromkeys((_MACHINE, _PEOPLE, _INBOUND), 0)
    bars = []
    for name, channel in channels.items():
        mode = _INBOUND if channel.is_slot else _PEOPLE if channel.staff else _MACHINE
        modes[mode] += counts[name]
        if counts[name]:
            title = channel.title.text
            label = Text(f"{title.zh} · {mode.zh}", f"{title.en} · {mode.en}")
            said = say.count(counts[name])
            bars.append(Bar(label, counts[name], said, BarRole.CHOSEN if channel.staff else BarRole.PLAIN))
    said_zh = "，".join(f"{mode.zh} {_share(count, total)}" for mode, count in modes.items())
    said_en = ", ".join(f"{mode.en} {_share(count, total)}" for mode, count in modes.items())
    alt = Text(f"触达方式：{said_zh}。", f"How customers are reached: {said_en}.")
    return Picture("mix", Text("触达方式的组合", "The mix of ways"), alt, Bars(tuple(bars)), alt)


def _share(count: int, total: int) -> str:
    return "0%" if not total else f"{count / total:.0%}"


def price_in_words(line: ResourceLine) -> Text:
    """Return what one more unit of a resource is worth, or one unit less of a floor, as a sentence."""
    if line.price < -1e-9:
        worth = say.price(-line.price)
        return Text(
            f"下限每少 1 {line.unit.zh}，多得 {worth.zh}", f"one {_one(line.unit)} less demanded is worth {worth.en}"
        )
    if line.price <= 1e-9:
        return Text("有余量，再多也不值", "to spare: one more is worth nothing")
    if line.unit.en == "fen":
        worth = say.price(line.price * 100)
        return Text(f"再多 ¥1，多得 {worth.zh}", f"one more yuan is worth {worth.en}")
    worth = say.price(line.price)
    return Text(f"再多 1 {line.unit.zh}，多得 {worth.zh}", f"one more {_one(line.unit)} is worth {worth.en}")


def _one(unit: Text) -> str:
    """Return a unit's English name of one."""
    return unit.en.removesuffix("s")


def holds_in_words(line: ResourceLine) -> Text:
    """Return between which limits a price holds."""
    if line.price <= 1e-9 or line.holds_from is None or line.holds_to is None:
        return _DASH
    low, high = say.amount(line.holds_from, line.unit), say.amount(line.holds_to, line.unit)
    return Text(f"{low.zh} 至 {high.zh} 之间", f"from {low.en} to {high.en}")


def broken(record: PlanRecord) -> int:
    """Return how many limits the plan breaks: nought, always."""
    return sum(line.used > line.limit * (1 + 1e-9) + 1e-6 for line in record.resources)


def _reached(record: PlanRecord) -> int:
    return sum(line.customers for line in record.lines)


def _answer(record: PlanRecord) -> Text:
    dearest = max((r for r in record.resources if np.isfinite(r.limit)), key=lambda r: r.price * r.limit, default=None)
    scarce = (
        Text("没有一种资源用尽。", "No resource runs out.")
        if dearest is None or dearest.price <= 1e-9
        else Text(
            f"最紧的是{dearest.title.zh}：{price_in_words(dearest).zh}。",
            f"Scarcest is {dearest.title.en}: {price_in_words(dearest).en}.",
        )
    )
    if record.conflict:
        zh, en = "；".join(one.zh for one in record.conflict), "; ".join(one.en for one in record.conflict)
        scarce = Text(
            f"下限不能同时做到，下面是最接近的方案。冲突的是：{zh}。",
            f"Not all floors can be met; this is the nearest plan. In conflict: {en}.",
        )
    warning = unknown_after(record.window_end)
    if warning is not None:
        scarce = Text(f"{scarce.zh}{warning.zh}。", f"{scarce.en} {warning.en[0].upper()}{warning.en[1:]}.")
    worth, cost, n = say.money(record.objective), say.money(_cost(record)), say.count(_reached(record))
    return Text(
        f"{len(record.campaigns)} 个战役共用一份方案：触达 {n.zh} 位客户，预计多得 {worth.zh}，花费 {cost.zh}。{scarce.zh}",
        f"{len(record.campaigns)} campaigns share one plan: it reaches {n.en} customers, is expected to add {worth.en} "
        f"and costs {cost.en}. {scarce.en}",
    )


def _cost(record: PlanRecord) -> float:
    return sum(line.cost for line in record.lines)


def _figures(record: PlanRecord) -> tuple[Figure, ...]:
    contact = sum(line.contact_cost for line in record.lines)
    cost, reached = _cost(record), _reached(record)
    explored = sum(line.value for line in record.lines) - record.objective
    drawn, bound = say.money(explored), say.money(record.bound)
    benefit, channel = say.money(cost - contact), say.money(contact)
    of = say.percent(reached / record.candidates if record.candidates else 0.0)
    count = len(record.resources)
    gap = say.gap(record.gap)
    return (
        Figure(Text("预期增量价值", "Expected incremental value"), say.money(record.objective),
               Text(f"12 个月贡献，已扣成本；探索另有 {drawn.zh}", f"12-month contribution after costs; exploring adds {drawn.en}")),
        Figure(Text("成本", "Cost"), say.money(cost),
               Text(f"权益 {benefit.zh} · 渠道 {channel.zh}", f"benefits {benefit.en} · channels {channel.en}")),
        Figure(Text("被触达客户", "Customers reached"), say.count(reached),
               Text(f"占可触达客群 {of.zh}", f"{of.en} of the usable audiences")),
        Figure(Text("离最优不超过", "From the optimum at most"), gap,
               Text(f"对偶上界 {bound.zh}", f"dual bound {bound.en}")),
        Figure(Text("违反约束", "Constraints broken"), say.count(broken(record)),
               Text(f"共 {count} 项上限", f"of {count} limits")),
    )  # fmt: skip


def resource_table(record: PlanRecord) -> Table:
    """Return limits, use, prices in words and where they hold."""
    rows = []
    for line in sorted(record.resources, key=_scarcity):
        most = line.limit if np.isfinite(line.limit) else line.floor
        share = min(line.used / most, 1.0) if most > 0 else 0.0
        scarce = line.price > 1e-9
        rows.append(
            (
                Cell(line.title, bar=share),
                Cell(bounds_in_words(line)),
                Cell(say.amount(line.wanted, line.unit)),
                Cell(say.amount(line.used, line.unit), Tone.BAD if line.short > 0 else Tone.PLAIN),
                Cell(price_in_words(line), Tone.ACCENT if scarce else Tone.PLAIN),
                Cell(holds_in_words(line)),
            )
        )
    columns = (
        Column(Text("资源", "Resource")),
        Column(Text("上限或下限", "Limit or floor"), number=True),
        Column(Text("想要", "Wanted"), number=True),
        Column(Text("已用", "Used"), number=True),
        Column(Text("多一份值多少", "What one more is worth")),
        Column(Text("在此范围内成立", "Holds")),
    )
    note = Text(
        "“想要”是什么都不稀缺时会用掉多少；“已用”含探索按抽签先用的部分。",
        "'Wanted' is what would be used were nothing scarce; 'used' includes what exploring takes by lot beforehand.",
    )
    return Table("resources", Text("稀缺资源值多少钱", "What scarce resources are worth"), columns, tuple(rows), note)


def _scarcity(line: ResourceLine) -> float:
    """Order by what all of a resource is worth at its price, the missed floors first."""
    if line.short > 0:
        return -np.inf
    return -abs(line.price) * (line.limit if np.isfinite(line.limit) else line.floor)


def bounds_in_words(line: ResourceLine) -> Text:
    """Return a resource's limit, or its floor, or both."""
    most, least = (
        say.amount(line.limit, line.unit) if np.isfinite(line.limit) else None,
        say.amount(line.floor, line.unit),
    )
    if line.floor <= 0 and most is not None:
        return most
    if most is None:
        return Text(f"至少 {least.zh}", f"at least {least.en}")
    return Text(f"{least.zh} 至 {most.zh}", f"{least.en} to {most.en}")


def action_table(record: PlanRecord) -> Table:
    """Return who gets what, the most valuable first."""
    titles = record.titles
    lines = sorted((line for line in record.lines if line.customers), key=lambda line: -line.value)
    rows = tuple(
        (
            Cell(line.title),
            Cell(titles[line.campaign]),
            Cell(say.count(line.customers), drill=_query(line.campaign, LeftOut.REACHED.value, line.action)),
            Cell(say.money(line.cost)),
            Cell(say.money(line.value)),
        )
        for line in lines
    )
    columns = (
        Column(Text("动作", "Action")),
        Column(Text("战役", "Campaign")),
        Column(Text("人数", "Customers"), number=True),
        Column(Text("成本", "Cost"), number=True),
        Column(Text("增量价值", "Incremental value"), number=True),
    )
    unused = sum(1 for line in record.lines if not line.customers)
    note = Text(f"另有 {unused} 种动作没有客户。", f"{unused} more actions have no customer.") if unused else None
    return Table("actions", Text("谁得到什么", "Who gets what"), columns, rows, note)


def falls_of(one: CampaignRecord) -> tuple[WaterfallStep, ...]:
    """Return the campaign's way from all who met its condition to those in the plan, every step with its rows."""
    found = [WaterfallStep(_AUDIENCE, one.hit, StepKind.START)]
    for fall in (*one.falls, *one.left_out):
        drill = None if fall.code in UNLISTED else _query(one.name, fall.code)
        found.append(WaterfallStep(fall.title, fall.count, drill=drill))
    return (*found, WaterfallStep(_REACHED, one.reached, StepKind.END, _query(one.name, LeftOut.REACHED.value)))


def waterfall_picture(name: str, title: Text, steps: tuple[WaterfallStep, ...]) -> Picture:
    """Return a waterfall; reasons that nobody fell for are left to the table."""
    shown = tuple(step for step in steps if step.count or step.kind is not StepKind.FALL)
    largest = max((s for s in shown if s.kind is StepKind.FALL), key=lambda s: s.count, default=None)
    start, end = steps[0].count, steps[-1].count
    most = Text(f"，最多的原因是{largest.label.zh}（{largest.count:,}）", f"; most fell to {largest.label.en.lower()} ({largest.count:,})") if largest else say.same("")  # fmt: skip
    return Picture(
        name=f"waterfall-{name}",
        title=Text(f"谁没有被触达，为什么：{title.zh}", f"Who is not reached, and why: {title.en}"),
        alt=Text(f"从 {start:,} 位到 {end:,} 位{most.zh}。", f"From {start:,} customers to {end:,}{most.en}."),
        chart=Waterfall(shown),
    )


def _waterfall(one: CampaignRecord) -> Picture:
    return waterfall_picture(one.name, one.title, falls_of(one))


def _left_out(one: CampaignRecord) -> Table:
    rows = tuple((Cell(step.label), Cell(say.count(step.count), drill=step.drill)) for step in falls_of(one))
    columns = (Column(Text("原因", "Reason")), Column(Text("人数", "Customers"), number=True))
    caption = Text(f"{one.title.zh}：逐条原因，合计相符", f"{one.title.en}: reason by reason; it sums exactly")
    return Table(f"left-out-{one.name}", caption, columns, rows)


def _query(campaign: str, reason: str, action: str | None = None) -> str:
    parts: Mapping[str, str] = {"campaign": campaign, "reason": reason, **({"action": action} if action else {})}
    return "rows?" + urlencode(parts)


def _readable(one: CampaignRecord) -> bool:
    return sum(visible < 1.0 for _, visible, _ in one.certainty) > 1


def _certainty(one: CampaignRecord) -> Picture:
    """Value against the lift that can be seen: what knowing for sure costs."""
    points = [p for p in one.certainty if p[1] < 1.0]
    nearest = min(points, key=lambda p: abs(p[0] - one.control_share))
    first, last = points[0], points[-1]
    lost, seen = say.money(max(first[2] - last[2], 0.0)), (say.points(first[1]), say.points(last[1]))
    alt = Text(
        f"对照组从 {first[0]:.0%} 加到 {last[0]:.0%}，方案少得 {lost.zh}，能看清的提升从 {seen[0].zh} 缩小到 {seen[1].zh}。",
        f"Raising the control from {first[0]:.0%} to {last[0]:.0%} gives up {lost.en}; the lift that can be seen shrinks from "
        f"{seen[0].en} to {seen[1].en}.",
    )
    return Picture(
        name=f"certainty-{one.name}",
        title=Text(f"确定性的价格：{one.title.zh}", f"The price of certainty: {one.title.en}"),
        alt=alt,
        chart=Curve(
            tuple(Point(v, worth, say.percent(share, 0), share == nearest[0]) for share, v, worth in points),
            Text("能看清的最小提升（对照组占比标在点旁）", "Smallest lift that can be seen (control's share beside the point)"),
            Text("方案价值", "Value of the plan"),
            Scale.POINTS,
        ),
        note=alt if one.launch is None else Text(f"{one.launch.zh}。{alt.zh}", f"{one.launch.en[:1].upper()}{one.launch.en[1:]}. {alt.en}"),
    )  # fmt: skip


def _curve(record: PlanRecord, name: str) -> Picture:
    line = next(r for r in record.resources if r.name == name)
    points = record.curves[name]
    scale = Scale.MONEY if line.unit.en == "fen" else Scale.COUNT
    at = min(points, key=lambda p: abs(p[0] - line.limit))
    last = points[-1]
    here, there = say.money(at[1]), say.money(last[1])
    limit, most = say.amount(at[0], line.unit), say.amount(last[0], line.unit)
    alt = Text(
        f"{line.title.zh}现在 {limit.zh}，方案价值 {here.zh}；加到 {most.zh} 为 {there.zh}。",
        f"{line.title.en} is {limit.en} now and the plan worth {here.en}; at {most.en} it would be {there.en}.",
    )
    return Picture(
        name=f"curve-{name.replace(':', '-')}",
        title=Text(f"上限与价值：{line.title.zh}", f"Limit and value: {line.title.en}"),
        alt=alt,
        chart=Curve(
            tuple(Point(x, y, None, x == at[0]) for x, y, _ in points),
            Text(f"{line.title.zh}上限", f"Limit: {line.title.en}"),
            Text("方案价值", "Value of the plan"),
            scale,
        ),
        note=alt,
    )
