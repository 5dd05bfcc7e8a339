"""Windows of one customer as daily buckets: updated as events arrive, in any order, and equal to what the batch computes.

A bucket is one bank-local day of the events that some window means: how many, how much, and the last moment. A window is
a sum over its days, so that a day that passes costs nothing and an event that arrives late falls into its own day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from bankloop.customer.contracts import Catalogue, EventWindow, Measure
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.expression import Expression, to_function

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Happened:
    """One event as windows read it."""

    type: str
    occurred_at: datetime
    channel: str | None = None
    scene: str | None = None
    amount_fen: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """One day of one kind of events: how many, the sum of their amounts, and the second of the last one."""

    count: int = 0
    sum_fen: int | None = None
    last: int = 0

    def take(self, event: Happened) -> None:
        """Count an event."""
        self.count += 1
        if event.amount_fen is not None:
            self.sum_fen = (self.sum_fen or 0) + event.amount_fen
        self.last = max(self.last, int(event.occurred_at.timestamp()))

    def join(self, other: Bucket) -> None:
        """Count the events of another bucket of the same day."""
        self.count += other.count
        if other.sum_fen is not None:
            self.sum_fen = (self.sum_fen or 0) + other.sum_fen
        self.last = max(self.last, other.last)


@dataclass
class Buckets:
    """The daily buckets of one customer, for all windows of a catalogue in the bank's ``zone``."""

    catalogue: Catalogue
    zone: str
    _days: dict[tuple[object, ...], dict[date, Bucket]] = field(default_factory=dict)

    @property
    def windows(self) -> dict[str, EventWindow]:
        """Return the windows by the attribute's name."""
        return {name: a.body for name, a in self.catalogue.attributes.items() if isinstance(a.body, EventWindow)}

    def add(self, event: Happened) -> None:
        """Count an event into the day on which it happened; each event is added once, in whatever order they come."""
        day = local_day(event.occurred_at, self.zone)
        for kind in {window.kind for window in self.windows.values() if _means(window, event)}:
            self._days.setdefault(kind, {}).setdefault(day, Bucket()).take(event)

    def values(self, today: date) -> dict[str, int | date | None]:
        """Return the value of every window as of the end of ``today``."""
        return {name: self._value(window, today) for name, window in self.windows.items()}

    def forget(self, today: date) -> int:
        """Drop the days that no window reads any more and return how many; of an endless one the last day stays."""
        dropped = 0
        for kind, days in self._days.items():
            lengths = [window.days for window in self.windows.values() if window.kind == kind]
            longest = max((length for length in lengths if length is not None), default=0)
            keep = max((day for day in days if day <= today), default=None) if None in lengths else None
            for day in [d for d in days if d <= today - timedelta(days=longest) and d != keep]:
                del days[day]
                dropped += 1
        return dropped

    @classmethod
    def together(cls, parts: Sequence[Buckets]) -> Buckets:
        """Return the buckets of one person out of those of each of their numbers, which stay as they are."""
        made = cls(parts[0].catalogue, parts[0].zone)
        for part in parts:
            for kind, days in part._days.items():
                mine = made._days.setdefault(kind, {})
                for day, bucket in days.items():
                    mine.setdefault(day, Bucket()).join(bucket)
        return made

    def plain(self) -> dict[str, Any]:
        """Return the buckets as JSON has them, to be kept beside the customer."""
        return {
            str(kind): {day.isoformat(): [b.count, b.sum_fen, b.last] for day, b in sorted(days.items())}
            for kind, days in self._days.items()
        }

    @classmethod
    def read(cls, catalogue: Catalogue, zone: str, plain: Mapping[str, Any]) -> Buckets:
        """Return the buckets that were kept; those of windows that the catalogue no longer has are left out."""
        made = cls(catalogue, zone)
        kinds = {str(window.kind): window.kind for window in made.windows.values()}
        for name, days in plain.items():
            if name in kinds:
                made._days[kinds[name]] = {date.fromisoformat(day): Bucket(*values) for day, values in days.items()}
        return made

    def _value(self, window: EventWindow, today: date) -> int | date | None:
        days = self._days.get(window.kind, {})
        first = date.min if window.days is None else today - timedelta(days=window.days - 1)
        within = [bucket for day, bucket in days.items() if first <= day <= today]
        match window.measure:
            case Measure.COUNT:
                return sum(bucket.count for bucket in within)
            case Measure.SUM:
                return sum(bucket.sum_fen or 0 for bucket in within)
            case Measure.DAYS:
                return len(within)
            case Measure.LAST:
                return max((day for day, _ in days.items() if first <= day <= today), default=None)
            case Measure.DAYS_SINCE:
                midnight = int(local_moment(today + timedelta(days=1), 0, 0, self.zone).timestamp())
                return (midnight - 1 - max(b.last for b in within)) // _DAY if within else None


def _means(window: EventWindow, event: Happened) -> bool:
    return (
        event.type in window.events
        and (not window.scenes or event.scene in window.scenes)
        and (not window.channels or event.channel in window.channels)
        and (window.at_least_fen is None or (event.amount_fen is not None and event.amount_fen >= window.at_least_fen))
        and (window.where is None or _chosen(window.where, event))
    )


def _chosen(where: Expression, event: Happened) -> bool:
    own = {"type": event.type, "channel": event.channel, "scene": event.scene, "amount_fen": event.amount_fen}
    row = {**dict.fromkeys(where.names), **event.properties, **own}
    return _function(where)(row) is True


_function = lru_cache(maxsize=256)(to_function)
