"""What stands beside a plan as people see it: tables and a picture of ways, levers, who is next, who lost, who is reached."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text
from bankloop.loop.reach import WAYS, Way
from bankloop.report.record import PlanRecord
from bankloop.report.simulated_truth import ORACLE, PLAN
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone

_PLAN = Text("这份方案", "This plan")
_KINDS: Mapping[str, Text] = {
    "age": Text("年龄", "Age"),
    "gender": Text("性别", "Gender"),
    "region": Text("地区", "Region"),
}
_GROUPS: Mapping[str, Text] = {"F": Text("女", "Women"), "M": Text("男", "Men")}
_LEVERS: Mapping[str, Text] = {
    "campaign": Text("停掉战役", "Without the campaign"),
    "channel": Text("停掉渠道", "Without the channel"),
}


def ways_picture(record: PlanRecord) -> Picture | None:
    """Return the plan's value beside what simpler ways come to with the same customers and limits."""
    ways = record.beside.ways
    if not ways:
        return None
    best = max(ways, key=lambda one: one.value)
    plan, other = say.money(record.objective), say.money(best.value)
    named = WAYS[Way(best.way)]
    more = say.percent(record.objective / best.value - 1.0) if best.value > 0 else say.same("—")
    alt = Text(
        f"方案价值 {plan.zh}；最好的简单做法是“{named.zh}”，{other.zh}，方案多 {more.zh}。",
        f"The plan is worth {plan.en}; the best of the simple ways, {named.en.lower()}, {other.en}: the plan {more.en} more.",
    )
    bars = [Bar(_PLAN, record.objective / 100.0, plan, BarRole.CHOSEN)]
    bars += [Bar(WAYS[Way(one.way)], max(one.value, 0.0) / 100.0, say.money(one.value)) for one in sorted(ways, key=lambda w: -w.value)]  # fmt: skip
    title = Text("同样的客户和上限，换个给法值多少", "The same customers and limits, given out in other ways")
    return Picture("ways", title, alt, Bars(tuple(bars)), alt)


def truth_picture(record: PlanRecord) -> Picture | None:
    """Return what the plan, the simple ways and the oracle are truly worth; None where no simulator knows it."""
    lines = {one.way: one for one in record.beside.truth}
    if not lines:
        return None
    oracle, plan = lines[ORACLE], lines[PLAN]
    share = say.percent(plan.value / oracle.value) if oracle.value > 0 else say.same("—")
    alt = Text(
        f"只有模拟行知道真值：方案真值 {say.money(plan.value).zh}，是先知 {say.money(oracle.value).zh} 的 {share.zh}。真实的银行没有这一栏。",
        f"Only the simulator knows the truth: the plan is truly worth {say.money(plan.value).en}, {share.en} of the oracle's "
        f"{say.money(oracle.value).en}. A real bank has no such card.",
    )
    titles = {ORACLE: Text("先知（按真值分配）", "Oracle (plans by the truth)"), PLAN: _PLAN}
    bars = tuple(
        Bar(titles.get(one.way) or WAYS[Way(one.way)], max(one.value, 0.0) / 100.0, say.money(one.value), BarRole.CHOSEN if one.way == PLAN else BarRole.PLAIN)
        for one in sorted(lines.values(), key=lambda line: -line.value)
    )  # fmt: skip
    title = Text("模拟行的真值：离先知多远", "The simulator's truth: how far from the oracle")
    return Picture("truth", title, alt, Bars(bars), alt)


def levers_table(record: PlanRecord, channels: Mapping[str, Text]) -> Table | None:
    """Return what closing a campaign or a channel by fiat costs, everything else solved again."""
    if not record.beside.levers:
        return None
    titles = {**channels, **record.titles}
    rows = tuple(
        (
            Cell(Text(f"{_LEVERS[one.kind].zh}：{titles.get(one.key, say.same(one.key)).zh}", f"{_LEVERS[one.kind].en}: {titles.get(one.key, say.same(one.key)).en}")),
            Cell(say.money(one.value, sign=True), Tone.BAD if one.value < -0.5 else Tone.PLAIN),
            Cell(say.count(one.customers, sign=True)),
        )
        for one in sorted(record.beside.levers, key=lambda one: one.value)
    )  # fmt: skip
    columns = (
        Column(Text("行政指令", "By fiat")),
        Column(Text("价值变化", "Change of value"), number=True),
        Column(Text("触达变化", "Change of customers"), number=True),
    )
    note = Text(
        "每次只停一项，其余全部重算；客户很多时按样本推算。",
        "One thing at a time, all else solved again; on a sample where there are many customers.",
    )
    return Table("levers", Text("拍板的代价", "What decisions by fiat cost"), columns, rows, note)


