"""The one-file report: all pictures, both languages, nothing from elsewhere; and pictures drawn from values."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

import pytest

from bankloop.kit.text import Language, Text
from bankloop.report.contracts import Truth
from bankloop.report.html import html_report, report_of
from bankloop.report.loading import quarantine_table
from bankloop.report.story import dogs_picture, execution_picture, known_truth
from bankloop.simulate.world import World
from bankloop.view.drawing import draw
from bankloop.view.figures import (
    Bar,
    Bars,
    Bubble,
    Curve,
    Daily,
    Forest,
    ForestLine,
    Map,
    Pair,
    Pairs,
    Picture,
    Point,
    Scale,
    StepKind,
    Trend,
    Waterfall,
    WaterfallStep,
)
from bankloop.view.paper import NARROW, WIDE, ticks
from tests.bankfixture import SmallBank
from tests.report.test_plan import CHINESE, texts_of

LISTED = ("forest", "money", "policies", "curve-budget-bind-card", "dogs", "certainty-bind-card", "execution", "waterfall-bind-card",
          "waterfall-first-wealth", "waterfall-keep-deposits")  # fmt: skip
WORD = Text("一", "one")


class Page(HTMLParser):
    """Collects what matters of a page: ids, headings, addresses, languages."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(small: SmallBank) -> str:
    return small.report.read_text(encoding="utf-8")


def test_one_file_asks_nobody_for_anything(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    parsed = Page(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "video"}
    assert not [value for _, found in parsed.tags for name, value in found.items() if name in ("src", "href")]
    assert len(page.encode()) < 2_000_000


def test_every_listed_picture_is_there_in_both_languages(page: str) -> None:
    ids = [found["id"] for _, found in Page(page).tags if found.get("id")]
    for name in LISTED:
        for language in Language:
            assert any(str(i).startswith(f"{name}-{language.value}-") for i in ids), (name, language)
    named = [found for tag, found in Page(page).tags if tag == "svg" and found.get("role") == "img"]
    assert len(named) >= 4 * len(LISTED)
    assert all(found.get("aria-labelledby") for found in named)
    assert len(ids) == len(set(ids))


def test_the_english_half_speaks_english(page: str) -> None:
    english = page.split('<main lang="en">')[1].split("</main>")[0]
    said = re.sub(r"<[^>]+>", " ", english)
    assert not CHINESE.search(said), CHINESE.findall(said)[:20]
    assert page.split('<main lang="zh">')[1].split("</main>")[0].count("<h1>") == 1


def test_the_other_language_can_come_first(small: SmallBank) -> None:
    text = html_report(small.story, Language.EN)
    assert '<html lang="en">' in text
    assert re.search(r'id="pick-en"[^>]* checked', text)


def test_report_values_are_in_both_languages(small: SmallBank) -> None:
    truth = known_truth(small.window, World.load(small.open.folder))
    assert truth is not None
    report = report_of(small.story, truth)
    for text in texts_of(report):
        assert bool(text.zh) == bool(text.en)
        assert not CHINESE.search(text.en), text.en
    rows = [row for table in report.tables if table.name == "quarantine" for row in table.rows]
    assert sum(int(row[3].text.en) for row in rows) == small.story.load.quarantined
    assert quarantine_table(small.story.load).heads(Language.EN)[1] == "Reason"


def test_sleeping_dogs_show_below_nought() -> None:
    n = 90
    renews = [i % 2 == 0 for i in range(n)]
    true = [-0.03 if r else 0.09 for r in renews]
    picture = dogs_picture(Truth([i / 1000 for i in range(n)], true, renews, {}))
    assert isinstance(picture.chart, Pairs)
    assert [round(pair.true, 6) for pair in picture.chart.rows] == [-3.0] * 3 + [9.0] * 3
    assert "50%" in picture.alt.en


@pytest.mark.parametrize(("units", "bars"), [(5, 5), (170, 10)])
def test_many_sub_branches_become_a_distribution(units: int, bars: int) -> None:
    rates = {f"S{i:04d}": i / units for i in range(units)}
    picture = execution_picture(Truth([], [], [], rates))
    assert isinstance(picture.chart, Bars)
    assert len(picture.chart.rows) == bars
    if units > bars:
        assert sum(bar.value for bar in picture.chart.rows) == units


CHARTS = {
    "waterfall": Waterfall((WaterfallStep(WORD, 10, StepKind.START), WaterfallStep(WORD, 3), WaterfallStep(WORD, 7, StepKind.END))),
    "nobody": Waterfall((WaterfallStep(WORD, 0, StepKind.START), WaterfallStep(WORD, 0, StepKind.END))),
    "forest": Forest((ForestLine(WORD, 1.0, -0.5, 2.5, 0.9, False, WORD),)),
    "no lifts": Forest(()),
    "bars": Bars((Bar(WORD, -3.0, WORD, low=-5.0, high=2.0), Bar(WORD, 4.0, WORD))),
    "curve": Curve((Point(1.0, 2.0), Point(3.0, 4.0, WORD, True)), WORD, WORD, Scale.POINTS),
    "flat": Curve((Point(1.0, 0.0), Point(3.0, 0.0)), WORD, WORD, Scale.MONEY),
    "pairs": Pairs((Pair(WORD, 1.0, -2.0, 5),)),
    "trend": Trend((Daily(date(2026, 6, 1), 0.0), Daily(date(2026, 6, 2), -0.1)), WORD, date(2026, 6, 1), marked=True),
    "one day": Trend((Daily(date(2026, 6, 1), 0.0),), WORD),
    "map": Map((Bubble(WORD, 5e6, 40.0, 20, marked=True), Bubble(WORD, 0.0, 0.0, 1)), WORD, WORD),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_chart_draws_as_wide_as_asked(name: str, width: int) -> None:
    hostile = Text('<script>&"', '<script>&"')
    svg = draw(Picture("x", hostile, WORD, CHARTS[name]), Language.EN, width)
    assert svg.startswith(f'<svg viewBox="0 0 {width} ')
    assert "<script" not in svg
    assert "NaN" not in svg
    assert not re.search(r"http|font-family|style=|#[0-9a-f]{6}", svg)


def test_ticks_are_round_and_cover() -> None:
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert ticks(-3.1, 9.4) == [0, 5]
    assert ticks(5, 5)
