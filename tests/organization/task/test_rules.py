"""Pure rules of tasks: appointments in notes, splitting by weights, escalation, the calls to make first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import InputError
from bankloop.organization.task import OUTCOMES, appointment, first_calls, level_at, outcome_of, split, urgency

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 25, 7, 20, tzinfo=UTC)  # Wednesday, 15:20 in the bank


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("note", "moment"),
    [
        ("有意向, 明天10点回电", at(26, 10)),
        ("客户让后天下午3点半打", at(27, 15, 30)),
        ("下周三上午九点三刻", at(2, 9, 45, 12)),
        ("周五来网点", at(27, 9)),
        ("周三再打", at(2, 9, month=12)),
        ("上周三联系过", None),
        ("每周三都在", None),
        ("有一点兴趣", None),
        ("利率3点5太低，再联系", None),
        ("三点", None),
        ("晚上12点回电", None),
        ("12月1日14:30", at(1, 14, 30, 12)),
        ("3天后联系", at(28, 9)),
        ("晚上7点方便", at(25, 19)),
        ("三点回电", at(26, 15)),  # three in the afternoon has passed today
        ("明天中午1点再打", at(26, 13)),
        ("周五上午到网点", None),  # a day without an hour, and not what for
        ("tomorrow at 10", at(26, 10)),
        ("call the day after tomorrow at 4pm", at(27, 16)),
        ("considers it", None),
        ("今天上午10点打过", None),  # it was
        ("买了13点积分", None),
        ("2月30日", None),
    ],
)
def test_a_note_says_when(note: str, moment: datetime | None) -> None:
    found = appointment(note, NOW, ZONE)
    assert found == moment


@given(st.text(max_size=60))
def test_no_note_breaks_it_or_leads_into_the_past(note: str) -> None:
    found = appointment(note, NOW, ZONE)
    assert found is None or NOW < found < NOW + timedelta(days=400)


def test_900_tasks_by_5_3_1_are_500_300_100() -> None:
    assert split(900, {"A": 5, "B": 3, "C": 1}) == ({"A": 500, "B": 300, "C": 100}, 0)


WEIGHTS = st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(0, 50), min_size=1).filter(lambda w: any(w.values()))


@given(st.integers(0, 10_000), WEIGHTS)
def test_parts_are_whole_exact_and_near_their_share(total: int, weights: dict[str, int]) -> None:
    parts, left = split(total, weights)
    assert left == 0
    assert sum(parts.values()) == total
    whole = sum(weights.values())
    assert all(abs(parts[name] - Fraction(total * w, whole)) < 1 for name, w in weights.items())


@given(st.integers(0, 5_000), WEIGHTS, st.data())
def test_no_part_is_above_its_capacity_and_nothing_is_lost(
    total: int, weights: dict[str, int], data: st.DataObject
) -> None:
    capacity = {name: data.draw(st.integers(0, 500)) for name in weights}
    parts, left = split(total, weights, capacity)
    assert sum(parts.values()) + left == total
    assert all(0 <= parts[name] <= capacity[name] for name in weights)
    if left:
        assert all(parts[name] == capacity[name] for name, w in weights.items() if w)


@pytest.mark.parametrize(("total", "weights"), [(-1, {"A": 1}), (5, {"A": 0}), (5, {"A": -1, "B": 2}), (5, {})])
def test_weights_that_say_nothing_are_refused(total: int, weights: dict[str, int]) -> None:
    with pytest.raises(InputError, match="bad_weights"):
        split(total, weights)


def test_a_branch_without_capacity_gets_nothing_and_the_rest_takes_it() -> None:
    assert split(10, {"A": 1, "B": 1}, {"A": 0, "B": 8}) == ({"A": 0, "B": 8}, 2)


def test_levels_rise_with_the_time_used() -> None:
    allowed = timedelta(hours=4)
    assert [level_at(timedelta(hours=h), allowed) for h in (1, 2, 3, 4, 5, 6, 60)] == [0, 1, 1, 2, 2, 3, 3]
    assert level_at(timedelta(hours=1), timedelta()) == 0


def test_the_calls_to_make_first_are_by_value_and_urgency() -> None:
    hour = timedelta(hours=1)
    calm, late = urgency(4 * hour, 4 * hour), urgency(-hour, 4 * hour)
    assert calm == 1.0
    assert late > 2.0
    assert first_calls([(500, calm), (300, late), (100, calm), (900, calm)], 3) == [3, 1, 0]


def test_outcomes_have_words_in_both_languages() -> None:
    assert all(one.title.zh and one.title.en and one.next_step.zh and one.next_step.en for one in OUTCOMES.values())
    with pytest.raises(InputError, match="no_outcome"):
        outcome_of("maybe")
