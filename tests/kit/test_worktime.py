"""Working time: moved workdays, holidays, and clocks that agree with themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import SpecError
from bankloop.kit.holidays import is_statutory, read_own_years
from bankloop.kit.worktime import WorkTime, is_working_day, known_until, take_calendar, unknown_after

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


OWN = """format: 1
years:
  2027:
    off: [2027-01-01, 2027-02-05..2027-02-11]
    work: [2027-01-30, 2027-02-13]
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "calendar.yaml").write_text(OWN, encoding="utf-8")
    yield tmp_path
    take_calendar({})


def test_holidays_by_law_are_known_beyond_what_is_published() -> None:
    free = ["2027-01-01", "2027-02-05", "2027-02-08", "2027-04-05", "2027-05-03", "2028-01-25", "2028-01-28", "2030-02-05",
            "2027-06-09", "2027-09-15", "2027-10-01", "2035-02-09", "2035-10-02"]  # fmt: skip
    worked = {date.fromisoformat(day): is_working_day(date.fromisoformat(day)) for day in free}
    assert {day for day, works in worked.items() if works} == {date(2027, 5, 3)}  # a Monday that is not law
    assert is_working_day(date(2027, 2, 4))
    assert is_working_day(date(2027, 2, 10))


def test_holidays_by_law_are_those_that_were_published() -> None:
    """The rules give the same days as the calendar of the years in which they are in force."""
    published = [date(2025, 1, 1) + timedelta(days=place) for place in range(730)]
    by_law = {day for day in published if is_statutory(day)}
    assert len(by_law) == 2 * 7
    assert not {day for day in by_law if is_working_day(day)}


def test_a_bank_s_own_file_says_what_is_arranged(own: Path) -> None:
    assert unknown_after(date(2026, 12, 31)) is None
    assert unknown_after(date(2027, 1, 1)) is not None
    take_calendar(read_own_years(own))
    assert known_until() == date(2027, 12, 31)
    assert unknown_after(date(2027, 12, 31)) is None
    assert unknown_after(date(2028, 1, 1)) is not None
    assert not is_working_day(date(2027, 2, 11))
    assert is_working_day(date(2027, 2, 13))  # a Saturday that was moved to
    assert is_working_day(date(2027, 2, 12))
    start, end = datetime(2027, 2, 4, 9, tzinfo=UTC), datetime(2027, 2, 12, 2, tzinfo=UTC)
    assert HOURS.elapsed(start, end) == timedelta(hours=1.5)
    take_calendar({})
    assert is_working_day(date(2027, 2, 11))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("format: 2\nyears: {}\n", "format: 1"),
        ("format: 1\nyears:\n  27:\n    off: []\n", "no year"),
        ("format: 1\nyears:\n  2027:\n    on: []\n", "a year has off"),
        ("format: 1\nyears:\n  2027:\n    off: [2028-01-01]\n", "no day of 2027"),
        ("format: 1\nyears:\n  2027:\n    off: [2027-02-30]\n", "no value of its kind"),
        ("format: 1\nyears:\n  2027:\n    off: [2027-02-09..2027-02-06]\n", "no day of 2027"),
        ("format: 1\nyears:\n  2027:\n    off: [2027-02-06]\n    work: [2027-02-06]\n", "both off and worked"),
        ("format: 1\nyears:\n  2027:\n    off: []\n    work: [2027-02-08]\n", "a weekday"),
        ("format: 1\nyears:\n  2027:\n    off: soon\n", "list of days"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_by_its_place(tmp_path: Path, wrong: str, said: str) -> None:
    (tmp_path / "calendar.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_own_years(tmp_path)
    assert said in caught.value.message.en
    assert "calendar.yaml" in caught.value.message.en
