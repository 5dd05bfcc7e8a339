"""When each issued contact is due: people's daily capacity filled by value, quiet and call hours respected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bankloop.kit.clock import local_moment
from bankloop.loop.reach.resources import channel_days
from bankloop.loop.spec import Policies

_SPAN = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Due:
    """A contact's day and UTC moment; None when the window's days are full."""

    day: date
    moment: datetime


def schedule(
    channels: Sequence[str], values: Sequence[float], policies: Policies, days: Sequence[date], zone: str
) -> list[Due | None]:
    """Return when each contact is due, the most valuable first within a channel; None beyond the window's capacity."""
    due: list[Due | None] = [None] * len(channels)
    order = sorted(range(len(channels)), key=lambda i: (channels[i], -values[i], i))
    taken: dict[str, int] = {}
    for i in order:
        name = channels[i]
        channel = policies.channels[name]
        open_days = channel_days(policies, channel.staff, days)
        place = taken.get(name, 0)
        day_index = place // channel.per_day if channel.per_day else 0
        if channel.per_day == 0 or day_index >= len(open_days):
            continue
        taken[name] = place + 1
        day = open_days[day_index]
        opens = first_open(policies, channel.staff)
        due[i] = Due(day, local_moment(day, opens.hour, opens.minute, zone))
    return due


def first_open(policies: Policies, staff: bool) -> time:
    """Return the earliest allowed time of a day: the end of quiet hours, or of people's call hours."""
    opens = policies.contact.quiet_hours.end
    if staff and policies.contact.call_hours:
        match = _SPAN.fullmatch(policies.contact.call_hours[0])
        if match:
            opens = max(opens, time(int(match[1]), int(match[2])))
    return opens


def deferred(moment: datetime, policies: Policies) -> datetime:
    """Return a bank-local moment moved out of quiet hours: 21:30 becomes 09:00 of the next day."""
    start, end = policies.contact.quiet_hours.start, policies.contact.quiet_hours.end
    at = moment.timetz().replace(tzinfo=None)
    quiet = (at >= start or at < end) if start > end else (start <= at < end)
    if not quiet:
        return moment
    day = moment.date() + timedelta(days=1) if at >= start and start > end else moment.date()
    return moment.replace(
        year=day.year, month=day.month, day=day.day, hour=end.hour, minute=end.minute, second=0, microsecond=0
    )
