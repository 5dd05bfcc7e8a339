"""Readings that say nothing are shown as saying nothing: in words, in both languages, and without breaking a page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bankloop.kit.text import Language, Text
from bankloop.loop import evaluate
from bankloop.loop.evaluate import Reading, reading_of
from bankloop.loop.evaluate.programme import ProgrammeMembers, read_members
from bankloop.report.details import money_in_words
from bankloop.report.results import results_book, results_page
from bankloop.view import format as say
from bankloop.view.book import book_html, book_plain
from bankloop.view.drawing import draw_both
from tests.loop.evaluate.rounds import drawn

TITLES = {"x": Text("绑卡", "Bind a card")}


def thin(rate: float, n: int = 900) -> Reading:
    rng = np.random.default_rng(1)
    whole = drawn(n, lift=0.0)
    success = (rng.random(n) < rate).astype(np.float64)
    day = np.where(success > 0, np.arange(n) % 30, -1)
    return evaluate.read("x", [replace(whole, success=success, day=day)], 0.25, within=30)


@pytest.mark.parametrize(
    ("rate", "en", "zh"), [(0.01, "too few successes", "成功太少"), (0.0, "check the feed", "先查数据")]
)
@pytest.mark.parametrize("language", list(Language))
def test_a_page_of_what_cannot_be_read_says_so(rate: float, en: str, zh: str, language: Language) -> None:
    reading = thin(rate)
    kept = reading_of({**reading.as_dict(), "verdict": reading.verdict.value})
    members = ProgrammeMembers(
        holdout=np.arange(900) % 10 == 0,
        earned=np.zeros(900),
        cost=np.zeros(900),
        attributed=np.zeros(900),
        before=None,
        member={"x": np.ones(900, bool)},
        reached={"x": np.zeros(900, bool)},
    )
    whole = read_members(members, 0.1, (1,), ("", ""))
    assert "check the feed" in whole.sentence.en
    page = results_page([kept], TITLES, placebo=kept, programme=whole)
    words = {Language.ZH: zh, Language.EN: en}[language]
    assert words in page.verdicts[0][1].say(language)
    pictures = [page.forest, page.money, *page.arrival, *([page.programme.goals] if page.programme else [])]
    assert all("<svg" in draw_both(picture, language) for picture in pictures)
    told = book_html(results_book(page), language)
    assert {Language.ZH: "读不出", Language.EN: "cannot be read"}[language] in told
    assert "inf" not in str(book_plain(results_book(page))["figures"])
    assert money_in_words(kept.money).say(language) == {Language.ZH: "读不出", Language.EN: "cannot be read"}[language]


def test_money_that_was_read_stands_beside_money_that_was_not() -> None:
    read = replace(evaluate.read("y", [drawn()], 0.25, within=30), campaign="y")
    page = results_page([thin(0.01), read], {**TITLES, "y": Text("存款", "Deposits")})
    figure = page.figures[0]
    assert figure.note is not None
    assert "1 of 2 campaigns cannot be read" in figure.note.en
    assert read.money.incremental is not None
    assert figure.value == say.money(read.money.incremental.value)
