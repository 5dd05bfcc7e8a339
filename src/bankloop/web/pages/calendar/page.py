"""The calendar as tables: campaigns by week, and what clashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bankloop.kit.text import Text
from bankloop.loop.campaign.calendar import CalendarConflict, CalendarEntry
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.pages.calendar.words import STATES

WEEKS = 8
_TONES: Mapping[str, Tone] = {
    "running": Tone.GOOD,
    "scheduled": Tone.ACCENT,
    "undated": Tone.WARN,
    "waiting": Tone.WARN,
    "over": Tone.PLAIN,
}
_NOTHING = say.same("")


def first_week(today: date) -> date:
    """Return the Monday with which the calendar begins, a week before that of today."""
    return today - timedelta(days=today.weekday() + 7)


def calendar_table(entries: Sequence[CalendarEntry], today: date) -> Table:
    """Return a row a campaign and a column a week: what runs then, and on which days."""
    begins = first_week(today)
    weeks = [begins + timedelta(days=7 * place) for place in range(WEEKS)]
    columns = (Column(Text("战役", "Campaign")), Column(Text("状态", "State")), *(Column(_week(one)) for one in weeks))
    rows = []
    for name in dict.fromkeys(one.campaign for one in entries):
        own = [one for one in entries if one.campaign == name]
        newest = own[-1]
        state = Cell(STATES[newest.state], _TONES[newest.state], tag=True)
        rows.append((Cell(newest.title, drill=f"campaigns/{name}"), state, *(_cell(own, week) for week in weeks)))
    return Table("calendar", Text("按周", "By week"), columns, tuple(rows))


def _week(monday: date) -> Text:
    return say.same(f"{monday:%m-%d}")


def _cell(own: Sequence[CalendarEntry], monday: date) -> Cell:
    sunday = monday + timedelta(days=6)
    inside = [
        one
        for one in own
        if one.since is not None and one.until is not None and one.since <= sunday and one.until >= monday
    ]
    if not inside:
        return Cell(_NOTHING)
    days = "、".join(dict.fromkeys(f"{one.since:%m-%d}–{one.until:%m-%d}" for one in inside))
    return Cell(Text(days, days.replace("、", ", ")), _TONES[inside[-1].state], tag=True)


def conflict_table(found: Sequence[CalendarConflict], channels: Mapping[str, Text]) -> Table:
    """Return what clashes: which campaigns, from which day, over which channel, and how many customers."""
    columns = (
        Column(Text("从", "From")),
        Column(Text("战役", "Campaigns")),
        Column(Text("渠道", "Channel")),
        Column(Text("上限", "Cap")),
        Column(Text("客户", "Customers"), number=True),
        Column(Text("说明", "What it means")),
    )
    everywhere = Text("全部渠道", "all channels")
    rows = tuple(
        (
            Cell(say.same(f"{one.since:%Y-%m-%d}")),
            Cell(Text("、".join(one.campaigns), ", ".join(one.campaigns))),
            Cell(channels.get(one.channel, everywhere)),
            Cell(Text(f"{one.days} 天 {one.limit} 次", f"{one.limit} in {one.days} days")),
            Cell(say.count(one.customers), Tone.WARN),
            Cell(one.sentence),
        )
        for one in found
    )
    return Table("conflicts", Text("冲突", "Conflicts"), columns, rows)
