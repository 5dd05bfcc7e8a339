"""The library of plays, acquisition by source, execution of tasks and a trace, as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from bankloop.kit.text import Text
from bankloop.performance.plays import DIMENSIONS, PlayRecord
from bankloop.report.details import lift_in_words
from bankloop.report.scorecard import metric_tables
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone

if TYPE_CHECKING:
    from bankloop.loop.evaluate import Metric, Number
    from bankloop.loop.round.trace import Trace
    from bankloop.loop.spec import Play
    from bankloop.organization.task import Performance
    from bankloop.performance.cohorts import Acquired, Cohort

_DASH = say.same("—")
_NEVER = Text("还没做过", "never run")


def plays_book(
    found: Sequence[PlayRecord],
    values: Callable[[Play, str], tuple[Text, ...]],
    titles: Mapping[str, Text],
    filters: Sequence[tuple[str, str]] = (),
) -> Book:
    """Return the library, or what of it meets the filters: each play with owner, last KPI, and what it earned where."""
    rows = tuple(_play(one, values, titles) for one in found)
    run = [one for one in found if one.readings]
    said = "；".join(f"{DIMENSIONS[name].zh}={words}" for name, words in filters)
    said_en = "; ".join(f"{DIMENSIONS[name].en.lower()} {words}" for name, words in filters)
    answer = Text(
        f"{said + '：' if said else ''}{len(found)} 个策略，{len(run)} 个有读数。",
        f"{said_en + ': ' if said_en else ''}{len(found)} plays, {len(run)} of them read.",
    )
    columns = (
        Column(Text("策略", "Play")),
        Column(Text("负责", "Owner")),
        Column(say.same("KPI")),
        Column(Text("最近读数 pp", "Last reading, pp"), number=True),
        Column(Text("增量", "Incremental"), number=True),
        *(Column(title) for title in DIMENSIONS.values()),
        Column(Text("模型", "Model")),
        Column(Text("数据", "Data")),
    )
    tables = [Table("plays", Text("策略库", "Library of plays"), columns, rows)]
    where = _where(run)
    if where.rows:
        tables.append(where)
    pictures = (_earned(run),) if run else ()
    return Book("plays", Text("策略库", "Plays"), answer, (), pictures, tuple(tables))


def _play(
    one: PlayRecord, values: Callable[[Play, str], tuple[Text, ...]], titles: Mapping[str, Text]
) -> tuple[Cell, ...]:
    play = one.play
    several = len(one.readings) > 1
    names = [titles.get(r.campaign, say.same(r.campaign)) if several else say.same("") for r in one.readings]
    lifts = [f"{name.zh} {lift_in_words(r.lift).zh}".strip() for name, r in zip(names, one.readings, strict=True)]
    lifts_en = [f"{name.en} {lift_in_words(r.lift).en}".strip() for name, r in zip(names, one.readings, strict=True)]
    last = Text("；".join(lifts), "; ".join(lifts_en)) if one.readings else _NEVER
    by = [Cell(_listed(values(play, name))) for name in DIMENSIONS]
    return (
        Cell(play.title.text),
        Cell(say.same(play.owner)),
        Cell(play.kpi.text),
        Cell(last, Tone.PLAIN if one.readings else Tone.WARN),
        Cell(say.money(one.incremental) if one.readings else _DASH),
        *by,
        Cell(play.model.text),
        Cell(say.same(", ".join(play.data) or "—")),
    )


def _listed(words: Sequence[Text]) -> Text:
    return Text("、".join(one.zh for one in words), ", ".join(one.en for one in words))


def _earned(run: Sequence[PlayRecord]) -> Picture:
    rows = tuple(
        Bar(one.play.title.text, one.incremental / 100, say.money(one.incremental), BarRole.CHOSEN if one.incremental > 0 else BarRole.PLAIN)
        for one in run
    )  # fmt: skip
    return Picture(
        name="plays",
        title=Text("各策略最近一次读数的增量", "What each play brought by its last reading"),
        alt=Text(f"{len(rows)} 个策略的增量，元。", f"The incremental money of {len(rows)} plays, yuan."),
        chart=Bars(rows),
    )


def _where(run: Sequence[PlayRecord]) -> Table:
    found = [
        (one.play.title.text, branch, fen) for one in run for branch, fen in sorted(one.earned_by_branch().items())
    ]
    rows = tuple((Cell(title), Cell(say.same(branch or "—")), Cell(say.money(fen))) for title, branch, fen in found)
    columns = (
        Column(Text("策略", "Play")),
        Column(Text("分行", "Branch")),
        Column(Text("增量", "Incremental"), number=True),
    )
    return Table("where", Text("在哪里挣了多少", "What each earned where"), columns, rows)


def acquisition_table(found: Sequence[Acquired]) -> Table:
    """Return new customers and their cost by source."""
    rows = tuple(
        (
            Cell(say.same(one.source)),
            Cell(say.count(one.customers)),
            Cell(say.money(one.cost)),
            Cell(_DASH if one.each is None else say.money(one.each)),
        )
        for one in found
    )
    columns = (
        Column(Text("来源", "Source")),
        Column(Text("30 天新客", "New, 30 days"), number=True),
        Column(Text("花费", "Spent"), number=True),
        Column(Text("获客成本", "CAC"), number=True),
    )
    return Table("acquisition", Text("获客成本：按来源", "Acquisition cost by source"), columns, rows)


def execution_table(found: Sequence[Performance]) -> Table:
    """Return the execution rate of tasks by unit."""
    rows = tuple(
        (
            Cell(say.same(one.who)),
            Cell(say.count(one.instructed)),
            Cell(say.count(one.on_time)),
            Cell(_DASH)
            if one.execution_rate is None
            else Cell(say.percent(one.execution_rate, 0), bar=one.execution_rate),
        )
        for one in found
    )
    columns = (
        Column(Text("机构", "Unit")),
        Column(Text("下达", "Instructed"), number=True),
        Column(Text("按时完成", "Done on time"), number=True),
        Column(Text("执行率", "Execution rate"), number=True),
    )
    return Table("execution", Text("任务执行率（30 天）", "Execution rate of tasks, 30 days"), columns, rows)


def metrics_book(
    numbers: Sequence[Number],
    catalogue: Mapping[str, Metric],
    day: date,
    kept: Sequence[Cohort],
    came: Sequence[Acquired],
    executed: Sequence[Performance],
) -> Book:
    """Return a day's metrics as a book: a table a need, retention, acquisition cost, execution of tasks."""
    # Here and not above: it asks the lake, and the library of plays does not.
    from bankloop.report.journeys import cohort_table

    more = [cohort_table(kept), acquisition_table(came), execution_table(executed)]
    answer = Text(f"{day} 收盘的指标；任何一天都按当天的口径与数据重算。", f"The metrics of {day}; any day is counted by its own definitions and files.")  # fmt: skip
    tables = (*metric_tables(numbers, catalogue, day), *(one for one in more if one.rows))
    return Book("metrics", Text("指标", "Metrics"), answer, (), (), tables)


