"""The next draft is told what the last round showed, and what to change because of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bankloop.loop.campaign.lessons import lessons_of
from bankloop.loop.evaluate import Cut, Estimate, Reading, judge, read
from tests.loop.evaluate.rounds import drawn


def cut(dimension: str, key: str, lift: Estimate | None, q: float | None, incremental: Estimate | None = None) -> Cut:
    return Cut(dimension, key, 100, 90, 10, 9, 50, 2, lift, q, q, 1_000, incremental)


@pytest.fixture
def reading() -> Reading:
    return read("bind-card", [drawn(2_000)], 0.25)


def test_offers_that_worked_are_kept_and_those_that_harmed_are_stopped(reading: Reading) -> None:
    cuts = (
        cut("action", "card|coupon|sms", Estimate(0.05, 0.02, 0.08), 0.001),
        cut("action", "card|none|sms", Estimate(-0.03, -0.05, -0.01), 0.01),
        cut("action", "card|none|push", Estimate(0.01, -0.01, 0.03), 0.4),
        cut("channel", "sms", None, None, Estimate(-500.0, -900.0, -100.0)),
        cut("channel", "push", None, None, Estimate(-500.0, -900.0, 100.0)),
    )
    said = {"zh": "挑战者更好", "en": "the challenger is better"}
    found = lessons_of(replace(reading, cuts=cuts), {"said": said}, 3)
    assert [one.en for one in found["benefit"]] == [
        "card|coupon|sms works (+5.00 pp): keep it",
        "card|none|sms harms (−3.00 pp): stop it",
    ]
    assert [one.en for one in found["reach"]] == ["sms cost more than it brought: use it less"]
    assert found["model"][0].en == "the champion is version 3; the challenger is better"
    assert found["evaluate"][0] == reading.sentence


def test_an_inconclusive_round_says_what_it_would_take(reading: Reading) -> None:
    lift = Estimate(0.001, -0.02, 0.022)
    verdict, sentence = judge(lift, ())
    found = lessons_of(
        replace(reading, lift=lift, verdict=verdict, sentence=sentence, rounds_needed=7, cuts=()), {}, None
    )
    assert "about 7 pooled rounds" in found["evaluate"][1].en
    assert set(found) == {"evaluate"}


def test_a_round_that_was_not_read_and_a_drifted_model_are_said() -> None:
    alert = {"psi": {"value": 0.31, "said": {"zh": "客群已变", "en": "the population has changed"}}}
    found = lessons_of(None, {"alerts": alert}, 1)
    assert "not read" in found["evaluate"][0].en
    assert found["model"][-1].en == "the population has changed"
