"""A map: groups by two of their figures, as large as they are many."""

from __future__ import annotations

from typing import Any

from bankloop.report.contracts import Map, Scale
from bankloop.report.paper import ACCENT, INK, QUIET, SIZE, Frame, data_of, finish, lookup, scaled, ticks


def map_spec(chart: Map, frame: Frame) -> dict[str, Any]:
    """Return the specification of a map."""
    import altair as alt

    largest = max((one.size for one in chart.bubbles), default=1) or 1
    rows: list[dict[str, Any]] = [
        {"x": one.x, "y": one.y, "area": 40 + 1_400 * one.size / largest, "label": frame.words(one.label),
         "fill": ACCENT if one.marked else QUIET, "lift": -8 - 20 * (one.size / largest) ** 0.5}
        for one in chart.bubbles
    ]  # fmt: skip
    wide, high = [row["x"] for row in rows] or [1.0], [row["y"] for row in rows] or [1.0]
    x_at, y_at = ticks(0, max(wide) * 1.1, 3 if frame.narrow else 5), ticks(0, max(high) * 1.15, 4)
    x_words = [frame.words(scaled(v, Scale.MONEY)) for v in x_at]
    x_axis = alt.Axis(values=x_at, labelExpr=lookup(x_at, x_words), title=frame.words(chart.x_title), grid=False)
    y_axis = alt.Axis(values=y_at, title=frame.words(chart.y_title))
    x = alt.X("x:Q", axis=x_axis, scale=alt.Scale(domain=[-max(wide) * 0.08, max(wide) * 1.15], nice=False))
    y = alt.Y("y:Q", axis=y_axis, scale=alt.Scale(domain=[0, max(high) * 1.25], nice=False))
    layers = [
        data_of(rows).mark_circle(opacity=0.75).encode(
            x=x, y=y, size=alt.Size("area:Q", scale=None, legend=None), color=alt.Color("fill:N", scale=None)
        ),
        *[data_of([row]).mark_text(dy=row["lift"], color=INK, fontSize=SIZE).encode(x=x, y=y, text="label:N") for row in rows],
    ]  # fmt: skip
    return finish(layers, frame, 44, 12, 260, 44)
