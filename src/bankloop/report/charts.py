"""From chart values to Altair charts. Room for words is reckoned here, so that no picture depends on a machine's fonts.

Colours are those of the tokens' light values; drawing turns them into the tokens themselves, which read on light and dark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from bankloop.kit import Language, Text
from bankloop.report import sayings as say
from bankloop.report.contracts import Bar, Bars, Chart, Curve, Forest, Interval, Pairs, Role, Scale, StepKind, Waterfall

INK, INK_2, LINE = "#1b2430", "#566273", "#e3e7ec"
ACCENT, QUIET, TRUTH, START = "#0b6e69", "#c9d0d8", "#b0770b", "#8a94a3"
WIDE, NARROW = 560, 340
# A forest has its numbers beside it and takes the whole page.
WIDEST = 980
_SIZE = 12
_FILL = {Role.PLAIN: QUIET, Role.CHOSEN: ACCENT, Role.TRUTH: TRUTH}
_STEP_FILL = {StepKind.START: START, StepKind.FALL: QUIET, StepKind.END: ACCENT}
_RIM = 8
# The noughts that an axis need not say: ¥1.00万 is ¥1万.
_ROUND = re.compile(r"\.00(?=[万亿kMB])")


@dataclass(frozen=True, slots=True)
class Frame:
    """The paper: its whole width in pixels and the language of the words on it."""

    width: int
    language: Language

    @property
    def narrow(self) -> bool:
        """Return whether it is a phone's; labels then stand above their bars."""
        return self.width < 480

    def words(self, text: Text) -> str:
        """Return a text in the paper's language."""
        return text.say(self.language)


def specification(chart: Chart, frame: Frame) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart on a paper of ``frame``."""
    from altair.utils.schemapi import debug_mode

    # Altair checks every part of a chart against its schema, most of the work; the tests draw every kind of chart.
    with debug_mode(False):
        return _specified(chart, frame)


def _specified(chart: Chart, frame: Frame) -> dict[str, Any]:
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


def desk_width(chart: Chart) -> int:
    """Return how wide a chart is drawn for a desk."""
    return WIDEST if isinstance(chart, Forest) else WIDE


def room(words: str) -> float:
    """Return about how many pixels words take at the picture's size."""
    return sum(_SIZE if ord(c) > 0x2E80 else _SIZE * 0.58 for c in words)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round tick values that cover low … high."""
    span = (high - low) or 1.0
    step = 10.0 ** floor(log10(span / wanted))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= wanted)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def scaled(value: float, scale: Scale) -> Text:
    """Return an axis value as people read it."""
    match scale:
        case Scale.MONEY:
            said = say.money(value)
            return Text(_ROUND.sub("", said.zh), _ROUND.sub("", said.en))
        case Scale.COUNT:
            return say.count(value)
        case Scale.POINTS:
            return say.same(f"{value * 100:+g} pp".replace("-", "−") if value else "0")


def _finish(
    layers: Sequence[Any], frame: Frame, left: float, right: float, height: float, below: float
) -> dict[str, Any]:
    import altair as alt

    left, right = ceil(left), ceil(right)
    chart = alt.layer(*layers).properties(
        width=max(frame.width - left - right, 60),
        height=height,
        padding={"left": left, "right": right, "top": _RIM, "bottom": below},
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
    )
    spec: dict[str, Any] = (
        chart.configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, labelFontSize=_SIZE, titleFontSize=_SIZE, labelColor=INK_2,
                        titleColor=INK_2, titleFontWeight="normal", gridColor=LINE, labelLimit=0, labelOverlap=False)
        .to_dict(validate=False)
    )  # fmt: skip
    return spec


def _data(rows: Sequence[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.Chart(alt.InlineData(values=list(rows)))


def _lookup(values: Sequence[float], words: Sequence[str]) -> str:
    return f"{json.dumps(list(words), ensure_ascii=False)}[indexof({json.dumps(list(values))}, datum.value)]"


def _names(words: Sequence[str], frame: Frame) -> Any:
    """Return the axis that writes row labels on the left, or none on a phone."""
    import altair as alt

    if frame.narrow:
        return None
    return alt.Axis(labelExpr=f"split({json.dumps(list(words), ensure_ascii=False)}[datum.value], '\\n')", labelPadding=8, grid=False,
                    labelOffset=-7 if any("\n" in line for line in words) else 0, labelColor=INK, title=None)  # fmt: skip


def _rows_at(count: int, axis: Any) -> Any:
    import altair as alt

    return alt.Y("row:O", axis=axis, scale=alt.Scale(domain=list(range(count)), paddingInner=0, paddingOuter=0))


def _above(rows: Sequence[dict[str, Any]], frame: Frame, count: int, shift: int) -> list[Any]:
    """Return the labels above their bars, on a phone only."""
    import altair as alt

    if not frame.narrow:
        return []
    return [
        _data(rows)
        .mark_text(align="left", baseline="middle", dy=-shift, color=INK, fontSize=_SIZE)
        .encode(y=_rows_at(count, None), x=alt.value(0), text="label:N")
    ]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Row height, bar thickness, how far bars move down to make room for labels above, and the left margin."""

    row: int
    bar: int
    down: int
    left: float


