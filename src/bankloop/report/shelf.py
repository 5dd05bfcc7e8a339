"""The shelf as people see it: what is offered where, how each product does, who holds what by segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.offering.assortment import Penetration, Scorecard, Trigger, class_title
from bankloop.loop.offering.migration import MigrationLine
from bankloop.loop.product import SENTENCES, LegRuling, ShelfInForce, WhyNot
from bankloop.loop.spec import Availability, Policies, Product
from bankloop.store.contracts import ProductReview
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone
from bankloop.view.format import masked_number

PRODUCT_LINES: Mapping[str, Text] = {
    "retail": Text("零售", "Retail"),
    "corporate": Text("公司", "Corporate"),
    "interbank": Text("同业", "Interbank"),
    "subsidiary": Text("子公司", "Subsidiary"),
}
PRODUCT_CLASSES: Mapping[str, Text] = {
    "payment": Text("支付", "Payment"),
    "deposit": Text("存款", "Deposit"),
    "wealth": Text("理财", "Wealth"),
    "fund": Text("基金", "Fund"),
    "insurance": Text("保险", "Insurance"),
    "loan": Text("贷款", "Loan"),
    "card": Text("卡", "Card"),
    "service": Text("服务", "Service"),
    "bundle": Text("组合", "Bundle"),
}
TRIGGERS: Mapping[str, Text] = {
    "complaints": Text("投诉率过高", "Too many complaints"),
    "retention": Text("留存率过低", "Too few keep it"),
}
_BLOCKS: Mapping[WhyNot, Text] = {
    WhyNot.ASSESSMENT_MISSING: Text("未测评", "not assessed"),
    WhyNot.ASSESSMENT_EXPIRED: Text("测评过期", "assessment expired"),
    WhyNot.RISK_MISMATCH: Text("风险不匹配", "risk mismatch"),
    WhyNot.AGE_UNKNOWN: Text("年龄未知", "age unknown"),
    WhyNot.MINOR: Text("未成年", "minor"),
    WhyNot.AGED: Text("高龄高风险", "aged, high risk"),
    WhyNot.STUDENT: Text("学生", "student"),
}
_DASH = say.same("—")
_WHOLE = 1_000_000
_EVERYWHERE = Text("全行、全客群、全渠道", "everywhere")
# Pictures of more gaps than these nobody reads.
MOST_GAPS = 6


def shelf_table(products: Sequence[Product], shelf: ShelfInForce, policies: Policies) -> Table:
    """Return the products of all lines as they are on the shelf now."""
    columns = (
        Column(Text("产品", "Product")),
        Column(Text("条线", "Line")),
        Column(Text("类别", "Class")),
        Column(Text("风险（孰高）", "Risk (the higher)")),
        Column(Text("在架", "On the shelf")),
        Column(Text("提供范围", "Offered")),
        Column(Text("利差", "Margin"), number=True),
        Column(Text("期限（天）", "Term (days)"), number=True),
        Column(Text("线上", "Online")),
        Column(Text("文件", "Documents")),
    )
    files = {product.key: product for product in products}
    rows = tuple(_shelf_row(one, files[one.key], shelf, policies) for one in shelf.all_of(products))
    note = Text(
        "货架只能收窄已批准的内容：下架、缩小范围、调高评级即时生效；放宽要重新提交战役。",
        "The shelf only narrows what was approved: off the shelf, fewer places, a higher rating hold at once; "
        "more takes a new lock.",
    )
    return Table("shelf", Text("产品货架", "The shelf"), columns, rows, note)


def _shelf_row(one: Product, written: Product, shelf: ShelfInForce, policies: Policies) -> tuple[Cell, ...]:
    on = Cell(Text("在架", "on"), Tone.GOOD, tag=True) if one.available.on else Cell(Text("下架", "off"), Tone.BAD, tag=True)  # fmt: skip
    raised = one.risk != written.risk
    docs = Text(
        "、".join(d.title.zh for d in one.documents) or "—", ", ".join(d.title.en for d in one.documents) or "—"
    )
    return (
        Cell(one.title.text, drill=f"products/{one.key}"),
        Cell(PRODUCT_LINES[one.line]),
        Cell(PRODUCT_CLASSES[one.product_class]),
        Cell(_DASH if one.risk is None else say.same(f"R{one.risk.level}"), Tone.WARN if raised else Tone.PLAIN),
        on,
        Cell(offered_in_words(one.available, policies)),
        Cell(_DASH if not one.margin else say.percent(one.margin / 1e6, 3)),
        Cell(_DASH if one.term is None else say.count(one.term)),
        Cell(online_in_words(one.online)),
        Cell(docs),
    )


def online_in_words(ppm: int) -> Text:
    """Return how much of a product is online."""
    if ppm in (0, _WHOLE):
        return Text("可", "yes") if ppm else Text("仅网点", "branch only")
    return say.percent(ppm / _WHOLE, 0)


def migration_table(found: Sequence[MigrationLine]) -> Table:
    """Return what is not online yet, what is sold of it, and how it will be: who, until when, what it waits for."""
    columns = (
        Column(Text("产品", "Product")),
        Column(Text("线上程度", "Online"), number=True),
        Column(Text("近一年销售（笔）", "Sold in a year"), number=True),
        Column(Text("持有人数", "Holders"), number=True),
        Column(Text("负责人", "Owner")),
        Column(Text("期限", "By")),
        Column(Text("还差", "Waits for")),
    )
    rows = tuple(
        (
            Cell(one.title, drill=f"products/{one.product}"),
            Cell(say.percent(one.online / _WHOLE, 0), Tone.BAD if one.online == 0 else Tone.WARN),
            Cell(say.count(one.sales)),
            Cell(say.count(one.holders)),
            Cell(
                say.same(one.owner) if one.owner else Text("没有人负责", "nobody"),
                Tone.PLAIN if one.owner else Tone.BAD,
            ),
            Cell(
                _DASH if one.by is None else say.same(f"{one.by}"), Tone.BAD if one.late else Tone.PLAIN, tag=one.late
            ),
            Cell(one.waits_for or _DASH),
        )
        for one in found
    )
    note = Text(
        "按近一年的销售从多到少排；销售和持有来自数据，线上程度、负责人和期限写在 products.yaml。",
        "Ordered by what was sold in a year, which is read from the data; how much is online, who answers and until "
        "when is written in products.yaml.",
    )
    return Table("migration", Text("线上化迁移", "On the way online"), columns, rows, note)


def offered_in_words(where: Availability, policies: Policies) -> Text:
    """Return where a product is offered."""
    zh, en = [], []
    if where.branches is not None:
        zh.append("网点 " + ("、".join(where.branches) or "无"))
        en.append("branches " + (", ".join(where.branches) or "none"))
    if where.segments is not None:
        titles = [policies.segments[k].title.text if k in policies.segments else say.same(k) for k in where.segments]
        zh.append("客群 " + ("、".join(t.zh for t in titles) or "无"))
        en.append("segments " + (", ".join(t.en for t in titles) or "none"))
    if where.channels is not None:
        titles = [policies.channels[k].title.text if k in policies.channels else say.same(k) for k in where.channels]
        zh.append("渠道 " + ("、".join(t.zh for t in titles) or "无"))
        en.append("channels " + (", ".join(t.en for t in titles) or "none"))
    return Text("；".join(zh), "; ".join(en)) if zh else _EVERYWHERE


def products_table(cards: Sequence[Scorecard], titles: Mapping[str, Text], due: Sequence[Trigger]) -> Table:
    """Return sales, margin, complaints, retention and suitability blocks of every product."""
    alarms = {(one.product, one.name) for one in due}
    rows = tuple(
        (
            Cell(titles[one.product], drill=f"products/{one.product}"),
            Cell(say.count(one.sales)),
            Cell(say.count(one.holders)),
            Cell(say.money(one.balance)),
            Cell(say.money(one.margin) if one.margin else _DASH),
            _rate(one.complaints, (one.product, "complaints") in alarms, 2),
            _rate(one.retention, (one.product, "retention") in alarms, 1),
            Cell(_blocked(one.blocked)),
        )
        for one in cards
    )
    columns = (
        Column(Text("产品", "Product")),
        Column(Text("近一年销售（笔）", "Sold in a year"), number=True),
        Column(Text("持有人数", "Holders"), number=True),
        Column(Text("余额", "Balance"), number=True),
        Column(Text("年利差", "Margin a year"), number=True),
        Column(Text("投诉率", "Complaints"), number=True),
        Column(Text("留存率", "Retention"), number=True),
        Column(Text("适当性拦截", "Kept from it by suitability")),
    )
    note = Text(
        "投诉率：近一年购买者中购买后投诉的占比。留存率：一个月前的持有现在仍在的占比，要有更早的数据版本才算得出。超出政策限值即生成复核。",
        "Complaints: of the buyers of a year, who complained since. Retention: of the holdings of a month ago, "
        "what is still there; "
        "it takes an earlier version of the data. Beyond the limits of the policies a review is opened.",
    )
    return Table("scorecards", Text("产品记分卡", "How products do"), columns, rows, note)


def _rate(ppm: int | None, alarm: bool, digits: int) -> Cell:
    return Cell(_DASH) if ppm is None else Cell(say.percent(ppm / 1e6, digits), Tone.BAD if alarm else Tone.PLAIN)


def _blocked(found: Mapping[WhyNot, int]) -> Text:
    if not found:
        return _DASH
    parts = [(_BLOCKS.get(why, SENTENCES[why]), f"{n:,}") for why, n in found.items()]
    return Text("，".join(f"{t.zh} {n}" for t, n in parts), ", ".join(f"{t.en} {n}" for t, n in parts))


def review_table(found: Sequence[ProductReview], titles: Mapping[str, Text]) -> Table:
    """Return the reviews that figures called for, the open ones first."""
    ordered = sorted(found, key=lambda one: one.closed_at is not None)
    rows = tuple(
        (
            Cell(titles.get(one.product, say.same(one.product)), drill=f"products/{one.product}"),
            Cell(TRIGGERS.get(one.trigger, say.same(one.trigger))),
            Cell(say.percent(one.measured_ppm / 1e6, 2)),
            Cell(say.percent(one.limit_ppm / 1e6, 2)),
            Cell(say.same(one.opened_at.strftime("%Y-%m-%d"))),
            Cell(say.same(one.outcome)) if one.outcome else Cell(Text("待复核", "open"), Tone.WARN, tag=True),
        )
        for one in ordered
    )
    columns = (
        Column(Text("产品", "Product")),
        Column(Text("触发", "Trigger")),
        Column(Text("实测", "Measured"), number=True),
        Column(Text("限值", "Limit"), number=True),
        Column(Text("开始（UTC）", "Opened (UTC)")),
        Column(Text("结论", "Outcome")),
    )
    return Table("reviews", Text("产品复核", "Reviews"), columns, rows)


def matrix_table(found: Sequence[Penetration], policies: Policies) -> Table:
    """Return segments by classes of products: penetration, and the gap to everybody else in points."""
    kinds = list(dict.fromkeys(one.product_class for one in found))
    segments = list(dict.fromkeys(one.segment for one in found))
    cells = {(one.segment, one.product_class): one for one in found}
    rows = []
    for segment in segments:
        size = cells[(segment, kinds[0])].customers
        row = [Cell(policies.segments[segment].title.text), Cell(say.count(size))]
        for kind in kinds:
            one = cells[(segment, kind)]
            tone = Tone.GOOD if one.gap >= 10_000 else Tone.BAD if one.gap <= -10_000 else Tone.PLAIN
            row.append(Cell(_short(one), tone, bar=one.share / 1e6))
        rows.append(tuple(row))
    columns = (
        Column(Text("客群", "Segment")),
        Column(Text("人数", "Customers"), number=True),
        *(Column(class_title(kind)) for kind in kinds),
    )
    note = Text(
        "每格：本客群渗透率，对比其余客户的差距（百分点）。",
        "Each cell: penetration in the segment, and the gap to all other customers in percentage points.",
    )
    return Table("matrix", Text("客群 × 产品渗透矩阵", "Who holds what, by segment"), columns, tuple(rows), note)


def gap_in_words(one: Penetration) -> Text:
    """Return a penetration beside its peers': 12 % against 20 %, −8 pp."""
    share, peers, gap = (f"{ppm / 10_000:.1f}".removesuffix(".0") for ppm in (one.share, one.peers, one.gap))
    signed = gap.replace("-", "−") if one.gap < 0 else f"+{gap}"
    return Text(f"{share}% 对 {peers}%，{signed}pp", f"{share}% vs {peers}%, {signed}pp")


