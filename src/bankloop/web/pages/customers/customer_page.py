"""One customer at a glance as a page shows it: who keeps them, where they stand, what they bring, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bankloop.contact.declined import DeclinedOffer
from bankloop.customer.consent import Purpose
from bankloop.customer.contribution import StatementLine
from bankloop.customer.event import EventType
from bankloop.customer.overview import Overview, PastDecision
from bankloop.customer.relation import TITLES, PathStep
from bankloop.customer.servicing import MODES
from bankloop.kit.text import Text
from bankloop.loop.reach import SENTENCES, LeftOut
from bankloop.loop.realtime import PREFIX
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone

STAGES: Mapping[str, Text] = {
    "new": Text("新手期", "New"),
    "growing": Text("成长期", "Growing"),
    "mature": Text("成熟期", "Mature"),
    "declining": Text("衰退期", "Declining"),
    "lost": Text("流失", "Lost"),
}
MOVES: Mapping[str, Text] = {
    "": Text("不变", "same"),
    "new": Text("新客户", "new"),
    "up": Text("提级", "up"),
    "down": Text("降级", "down"),
    "watched": Text("进入关注", "watched"),
    "cleared": Text("解除关注", "cleared"),
}
CLASSES: Mapping[str, Text] = {
    "demand_deposit": Text("活期", "Demand deposit"),
    "term_deposit": Text("定期", "Term deposit"),
    "wealth": Text("理财", "Wealth"),
    "fund": Text("基金", "Fund"),
    "insurance": Text("保险", "Insurance"),
    "credit_card": Text("信用卡", "Credit card"),
    "mortgage": Text("房贷", "Mortgage"),
    "consumer_loan": Text("消费贷", "Consumer loan"),
    "debit_card": Text("借记卡", "Debit card"),
}
_HIDDEN = Text("已遮盖", "masked")
_NONE = say.same("—")
_MONTHS = 12
_ON_LINE = 30
LINES: Mapping[str, Text] = {
    "event": Text("事件", "event"),
    "contact": Text("触达", "contact"),
    "task": Text("任务", "task"),
}
EVENTS: Mapping[str, Text] = {
    "login": Text("登录", "login"),
    "page_view": Text("浏览", "page view"),
    "transaction": Text("交易", "transaction"),
    "purchase": Text("购买", "purchase"),
    "payroll": Text("代发工资", "salary"),
    "transfer_in": Text("转入", "transfer in"),
    "transfer_out": Text("转出", "transfer out"),
    "deposit_matured": Text("定存到期", "deposit matured"),
    "deposit_kept": Text("定存续存", "deposit kept"),
    "first_wallet_payment": Text("首次快捷支付", "first wallet payment"),
    "push_open": Text("打开推送", "push opened"),
    "push_click": Text("点击推送", "push clicked"),
    "sms_click": Text("点击短信", "SMS clicked"),
    "wecom_reply": Text("企微回复", "WeCom reply"),
    "call_connected": Text("接通电话", "call connected"),
    "complaint": Text("投诉", "complaint"),
    "care": Text("关怀", "care"),
}
_TIES = 20
_PPM = 1_000_000
# From a chance of three in ten on, an outflow is worth a word before it happens.
_LIKELY = 300_000
_TALKS = ("wecom_reply", "call_connected")
_TONES = {"up": Tone.GOOD, "cleared": Tone.GOOD, "down": Tone.BAD, "watched": Tone.WARN}


@dataclass(frozen=True, slots=True)
class Glance:
    """Figures, the picture of the score, and the rows: months of the tier, holdings, what is ahead, statement, line, why."""

    figures: tuple[Figure, ...]
    score: Picture | None
    months: Table
    holdings: Table
    ahead: Table
    statement: Table
    timeline: Table
    decided: Table
    interactions: Table


def glance(seen: Overview, titles: Mapping[str, Text], zone: str, types: Mapping[str, EventType]) -> Glance:
    """Return the parts of the page; ``titles`` are the campaigns' by name, ``types`` those of events."""
    named = {**{name: one.title for name, one in types.items()}, **EVENTS, **titles}
    talks = {name: EVENTS[name] for name in _TALKS}
    talks |= {name: one.title for name, one in types.items() if one.consent is Purpose.EXPERIENCE}
    return Glance(
        _figures(seen), _score(seen), _months(seen), _holdings(seen), _ahead(seen), _statement(seen),
        _timeline(seen, named, ZoneInfo(zone)), _decided(seen, titles), _interactions(seen, talks, ZoneInfo(zone)),
    )  # fmt: skip