def _grid(labels: Sequence[str], frame: Frame, row: int = 24, bar: int = 15) -> _Grid:
    if frame.narrow:
        return _Grid(38, 11, 8, _RIM)
    return _Grid(row, bar, 0, min(max((room(w) for w in labels), default=0) + 16, frame.width * 0.5))


def _waterfall(chart: Waterfall, frame: Frame) -> dict[str, Any]:
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
        _data(rows).mark_bar(size=grid.bar, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=x, x2="high:Q", color=alt.Color("fill:N", scale=None, legend=None))
    )  # fmt: skip
    said = (
        _data(rows).mark_text(align="left", dx=6, dy=grid.down, color=INK_2, fontSize=_SIZE)
        .encode(y=y, x=alt.X("high:Q", axis=None), text="said:N")
    )  # fmt: skip
    layers = [bars, said, *_above(rows, frame, len(rows), 8)]
    return _finish(layers, frame, grid.left, right, grid.row * len(rows), _RIM)


def _forest(chart: Forest, frame: Frame) -> dict[str, Any]:
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
    x_axis = alt.Axis(values=at, labelExpr=_lookup(at, words), title=None, labelPadding=8)
    x = alt.X("low:Q", axis=x_axis, scale=alt.Scale(domain=[low - pad, high + pad], nice=False))
    y, bare = _rows_at(count, _names(labels, frame)), alt.X("value:Q", axis=x_axis)
    colour = alt.Color("fill:N", scale=None, legend=None)
    layers: list[Any] = [
        _data([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=x_axis)),
        _data(rows).mark_rule(strokeWidth=3, strokeCap="round", yOffset=grid.down).encode(y=y, x=x, x2="high:Q", color=colour),
        _data(rows).mark_point(filled=True, size=90, opacity=1, yOffset=grid.down).encode(y=y, x=bare, color=colour),
    ]  # fmt: skip
    known = [{**row, "value": row["truth"]} for row in rows if row["truth"] is not None]
    if known:
        layers.append(
            _data(known).mark_tick(color=TRUTH, thickness=2.5, size=22, opacity=1, orient="vertical", yOffset=grid.down).encode(y=y, x=bare)
        )  # fmt: skip
    right = float(_RIM) + 12
    if frame.narrow:
        layers += _above(rows, frame, count, 8)
    else:
        said = [row["said"] for row in rows]
        right = max(room(w) for w in said) + 16 if said else right
        place = alt.value(frame.width - grid.left - right + 12)
        layers.append(
            _data(rows).mark_text(align="left", color=INK, fontSize=_SIZE).encode(y=y, x=place, text="said:N")
        )
    return _finish(layers, frame, grid.left, right, max(grid.row * count, 20), 28)


def _in_two(labels: Sequence[str], frame: Frame) -> list[str]:
    """Break all labels at their last dot where one of them would take more than a quarter of the paper."""
    if not any(room(label) > frame.width / 4 for label in labels):
        return list(labels)
    return ["\n".join(label.rsplit(" · ", 1)) for label in labels]


def _forest_row(index: int, row: Interval, frame: Frame) -> dict[str, Any]:
    said = f"{row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}]  {frame.words(row.verdict)}".replace("-", "−")
    return {
        "row": index, "label": frame.words(row.label), "value": row.value, "low": row.low, "high": row.high,
        "truth": row.truth, "said": said, "fill": ACCENT if row.clear else START,
    }  # fmt: skip


