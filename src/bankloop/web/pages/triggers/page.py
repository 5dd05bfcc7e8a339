"""Triggers as figures, pictures and tables: fired and held back by trigger and day, why, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bankloop.journey.trigger import DayCount, Firing, FiringState, HeldBack, TriggerNotice, TriggerSpec
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Figure, Picture, Table, Tone

DAYS = 7
STATES: Mapping[FiringState, tuple[Text, Tone]] = {
    FiringState.FIRED: (Text("已触发", "fired"), Tone.GOOD),
    FiringState.SUPPRESSED: (Text("被抑制", "held back"), Tone.WARN),
    FiringState.WAITING: (Text("等候", "waiting"), Tone.PLAIN),
    FiringState.OVER: (Text("不再需要", "over"), Tone.PLAIN),
}
STANDING: Mapping[str, tuple[Text, Tone]] = {
    "in_force": (Text("生效", "in force"), Tone.GOOD),
    "changed": (Text("改动未批，原版生效", "changed; the approved one acts"), Tone.WARN),
    "draft": (Text("未批准", "not approved"), Tone.WARN),
    "stopped": (Text("已停用", "stopped"), Tone.BAD),
}
_NONE = say.same("—")
# Each event of such a trigger waits for months: the table of reasons counts them, the latest are told without them.
ABSENCE = "trigger.absence"


def triggers_book(
    titles: Mapping[str, Text],
    days: Sequence[DayCount],
    latency: tuple[int | None, int | None],
    held: Sequence[HeldBack],
    latest: Sequence[Firing],
    notices: Sequence[TriggerNotice],
    rules: Table,
    zone: ZoneInfo,
) -> Book:
    """Return the page of what triggers did in the last days."""
    fired, back = sum(one.fired for one in days), sum(one.suppressed for one in days)
    answer = Text(
        "近 {days} 天触发 {fired} 次，抑制 {back} 次。", "In {days} days: fired {fired} times, held back {back}."
    )
    figures = (
        Figure(Text("触发", "Fired"), say.count(fired), Text("效果已产生", "with their effect")),
        Figure(Text("抑制", "Held back"), say.count(back), Text("都记有原因", "each with its reason")),
        Figure(
            Text("时延 p50", "Latency, p50"),
            _took(latency[0]),
            Text("从收到事件到产生效果", "from taken in to the effect"),
        ),
        Figure(Text("时延 p99", "Latency, p99"), _took(latency[1]), Text("百分之一更慢", "one in a hundred is slower")),
    )
    told = answer.filled(days=DAYS, fired=fired, back=back)
    tables = (_notices(titles, notices, zone), _by_day(titles, days), _why(titles, held), _latest(titles, latest, zone))
    shown = tuple(one for one in tables if one.rows)
    return Book("triggers", Text("触发器", "Triggers"), told, figures, _picture(titles, days), (*shown, rules))


def rules_table(rules: Mapping[str, TriggerSpec], standing: Mapping[str, str]) -> Table:
    """Return the triggers of the bank's file with how each stands."""
    columns = (
        Column(Text("触发器", "Trigger")),
        Column(Text("名称", "Name")),
        Column(Text("做什么", "Does")),
        Column(Text("状态", "Stands")),
    )
    rows = []
    for name, one in rules.items():
        state, tone = STANDING[standing[name]]
        does = [next(iter(effect)) for effect in _then(one)]
        rows.append(
            (
                Cell(one.title),
                Cell(say.same(name), drill=f"/triggers/rules/{name}"),
                Cell(_joined(does)),
                Cell(state, tone, tag=True),
            )
        )
    note = Text(
        "点名称打开规则：修改、试跑、提交审批；也可以在 triggers.yaml 里写，用 bankloop trigger test、submit。",
        "A name opens its rule: changed, tried, submitted there; or written in triggers.yaml, with bankloop trigger "
        "test and submit.",
    )
    return Table("rules", Text("全部触发器", "All triggers"), columns, tuple(rows), note)


_DOES: Mapping[str, Text] = {
    "task": Text("任务", "task"),
    "notice": Text("通知", "notice"),
    "contact": Text("联系客户", "contact"),
}


def _then(one: TriggerSpec) -> Sequence[Mapping[str, object]]:
    then = one.content["then"]
    assert isinstance(then, list)
    return then


def _joined(names: Sequence[str]) -> Text:
    said = [_DOES[name.partition(":")[0]] for name in names]
    return Text("、".join(one.zh for one in said), ", ".join(one.en for one in said))


