"""Holidays that are law, whatever is arranged around them, and a bank's own file of the days it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bankloop.kit.errors import SpecError
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text

FILE = "calendar.yaml"
# New year, labour day and national day by month and day. (全国年节及纪念日放假办法, as of 2025)
_FIXED = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
# Spring festival, dragon boat and mid-autumn by year. (GB/T 33661; the Hong Kong Observatory's tables)
_LUNAR = {
    2027: ((2, 6), (6, 9), (9, 15)),
    2028: ((1, 26), (5, 28), (10, 3)),
    2029: ((2, 13), (6, 16), (9, 22)),
    2030: ((2, 3), (6, 5), (9, 12)),
    2031: ((1, 23), (6, 24), (10, 1)),
    2032: ((2, 11), (6, 12), (9, 19)),
    2033: ((1, 31), (6, 1), (9, 8)),
    2034: ((2, 19), (6, 20), (9, 27)),
    2035: ((2, 8), (6, 10), (9, 16)),
}
# The eve of the spring festival and its first three days.
_SPRING = range(-1, 3)
# Nobody plans further, and a slip of a digit is found.
_YEARS = range(2000, 2101)


@dataclass(frozen=True, slots=True)
class OwnYear:
    """A year as a bank's file says it: the days off beside weekends, and the days of weekends that are worked."""

    off: frozenset[date]
    work: frozenset[date]

    def works(self, day: date) -> bool:
        """Return whether people work on a day of this year."""
        return day in self.work or (day.weekday() < 5 and day not in self.off)


def is_statutory(day: date) -> bool:
    """Return whether a day is a holiday by law; of lunar ones those of the years in the table."""
    if (day.month, day.day) in _FIXED or day == _clear_and_bright(day.year):
        return True
    if day.year not in _LUNAR:
        return False
    spring, boat, autumn = (date(day.year, *found) for found in _LUNAR[day.year])
    return day in (boat, autumn) or (day - spring).days in _SPRING


def _clear_and_bright(year: int) -> date:
    """Return the day of 清明; the usual approximation of the solar term, right for this century."""
    of = year % 100
    return date(year, 4, int(of * 0.2422 + 4.81) - of // 4)


def read_own_years(folder: Path) -> dict[int, OwnYear]:
    """Return the years of a bank's ``calendar.yaml``, none where there is no such file; raise ``SpecError`` by line."""
    path = folder / FILE
    if not path.exists():
        return {}
    located = read_located(path)
    content = located.content
    if content.get("format") != 1 or not isinstance(content.get("years"), dict) or set(content) != {"format", "years"}:
        raise _wrong(located, (), "应有 format: 1 和 years", "it has format: 1 and years")
    return {_year(located, year): _own(located, year, body) for year, body in content["years"].items()}


def _year(located: Located, year: Any) -> int:
    if not isinstance(year, int) or year not in _YEARS:
        raise _wrong(located, ("years",), f"“{year}”不是年份", f"'{year}' is no year")
    return year


def _own(located: Located, year: int, body: Any) -> OwnYear:
    if not isinstance(body, Mapping) or not {"off"} <= set(body) <= {"off", "work"}:
        raise _wrong(
            located, ("years", year), "每年要写 off（放假），可写 work（周末上班）", "a year has off, and may have work"
        )
    off, work = (frozenset(_days(located, year, name, body.get(name) or [])) for name in ("off", "work"))
    if both := sorted(off & work):
        raise _wrong(located, ("years", year), f"{both[0]} 又放假又上班", f"{both[0]} is both off and worked")
    if plain := sorted(day for day in work if day.weekday() < 5):
        raise _wrong(located, ("years", year), f"{plain[0]} 本是工作日", f"{plain[0]} is a weekday and worked anyway")
    return OwnYear(off, work)


def _days(located: Located, year: int, name: str, entries: Any) -> Iterator[date]:
    if not isinstance(entries, list):
        raise _wrong(located, ("years", year), f"{name} 应是日期的列表", f"{name} is a list of days")
    for entry in entries:
        first, _, last = str(entry).partition("..")
        try:
            begin, end = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
        except ValueError:
            begin, end = date.max, date.min
        if not (begin <= end and begin.year == end.year == year):
            raise _wrong(
                located,
                ("years", year),
                f"“{entry}”不是 {year} 年的日期，写 {year}-02-06 或 {year}-02-05..{year}-02-11",
                f"'{entry}' is no day of {year}; write {year}-02-06 or {year}-02-05..{year}-02-11",
            )
        yield from (begin + timedelta(days=place) for place in range((end - begin).days + 1))


def _wrong(located: Located, route: tuple[str | int, ...], zh: str, en: str) -> SpecError:
    return SpecError(
        "calendar.file", Text("{place}：{why}", "{place}: {why}"), place=located.place(*route), why=Text(zh, en)
    )
