"""The paper that charts are drawn on: its size and language, its colours, its axes in words. No chart is known here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from bankloop.kit.text import Language, Text
from bankloop.view import format as say
from bankloop.view.figures import Scale

INK, INK_2, LINE = "#1b2430", "#566273", "#e3e7ec"
ACCENT, QUIET, TRUTH, START = "#0b6e69", "#c9d0d8", "#b0770b", "#8a94a3"
WIDE, NARROW = 560, 340
# A forest has its numbers beside it and a map wants room: they take the whole page.
WIDEST = 980
SIZE = 12
RIM = 8
# The noughts that an axis need not say: ¥1.00万 is ¥1万.
_ROUND = re.compile(r"\.00(?=[万亿kMB])")


@dataclass(frozen=True, slots=True)
class PaperFrame:
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


def room(words: str) -> float:
    """Return about how many pixels words take at the picture's size."""
    return sum(SIZE if ord(c) > 0x2E80 else SIZE * 0.58 for c in words)


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


def finish(
    layers: Sequence[Any], frame: PaperFrame, left: float, right: float, height: float, below: float
) -> dict[str, Any]:
    """Return a chart's specification on the paper: room left and right of it, its height, room below."""
    import altair as alt

    left, right = ceil(left), ceil(right)
    chart = alt.layer(*layers).properties(
        width=max(frame.width - left - right, 60),
        height=height,
        padding={"left": left, "right": right, "top": RIM, "bottom": below},
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
    )
    spec: dict[str, Any] = (
        chart.configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, labelFontSize=SIZE, titleFontSize=SIZE, labelColor=INK_2,
                        titleColor=INK_2, titleFontWeight="normal", gridColor=LINE, labelLimit=0, labelOverlap=False)
        .to_dict(validate=False)
    )  # fmt: skip
    return spec


def data_of(rows: Sequence[dict[str, Any]]) -> Any:
    """Return a chart without marks over these rows."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=list(rows)))


def lookup(values: Sequence[float], words: Sequence[str]) -> str:
    """Return the axis label of each of these values, in words."""
    return f"{json.dumps(list(words), ensure_ascii=False)}[indexof({json.dumps(list(values))}, datum.value)]"
