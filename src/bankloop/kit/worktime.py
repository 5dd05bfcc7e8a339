"""Working time: the statutory calendar of working days, and clocks that stand still when nobody works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bankloop.kit.holidays import FILE, OwnYear, is_statutory
from bankloop.kit.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# A counter's day; a bank with other hours passes its own.
OFFICE_HOURS = ((time(9), time(12)), (time(13, 30), time(17, 30)))
# Nobody asks for a clock that runs longer; it bounds the search for the end of one.
_LONGEST = timedelta(days=3_660)


# The years that the bank's own file says, which is this process's bank's; see ``take_calendar``.
_own: dict[int, OwnYear] = {}


def take_calendar(years: Mapping[int, OwnYear]) -> None:
    """Let the bank's own years count from now on, in place of what is published; whoever opens a bank says them."""
    if years != _own:
        _own.clear()
        _own.update(years)
        is_working_day.cache_clear()


@cache
def is_working_day(day: date) -> bool:
    """Return whether people work that day: by the bank's own file, else as published, else weekdays that are no holiday by law.

    What is arranged around holidays (调休) is known for the first two only; see ``unknown_after``.
    """
    import chinese_calendar  # a tenth of a second, which --help does not need

    if day.year in _own:
        return _own[day.year].works(day)
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5 and not is_statutory(day)


def days_between(first: date, last: date) -> list[date]:
    """Return the days from one to another, both inclusive, in order; none where ``last`` is before."""
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]


def known_until() -> date:
    """Return the last day whose working days are known: of the years published and those of the bank's own file, in a row."""
    import chinese_calendar

    year = max(day.year for day in chinese_calendar.constants.holidays)
    while year + 1 in _own:
        year += 1
    return date(year, 12, 31)


def unknown_after(day: date) -> Text | None:
    """Return the warning to who plans up to ``day``, where the working days are not known that far."""
    last = known_until()
    if day <= last:
        return None
    return Text(
        f"工作日历只到 {last}：之后只知法定节日，不知调休；国务院公布后请写进 {FILE}",
        f"working days are known to {last} only: after it holidays by law are, and what is arranged around them "
        "is not; "
        f"write it to {FILE} once it is published",
    )


@dataclass(frozen=True, slots=True)
class WorkTime:
    """The hours in which people work, in a zone; moved working days and holidays are those of the calendar."""

    zone: str = "Asia/Shanghai"
    hours: tuple[tuple[time, time], ...] = OFFICE_HOURS

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from one moment to another; nought where ``end`` is not after ``start``."""
        total, day = timedelta(), start.astimezone(ZoneInfo(self.zone)).date()
        last = end.astimezone(ZoneInfo(self.zone)).date()
        while day <= last:
            for opens, closes in self._spans(day):
                total += max(min(closes, end) - max(opens, start), timedelta())
            day += timedelta(days=1)
        return total

    def elapsed_many(self, starts: Sequence[datetime], ends: Sequence[datetime]) -> Floats:
        """Return ``elapsed`` in seconds of many pairs (n,) at once: by how much had been worked until each moment."""
        import numpy as np  # a tenth of a second, which --help does not need

        if not starts:
            return np.zeros(0)
        begin, end = (np.array([one.timestamp() for one in moments]) for moments in (starts, ends))
        first = min(starts).astimezone(ZoneInfo(self.zone)).date()
        days = (max(*ends, *starts).astimezone(ZoneInfo(self.zone)).date() - first).days + 1
        spans = [span for place in range(days) for span in self._spans(first + timedelta(days=place))]
        if not spans:
            return np.zeros(len(begin))
        opens, closes = (np.array([span[side].timestamp() for span in spans]) for side in (0, 1))
        before = np.concatenate([[0.0], np.cumsum(closes - opens)[:-1]])

        def worked(moment: Floats) -> Floats:
            at = np.searchsorted(opens, moment, side="right") - 1
            inside = np.clip(moment - opens[at], 0.0, (closes - opens)[at])
            return np.where(at < 0, 0.0, before[at] + inside)

        found: Floats = np.maximum(worked(end) - worked(begin), 0.0)
        return found

    def later(self, start: datetime, span: timedelta) -> datetime:
        """Return the first moment at which ``span`` of working time has passed since ``start``."""
        if not span:
            return start
        left, day = span, start.astimezone(ZoneInfo(self.zone)).date()
        stop = day + _LONGEST
        while day < stop:
            for opens, closes in self._spans(day):
                here = max(closes - max(opens, start), timedelta())
                if left <= here and closes > start:
                    return (max(opens, start) + left).astimezone(UTC)
                left -= here
            day += timedelta(days=1)
        raise ValueError(f"no working time of {span} within ten years")

    def end_of(self, day: date) -> datetime:
        """Return when work ends on a day (or the last working day before it)."""
        while not is_working_day(day):
            day -= timedelta(days=1)
        return self._spans(day)[-1][1].astimezone(UTC)

    def begin_of(self, day: date) -> datetime:
        """Return when work begins on a day (or the first working day after it)."""
        while not is_working_day(day):
            day += timedelta(days=1)
        return self._spans(day)[0][0].astimezone(UTC)

    def _spans(self, day: date) -> list[tuple[datetime, datetime]]:
        if not is_working_day(day):
            return []
        zone = ZoneInfo(self.zone)
        return [(datetime.combine(day, a, zone), datetime.combine(day, b, zone)) for a, b in self.hours]
