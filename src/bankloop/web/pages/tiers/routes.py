"""Tiers: where everybody stands after the last closed month, who moved, who keeps whom, and how each tier is served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.customer.servicing import MODES, Assignment, Mode, ServicePolicy, coverage, read_policy
from bankloop.customer.tier import TierCount, TierRule, last_month, read_tier_rules, rule_on, tier_counts
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page

_NONE = say.same("—")
# Below this an amount could be told of a person.
_MIN_CELL = 10


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/tiers")
    def tiers(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "tier_rule.read")
        lake = console_of(request).bank.lake
        month = last_month(lake)
        rule = rule_on(read_tier_rules(lake.folder), month or lake.today())
        counts = tier_counts(lake, month) if month else ()
        kept = coverage(lake)
        return page(
            request, "tiers.html", at="tiers", answer=_answer(month, counts, kept), figures=_figures(counts, kept),
            spread=_spread(counts, rule), table=_table(counts, rule), served=_served(read_policy(lake.folder), rule),
        )  # fmt: skip


def _answer(month: date | None, counts: Sequence[TierCount], kept: Assignment | None) -> Text:
    if month is None:
        return Text("还没有关过账；运行 bankloop tier close。", "No month is closed yet; run bankloop tier close.")
    up, down = sum(one.up for one in counts), sum(one.down for one in counts)
    zh, en = f"{month:%Y-%m}：提级 {up:,}，降级 {down:,}。", f"{month:%Y-%m}: {up:,} up, {down:,} down."
    if kept is None:
        return Text(
            f"{zh}还没有分配归属；运行 bankloop customer assign。",
            f"{en} Nobody is assigned yet; run bankloop customer assign.",
        )
    return Text(f"{zh}没有人管的客户 {kept.unassigned:,}。", f"{en} {kept.unassigned:,} customers are kept by nobody.")


def _figures(counts: Sequence[TierCount], kept: Assignment | None) -> tuple[Figure, ...]:
    total, watched = sum(one.customers for one in counts), sum(one.watched for one in counts)
    modes = kept.modes if kept else {}
    return (
        Figure(Text("客户", "Customers"), say.count(total)),
        Figure(Text("关注中", "Watched"), say.count(watched), Text("再不达标将降级", "they fall unless the line is reached")),
        *(Figure(Text(f"归{MODES[mode].zh}", f"Kept by {MODES[mode].en}"), say.count(modes.get(mode, 0))) for mode in Mode),
    )  # fmt: skip


def _pooled(counts: Sequence[TierCount]) -> dict[int, int | None]:
    """Return each tier's averages together; of fewer than a handful they go to the tier below, so that they are nobody's."""
    found: dict[int, int | None] = {}
    people, money = 0, 0
    for number, one in enumerate(sorted(counts, key=lambda one: -one.tier)):
        people, money = people + one.customers, money + max(one.average_fen, 0)
        last = number == len(counts) - 1
        found[one.tier] = money if people >= _MIN_CELL or last else None
        if found[one.tier] is not None:
            people, money = 0, 0
    return found


def _spread(counts: Sequence[TierCount], rule: TierRule) -> Picture | None:
    """Return each tier's share of customers beside its share of assets."""
    people, money = sum(one.customers for one in counts), sum(max(one.average_fen, 0) for one in counts)
    if not people:
        return None
    bars, pooled = [], _pooled(counts)
    for one in counts:
        title, mine = rule.tier(one.tier).title, pooled[one.tier]
        share = one.customers / people
        bars.append(Bar(Text(f"{title.zh} 客户", f"{title.en}: customers"), share, say.percent(share, 2)))
        if mine is not None and money:
            bars.append(
                Bar(Text(f"{title.zh} 资产", f"{title.en}: assets"), mine / money, say.percent(mine / money, 1))
            )
    said = Text(
        "；".join(f"{b.label.zh} {b.said.zh}" for b in bars), "; ".join(f"{b.label.en} {b.said.en}" for b in bars)
    )
    return Picture(
        "tiers", Text("各层的客户与资产占比", "Each tier's share of customers and of assets"), said, Bars(tuple(bars))
    )


def _table(counts: Sequence[TierCount], rule: TierRule) -> Table:
    pooled = _pooled(counts)
    rows = tuple(
        (
            Cell(rule.tier(one.tier).title), Cell(say.count(one.customers)), Cell(_averages(pooled[one.tier])),
            Cell(say.count(one.watched), Tone.WARN if one.watched else Tone.PLAIN), Cell(say.count(one.up)),
            Cell(say.count(one.down)), Cell(say.count(one.new)),
        )
        for one in counts
    )  # fmt: skip
    columns = (Column(Text("层级", "Tier")), *(Column(title, number=True) for title in (
        Text("客户", "Customers"), Text("月日均合计", "Averages together"), Text("关注", "Watched"), Text("提级来", "Came up"),
        Text("降级来", "Came down"), Text("新客户", "New"))))  # fmt: skip
    note = Text(
        "不足十人的层，日均并入下一层。", "Of a tier of fewer than ten, the averages are counted with the tier below."
    )
    return Table("tiers", Text("分层与变动", "Tiers and moves"), columns, rows, note)


def _averages(fen: int | None) -> Text:
    return _NONE if fen is None else say.money(fen)


def _served(policy: ServicePolicy, rule: TierRule) -> Table:
    rows = []
    for tier in rule.tiers:
        own = policy.of(tier.number)
        days = Text(f"{own.contact_days} 天", f"{own.contact_days} days") if own.contact_days else _NONE
        gets = Text("、".join(b.zh for b in own.benefits) or "—", ", ".join(b.en for b in own.benefits) or "—")
        rows.append((Cell(tier.title), Cell(say.money(tier.from_fen)), Cell(MODES[own.mode]), Cell(days), Cell(gets)))
    columns = (
        Column(Text("层级", "Tier")), Column(Text("起点", "From"), number=True), Column(Text("归属", "Kept by")),
        Column(Text("多久没联系就关怀", "Care after")), Column(Text("权益", "Gets")),
    )  # fmt: skip
    return Table("served", Text("每一层怎样服务", "How each tier is served"), columns, tuple(rows))
