"""Events as figures and tables: what came of those told in the last days, and what may be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bankloop.customer.event import EventType, Traffic
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone

DAYS = 7
# Why an event is refused, as whoever mends its source reads it; the answer at the door says it of each.
WHY: Mapping[str, Text] = {
    "event.type": Text("没有这种类型", "there is no such type"),
    "event.source": Text("来源不报送这种类型", "its source does not tell this type"),
    "event.field": Text("字段不认识", "a field that the type does not have"),
    "event.missing": Text("缺必填字段", "a field that it needs is missing"),
    "event.value": Text("字段的值不对", "a value that its field does not hold"),
    "event.future": Text("时间在将来", "said to happen in the future"),
    "event.too_old": Text("早于可补报的天数", "longer ago than its type goes back"),
    "event.customer": Text("没有这位客户", "of nobody the bank knows"),
    "event.no_consent": Text("客户未同意", "the customer does not allow it"),
    "event.contradicts": Text("同号不同内容", "other content under a known number"),
}


def event_figures(found: Sequence[Traffic]) -> tuple[Figure, ...]:
    """Return what came of the last days, summed over types and sources."""
    taken, late = sum(one.taken for one in found), sum(one.late for one in found)
    known, refused = sum(one.known for one in found), sum(sum(one.refused.values()) for one in found)
    told = taken + known + refused
    share = Text("收到的 {n}", "{n} of those told")
    part = say.percent(refused / told) if told else say.same("—")
    return (
        Figure(Text("收入", "Taken in"), say.count(taken), Text("近 7 天", "in the last 7 days")),
        Figure(
            Text("其中迟到", "Of them late"), say.count(late), Text("发生在此前的日子", "happened on an earlier day")
        ),
        Figure(Text("重复", "Known already"), say.count(known), Text("同号同内容，只记一次", "told again, kept once")),
        Figure(
            Text("拒绝", "Refused"), say.count(refused), Text(share.zh.format(n=part.zh), share.en.format(n=part.en))
        ),
    )


def traffic_table(found: Sequence[Traffic], types: Mapping[str, EventType], zone: ZoneInfo) -> Table:
    """Return what came of events by type and source."""
    columns = (
        Column(Text("事件", "Event")),
        Column(Text("来源", "Source")),
        Column(Text("收入", "Taken in"), number=True),
        Column(Text("迟到", "Late"), number=True),
        Column(Text("重复", "Known"), number=True),
        Column(Text("拒绝", "Refused"), number=True),
        Column(Text("最近", "Latest")),
    )
    rows = tuple(
        (
            Cell(types[one.type].title if one.type in types else Text("（无此类型）", "(no such type)")),
            Cell(say.same(one.source)),
            Cell(say.count(one.taken)),
            Cell(say.count(one.late)),
            Cell(say.count(one.known)),
            Cell(say.count(sum(one.refused.values())), Tone.BAD if one.refused else Tone.PLAIN),
            Cell(say.same(f"{one.last_at.astimezone(zone):%Y-%m-%d %H:%M}")),
        )
        for one in found
    )
    return Table("traffic", Text("近 7 天收到的事件", "Events told in the last 7 days"), columns, rows)


def refused_table(found: Sequence[Traffic]) -> Table:
    """Return why events were refused, the most frequent reason first."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in found:
        for code, count in one.refused.items():
            counted[code, one.source] += count
    columns = (
        Column(Text("原因", "Reason")),
        Column(Text("来源", "Source")),
        Column(Text("事件", "Events"), number=True),
    )
    rows = tuple(
        (Cell(WHY.get(code, say.same(code))), Cell(say.same(source)), Cell(say.count(count)))
        for (code, source), count in counted.most_common()
    )
    return Table("refused", Text("为什么拒绝", "Why events were refused"), columns, rows)


def types_table(types: Mapping[str, EventType]) -> Table:
    """Return the types with their sources, fields, and the consent that they need."""
    columns = (
        Column(Text("事件", "Event")),
        Column(Text("名称", "Name")),
        Column(Text("来源", "Told by")),
        Column(Text("字段", "Fields")),
        Column(Text("须同意", "Consent")),
    )
    rows = tuple(
        (
            Cell(one.title),
            Cell(say.same(one.name)),
            Cell(Text("、".join(one.sources), ", ".join(one.sources))),
            Cell(_fields(one)),
            Cell(_CONSENT if one.consent else say.same("—")),
        )
        for one in types.values()
    )
    return Table("types", Text("可以报送的事件", "Events that may be told"), columns, rows)


_CONSENT = Text("是", "yes")


def _fields(one: EventType) -> Text:
    if not one.fields:
        return say.same("—")
    named = [(field, "*" if field.required else "") for field in one.fields.values()]
    return Text(
        "、".join(f"{f.title.zh}{star}" for f, star in named), ", ".join(f"{f.title.en}{star}" for f, star in named)
    )
