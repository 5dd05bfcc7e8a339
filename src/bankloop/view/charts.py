"""From chart values to Altair charts. Room for words is reckoned here, so that no picture depends on a machine's fonts.

Colours are those of the tokens' light values; drawing turns them into the tokens themselves, which read on light and dark.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bankloop.view.figures import (
    Bar,
    BarRole,
    Bars,
    Chart,
    Curve,
    Forest,
    ForestLine,
    Map,
    Pairs,
    StepKind,
    Trend,
    Waterfall,
)
from bankloop.view.maps import map_spec
from bankloop.view.paper import (
    ACCENT,
    INK,
    INK_2,
    LINE,
    QUIET,
    RIM,
    SIZE,
    START,
    TRUTH,
    WIDE,
    WIDEST,
    PaperFrame,
    data_of,
    finish,
    lookup,
    room,
    scaled,
    ticks,
)
from bankloop.view.trends import trend_spec

_FILL = {BarRole.PLAIN: QUIET, BarRole.CHOSEN: ACCENT, BarRole.TRUTH: TRUTH}
_STEP_FILL = {StepKind.START: START, StepKind.FALL: QUIET, StepKind.END: ACCENT}


def specification(chart: Chart, frame: PaperFrame) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart on a paper of ``frame``."""
    from altair.utils.schemapi import debug_mode

    # Altair checks every part of a chart against its schema, most of the work; the tests draw every kind of chart.
    with debug_mode(False):
        return _specified(chart, frame)


def _specified(chart: Chart, frame: PaperFrame) -> dict[str, Any]:
    match chart:
        case Waterfall():
            return _waterfall(chart, frame)
        case Forest():
            return _forest(chart, frame)
        case Bars():
            return _bars(chart, frame)
        case Curve():
            return _curve(chart, frame)
        case Pairs():
            return _pairs(chart, frame)
        case Map():
            return map_spec(chart, frame)
        case Trend():
            return trend_spec(chart, frame)


def desk_width(chart: Chart) -> int:
    """Return how wide a chart is drawn for a desk."""
    return WIDEST if isinstance(chart, Forest | Map) else WIDE


def _names(words: Sequence[str], frame: PaperFrame) -> Any:
    """Return the axis that writes row labels on the left, or none on a phone."""
    import altair as alt

    if frame.narrow:
        return None
    return alt.Axis(labelExpr=f"split({json.dumps(list(words), ensure_ascii=False)}[datum.value], '\\n')", labelPadding=8, grid=False,
                    labelOffset=-7 if any("\n" in line for line in words) else 0, labelColor=INK, title=None)  # fmt: skip


def _rows_at(count: int, axis: Any) -> Any:
    import altair as alt

    return alt.Y("row:O", axis=axis, scale=alt.Scale(domain=list(range(count)), paddingInner=0, paddingOuter=0))


