"""Channels as tables and figures: the map by level, the matrix of connections, the three online rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.performance.channels import ChannelLine, Connectivity, OnlineKind, OnlineRate
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone

LEVELS: Mapping[str, Text] = {
    "L1": Text("L1 核心", "L1 core"),
    "L2": Text("L2 行内", "L2 the bank's own"),
    "L3": Text("L3 合作方", "L3 partner"),
}
DELIVERIES: Mapping[str, Text] = {
    "file": Text("名单文件", "file of people"),
    "task": Text("员工任务", "task of staff"),
    "slot": Text("客户来看时决定", "decided while customers look"),
}
CONNECTIONS: Mapping[Connectivity, Text] = {
    Connectivity.TRANSACTION: Text("交易贯通", "Transactions"),
    Connectivity.MARKETING: Text("营销贯通", "Marketing"),
    Connectivity.SERVICE: Text("服务贯通", "Service"),
    Connectivity.DATA: Text("数据贯通", "Data"),
}
RATES: Mapping[OnlineKind, Text] = {
    OnlineKind.PRODUCT: Text("产品在线", "Products online"),
    OnlineKind.SERVICE: Text("服务在线", "Services online"),
    OnlineKind.MARKETING: Text("营销在线", "Plays online"),
}
_YES, _NO = Text("是", "yes"), Text("否", "no")
_NOTHING = say.same("—")


def rate_figures(found: Sequence[OnlineRate]) -> tuple[Figure, ...]:
    """Return the three online rates, each with how many of how many."""
    return tuple(
        Figure(
            RATES[one.kind],
            _NOTHING if one.share is None else say.percent(one.share, 0),
            Text(f"{one.total} 个中 {one.online} 个", f"{one.online} of {one.total}"),
        )
        for one in found
    )


def channel_table(found: Sequence[ChannelLine]) -> Table:
    """Return the channels by level, the core first: how each delivers, what a day carries and a thousand cost."""
    columns = (
        Column(Text("渠道", "Channel")),
        Column(Text("层级", "Level")),
        Column(Text("方式", "How")),
        Column(Text("每天", "A day"), number=True),
        Column(Text("每千次", "A thousand cost"), number=True),
        Column(Text("事件来源", "Events from")),
    )
    rows = tuple(
        (
            Cell(one.title),
            Cell(LEVELS[one.level], Tone.ACCENT if one.level == "L1" else Tone.PLAIN, tag=True),
            Cell(DELIVERIES[one.delivery]),
            Cell(Text("不限", "no limit") if one.per_day is None else say.count(one.per_day)),
            Cell(say.money(one.cost_per_thousand)),
            Cell(Text("、".join(one.feed), ", ".join(one.feed)) if one.feed else _NOTHING),
        )
        for one in found
    )
    return Table("channels", Text("渠道图", "Channel map"), columns, rows)


def connection_table(found: Sequence[ChannelLine]) -> Table:
    """Return the matrix of channels and connections, each with how often it happened."""
    columns = (Column(Text("渠道", "Channel")), *(Column(title) for title in CONNECTIONS.values()))
    rows = tuple((Cell(one.title), *(_cell(one, kind) for kind in CONNECTIONS)) for one in found)
    return Table("connections", Text("近 30 天的贯通", "Connected in the last 30 days"), columns, rows)


def _cell(one: ChannelLine, kind: Connectivity) -> Cell:
    if not one.connected(kind):
        return Cell(_NO, Tone.WARN, tag=True)
    count = say.count(one.seen[kind])
    return Cell(Text(f"{_YES.zh} · {count.zh}", f"{_YES.en} · {count.en}"), Tone.GOOD, tag=True)


def offline_table(found: Sequence[OnlineRate]) -> Table:
    """Return what is not online yet."""
    columns = (Column(Text("类别", "Kind")), Column(Text("还不在线的", "Not online")))
    rows = tuple((Cell(RATES[one.kind]), Cell(title)) for one in found for title in one.offline)
    return Table("offline", Text("还不在线的", "Not online yet"), columns, rows)