def trace_book(found: Trace, masked: Callable[[str], str]) -> Book:
    """Return a trace as a book: conversion → contact → decision → segment → model version."""
    contact, goal = found.contact, found.conversion
    passed = Text("放行", "let through") if contact and contact.accepted else Text("未放行", "refused")
    none = Text("没有", "none")
    rows: list[tuple[Text, Text]] = [
        (Text("转化", "Conversion"), say.same(f"{goal.type} · {goal.source}/{goal.event_id} · {goal.occurred_at:%Y-%m-%d %H:%M}") if goal else none),
        (Text("触达", "Contact"), Text(f"{contact.channel} · {passed.zh} {contact.refused_by} · {contact.due_at:%Y-%m-%d}", f"{contact.channel} · {passed.en} {contact.refused_by} · {contact.due_at:%Y-%m-%d}") if contact else none),
        (Text("决策", "Decision"), say.same(f"{found.decision_id} · {found.issued or '—'}")),
        (Text("本想做", "Intended"), say.same(found.intended or "—")),
        (Text("分组与概率", "Cell and probability"), say.same(f"{found.cell} · {'—' if found.propensity is None else f'{found.propensity:.4f}'}")),
        (Text("原因", "Reasons"), say.same(", ".join(found.reasons) or "—")),
        (Text("战役与轮次", "Campaign and round"), Text(f"{found.title.zh} · 第 {found.round} 轮", f"{found.title.en} · round {found.round}")),
        (Text("客群", "Segment"), Text(f"{found.segment[:16]} · {found.members:,} 人 · {found.expression}", f"{found.segment[:16]} · {found.members:,} customers · {found.expression}")),
        *((Text("模型", "Model"), say.same(f"{m.model_id} v{m.version} · {m.kind} · {m.artefact_digest[:16]}")) for m in found.models),
        (Text("窗口", "Window"), say.same(" – ".join(found.window))),
        (Text("锁", "Lock"), say.same(found.lock[:16])),
        (Text("方案", "Plan"), say.same(found.plan_id or "—")),
        (Text("状态", "State"), say.same(f"{found.as_of} · {found.state[:16]}")),
    ]  # fmt: skip
    columns = (Column(Text("环节", "Link")), Column(Text("内容", "What")))
    chain = Table(
        "chain", Text("从转化到模型", "From conversion to model"), columns, tuple((Cell(a), Cell(b)) for a, b in rows)
    )
    events = tuple(
        (Cell(say.same(f"{e.occurred_at:%Y-%m-%d %H:%M}")), Cell(say.same(e.type)), Cell(say.same(e.channel or "—")), Cell(say.same(f"{e.source}/{e.event_id}")))
        for e in found.events
    )  # fmt: skip
    heads = (
        Column(Text("时间", "When")),
        Column(Text("事件", "Event")),
        Column(Text("渠道", "Channel")),
        Column(Text("编号", "Id")),
    )
    happened = Table("events", Text("窗口内发生的", "What happened in the window"), heads, events)
    who = masked(found.customer_no)
    answer = Text(
        f"{who}：{found.title.zh} 第 {found.round} 轮的决策，{'达成目标' if goal else '尚未达成目标'}。",
        f"{who}: a decision of {found.title.en}, round {found.round}; {'the goal was reached' if goal else 'the goal is not reached yet'}.",
    )
    return Book("trace", Text("追溯", "Trace"), answer, (), (), (chain, happened) if events else (chain,))