def _took(milliseconds: int | None) -> Text:
    """Return a latency as people read it."""
    if milliseconds is None:
        return _NONE
    if milliseconds < 1_000:
        return Text(f"{milliseconds} 毫秒", f"{milliseconds} ms")
    return Text(f"{milliseconds / 1_000:.1f} 秒", f"{milliseconds / 1_000:.1f} s")


def _titled(titles: Mapping[str, Text], name: str) -> Text:
    return titles.get(name, say.same(name))


def _picture(titles: Mapping[str, Text], days: Sequence[DayCount]) -> tuple[Picture, ...]:
    """Return fired and held back by trigger as bars that stand together."""
    fired, back = Counter[str](), Counter[str]()
    for one in days:
        fired[one.trigger] += one.fired
        back[one.trigger] += one.suppressed
    bars = []
    for name in sorted({*+fired, *+back}, key=lambda name: (-fired[name], name)):
        for count, role, state in (
            (fired[name], BarRole.CHOSEN, FiringState.FIRED),
            (back[name], BarRole.PLAIN, FiringState.SUPPRESSED),
        ):
            said = Text("{state} {n}", "{n} {state}").filled(state=STATES[state][0], n=f"{count:,}")
            bars.append(Bar(_titled(titles, name), count, said, role))
    if not any(bar.value for bar in bars):
        return ()
    alt = Text(
        "每个触发器近几天触发和被抑制的次数。", "How often each trigger fired and was held back in the last days."
    )
    return (Picture("fired", Text("触发与抑制", "Fired and held back"), alt, Bars(tuple(bars))),)


def _by_day(titles: Mapping[str, Text], days: Sequence[DayCount]) -> Table:
    columns = (
        Column(Text("日期", "Day")),
        Column(Text("触发器", "Trigger")),
        Column(Text("触发", "Fired"), number=True),
        Column(Text("抑制", "Held back"), number=True),
        Column(Text("时延 p50", "Latency p50"), number=True),
        Column(Text("时延 p99", "Latency p99"), number=True),
    )
    rows = tuple(
        (
            Cell(say.same(one.day.isoformat())),
            Cell(_titled(titles, one.trigger)),
            Cell(say.count(one.fired)),
            Cell(say.count(one.suppressed)),
            Cell(_took(one.p50_ms)),
            Cell(_took(one.p99_ms)),
        )
        for one in sorted(days, key=lambda one: (-one.day.toordinal(), one.trigger))
        if one.fired or one.suppressed
    )
    return Table("days", Text("按触发器和日期", "By trigger and day"), columns, rows)


def _why(titles: Mapping[str, Text], held: Sequence[HeldBack]) -> Table:
    columns = (
        Column(Text("触发器", "Trigger")),
        Column(Text("原因", "Reason")),
        Column(Text("次数", "Times"), number=True),
    )
    rows = tuple((Cell(_titled(titles, one.trigger)), Cell(one.reason), Cell(say.count(one.count))) for one in held)
    return Table("held", Text("为什么没有触发，或还在等", "Why it did not fire, or waits"), columns, rows)


def _latest(titles: Mapping[str, Text], latest: Sequence[Firing], zone: ZoneInfo) -> Table:
    columns = (
        Column(Text("收到", "Taken in")),
        Column(Text("触发器", "Trigger")),
        Column(Text("客户", "Customer")),
        Column(Text("结果", "Came to")),
        Column(Text("效果或原因", "Effect or reason")),
    )
    rows = []
    for one in (one for one in latest if one.code != ABSENCE):
        state, tone = STATES[one.state]
        why = _joined(one.effects) if one.effects else one.reason
        link = f"/customers/{one.customer_no}"
        rows.append(
            (
                Cell(say.same(f"{one.accepted_at.astimezone(zone):%m-%d %H:%M:%S}")),
                Cell(_titled(titles, one.trigger)),
                Cell(say.same(say.masked_number(one.customer_no)), drill=link),
                Cell(state, tone, tag=True),
                Cell(why),
            )
        )
    return Table("latest", Text("最近", "Latest"), columns, tuple(rows))


def _notices(titles: Mapping[str, Text], notices: Sequence[TriggerNotice], zone: ZoneInfo) -> Table:
    columns = (
        Column(Text("时间", "At")),
        Column(Text("通知", "Notice")),
        Column(Text("客户", "Customer")),
        Column(Text("触发器", "Trigger")),
    )
    rows = tuple(
        (
            Cell(say.same(f"{one.made_at.astimezone(zone):%m-%d %H:%M:%S}")),
            Cell(one.title),
            Cell(say.same(say.masked_number(one.customer_no)), drill=f"/customers/{one.customer_no}"),
            Cell(_titled(titles, one.trigger)),
        )
        for one in notices
    )
    return Table("notices", Text("给您的通知", "Notices to you"), columns, rows)