def _figures(seen: Overview) -> tuple[Figure, ...]:
    tier = seen.tier.title if seen.tier else Text("尚未关账", "no month closed yet")
    watch = Text("关注：再不达标将降级", "watched: it falls unless the line is reached") if seen.watched else None
    keeper, backup = _NONE, None
    if seen.keeper:
        owner = f" {seen.keeper.owner}" if seen.keeper.owner else ""
        keeper = Text(f"{MODES[seen.keeper.mode].zh}{owner}", f"{MODES[seen.keeper.mode].en}{owner}")
        backup = Text(f"B 角 {seen.keeper.backup}", f"backup {seen.keeper.backup}") if seen.keeper.backup else None
    days = seen.policy.contact_days
    rhythm = Text(f"每 {days} 天至少联系一次", f"a contact every {days} days") if days else None
    stage = STAGES.get(str(seen.value("lifecycle_stage")), _NONE)
    total = say.money(seen.statement.total) if seen.statement else _HIDDEN
    return (
        Figure(Text("层级", "Tier"), tier, watch),
        Figure(Text("归属", "Kept by"), keeper, backup or rhythm),
        Figure(Text("生命周期", "Life cycle"), stage),
        Figure(Text("关系分", "Relationship score"), say.count(seen.score), Text("资产一项已遮盖", "balance masked") if seen.masked else None),
        Figure(Text("年贡献", "Contribution a year"), total, None if seen.masked else _moved(seen)),
    )  # fmt: skip


def _interactions(seen: Overview, talks: Mapping[str, Text], zone: ZoneInfo) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}")),
            Cell(talks[one.what]),
            Cell(say.same(one.channel or "—")),
        )
        for one in seen.timeline
        if one.kind == "event" and one.what in talks
    )
    columns = (Column(Text("时间", "When")), Column(Text("互动", "Interaction")), Column(Text("渠道", "Channel")))
    note = Text("社交互动只在客户同意（体验改进）之后收入，没有同意的不入库。", "Social interactions are taken in after the customer's consent (improving the experience); without it they are not.")  # fmt: skip
    return Table("interactions", Text("互动", "Interactions"), columns, rows, note)


def _moved(seen: Overview) -> Text | None:
    if seen.moved is None:
        return None
    new, displaced = say.money(seen.moved.new), say.money(seen.moved.displaced)
    return Text(f"行外新增 {new.zh}，搬家 {displaced.zh}", f"new money {new.en}, displaced {displaced.en}")


def _score(seen: Overview) -> Picture | None:
    if not seen.factors:
        return None
    most = max(max(one.points for one in seen.factors), 1)
    bars = Bars(tuple(Bar(_factor(one.title), one.points / most, say.count(one.points)) for one in seen.factors))
    title = Text("关系分由什么组成", "What the relationship score is made of")
    said = "；".join(f"{_factor(one.title).zh} {one.points}" for one in seen.factors)
    spoken = "; ".join(f"{_factor(one.title).en} {one.points}" for one in seen.factors)
    return Picture("score", title, Text(said, spoken), bars)


def _factor(title: Text) -> Text:
    return Text(title.zh.partition("：")[2] or title.zh, title.en.partition(": ")[2] or title.en)


def _months(seen: Overview) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"{one.month:%Y-%m}")),
            Cell(say.money(seen.averages[one.month]) if seen.averages is not None else _HIDDEN),
            Cell(say.count(one.tier)),
            Cell(
                Text("关注", "watched") if one.watched else _NONE,
                Tone.WARN if one.watched else Tone.PLAIN,
                tag=one.watched,
            ),
            Cell(MOVES[one.move], _TONES.get(one.move, Tone.PLAIN)),
        )
        for one in seen.months[:_MONTHS]
    )
    columns = (
        Column(Text("月份", "Month")), Column(Text("月日均", "Average"), number=True), Column(Text("层级", "Tier"), number=True),
        Column(Text("状态", "State")), Column(Text("变动", "Move")),
    )  # fmt: skip
    note = Text(
        "提级立即；连续三个月不达标转为关注，再三个月降级。",
        "Up at once; three months below the line are watched, three more and it falls.",
    )
    return Table("months", Text("层级与月日均", "Tier and monthly averages"), columns, rows, note)


