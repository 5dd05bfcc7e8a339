"""What happened to a customer and what is ahead: events, contacts, decisions and tasks on one line; the next thirty days."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, text

from bankloop.customer.overview.contracts import Ahead, Decided, Entry
from bankloop.kit import local_day

ON_LINE = 60
AHEAD_DAYS = 30
# A payday is usual when the last three salaries came on it, give or take what a weekend moves.
_SALARIES = 3
_WEEKEND = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIDED = text(
    "SELECT campaign, round, window_start, coalesce(issued_action, '') AS action, reasons FROM decision "
    "WHERE customer_no = ANY (:numbers) ORDER BY window_start DESC, campaign LIMIT 20"
)
_CONTACTS = text(
    "SELECT due_at, campaign, channel, accepted, refused_by FROM contact WHERE customer_no = ANY (:numbers) "
    "ORDER BY due_at DESC LIMIT 40"
)
# What no file has brought yet: channels and staff write to the store at once.
_EVENTS = text(
    "SELECT type, channel, scene, amount_fen, occurred_at FROM event WHERE customer_no = ANY (:numbers) "
    "ORDER BY occurred_at DESC LIMIT 60"
)
_TASKS = text(
    "SELECT due_on, campaign, action, state FROM staff_task WHERE customer_no = ANY (:numbers) ORDER BY due_on DESC LIMIT 40"
)


def decided(connection: Connection, numbers: Sequence[str]) -> tuple[Decided, ...]:
    """Return what was decided about a person lately, with its reasons; within the program's view."""
    rows = connection.execute(_DECIDED, {"numbers": list(numbers)})
    return tuple(Decided(r.campaign, r.round, r.window_start, r.action, tuple(r.reasons)) for r in rows)


def made(connection: Connection, numbers: Sequence[str]) -> list[Entry]:
    """Return the contacts and tasks of a person."""
    values = {"numbers": list(numbers)}
    contacts = [
        Entry(r.due_at, "contact", r.campaign, r.channel, "accepted" if r.accepted else r.refused_by, None)
        for r in connection.execute(_CONTACTS, values)
    ]
    tasks = [
        Entry(datetime.combine(r.due_on, time(), UTC), "task", r.campaign, r.action, r.state, None)
        for r in connection.execute(_TASKS, values)
    ]
    return [*contacts, *tasks]


def happened(
    connection: Connection, numbers: Sequence[str], known: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a person's events of the store that are not among those ``known`` from files, as the lake has them."""
    seen = {(row["type"], row["occurred_at"]) for row in known}
    rows = [dict(row) for row in connection.execute(_EVENTS, {"numbers": list(numbers)}).mappings()]
    return [row for row in rows if (row["type"], row["occurred_at"]) not in seen]


def moments(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return events as they are kept, with their moment."""
    return [{**row, "occurred_at": _EPOCH + timedelta(microseconds=row["occurred_us"])} for row in rows]


def timeline(events: Sequence[Mapping[str, Any]], lines: Sequence[Entry], *, clear: bool) -> tuple[Entry, ...]:
    """Return events, contacts and tasks on one line, the latest first; amounts only where they may be seen."""
    happened = [
        Entry(r["occurred_at"], "event", r["type"], r["channel"] or "", "", r["amount_fen"] if clear else None)
        for r in events
    ]
    return tuple(sorted([*happened, *lines], key=lambda one: one.at, reverse=True)[:ON_LINE])


def ahead(
    holdings: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], today: date, zone: str, *, clear: bool
) -> tuple[Ahead, ...]:
    """Return what is expected of the next thirty days: maturities, which are certain, and the usual payday."""
    until = today + timedelta(days=AHEAD_DAYS)
    found = [
        Ahead(one["matures_on"], "maturity", one["product_class"], one["balance_fen"] if clear else None, certain=True)
        for one in holdings
        if one["matures_on"] is not None and today <= one["matures_on"] <= until
    ]
    paid = [local_day(one["occurred_at"], zone) for one in events if one["type"] == "payroll"]
    if (day := next_payday(paid, today)) is not None and day <= until:
        found.append(Ahead(day, "payday", "", None, certain=False))
    return tuple(sorted(found, key=lambda one: (one.day, one.kind, one.product_class)))


def next_payday(paid: Sequence[date], today: date) -> date | None:
    """Return when the next salary is usual: on the day of the month of the last ones; None where they agree on none."""
    last = sorted(paid, reverse=True)[:_SALARIES]
    if len(last) < _SALARIES:
        return None
    usual, _ = Counter(day.day for day in last).most_common(1)[0]
    if any(
        min(abs(day.day - usual), monthrange(day.year, day.month)[1] - abs(day.day - usual)) > _WEEKEND for day in last
    ):
        return None
    for month in (today.replace(day=1), (today.replace(day=28) + timedelta(days=4)).replace(day=1)):
        day = month.replace(day=min(usual, monthrange(month.year, month.month)[1]))
        if day > today:
            return day
    return None
