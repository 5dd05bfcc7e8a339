"""Below the verdicts: offers as one family, groups, weeks, motives, and what each number is of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Reading, discoveries, read, read_members
from bankloop.report.programme_page import programme_view
from bankloop.report.results import results_page
from bankloop.view.figures import Bars, Forest
from tests.loop.evaluate.rounds import drawn
from tests.loop.evaluate.test_programme import WINDOW
from tests.loop.evaluate.test_programme import drawn as members
from tests.report.test_plan import CHINESE, texts_of

TITLES = {"a": Text("甲", "Alpha"), "b": Text("乙", "Beta")}


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    window = ("2026-08-24", "2026-09-22")
    return [
        read("a", [drawn(lift=0.1)], 0.25, window=window, within=30, motive="discount"),
        read("b", [drawn(lift=0.0, seed=2)], 0.25, window=window, within=30, motive="convenience"),
    ]


def test_offers_say_what_survives_the_adjustment_over_all_campaigns(readings: list[Reading]) -> None:
    table = results_page(readings, TITLES, names={("a", "card|none|sms"): Text("短信", "SMS")}).offers
    said = [[cell.text.en for cell in row] for row in table.rows]
    assert ["Alpha", "SMS"] in [row[:2] for row in said]
    claims = [row[5] == "works" for row in said]
    assert claims == [q is not None and q < 0.05 for _, _, q in discoveries({r.campaign: r.cuts for r in readings})]
    assert any(claims)


def test_each_campaign_has_its_groups_and_its_weeks(readings: list[Reading]) -> None:
    view = results_page(readings, TITLES)
    assert len(view.groups) == len(readings)
    for table in view.groups:
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert [picture.name for picture in view.arrival] == ["weeks-a", "weeks-b"]
    assert isinstance(view.arrival[0].chart, Bars)
    assert sum(bar.value for bar in view.arrival[0].chart.rows) == pytest.approx((readings[0].plain or 0).value * 100)


def test_lifts_are_reported_by_motive(readings: list[Reading]) -> None:
    rows = results_page(readings, TITLES).motives.rows
    assert [row[0].text.en for row in rows] == ["Convenience", "Discount"]
    # Two campaigns of one motive are read as one, narrower than either.
    both = results_page([replace(one, motive="fun") for one in readings], TITLES).motives.rows
    assert [row[0].text.zh for row in both] == ["玩乐提升"]
    assert both[0][1].text.en == "Alpha, Beta"


def test_every_reading_states_window_cells_and_method(readings: list[Reading]) -> None:
    table = results_page(readings, TITLES).basis
    assert len(table.rows) == 2
    assert "2026-08-24 – 2026-09-22" in [cell.text.en for cell in table.rows[0]]
    assert "CUPED" in table.rows[0][3].text.en
    assert table.note is not None
    assert "holdout" in table.note.en


def test_the_programme_stands_on_the_page_in_both_languages(readings: list[Reading]) -> None:
    found = read_members(members(1), 0.1, (1, 2), WINDOW)
    view = results_page(readings, TITLES, programme=found)
    assert view.programme == programme_view(found, TITLES)
    assert isinstance(view.programme.goals.chart, Forest)
    for text in texts_of(view):
        assert bool(text.zh) == bool(text.en)
        assert not CHINESE.search(text.en), text.en