def next_table(record: PlanRecord, mask: Mapping[str, str]) -> Table | None:
    """Return whom the next units of the scarce resources would reach; ``mask`` gives the number to show."""
    lines = {line.name: line for line in record.resources}
    titles = {(line.campaign, line.action): line.title for line in record.lines}
    found = [one for one in record.beside.next_in_line if one.customer_no in mask]
    if not found:
        return None
    rows = tuple(
        (
            Cell(lines[one.resource].title),
            Cell(say.same(mask[one.customer_no])),
            Cell(titles.get((one.campaign, one.action), say.same(one.action))),
            Cell(record.titles[one.campaign]),
            Cell(say.money(one.value)),
            Cell(say.price(one.missing)),
        )
        for one in found
    )
    columns = (
        Column(Text("资源", "Resource")),
        Column(Text("客户", "Customer")),
        Column(Text("动作", "Action")),
        Column(Text("战役", "Campaign")),
        Column(Text("增量价值", "Incremental value"), number=True),
        Column(Text("离中选还差", "Short of being chosen by"), number=True),
    )
    note = Text(
        "按方案的价格排队：资源再多一份，先轮到谁。", "In line at the plan's prices: whom one more unit reaches first."
    )
    return Table("next", Text("再多一份，轮到谁", "Who is next in line"), columns, rows, note)


def lost_table(record: PlanRecord) -> Table | None:
    """Return how many customers each campaign lost to which other: the bank is one sender."""
    rows = tuple(
        (
            Cell(record.titles[one.campaign]),
            Cell(record.titles[one.winner]),
            Cell(say.count(one.customers)),
            Cell(say.money(one.value)),
        )
        for one in sorted(record.beside.lost, key=lambda one: -one.value)
    )
    if not rows:
        return None
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("让给", "Lost to")),
        Column(Text("人数", "Customers"), number=True),
        Column(Text("在本战役的价值", "Worth to itself"), number=True),
    )
    return Table("lost", Text("战役之间谁让给了谁", "Which campaign lost to which"), columns, rows)


def fair_table(record: PlanRecord) -> Table | None:
    """Return who is reached by age, gender and region: none of them sets a price, and all of them are watched."""
    if not record.beside.fair:
        return None
    rows = []
    for one in record.beside.fair:
        kind, group = _KINDS[one.kind], _GROUPS.get(one.group) or _romanised(one.group)
        share = one.reached / one.customers
        rows.append(
            (
                Cell(Text(f"{kind.zh} {group.zh}", f"{kind.en} {group.en}")),
                Cell(say.count(one.customers)),
                Cell(say.percent(one.eligible / one.customers)),
                Cell(say.percent(share), bar=share),
                Cell(say.percent(one.reached / one.eligible) if one.eligible else say.same("—")),
            )
        )
    columns = (
        Column(Text("人群", "Group")),
        Column(Text("可触达客户", "Usable customers"), number=True),
        Column(Text("有值得做的", "Something pays"), number=True),
        Column(Text("进入方案", "In the plan"), number=True),
        Column(Text("有值得做的人中", "Of those for whom it pays"), number=True),
    )
    note = Text(
        "性别和地区不进模型，三者都不决定价格；很小的人群不单列。",
        "Gender and region enter no model, and none of the three sets a price; very small groups are not shown.",
    )
    return Table("fair", Text("不同人群的触达", "Who is reached, by group"), columns, tuple(rows), note)


def _romanised(name: str) -> Text:
    """Return a place's name with its sounds in Latin letters for who does not read Chinese."""
    if name.isascii() or not any("\u4e00" <= letter <= "\u9fff" for letter in name):
        return say.same(name)
    from pypinyin import lazy_pinyin  # here and not above: its dictionary takes a while to load

    return Text(name, "".join(lazy_pinyin(name.removesuffix("市"))).capitalize())
