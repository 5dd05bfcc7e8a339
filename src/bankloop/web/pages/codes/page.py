"""Channel codes as tables and pictures: all of one's scope, and what one's scans come to."""

from __future__ import annotations

from collections.abc import Sequence

from bankloop.growth.codes import STATES, ChannelCode, CodeScans, CodeState
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone

_NONE = Text("未注明", "not said")
_MOST_HOURS = 24


def tone_of(state: CodeState) -> Tone:
    """Return how a state looks."""
    return Tone.GOOD if state is CodeState.LIVE else Tone.WARN if state is CodeState.EARLY else Tone.BAD


def codes_table(found: Sequence[ChannelCode]) -> Table:
    """Return codes as a table, each leading to its page."""
    columns = (
        Column(Text("名称", "Title")),
        Column(Text("扫码", "Scans"), number=True),
        Column(Text("归属", "Whose")),
        Column(Text("状态", "State")),
        Column(Text("机构", "Unit")),
        Column(Text("截止", "Until")),
    )
    rows = tuple(
        (
            Cell(say.same(one.title), drill=f"codes/{one.code}"),
            Cell(say.count(one.scans)),
            Cell(say.same(one.staff_name)),
            Cell(STATES[one.state], tone_of(one.state), tag=True),
            Cell(one.unit),
            Cell(say.same(f"{one.until}")),
        )
        for one in found
    )
    return Table("codes", Text("范围内的渠道码", "The codes of your scope"), columns, rows)


def code_figures(told: CodeScans) -> tuple[Figure, ...]:
    """Return a code's headline numbers."""
    return (
        Figure(Text("扫码", "Scans"), say.count(told.scans)),
        Figure(
            Text("设备", "Devices"),
            say.count(told.devices),
            Text("同一设备每天计一次；次日无从辨认", "each once a day; unknown again on the next"),
        ),
        Figure(Text("未放行", "Not let in"), say.count(sum(told.refused.values())), _refused(told)),
    )


def hours_picture(told: CodeScans) -> Picture | None:
    """Return the latest hours with scans as a chart, None where there were none."""
    shown = tuple(reversed(told.by_hour[:_MOST_HOURS]))
    if not shown:
        return None
    most = max(shown, key=lambda one: one.scans)
    rows = tuple(Bar(say.same(f"{one.hour:%m-%d %H}"), float(one.scans), say.count(one.scans)) for one in shown)
    when = f"{most.hour:%m-%d %H}"
    alt = Text(f"最多的是 {when} 时，{most.scans:,} 次。", f"Most were at {when}:00: {most.scans:,}.")
    return Picture("hours", Text("按小时", "By hour"), alt, Bars(rows))


def places_table(told: CodeScans) -> Table:
    """Return scans by where the code hung."""
    columns = (Column(Text("地点", "Place")), Column(Text("扫码", "Scans"), number=True))
    rows = tuple(
        (Cell(say.same(name) if name else _NONE), Cell(say.count(many))) for name, many in told.by_place.items()
    )
    return Table("places", Text("按地点", "By place"), columns, rows)


def _refused(told: CodeScans) -> Text | None:
    if not told.refused:
        return None
    parts = [(STATES[CodeState(name)], many) for name, many in told.refused.items()]
    return Text("，".join(f"{n.zh} {k:,}" for n, k in parts), ", ".join(f"{n.en} {k:,}" for n, k in parts))
