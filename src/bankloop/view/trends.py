"""A trend: one figure day by day, its days named at the ends, the last one marked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bankloop.view.figures import Scale, Trend
from bankloop.view.paper import ACCENT, INK, LINE, SIZE, START, PaperFrame, data_of, finish, lookup, room, scaled, ticks

_HIGH, _BELOW, _RIGHT = 130, 30, 64


def trend_spec(chart: Trend, frame: PaperFrame) -> dict[str, Any]:
    """Return the specification of a trend: change since its first day, in points; the peak that a fall is from is marked."""
    import altair as alt

    begin = chart.points[0].day
    rows = [{"x": (one.day - begin).days, "y": one.share} for one in chart.points]
    ys, span = [row["y"] for row in rows], max(rows[-1]["x"], 1)
    pad = (max(ys) - min(ys)) * 0.12 or 0.01
    x_at = [0, span // 2, span]
    x_words = [f"{begin + timedelta(days=at):%m-%d}" for at in x_at]
    y_at = ticks(min(ys) - pad, max(ys) + pad, 3)
    y_words = [frame.words(scaled(at, Scale.POINTS)) for at in y_at]
    x_axis = alt.Axis(
        values=x_at, labelExpr=lookup(x_at, x_words), title=None, grid=False, labelPadding=6, domainColor=LINE
    )
    y_axis = alt.Axis(values=y_at, labelExpr=lookup(y_at, y_words), title=None, labelPadding=6)
    x = alt.X("x:Q", axis=x_axis, scale=alt.Scale(domain=[0, span], nice=False))
    y = alt.Y("y:Q", axis=y_axis, scale=alt.Scale(domain=[min(ys) - pad, max(ys) + pad], nice=False, zero=False))
    colour = ACCENT if chart.marked else START
    last = {**rows[-1], "label": frame.words(chart.said)}
    fallen = [row for row, one in zip(rows, chart.points, strict=True) if chart.since and one.day >= chart.since]
    layers = [data_of(rows).mark_line(color=START, strokeWidth=1.5).encode(x=x, y=y)]
    if chart.marked and fallen:
        layers.append(data_of(fallen).mark_line(color=ACCENT, strokeWidth=3).encode(x=x, y=y))
    layers += [
        data_of([last]).mark_point(filled=True, size=60, opacity=1, color=colour).encode(x=x, y=y),
        data_of([last]).mark_text(align="left", dx=8, color=INK, fontSize=SIZE, fontWeight="bold" if chart.marked else "normal").encode(x=x, y=y, text="label:N"),
    ]  # fmt: skip
    return finish(layers, frame, max(room(words) for words in y_words) + 12, _RIGHT, _HIGH, _BELOW)
