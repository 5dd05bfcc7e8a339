"""A customer's needs as people see them: how assets are spread and might be, what is missing, which services suit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bankloop.kit.text import Text
from bankloop.loop.offering.needs import AllocationLine, BasicGap, CustomerNeeds
from bankloop.loop.spec import Policies
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone

ASSETS: Mapping[str, Text] = {
    "demand_deposit": Text("活期", "Demand deposit"),
    "term_deposit": Text("定期", "Term deposit"),
    "wealth": Text("理财", "Wealth"),
    "fund": Text("基金", "Fund"),
    "insurance": Text("保险", "Insurance"),
}
KINDS: Mapping[str, Text] = {
    "health": Text("健康", "health"),
    "travel": Text("出行", "travel"),
    "education": Text("教育", "education"),
    "culture": Text("文化", "culture"),
    "life": Text("生活", "daily life"),
}
_WHOLE = 1_000_000
_NOTHING = say.same("—")


def allocation_picture(found: Sequence[AllocationLine]) -> Picture:
    """Return the shares now and proposed as pairs of bars."""
    bars = [
        bar
        for one in found
        for bar in (
            Bar(ASSETS[one.asset_class], one.share / 1e4, say.percent(one.share / _WHOLE), BarRole.PLAIN),
            Bar(ASSETS[one.asset_class], one.target / 1e4, _proposed(one), BarRole.CHOSEN),
        )
    ]
    zh = "，".join(f"{ASSETS[one.asset_class].zh} {_ways(one).zh}" for one in found)
    en = ", ".join(f"{ASSETS[one.asset_class].en.lower()} {_ways(one).en}" for one in found)
    alt = Text(f"现在与建议：{zh}。", f"Now and proposed: {en}.")
    return Picture("allocation", Text("资产配置：现在与建议", "Assets: now and proposed"), alt, Bars(tuple(bars)), alt)


def _proposed(one: AllocationLine) -> Text:
    share = say.percent(one.target / _WHOLE)
    return Text(f"建议 {share.zh}", f"proposed {share.en}")


def _ways(one: AllocationLine) -> Text:
    now, then = say.percent(one.share / _WHOLE), say.percent(one.target / _WHOLE)
    return Text(f"{now.zh} → {then.zh}", f"{now.en} → {then.en}")


def allocation_table(found: Sequence[AllocationLine]) -> Table:
    """Return each class with share and amount now and proposed, its product, and what is capped and why."""
    columns = (
        Column(Text("类别", "Class")),
        Column(Text("现在", "Now"), number=True),
        Column(Text("建议", "Proposed"), number=True),
        Column(Text("现有金额", "Amount now"), number=True),
        Column(Text("建议金额", "Amount proposed"), number=True),
        Column(Text("产品", "Product")),
        Column(Text("说明", "Why")),
    )
    rows = tuple(
        (
            Cell(ASSETS[one.asset_class]),
            Cell(say.percent(one.share / _WHOLE)),
            Cell(say.percent(one.target / _WHOLE), Tone.ACCENT),
            Cell(Text("已遮盖", "masked") if one.fen is None else say.money(one.fen)),
            Cell(Text("已遮盖", "masked") if one.target_fen is None else say.money(one.target_fen)),
            Cell(_product(one), drill=f"products/{one.product.key}" if one.product else None),
            Cell(one.capped or _NOTHING, Tone.WARN if one.capped else Tone.PLAIN),
        )
        for one in found
    )
    note = Text(
        "建议不超过客户的风险承受能力，合计 100%；没有可推介产品的一份留在定期。只供沟通，不会自动发送。",
        "Nothing proposed is beyond the customer's risk tolerance, and all sums to 100%; a share of which nothing is "
        "open stays on deposit. It is for a conversation: nothing is sent.",
    )
    return Table("allocation-lines", Text("资产配置建议", "Proposed allocation"), columns, rows, note)


def _product(one: AllocationLine) -> Text:
    if one.product is None:
        return _NOTHING
    level = f" R{one.product.risk.level}" if one.product.risk else ""
    return Text(f"{one.product.title.text.zh}{level}", f"{one.product.title.text.en}{level}")


def basics_table(found: CustomerNeeds) -> Table:
    """Return what a customer should have and has not, each with what to offer."""
    rows = tuple((Cell(one.title.text), Cell(one.offer.text, Tone.ACCENT)) for one in found.basics)
    columns = (Column(Text("还没有", "Missing")), Column(Text("可以做", "What to offer")))
    return Table("basics", Text("基础产品缺口", "Missing basics"), columns, rows)


def services_table(found: CustomerNeeds) -> Table:
    """Return the services that suit a customer."""
    rows = tuple((Cell(one.title.text), Cell(KINDS[one.kind], tag=True)) for one in found.services)
    columns = (Column(Text("增值服务", "Service")), Column(Text("类别", "Kind")))
    return Table("services", Text("适合的增值服务", "Services that suit"), columns, rows)


def gaps_table(found: Sequence[BasicGap], policies: Policies) -> Table:
    """Return how many lack each basic product, in all and by segment; a count opens the audience of those who do."""
    keys = list(policies.segments)
    columns = (
        Column(Text("基础产品", "Basic product")),
        Column(Text("应有", "Should have it"), number=True),
        Column(Text("没有", "Have not"), number=True),
        Column(Text("缺口", "Gap"), number=True),
        *(Column(policies.segments[key].title.text, number=True) for key in keys),
        Column(Text("可以做", "What to offer")),
    )
    rows = tuple(
        (
            Cell(one.basic.title.text),
            Cell(say.count(one.among)),
            Cell(say.count(one.lacking), drill=f"audiences?expression={quote(one.basic.lacking)}"),
            Cell(_NOTHING if not one.among else say.percent(one.lacking / one.among)),
            *(Cell(say.count(one.by_segment[key])) for key in keys),
            Cell(one.basic.offer.text),
        )
        for one in found
    )
    return Table("gaps", Text("基础产品缺口", "Gaps in basic products"), columns, rows)