def _statement(seen: Overview) -> Table:
    lines = seen.statement.lines if seen.statement else ()
    rows = [_line(line) for line in lines]
    if seen.statement and rows:
        parts = (
            sum(getattr(line, name) for line in lines)
            for name in ("average_fen", "spread", "fees", "cost", "loss", "capital")
        )
        rows.append(
            (
                Cell(Text("合计", "Total")),
                *(Cell(say.money(part)) for part in parts),
                Cell(say.money(seen.statement.total), Tone.ACCENT),
            )
        )
    columns = (
        Column(Text("产品", "Product")), *(Column(title, number=True) for title in (
            Text("日均余额", "Average"), Text("利差", "Spread"), Text("收费", "Fees"), Text("成本", "Cost"),
            Text("预期损失", "Loss"), Text("资本成本", "Capital"), Text("贡献", "Total"))),
    )  # fmt: skip
    note = Text(
        "十二个月日均 × 内部资金转移定价利差，加收费，减成本、预期损失和资本成本；一年。",
        "Twelve-month averages at the transfer-priced spread, with fees, less cost, expected loss and capital; a year.",
    )
    return Table("statement", Text("价值贡献表", "Contribution"), columns, tuple(rows), note)


def _money(fen: int | None) -> Text:
    return _HIDDEN if fen is None else say.money(fen)


def _holdings(seen: Overview) -> Table:
    rows = [
        (
            Cell(CLASSES.get(one.product_class, say.same(one.product_class))),
            Cell(say.count(one.holdings)),
            Cell(_money(one.balance_fen)),
        )
        for one in seen.holdings
    ]
    if rows:
        rows.append((Cell(Text("金融资产合计", "Assets")), Cell(_NONE), Cell(_money(seen.assets_fen), Tone.ACCENT)))
    columns = (
        Column(Text("大类", "Class")),
        Column(Text("笔数", "Holdings"), number=True),
        Column(Text("余额", "Balance"), number=True),
    )
    note = Text(
        "金融资产 = 活期、定期、理财、基金、保险之和，不含贷款和卡。",
        "Assets are deposits, wealth products, funds and insurance; loans and cards are none.",
    )
    return Table("holdings", Text("持有", "Holdings"), columns, tuple(rows), note)


def _ahead(seen: Overview) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Cell(say.same(one.day)),
            Cell(
                Text(f"{CLASSES[one.product_class].zh}到期", f"{CLASSES[one.product_class].en} matures")
                if one.kind == "maturity"
                else Text("通常的发薪日", "usual payday")
            ),
            Cell(_money(one.amount_fen) if one.kind == "maturity" else _NONE),
            Cell(
                Text("确定", "certain") if one.certain else Text("预计", "expected"),
                Tone.GOOD if one.certain else Tone.PLAIN,
                tag=True,
            ),
        )
        for one in seen.ahead
    )
    rows += _outflow_ahead(seen)
    columns = (
        Column(Text("日期", "Day")),
        Column(Text("事项", "What")),
        Column(Text("金额", "Amount"), number=True),
        Column(Text("把握", "How sure")),
    )
    return Table("ahead", Text("未来三十天", "The next thirty days"), columns, rows)


def _outflow_ahead(seen: Overview) -> tuple[tuple[Cell, ...], ...]:
    """Return what the bank's own model expects of a large outflow, where it may be seen and there is one in force.

    The model of thirty days is what the panel is about; where none is in force, that of sixty says its own days.
    """
    days, risk = 30, seen.value("outflow_risk")
    if risk is None:
        days, risk = 60, seen.value("churn_risk")
    if risk is None:
        return ()
    share = say.percent(risk / _PPM)
    return (
        (
            Cell(Text(f"{days} 天内", f"within {days} days")),
            Cell(Text("一次转出一半以上资产", "half of the assets or more leave at once")),
            Cell(_NONE),
            Cell(Text(f"模型 {share.zh}", f"model {share.en}"), Tone.WARN if risk >= _LIKELY else Tone.PLAIN, tag=True),
        ),
    )


