"""Working time: moved workdays, holidays, and clocks that agree with themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.worktime import WorkTime, is_working_day

HOURS = WorkTime()
MOMENTS = st.integers(0, 120 * 24 * 60).map(
    lambda minutes: datetime(2025, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
SPANS = st.integers(0, 40 * 60).map(lambda minutes: timedelta(minutes=minutes))


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour - 8, minute, tzinfo=UTC)


def test_moved_workdays_and_holidays_are_the_calendar_s() -> None:
    assert not is_working_day(date(2026, 2, 17))  # the first day of the spring festival
    assert is_working_day(date(2026, 2, 14))  # a Saturday that was moved to
    assert not is_working_day(date(2026, 11, 22))
    assert is_working_day(date(2099, 1, 5))  # Monday, where no calendar is published yet


def test_lunch_nights_and_weekends_do_not_count() -> None:
    assert HOURS.elapsed(local(20, 11), local(20, 14)) == timedelta(hours=1, minutes=30)
    assert HOURS.elapsed(local(20, 17), local(23, 9, 30)) == timedelta(hours=1)  # Friday to Monday
    assert HOURS.elapsed(local(20, 14), local(20, 11)) == timedelta()
    assert HOURS.later(local(20, 17), timedelta(hours=1)) == local(23, 9, 30)
    assert HOURS.later(local(20, 12), timedelta()) == local(20, 12)


def test_the_festival_is_no_time() -> None:
    before, after = local(13, 17, month=2), local(25, 10, month=2)
    # 14 and 15 February are a moved workday and a holiday; work goes on on the 24th.
    assert HOURS.elapsed(before, after) < timedelta(hours=7 * 3 + 2)
    assert HOURS.end_of(date(2026, 2, 18)) < HOURS.begin_of(date(2026, 2, 18))


@given(MOMENTS, SPANS)
def test_what_is_later_has_elapsed(start: datetime, span: timedelta) -> None:
    end = HOURS.later(start, span)
    assert end >= start
    assert HOURS.elapsed(start, end) == span


@given(MOMENTS, MOMENTS, MOMENTS)
def test_elapsed_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    a, b, c = sorted((one, two, three))
    assert HOURS.elapsed(a, b) + HOURS.elapsed(b, c) == HOURS.elapsed(a, c)


def test_a_clock_that_never_ends_is_a_defect_of_ours() -> None:
    with pytest.raises(ValueError, match="ten years"):
        HOURS.later(local(20, 9), timedelta(days=10_000))


@given(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=8))
def test_many_at_once_are_what_each_is(pairs: list[tuple[datetime, datetime]]) -> None:
    found = HOURS.elapsed_many([one for one, _ in pairs], [two for _, two in pairs])
    assert [timedelta(seconds=value) for value in found] == [HOURS.elapsed(one, two) for one, two in pairs]
