"""What happened to a customer and what is ahead: events, contacts, decisions and tasks on one line; the next thirty days."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from bankloop.customer.overview.contracts import Ahead, Entry, PastDecision
from bankloop.kit.clock import local_day
from bankloop.store.database import ask_bank_wide
from bankloop.store.questions import Question

ON_LINE = 60
AHEAD_DAYS = 30
# A payday is usual when the last three salaries came on it, give or take what a weekend moves.
_SALARIES = 3
_WEEKEND = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nobody is shown whom a lot kept apart: staff who know treat them differently, and who is left out in confidence shows
# nothing either, so that the two look alike.
_DECIDED = (
    b"SELECT campaign, round, window_start, coalesce(issued_action, ''), reasons FROM decision "
    b"WHERE customer_no = ANY (%(numbers)s) AND NOT reasons && ARRAY['holdout', 'control', 'explored_none'] ORDER BY window_start DESC, campaign LIMIT 20"
)
_CONTACTS = (
    b"SELECT due_at, campaign, channel, accepted, refused_by FROM contact WHERE customer_no = ANY (%(numbers)s) "
    b"ORDER BY due_at DESC LIMIT 40"
)
_OF_EVENTS = ("type", "channel", "scene", "amount_fen", "occurred_at")
# What no file has brought yet: channels and staff write to the store at once.
_EVENTS = (
    b"SELECT type, channel, scene, amount_fen, occurred_at FROM event WHERE customer_no = ANY (%(numbers)s) "
    b"ORDER BY occurred_at DESC LIMIT 60"
)
_TASKS = (
    b"SELECT due_on, campaign, action, state FROM staff_task WHERE customer_no = ANY (%(numbers)s) "
    b"ORDER BY due_on DESC LIMIT 40"
)


@dataclass(frozen=True, slots=True)
class KeptHistory:
    """What the store keeps of a person: decisions with their reasons, contacts and tasks as lines, events as the lake has them."""

    decided: tuple[PastDecision, ...]
    lines: tuple[Entry, ...]
    events: tuple[dict[str, Any], ...]


def kept(connection: Connection, numbers: Sequence[str]) -> KeptHistory:
    """Return what the store keeps of a person, in one trip; the program sees all of it, whoever asks."""
    values = {"numbers": list(numbers)}
    decided, contacts, tasks, events = ask_bank_wide(
        connection,
        Question(_DECIDED, lambda rows: tuple(_decision(*row) for row in rows), values),
        Question(_CONTACTS, lambda rows: [_contact(*row) for row in rows], values),
        Question(_TASKS, lambda rows: [_task(*row) for row in rows], values),
        Question(_EVENTS, lambda rows: tuple(dict(zip(_OF_EVENTS, row, strict=True)) for row in rows), values),
    )
    return KeptHistory(decided, (*contacts, *tasks), events)


def _decision(campaign: str, round_: int, window_start: date, action: str, reasons: Sequence[str]) -> PastDecision:
    return PastDecision(campaign, round_, window_start, action, tuple(reasons))


def _contact(due_at: datetime, campaign: str, channel: str, accepted: bool, refused_by: str) -> Entry:
    return Entry(due_at, "contact", campaign, channel, "accepted" if accepted else refused_by, None)


def _task(due_on: date, campaign: str, action: str, state: str) -> Entry:
    return Entry(datetime.combine(due_on, time(), UTC), "task", campaign, action, state, None)


def unseen(events: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the events of the store that are not among those ``known`` from files."""
    seen = {(row["type"], row["occurred_at"]) for row in known}
    return [row for row in events if (row["type"], row["occurred_at"]) not in seen]


def moments(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
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