def _bars(chart: Bars, frame: Frame) -> dict[str, Any]:
    import altair as alt

    rows = _bar_rows(chart.rows, frame)
    labels = [row["label"] for row in rows]
    grid = _grid(labels, frame)
    if frame.narrow and len(set(labels)) > 1:
        grid = _Grid(38 if all(labels) else 30, 11, 8, _RIM)
    low = min([0.0, *(row["value"] for row in rows), *(row["low"] for row in rows if row["low"] is not None)])
    high = max([0.0, *(row["value"] for row in rows), *(row["high"] for row in rows if row["high"] is not None)]) or 1.0
    right = max(room(row["said"]) for row in rows) + 14
    at_axis = alt.Scale(domain=[low, high], nice=False)
    y, colour = _rows_at(len(rows), _names(labels, frame)), alt.Color("fill:N", scale=None, legend=None)
    layers = [
        _data(rows).mark_bar(size=grid.bar, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=alt.X("zero:Q", axis=None, scale=at_axis), x2="value:Q", color=colour),
        _data(rows).mark_text(align="left", dx=6, dy=grid.down, color=INK_2, fontSize=_SIZE)
        .encode(y=y, x=alt.X("end:Q", axis=None), text="said:N"),
    ]  # fmt: skip
    spread = [row for row in rows if row["low"] is not None]
    if spread:
        rule = _data(spread).mark_rule(color=INK, strokeWidth=1.25, yOffset=grid.down)
        layers.append(rule.encode(y=y, x=alt.X("low:Q", axis=None), x2="high:Q"))
    if low < 0:
        layers.append(_data([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=None)))
    layers += _above(rows, frame, len(rows), 8)
    return _finish(layers, frame, grid.left, right, grid.row * len(rows), _RIM)


def _bar_rows(bars: Sequence[Bar], frame: Frame) -> list[dict[str, Any]]:
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


def _curve(chart: Curve, frame: Frame) -> dict[str, Any]:
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
              axis=alt.Axis(values=x_at, labelExpr=_lookup(x_at, x_words), title=frame.words(chart.x_title), grid=False,
                            titlePadding=10, labelPadding=6, domain=True, domainColor=LINE))  # fmt: skip
    y = alt.Y("y:Q", scale=alt.Scale(domain=[min(ys) - y_pad, max(ys) + y_pad], nice=False, zero=False),
              axis=alt.Axis(values=y_at, labelExpr=_lookup(y_at, y_words), labelPadding=6, title=frame.words(chart.y_title),
                            titleAngle=0, titleAlign="left", titleAnchor="start", titleX=0, titleY=-8, titleBaseline="bottom"))  # fmt: skip
    layers = [
        _data(rows).mark_line(color=START, strokeWidth=1.5).encode(x=x, y=y, order="order:Q"),
        _data(rows).mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=alt.Color("fill:N", scale=None, legend=None)),
        _data(rows).mark_text(dy=-12, color=INK_2, fontSize=_SIZE).encode(x=x, y=y, text="label:N"),
    ]  # fmt: skip
    spec = _finish(layers, frame, max(room(w) for w in y_words) + 12, 18, 190, 46)
    spec["padding"]["top"] = 28
    return spec


def _pairs(chart: Pairs, frame: Frame) -> dict[str, Any]:
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
        values=at, labelExpr=_lookup(at, [f"{v:+g} pp".replace("-", "−") if v else "0" for v in at]), title=None
    )
    scale = alt.Scale(domain=[low - pad, high + pad], nice=False)
    y = _rows_at(len(rows), _names(labels, frame))
    layers = [
        _data(rows).mark_bar(size=grid.bar, color=TRUTH, cornerRadius=2, yOffset=grid.down)
        .encode(y=y, x=alt.X("zero:Q", axis=axis, scale=scale), x2="true:Q"),
        _data(rows).mark_tick(color=ACCENT, thickness=3, size=20, opacity=1, orient="vertical", yOffset=grid.down)
        .encode(y=y, x=alt.X("predicted:Q", axis=axis)),
        _data(rows).mark_text(align="left", dx=8, dy=grid.down, color=INK_2, fontSize=_SIZE)
        .encode(y=y, x=alt.X("end:Q", axis=axis), text="said:N"),
        _data([{"zero": 0}]).mark_rule(color=START).encode(x=alt.X("zero:Q", axis=axis)),
        *_above(rows, frame, len(rows), 8),
    ]  # fmt: skip
    right = max(room(row["said"]) for row in rows) + 12
    return _finish(layers, frame, grid.left, right, grid.row * len(rows), 28)
