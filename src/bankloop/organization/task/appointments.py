"""When a note says to call again: «明天10点回电», «下周三下午3点半», "tomorrow at 10"; pure, no guess where it says nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DIGITS = {
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "十一": 11,
    "十二": 12,
}
_WEEKDAYS = {name: place for place, name in enumerate("一二三四五六日")} | {"天": 6}
_NUMBER = r"(?P<{name}>\d{{1,2}}|十[一二]?|[一二两三四五六七八九])"
_DAY = re.compile(
    r"(?P<named>大后天|后天|明天|明日|今天|今日|day after tomorrow|tomorrow|today)"
    r"|(?<![上每本])(?P<next>下)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!到)"
    r"|(?P<month>\d{1,2})月(?P<dom>\d{1,2})[日号]"
    r"|(?P<days>\d{1,2})\s*(?:天后|days? (?:later|from now))",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?P<part>早上|上午|中午|下午|傍晚|晚上)?\s*"
    + _NUMBER.format(name="hour")
    + r"\s*(?:点(?![\d.]*[%％])|[:：](?=\d{2}))\s*(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>\d{2})\s*分?|(?P<short>\d)\s*分|(?P<odd>\d))?"
    r"|\bat (?P<clock>\d{1,2})(?::(?P<past>\d{2}))?\s*(?P<ampm>[ap]m)?",
    re.IGNORECASE,
)
_NAMED = {
    "今天": 0, "今日": 0, "today": 0, "明天": 1, "明日": 1, "tomorrow": 1,
    "后天": 2, "day after tomorrow": 2, "大后天": 3,
}  # fmt: skip
_AFTERNOON = ("下午", "傍晚", "晚上")
_MORNING = time(9)
# An hour alone is an appointment only where the note says what it is for.
_CALL = re.compile(
    r"回电|再打|打给|打来|来电|联系|回访|再约|见面|来网点|来行|拜访|\bcall|\bring\b|\bmeet|\bvisit", re.IGNORECASE
)
# Who says "at three" means the afternoon: nobody is called before eight.
_EARLIEST_HOUR = 8


def appointment(note: str, said_at: datetime, zone: str) -> datetime | None:
    """Return the UTC moment that a note asks for, later than ``said_at``; None where it names none.

    A day without an hour means nine in the morning, an hour without a day the next such hour; both only where the note
    says what for: «三点回电».
    """
    here = said_at.astimezone(ZoneInfo(zone))
    found_day, found_time = _DAY.search(note), _hour(note)
    if found_day is None and (found_time is None or not (_CALL.search(note) or found_time["part"])):
        return None
    if found_time is None and not _CALL.search(note):
        return None
    day = _day(found_day, here.date()) if found_day else here.date()
    clock = _clock(found_time) if found_time else _MORNING
    if day is None or clock is None:
        return None
    moment = datetime.combine(day, clock, ZoneInfo(zone))
    if moment <= here and found_day is None:
        moment += timedelta(days=1)
    return moment.astimezone(UTC) if moment > here else None


def _hour(note: str) -> re.Match[str] | None:
    """Return the first time of day in a note: «有一点兴趣» and «利率3点5» are none."""
    for found in _TIME.finditer(note):
        bare = not found["part"] and not found["clock"]
        a_little = found["hour"] == "一" and bare and found["half"] is None
        if not a_little and not found["odd"]:
            return found
    return None


def _day(found: re.Match[str], today: date) -> date | None:
    if named := found["named"]:
        return today + timedelta(days=_NAMED[named.lower()])
    if weekday := found["weekday"]:
        monday = today - timedelta(days=today.weekday())
        day = monday + timedelta(days=_WEEKDAYS[weekday] + (7 if found["next"] else 0))
        return day if day > today else day + timedelta(days=7)
    if found["days"]:
        return today + timedelta(days=int(found["days"]))
    try:
        day = date(today.year, int(found["month"]), int(found["dom"]))
        return day if day >= today else date(today.year + 1, day.month, day.day)
    except ValueError:
        return None


def _clock(found: re.Match[str]) -> time | None:
    if found["clock"]:
        hour, minute, part = int(found["clock"]), int(found["past"] or 0), (found["ampm"] or "").lower()
        hour += 12 if part == "pm" and hour < 12 else 0
    else:
        hour = int(found["hour"]) if found["hour"].isdigit() else _DIGITS[found["hour"]]
        minute = (
            30
            if found["half"]
            else 15 * _DIGITS[found["quarter"]]
            if found["quarter"]
            else int(found["minute"] or found["short"] or 0)
        )
        part = found["part"] or ""
        hour += 12 if (part in _AFTERNOON and hour < 12) or (part == "中午" and hour < 3) else 0
        if part in _AFTERNOON and hour == 12:
            return None  # noon or midnight: nobody can say which
    if not part and hour < _EARLIEST_HOUR:
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None