def _above(rows: Sequence[dict[str, Any]], frame: PaperFrame, count: int, shift: int) -> list[Any]:
    """Return the labels above their bars, on a phone only."""
    import altair as alt

    if not frame.narrow:
        return []
    return [
        data_of(rows)
        .mark_text(align="left", baseline="middle", dy=-shift, color=INK, fontSize=SIZE)
        .encode(y=_rows_at(count, None), x=alt.value(0), text="label:N")
    ]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Row height, bar thickness, how far bars move down to make room for labels above, and the left margin."""

    row: int
    bar: int
    down: int
    left: float


def _grid(labels: Sequence[str], frame: PaperFrame, row: int = 24, bar: int = 15) -> _Grid:
    if frame.narrow:
        return _Grid(38, 11, 8, RIM)
    return _Grid(row, bar, 0, min(max((room(w) for w in labels), default=0) + 16, frame.width * 0.5))


def _waterfall(chart: Waterfall, frame: PaperFrame) -> dict[str, Any]:
    import altair as alt

    rows: list[dict[str, Any]] = []
    left_over = 0
    for index, step in enumerate(chart.steps):
        match step.kind:
            case StepKind.START:
                low, high, left_over, said = 0, step.count, step.count, f"{step.count:,}"
            case StepKind.FALL:
                low, high = left_over - step.count, left_over
                left_over, said = low, f"−{step.count:,}"
            case StepKind.END:
                low, high, said = 0, step.count, f"{step.count:,}"
        rows.append({"row": index, "label": frame.words(step.label), "low": low, "high": high, "said": said,
                     "fill": _STEP_FILL[step.kind]})  # fmt: skip
    labels = [row["label"] for row in rows]
    grid = _grid(labels, frame)
    right = max(room(row["said"]) for row in rows) + 14
    x = alt.X("low:Q", axis=None, scale=alt.Scale(domain=[0, max(row["high"] for row in rows) or 1], nice=False))
    y = _rows_at(len(rows), _names(labels, frame))
    bars = (
        data_of(rows).mark_bar(size=grid.bar, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=x, x2="high:Q", color=alt.Color("fill:N", scale=None, legend=None))
    )  # fmt: skip
    said = (
        data_of(rows).mark_text(align="left", dx=6, dy=grid.down, color=INK_2, fontSize=SIZE)
        .encode(y=y, x=alt.X("high:Q", axis=None), text="said:N")
    )  # fmt: skip
    layers = [bars, said, *_above(rows, frame, len(rows), 8)]
    return finish(layers, frame, grid.left, right, grid.row * len(rows), RIM)


def _forest(chart: Forest, frame: PaperFrame) -> dict[str, Any]:
    import altair as alt

    rows = [_forest_row(index, row, frame) for index, row in enumerate(chart.rows)]
    count = len(rows)
    low = min([0.0, *(r.low for r in chart.rows)])
    high = max([0.0, *(r.high for r in chart.rows), *(r.truth for r in chart.rows if r.truth is not None)])
    pad = (high - low or 1.0) * 0.04
    labels = _in_two([row["label"] for row in rows], frame)
    grid = _grid([line for label in labels for line in label.split("\n")], frame, row=34)
    at = ticks(low, high, 4 if frame.narrow else 6)
    words = [f"{v:+g} pp".replace("-", "−") if v else "0" for v in at]
    x_axis = alt.Axis(values=at, labelExpr=lookup(at, words), title=None, labelPadding=8)
    x = alt.X("low:Q", axis=x_axis, scale=alt.Scale(domain=[low - pad, high + pad], nice=False))
    y, bare = _rows_at(count, _names(labels, frame)), alt.X("value:Q", axis=x_axis)
    colour = alt.Color("fill:N", scale=None, legend=None)
    layers: list[Any] = [
        data_of([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=x_axis)),
        data_of(rows).mark_rule(strokeWidth=3, strokeCap="round", yOffset=grid.down).encode(y=y, x=x, x2="high:Q", color=colour),
        data_of(rows).mark_point(filled=True, size=90, opacity=1, yOffset=grid.down).encode(y=y, x=bare, color=colour),
    ]  # fmt: skip
    known = [{**row, "value": row["truth"]} for row in rows if row["truth"] is not None]
    if known:
        layers.append(
            data_of(known).mark_tick(color=TRUTH, thickness=2.5, size=22, opacity=1, orient="vertical", yOffset=grid.down).encode(y=y, x=bare)
        )  # fmt: skip
    right = float(RIM) + 12
    if frame.narrow:
        layers += _above(rows, frame, count, 8)
    else:
        said = [row["said"] for row in rows]
        right = max(room(w) for w in said) + 16 if said else right
        place = alt.value(frame.width - grid.left - right + 12)
        layers.append(
            data_of(rows).mark_text(align="left", color=INK, fontSize=SIZE).encode(y=y, x=place, text="said:N")
        )
    return finish(layers, frame, grid.left, right, max(grid.row * count, 20), 28)


def _in_two(labels: Sequence[str], frame: PaperFrame) -> list[str]:
    """Break all labels at their last dot where one of them would take more than a quarter of the paper."""
    if not any(room(label) > frame.width / 4 for label in labels):
        return list(labels)
    return ["\n".join(label.rsplit(" · ", 1)) for label in labels]


def _forest_row(index: int, row: ForestLine, frame: PaperFrame) -> dict[str, Any]:
    said = f"{row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}]  {frame.words(row.verdict)}".replace("-", "−")
    return {
        "row": index, "label": frame.words(row.label), "value": row.value, "low": row.low, "high": row.high,
        "truth": row.truth, "said": said, "fill": ACCENT if row.clear else START,
    }  # fmt: skip


def _bars(chart: Bars, frame: PaperFrame) -> dict[str, Any]:
    import altair as alt

    rows = _bar_rows(chart.rows, frame)
    labels = [row["label"] for row in rows]
    grid = _grid(labels, frame)
    if frame.narrow and len(set(labels)) > 1:
        grid = _Grid(38 if all(labels) else 30, 11, 8, RIM)
    low = min([0.0, *(row["value"] for row in rows), *(row["low"] for row in rows if row["low"] is not None)])
    high = max([0.0, *(row["value"] for row in rows), *(row["high"] for row in rows if row["high"] is not None)]) or 1.0
    right = max(room(row["said"]) for row in rows) + 14
    at_axis = alt.Scale(domain=[low, high], nice=False)
    y, colour = _rows_at(len(rows), _names(labels, frame)), alt.Color("fill:N", scale=None, legend=None)
    layers = [
        data_of(rows).mark_bar(size=grid.bar, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=alt.X("zero:Q", axis=None, scale=at_axis), x2="value:Q", color=colour),
        data_of(rows).mark_text(align="left", dx=6, dy=grid.down, color=INK_2, fontSize=SIZE)
        .encode(y=y, x=alt.X("end:Q", axis=None), text="said:N"),
    ]  # fmt: skip
    spread = [row for row in rows if row["low"] is not None]
    if spread:
        rule = data_of(spread).mark_rule(color=INK, strokeWidth=1.25, yOffset=grid.down)
        layers.append(rule.encode(y=y, x=alt.X("low:Q", axis=None), x2="high:Q"))
    if low < 0:
        layers.append(data_of([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=None)))
    layers += _above(rows, frame, len(rows), 8)
    return finish(layers, frame, grid.left, right, grid.row * len(rows), RIM)


def _bar_rows(bars: Sequence[Bar], frame: PaperFrame) -> list[dict[str, Any]]:
    rows, last = [], None
    for index, bar in enumerate(bars):
        label = frame.words(bar.label)
        end = max(0.0, bar.value, bar.high if bar.high is not None else 0.0)
        rows.append({
            "row": index, "label": "" if label == last else label, "zero": 0.0, "value": bar.value, "end": end,
            "said": frame.words(bar.said), "low": bar.low, "high": bar.high, "fill": _FILL[bar.role],
        })  # fmt: skip
        last = label
    return rows


def _curve(chart: Curve, frame: PaperFrame) -> dict[str, Any]:
    import altair as alt

    rows = [
        {"x": p.x, "y": p.y, "label": frame.words(p.label) if p.label else "", "fill": ACCENT if p.now else START, "order": i}
        for i, p in enumerate(chart.points)
    ]  # fmt: skip
    xs, ys = [p.x for p in chart.points], [p.y for p in chart.points]
    x_pad, y_pad = (max(xs) - min(xs) or 1.0) * 0.06, (max(ys) - min(ys)) * 0.15 or abs(max(ys)) * 0.05 or 1.0
    x_at, y_at = ticks(min(xs), max(xs), 4 if frame.narrow else 6), ticks(min(ys) - y_pad, max(ys) + y_pad, 4)
    y_words = [frame.words(scaled(v, chart.y_scale)) for v in y_at]
    x_words = [frame.words(scaled(v, chart.x_scale)) for v in x_at]
    x = alt.X("x:Q", scale=alt.Scale(domain=[min(xs) - x_pad, max(xs) + x_pad], nice=False),
              axis=alt.Axis(values=x_at, labelExpr=lookup(x_at, x_words), title=frame.words(chart.x_title), grid=False,
                            titlePadding=10, labelPadding=6, domain=True, domainColor=LINE))  # fmt: skip
    y = alt.Y("y:Q", scale=alt.Scale(domain=[min(ys) - y_pad, max(ys) + y_pad], nice=False, zero=False),
              axis=alt.Axis(values=y_at, labelExpr=lookup(y_at, y_words), labelPadding=6, title=frame.words(chart.y_title),
                            titleAngle=0, titleAlign="left", titleAnchor="start", titleX=0, titleY=-8, titleBaseline="bottom"))  # fmt: skip
    layers = [
        data_of(rows).mark_line(color=START, strokeWidth=1.5).encode(x=x, y=y, order="order:Q"),
        data_of(rows).mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=alt.Color("fill:N", scale=None, legend=None)),
        data_of(rows).mark_text(dy=-12, color=INK_2, fontSize=SIZE).encode(x=x, y=y, text="label:N"),
    ]  # fmt: skip
    spec = finish(layers, frame, max(room(w) for w in y_words) + 12, 18, 190, 46)
    spec["padding"]["top"] = 28
    return spec


def _pairs(chart: Pairs, frame: PaperFrame) -> dict[str, Any]:
    import altair as alt

    rows: list[dict[str, Any]] = [
        {"row": i, "label": frame.words(p.label), "predicted": p.predicted, "true": p.true, "zero": 0.0,
         "said": f"{p.true:+.1f} pp".replace("-", "−"), "end": max(p.true, p.predicted, 0.0)}
        for i, p in enumerate(chart.rows)
    ]  # fmt: skip
    labels = [row["label"] for row in rows]
    grid = _grid(labels, frame, row=26)
    values = [v for p in chart.rows for v in (p.predicted, p.true)]
    low, high = min([0.0, *values]), max([0.0, *values]) or 1.0
    pad = (high - low) * 0.04
    at = ticks(low, high, 4 if frame.narrow else 6)
    axis = alt.Axis(
        values=at, labelExpr=lookup(at, [f"{v:+g} pp".replace("-", "−") if v else "0" for v in at]), title=None
    )
    scale = alt.Scale(domain=[low - pad, high + pad], nice=False)
    y = _rows_at(len(rows), _names(labels, frame))
    layers = [
        data_of(rows).mark_bar(size=grid.bar, color=TRUTH, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=alt.X("zero:Q", axis=axis, scale=scale), x2="true:Q"),
        data_of(rows).mark_tick(color=ACCENT, thickness=3, size=20, opacity=1, orient="vertical", yOffset=grid.down)
        .encode(y=y, x=alt.X("predicted:Q", axis=axis)),
        data_of(rows).mark_text(align="left", dx=8, dy=grid.down, color=INK_2, fontSize=SIZE)
        .encode(y=y, x=alt.X("end:Q", axis=axis), text="said:N"),
        data_of([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=axis)),
        *_above(rows, frame, len(rows), 8),
    ]  # fmt: skip
    right = max(room(row["said"]) for row in rows) + 12
    return finish(layers, frame, grid.left, right, grid.row * len(rows), 28)