def _short(one: Penetration) -> Text:
    share, gap = (f"{ppm / 10_000:.1f}".removesuffix(".0") for ppm in (one.share, one.gap))
    return say.same(f"{share}% ({gap.replace('-', '−') if one.gap < 0 else f'+{gap}'} pp)")


def gaps_picture(found: Sequence[Penetration], policies: Policies) -> Picture | None:
    """Return the widest gaps below the peers as pairs of bars; None where there is none."""
    widest = sorted((one for one in found if one.gap < 0 and one.customers), key=lambda one: one.gap)[:MOST_GAPS]
    if not widest:
        return None
    bars = []
    for one in widest:
        kind, segment = class_title(one.product_class), policies.segments[one.segment].title.text
        label = Text(f"{segment.zh} · {kind.zh}", f"{segment.en} · {kind.en}")
        bars += [
            Bar(label, one.share / 1e4, say.percent(one.share / 1e6), BarRole.CHOSEN),
            Bar(label, one.peers / 1e4, Text(f"其余客户 {one.peers / 1e4:.1f}%", f"others {one.peers / 1e4:.1f}%")),
        ]
    first = widest[0]
    said, kind = gap_in_words(first), class_title(first.product_class)
    segment = policies.segments[first.segment].title.text
    alt = Text(
        f"差距最大的是{segment.zh}的{kind.zh}：{said.zh}。",
        f"The widest gap is {kind.en.lower()} among {segment.en.lower()}: {said.en}.",
    )
    title = Text("哪些客群少了哪些产品", "Which segments lack which products")
    return Picture("gaps", title, alt, Bars(tuple(bars)), alt)


def proposal_table(legs: Sequence[LegRuling], title: Text) -> Table:
    """Return a bundle's legs, each with whom it is for and its own result."""
    rows = tuple(
        (
            Cell(one.product.title.text),
            Cell(PRODUCT_LINES[one.product.line]),
            Cell(say.same(masked_number(one.party)) if one.party else _DASH),
            Cell(_DASH if one.product.risk is None else say.same(f"R{one.product.risk.level}")),
            Cell(one.ruling.sentence, Tone.GOOD if one.ruling.open else Tone.BAD),
        )
        for one in legs
    )
    columns = (
        Column(Text("产品", "Leg")),
        Column(Text("条线", "Line")),
        Column(Text("给谁", "For")),
        Column(Text("风险", "Risk")),
        Column(Text("结果", "Result")),
    )
    return Table("proposal", title, columns, rows)
