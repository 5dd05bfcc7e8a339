"""Pure rules of triggers: whether what happened completes one, in whatever order it became known; when it may act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from bankloop.customer.event import SeenEvent
from bankloop.journey.trigger.contracts import TriggerSpec, When, WhenKind
from bankloop.journey.trigger.reader import PREFIX
from bankloop.kit.text import Text
from bankloop.loop.audience import EXCLUSIONS, UNTOLD

Meets = Callable[[SeenEvent], bool]
# Beside the hours of the bank's policies, at noon (most nap or eat), and on days off nobody is written to.
NOON = (time(12), time(14))
_MOST_DAYS_OFF = 60
QUIET_HOURS = Text("安静时段，到可联系时再发", "customers are left alone now; it waits until they are not")
REASONS: Mapping[str, Text] = {
    "trigger.rest": Text("这位客户刚触发过，仍在间隔期内", "it fired for this customer a moment ago and rests"),
    "trigger.late": Text("事件报得太晚，不再提醒", "the event became known too late to act on"),
    "trigger.no_channel": Text("没有可用的渠道", "no channel is open to this customer"),
    "trigger.no_keeper": Text("没有机构管理这位客户", "no unit keeps this customer"),
    "trigger.withdrawn": Text("触发器已停用或改动未批", "the trigger was stopped, or is not approved as it is"),
    "trigger.came": Text("等候期内事情发生了", "what was waited for came in time"),
    "trigger.quiet_hours": QUIET_HOURS,
    "trigger.absence": Text("等候期未满", "it waits whether nothing comes"),
    "screen": Text("产品货架不允许", "its product's place on the shelf does not allow it"),
    "consent": Text("客户未同意或已停止联系", "the customer does not allow it"),
    "declined": Text("客户近期拒绝过同一推介", "the customer declined this offer lately"),
    "capacity": Text("当天容量已满", "the day's capacity is used up"),
    UNTOLD: Text("本次不联系（不细分原因）", "left alone this time; not told apart further"),
    **{
        f"excluded:{one.code}": Text("标准排除：{why}", "left out by a standard exclusion: {why}").filled(why=one.title)
        for one in EXCLUSIONS
    },
    "cap": Text("超过频次上限", "it would break a cap on how often customers are contacted"),
}


def reason_of(code: str) -> Text:
    """Return why something was held back, in words: of the gate's own names the part before the colon says it."""
    known = REASONS.get(code) or REASONS.get(code.partition(":")[0])
    return known or Text(f"触达闸拒绝：{code}", f"the contact gate refused it: {code}")


def row_of(event: SeenEvent | None, state: Mapping[str, Any], names: Sequence[str], today: date) -> dict[str, Any]:
    """Return what a condition reads: the event's fields under ``event_``, the customer's attributes, the day."""
    row: dict[str, Any] = {**dict.fromkeys(names), **{name: state.get(name) for name in names}}
    if event is not None:
        told = {**event.fields, "channel": event.channel, "type": event.type}
        row |= {name: told.get(name.removeprefix(PREFIX)) for name in names if name.startswith(PREFIX)}
    return row | {"today": today}


def completed(when: When, event: SeenEvent, history: Sequence[SeenEvent], meets: Meets) -> Iterator[SeenEvent]:
    """Yield the events at which ``event`` completes what a trigger waits for.

    ``history`` are the customer's events that it reads, ``event`` among them, in any order. A late event completes a
    sequence at its last step, whenever that became known: the same whatever the order.
    """
    if when.kind in (WhenKind.EVENT, WhenKind.ABSENCE):
        if event.type in when.events and meets(event):
            yield event
    elif when.kind is WhenKind.COUNT:
        if event.type in when.events and meets(event) and _counted(when, event, history, meets):
            yield event
    elif when.kind is WhenKind.SEQUENCE and event.type in when.events:
        for last in history:
            if last.type == when.events[-1] and meets(last) and _chain(when, last, history):
                yield last


def _counted(when: When, event: SeenEvent, history: Sequence[SeenEvent], meets: Meets) -> bool:
    """Return whether some window holds ``event`` and enough others, and none of what keeps it from counting."""
    moments = sorted(one.occurred_at for one in history if one.type in when.events and meets(one))
    against = [one.occurred_at for one in history if one.type in when.without]
    for at in range(len(moments) - when.times + 1):
        first, last = moments[at], moments[at + when.times - 1]
        if last - first > when.within or not first <= event.occurred_at <= last:
            continue
        if not any(first <= moment <= first + when.within for moment in against):
            return True
    return False


def _chain(when: When, last: SeenEvent, history: Sequence[SeenEvent]) -> bool:
    """Return whether the steps before ``last`` were taken in their order and within the window: the latest are."""
    before = last
    for step in reversed(when.events[:-1]):
        found = [
            one for one in history if one.type == step and one is not before and one.occurred_at <= before.occurred_at
        ]
        if step == before.type:
            found = [one for one in found if (one.occurred_at, one.event_id) < (before.occurred_at, before.event_id)]
        if not found:
            return False
        before = max(found, key=lambda one: (one.occurred_at, one.event_id))
    return last.occurred_at - before.occurred_at <= when.within


def came_since(when: When, since: datetime, history: Sequence[SeenEvent]) -> bool:
    """Return whether what an absence waits for came after a moment and in time."""
    return any(one.type in when.without and since < one.occurred_at <= since + when.within for one in history)


def held_back(trigger: TriggerSpec, at: datetime, now: datetime, before: Sequence[datetime]) -> str:
    """Return the code of what holds a trigger back at an event, '' where nothing does.

    ``before`` are the moments of events at which it fired for the customer, earlier and later ones: a late event within
    its rest is at rest too.
    """
    if now - at > trigger.fresh + trigger.when.within * (trigger.when.kind is WhenKind.ABSENCE):
        return "trigger.late"
    if any(abs(at - one) < trigger.rest for one in before):
        return "trigger.rest"
    return ""


def open_from(now: datetime, quiet: tuple[time, time], is_open: Callable[[date], bool]) -> datetime:
    """Return when customers may next be contacted: ``now`` where they may, in the zone that it is in."""
    start, end = quiet
    moment = now
    for _ in range(_MOST_DAYS_OFF):
        at, day = moment.time(), moment.date()
        if not is_open(day) or (start > end and at >= start):
            moment = datetime.combine(day + timedelta(days=1), end, moment.tzinfo)
        elif at < end and (start > end or start <= at):
            moment = datetime.combine(day, end, moment.tzinfo)
        elif NOON[0] <= at < NOON[1]:
            return datetime.combine(day, NOON[1], moment.tzinfo)
        else:
            break
    return moment
