"""The bank's own rules beside the plan: as many contacts, valued by the posterior, called as good where they are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bankloop.loop.round.rules import EXPECTED, LIKELIEST, RICHEST, RuleLine, rule_choices, rules_beside
from bankloop.report.baselines import Beside
from bankloop.report.rules import rule_table
from bankloop.report.segments import segment_in_words, segments_table
from bankloop.report.swings import beliefs, swing_table, swings
from tests.bankfixture import SmallBank

LINE = RuleLine("keep", LIKELIEST, "规则", "Churn first", "d|none|rm_call", 40, 20, 5e6, 1e6, 9e6, 0.97, 12)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "the plan is better, 97%"),
        ({"probability": 0.6}, "the rule is as good"),
        ({"probability": 0.1}, "the rule is better, 90%"),
        ({"differ": 0}, "the same people"),
        ({"rounds": 0}, "more than 99 rounds"),
        ({}, "12 rounds"),
        ({"rounds": 1}, "one round tells"),
        ({"unsure": 0.6}, "as good: 60% of the plan's value is of people whom it may help or hurt"),
        ({"unsure": 0.4}, "the plan is better, 97%"),
        ({"unsure": 0.6, "probability": 0.1}, "the rule is better, 90%"),
    ],
)
def test_a_rule_is_called_what_it_is(changed: dict[str, object], word: str) -> None:
    table = rule_table((replace(LINE, **changed),), {})  # type: ignore[arg-type]
    assert table is not None
    said = " | ".join(cell.text.en for row in table.rows for cell in row)
    assert word in said


def test_rules_are_kept_with_the_plan() -> None:
    assert Beside.of(Beside(rules=(LINE,)).as_dict()).rules == (LINE,)
    assert Beside.of({}).rules == ()
    assert rule_table((), {}) is None


def test_every_rule_of_a_campaign_gives_as_many_contacts_as_the_plan(small: SmallBank) -> None:
    lines = rules_beside(small.window, rule_choices(small.window))
    keep = {one.rule: one for one in lines if one.campaign == "keep-deposits"}
    assert set(keep) == {LIKELIEST, EXPECTED, RICHEST, "not-renewing-by-balance"}
    assert {one.action.split("|")[2] for one in keep.values()} == {"rm_call"}
    assert len({one.contacts for one in keep.values()}) == 1
    for one in lines:
        assert 0 <= one.differ <= one.contacts
        assert one.low <= one.gain <= one.high
        assert 0.0 <= one.probability <= 1.0
        assert 0.0 <= one.unsure <= 1.0
    # By its own posterior a plan is at least as good as what it was chosen over.
    assert all(one.gain >= -1e-6 for one in keep.values())


def test_segments_are_told_in_words_with_what_was_stated_and_believed(small: SmallBank) -> None:
    named = small.open.catalogue.definitions
    card = small.story.cards["keep-deposits"].as_dict()
    table = segments_table(card, named)
    assert table is not None
    assert table.note is not None
    assert "rm_call wins 15.0% and loses 1.5%" in table.note.en
    assert "retail banking" in table.note.en
    said = " | ".join(cell.text.en for row in table.rows for cell in row)
    assert "renews by itself: yes" in said
    assert "→" in said
    assert segments_table({}, named) is None
    span = segment_in_words([{"feature": "age", "low": 30.5, "high": 47.5, "unknown": True}], named)
    assert span.en == "Age 30 to 48 or unknown"
    assert segment_in_words([], named).en == "everybody"


def test_the_less_is_lost_the_more_a_plan_is_worth_and_the_plan_itself_stands_among_them(small: SmallBank) -> None:
    lines = swings(small.window)
    assert [one.factor for one in lines] == [0.0, 0.5, 1.0, 2.0]
    values = [one.value for one in lines]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]
    own = lines[2]
    assert own.kept == own.contacts
    assert own.value == pytest.approx(small.window.plan.solution.objective)
    assert all(one.kept <= one.contacts for one in lines)
    table = swing_table(lines)
    assert table is not None
    assert "as stated (this plan)" in [row[0].text.en for row in table.rows]
    assert swing_table(()) is None


def test_a_plan_keeps_what_it_believes_and_whose_word_that_is(small: SmallBank) -> None:
    kept = Beside.of(json.loads(json.dumps(Beside(beliefs=beliefs(small.window)).as_dict())))
    found = {one.campaign: segments_table(one.card, one.named) for one in kept.beliefs}
    assert set(found) == set(small.window.locks)
    for table in found.values():
        assert table is not None
        assert table.rows
        assert table.note is not None
        assert "2026-08-10" in table.note.en
