"""What console, HTML report and command line show alike: figures, tables and pictures as values in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bankloop.kit.text import Language, Text


class Tone(StrEnum):
    """How a word is marked; never the only signal, the word says it too."""

    PLAIN = ""
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    ACCENT = "accent"


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline number: what it is, how much, and a line that puts it into proportion."""

    label: Text
    value: Text
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; numbers stand on the right."""

    title: Text
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its words, a share 0 … 1 drawn as a bar or as a ``shade``, and the address of the rows behind it."""

    text: Text
    tone: Tone = Tone.PLAIN
    tag: bool = False
    bar: float | None = None
    drill: str | None = None
    shade: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; ``note`` is said below it."""

    name: str
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Text | None = None

    def said(self, language: Language) -> list[list[str]]:
        """Return the rows as plain words, for the terminal."""
        return [[cell.text.say(language) for cell in row] for row in self.rows]

    def heads(self, language: Language) -> list[str]:
        """Return the column titles as plain words."""
        return [column.title.say(language) for column in self.columns]


class StepKind(StrEnum):
    """What a line of a waterfall is: where it starts, what is lost, what is left."""

    START = "start"
    FALL = "fall"
    END = "end"


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One line of a waterfall; a fall's ``count`` is what it takes away."""

    label: Text
    count: int
    kind: StepKind = StepKind.FALL
    drill: str | None = None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From all who were meant to those who are reached: start − Σ falls = end."""

    steps: tuple[WaterfallStep, ...]

    @property
    def sums(self) -> bool:
        """Return whether it sums exactly."""
        by_kind = {kind: sum(s.count for s in self.steps if s.kind is kind) for kind in StepKind}
        return by_kind[StepKind.START] - by_kind[StepKind.FALL] == by_kind[StepKind.END]


@dataclass(frozen=True, slots=True)
class ForestLine:
    """One line of a forest, in percentage points: the estimate, its interval, and the simulator's truth where known."""

    label: Text
    value: float
    low: float
    high: float
    truth: float | None
    clear: bool
    verdict: Text


@dataclass(frozen=True, slots=True)
class Forest:
    """Lifts with their intervals on one axis."""

    rows: tuple[ForestLine, ...]


class BarRole(StrEnum):
    """What a bar stands for: one of several, the chosen one, or what only the simulator knows."""

    PLAIN = "plain"
    CHOSEN = "chosen"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its length and the words beside it; ``low`` and ``high`` draw an interval over it."""

    label: Text
    value: float
    said: Text
    role: BarRole = BarRole.PLAIN
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars from nought; bars of the same label stand together."""

    rows: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve; ``now`` marks where we stand, ``label`` is written beside it."""

    x: float
    y: float
    label: Text | None = None
    now: bool = False


class Scale(StrEnum):
    """What an axis counts."""

    MONEY = "money"
    COUNT = "count"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve through points; money in fen, points of percentage."""

    points: tuple[Point, ...]
    x_title: Text
    y_title: Text
    x_scale: Scale
    y_scale: Scale = Scale.MONEY


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model predicted for a group and what is true of it, percentage points; ``n`` customers."""

    label: Text
    predicted: float
    true: float
    n: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Prediction beside the simulator's truth, group by group."""

    rows: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Bubble:
    """One place on a map: where it stands, how many it is, and whether it is marked."""

    label: Text
    x: float
    y: float
    size: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Map:
    """Groups by two of their figures, as large as they are many; money in fen along ``x``."""

    bubbles: tuple[Bubble, ...]
    x_title: Text
    y_title: Text


@dataclass(frozen=True, slots=True)
class Daily:
    """One day of a trend: how far from its first day, as a share."""

    day: date
    share: float


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure day by day; ``said`` stands beside the last day, ``since`` begins the fall that is marked."""

    points: tuple[Daily, ...]
    said: Text
    since: date | None = None
    marked: bool = False


Chart = Waterfall | Forest | Bars | Curve | Pairs | Map | Trend


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its title, the sentence it makes, and its description for who cannot see it."""

    name: str
    title: Text
    alt: Text
    chart: Chart
    note: Text | None = None