def _timeline(seen: Overview, titles: Mapping[str, Text], zone: ZoneInfo) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}")),
            Cell(LINES[one.kind]),
            Cell(titles.get(one.what) or say.same(one.what)),
            Cell(say.same(one.channel or "—")),
            Cell(Text("已触达", "accepted") if one.state == "accepted" else say.same(one.state or "—")),
            Cell(say.money(one.amount_fen) if one.amount_fen is not None else _NONE),
        )
        for one in seen.timeline[:_ON_LINE]
    )
    columns = (
        Column(Text("时间", "When")), Column(Text("类型", "Kind")), Column(Text("内容", "What")), Column(Text("渠道", "Channel")),
        Column(Text("状态", "State")), Column(Text("金额", "Amount"), number=True),
    )  # fmt: skip
    return Table("timeline", Text("时间线", "Time line"), columns, rows)


def _decided(seen: Overview, titles: Mapping[str, Text]) -> Table:
    rows = tuple(
        (
            Cell(say.same(one.window_start)),
            Cell(_whose(one.campaign, titles)),
            Cell(say.same(one.action.replace("|", " · ") or "—")),
            Cell(_why(one)),
        )
        for one in seen.decided
    )
    columns = (
        Column(Text("窗口", "Window")),
        Column(Text("战役", "Campaign")),
        Column(Text("动作", "Action")),
        Column(Text("为什么", "Why")),
    )
    return Table("decided", Text("推荐与不推荐的原因", "Why, and why not"), columns, rows)


def _whose(campaign: str, titles: Mapping[str, Text]) -> Text:
    """Return a campaign's title; of what was decided at a slot the campaign behind it."""
    name = campaign.removeprefix(PREFIX)
    title = titles.get(name, say.same(name))
    return title if name == campaign else Text(f"{title.zh} · 展示位", f"{title.en} · slot")


def declined_table(found: Sequence[DeclinedOffer], titles: Mapping[str, Text], zone: str) -> Table:
    """Return the offers that a customer declined, which no channel repeats for a while."""
    place = ZoneInfo(zone)
    rows = tuple(
        (
            Cell(titles.get(one.campaign, say.same(one.campaign))),
            Cell(Text("已拒绝", "declined"), Tone.WARN, tag=True),
            Cell(say.same(f"{one.at.astimezone(place):%Y-%m-%d %H:%M}")),
            Cell(say.same(f"{one.until.astimezone(place):%Y-%m-%d}")),
        )
        for one in found
    )
    columns = (
        Column(Text("优惠", "Offer")),
        Column(Text("客户说", "The customer")),
        Column(Text("何时", "When")),
        Column(Text("在此之前任何渠道不再提", "No channel repeats it before")),
    )
    return Table("declined", Text("客户不要的优惠", "Offers the customer does not want"), columns, rows)


def _why(one: PastDecision) -> Text:
    """Return the reason in words."""
    code = one.reasons[0] if one.reasons else ""
    return SENTENCES[LeftOut(code)] if code in set(LeftOut) else say.same(code or "—")


def _line(line: StatementLine) -> tuple[Cell, ...]:
    named = CLASSES.get(line.product_class, say.same(line.product_class))
    title = Text(f"{named.zh} · {line.product_id}", f"{named.en} · {line.product_id}")
    parts = (line.average_fen, line.spread, line.fees, line.cost, line.loss, line.capital, line.total)
    return (Cell(title), *(Cell(say.money(part)) for part in parts))


def ties_table(found: Sequence[PathStep]) -> Table:
    """Return a customer's own relations as a table, the best proven first."""
    rows = tuple(
        (
            Cell(TITLES[step.kind]),
            Cell(say.same(step.to_no)),
            Cell(Text("由其指向对方", "towards them") if step.forward else Text("由对方指向其", "from them")),
            Cell(say.same(step.since or "—")),
            Cell(say.count(len(step.evidence))),
        )
        for step in found[:_TIES]
    )
    columns = (
        Column(Text("关系", "Relation")), Column(Text("对方", "With")), Column(Text("方向", "Direction")), Column(Text("起", "Since")),
        Column(Text("证据", "Evidence"), number=True),
    )  # fmt: skip
    return Table("ties", Text("关系", "Relations"), columns, rows)
