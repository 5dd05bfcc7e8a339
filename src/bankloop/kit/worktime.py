"""Working time: the statutory calendar of working days, and clocks that stand still when nobody works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

# A counter's day; a bank with other hours passes its own.
OFFICE_HOURS = ((time(9), time(12)), (time(13, 30), time(17, 30)))
# Nobody asks for a clock that runs longer; it bounds the search for the end of one.
_LONGEST = timedelta(days=3_660)


@cache
def is_working_day(day: date) -> bool:
    """Return whether people work that day: the statutory calendar where it is published, else Monday to Friday."""
    import chinese_calendar  # a tenth of a second, which --help does not need

    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


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
