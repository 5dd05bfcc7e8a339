"""A map: groups by two of their figures, as large as they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bankloop.view.figures import Map, Scale
from bankloop.view.paper import ACCENT, INK, QUIET, SIZE, PaperFrame, data_of, finish, lookup, room, scaled, ticks

_LEFT, _RIGHT, _HIGH, _BELOW = 44, 12, 260, 44
# Areas in square pixels: the smallest is still seen, the largest leaves room.
_SMALLEST, _LARGEST = 40, 1_400


def map_spec(chart: Map, frame: PaperFrame) -> dict[str, Any]:
    """Return the specification of a map; amounts by their root, as most groups have little."""
    import altair as alt

    largest = max((one.size for one in chart.bubbles), default=1) or 1
    rows: list[dict[str, Any]] = [
        {"x": max(one.x, 0.0), "y": one.y, "area": _SMALLEST + _LARGEST * one.size / largest,
         "label": frame.words(one.label), "fill": ACCENT if one.marked else QUIET}
        for one in sorted(chart.bubbles, key=lambda one: -one.size)
    ]  # fmt: skip
    wide, high = (
        max([row["x"] for row in rows] or [1.0]) * 1.25 or 1.0,
        max([row["y"] for row in rows] or [1.0]) * 1.25 or 1.0,
    )
    x_at = sorted(
        {0.0, wide / 16, wide / 4, wide / 2} if frame.narrow else {0.0, *(wide * k * k / 36 for k in range(1, 6))}
    )
    x_at, y_at = [_round(value) for value in x_at], ticks(0, high * 0.95, 4)
    x_words = [frame.words(scaled(v, Scale.MONEY)) for v in x_at]
    x_axis = alt.Axis(values=x_at, labelExpr=lookup(x_at, x_words), title=frame.words(chart.x_title), grid=False)
    y_axis = alt.Axis(values=y_at, title=frame.words(chart.y_title))
    x = alt.X("x:Q", axis=x_axis, scale=alt.Scale(type="sqrt", domain=[0, wide], nice=False))
    y = alt.Y("y:Q", axis=y_axis, scale=alt.Scale(domain=[0, high], nice=False))
    named = _named(rows, frame, wide, high)
    layers = [
        data_of(rows).mark_circle(opacity=0.75).encode(
            x=x, y=y, size=alt.Size("area:Q", scale=None, legend=None), color=alt.Color("fill:N", scale=None)
        ),
        *[data_of([row]).mark_text(dy=row["down"], align="left", dx=row["right"], color=INK, fontSize=SIZE).encode(x=x, y=y, text="label:N") for row in named],
    ]  # fmt: skip
    return finish(layers, frame, _LEFT, _RIGHT, _HIGH, _BELOW)


def _named(rows: Sequence[dict[str, Any]], frame: PaperFrame, wide: float, high: float) -> list[dict[str, Any]]:
    """Return the rows whose name finds room: right, left, above or below its circle, within the paper and off other names."""
    width = frame.width - _LEFT - _RIGHT
    taken: list[tuple[float, float, float, float]] = []
    found: list[dict[str, Any]] = []
    for row in rows:
        at = ((row["x"] / wide) ** 0.5 * width, _HIGH * (1 - row["y"] / high))
        radius, words = (row["area"] / 3.14) ** 0.5 + 4, room(row["label"])
        places = ((radius, 0.0), (-radius - words, 0.0), (-words / 2, -radius - 6), (-words / 2, radius + 8))
        for right, down in places:
            box = (at[0] + right, at[1] + down - 8, at[0] + right + words, at[1] + down + 8)
            clear = all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in taken)
            if clear and box[0] >= -_LEFT / 2 and box[2] <= width + _RIGHT and box[1] >= 0 and box[3] <= _HIGH:
                taken.append(box)
                found.append({**row, "right": right, "down": down})
                break
    return found


def _round(value: float) -> float:
    """Return an amount in fen to two digits, as an axis says it."""
    return float(f"{value:.1e}")
