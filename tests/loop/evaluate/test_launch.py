"""Before a launch: a round that cannot be read says so before it starts, and what it would take."""

from __future__ import annotations

import json

import pytest

from bankloop.loop.campaign.launch import Launch, history_launches, launches
from bankloop.loop.evaluate import design
from bankloop.organization.principals import system
from bankloop.report.plan import plan_page
from bankloop.store.registry import read_plans
from tests.bankfixture import SmallBank


def test_the_sentence_says_what_it_would_take() -> None:
    short = Launch("x", design(2_700, 0.2, 0.009, 0.002), 30)
    assert short.design.rounds is not None
    assert f"{short.design.rounds * 30:,} days" in short.sentence.en
    assert short.sentence.zh.startswith("一轮读不出")
    assert Launch("x", design(400_000, 0.2, 0.009, 0.002), 30).sentence.en.startswith("one round can be read")
    assert "no lift is expected" in Launch("x", design(2_700, 0.2, 0.009, 0.0), 30).sentence.en
    assert "nobody in history" in Launch("x", design(2_700, 0.2, 0.0, 0.01), 30).sentence.en
    assert "everybody in history" in Launch("x", design(2_700, 0.2, 1.0, 0.01), 30).sentence.en
    assert "no control" in Launch("x", design(0, 0.2, 0.1, 0.01), 30).sentence.en


def test_a_round_of_too_few_successes_is_unreadable_however_large_the_lift() -> None:
    few = Launch("x", design(1_000, 0.1, 0.01, 0.2), 30)
    assert few.design.detectable < few.design.expected
    assert not few.design.readable
    assert few.design.rounds == 5
    assert "its smaller arm expects 1.0 successes and needs 5" in few.sentence.en
    assert few.sentence.zh.startswith("一轮读不出")


@pytest.mark.parametrize("base", [0.0, 1.0])
def test_a_rate_without_variance_sees_nothing(base: float) -> None:
    nothing = Launch("x", design(10_000, 0.2, base, 0.01), 30)
    assert nothing.design.rounds is None
    assert nothing.as_dict()["detectable"] is None


def test_a_window_says_of_each_campaign_what_it_could_find_and_the_store_keeps_it(small: SmallBank) -> None:
    found = launches(small.window)
    assert set(found) == set(small.window.locks)
    for name, one in found.items():
        reading = next(told.reading for told in small.story.rounds[0] if told.campaign == name)
        # Said before, and read after: the same customers in the same cells.
        assert (one.design.treated, one.design.control) == (reading.treated, reading.control)
        assert one.design.readable == (one.design.expected >= one.design.detectable)
    with small.open.store.begin(system()) as connection:
        kept = read_plans(connection)[0].summary["launch"]
    assert kept == json.loads(json.dumps({name: one.as_dict() for name, one in found.items()}))


def test_the_plans_page_says_it_where_the_price_of_certainty_is_shown(small: SmallBank) -> None:
    said = [one.sentence.zh for one in launches(small.window).values()]
    notes = [picture.note.zh for picture in plan_page(small.window).certainty if picture.note]
    assert notes
    assert all(any(note.startswith(one) for one in said) for note in notes)


def test_history_alone_says_what_each_control_could_find(small: SmallBank) -> None:
    found = history_launches(small.open, "bind-card", small.open.lake.today(), 0.02)
    shares = [one.design.control_share for one in found]
    assert shares == sorted(shares)
    assert 0.1 in shares
    assert [one.design.detectable for one in found] == sorted((one.design.detectable for one in found), reverse=True)
    assert all(0.0 < one.design.base < 0.5 for one in found)
    assert {one.design.expected for one in found} == {0.02}
    stated = history_launches(small.open, "bind-card", small.open.lake.today())
    # What the file states of the dearest coupon by text: it wins 160 % and 15 % of the base, and loses 2 % of it.
    assert stated[0].design.expected == pytest.approx(1.73 * stated[0].design.base)
