"""The calendar of campaigns (营销日历): when each has run and will run, and where several want a customer too often.

Campaigns that start on one day are one plan, which gives a customer no more than the bank's own limit. Those that start
on different days do not know of each other until the gate refuses the later one: that is told here beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.loop import audience
from bankloop.loop.bank import Bank
from bankloop.loop.spec import ANY_CHANNEL, CapPolicy, Lock, Policies, read_lock
from bankloop.organization.approval import approval_of
from bankloop.store.registry import list_campaigns, read_plans
from bankloop.store.registry import read_lock as stored_lock

# What has no day yet, by the campaign's own state.
_UNDATED = {"submitted": "waiting", "approved": "undated"}
Members = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One window of a campaign, its last day included; ``state`` is over, running, scheduled, waiting or undated.

    ``channels`` are those that its lock or its file names. One that waits is to be approved, an undated one is and has
    no day yet.
    """

    campaign: str
    title: Text
    state: str
    since: date | None
    until: date | None
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalendarConflict:
    """More contacts wanted than a cap lets: ``limit`` in ``days`` over ``channel``, for so many ``customers``."""

    channel: str
    limit: int
    days: int
    since: date
    campaigns: tuple[str, ...]
    customers: int

    @property
    def sentence(self) -> Text:
        """Return in words what clashes, and what to do."""
        names = "、".join(self.campaigns), ", ".join(self.campaigns)
        return Text(
            f"{self.customers:,} 位客户在 {self.days} 天内被 {names[0]} 同时选中，超过上限 {self.limit} 次：后来的会被拦下；请错开日期或缩小客群",
            f"{self.customers:,} customers are wanted by {names[1]} within {self.days} days, more than the cap of "
            f"{self.limit}: the later contacts will be refused; move a date or narrow an audience",
        )


def calendar_of(bank: Bank, connection: Connection, since: date) -> tuple[CalendarEntry, ...]:
    """Return the windows that end on ``since`` or later, the earliest first, then what is approved and has no day."""
    today, days = bank.lake.today(), bank.spec.policies.plan.window
    rows = {row.name: row for row in list_campaigns(connection)}
    locks = {name: read_lock(stored_lock(connection, row.lock_digest)) for name, row in rows.items() if row.lock_digest}
    found = [
        _entry(bank, locks, name, "running" if plan.window_end >= today else "over", plan.window_start, plan.window_end)
        for plan in read_plans(connection)
        for name in plan.campaigns
        if plan.window_end >= since
    ]
    planned = {(one.campaign, one.since) for one in found}
    for name, row in rows.items():
        request = approval_of(connection, "campaign", name)
        day = request.starts_on if request is not None and row.state == "scheduled" else None
        if day is not None and day >= since and (name, day) not in planned:
            found.append(_entry(bank, locks, name, "scheduled", day, day + timedelta(days=days - 1)))
        elif row.state in _UNDATED:
            found.append(_entry(bank, locks, name, _UNDATED[row.state], None, None))
    once = dict.fromkeys(found)
    return tuple(sorted(once, key=lambda one: (one.since is None, one.since or today, one.campaign)))


def conflicts_of(bank: Bank, connection: Connection, entries: Sequence[CalendarEntry]) -> tuple[CalendarConflict, ...]:
    """Return where what is still to come wants the same customers more often than a cap lets through."""
    today = bank.lake.today()
    coming = [one for one in entries if one.since is not None and one.until is not None and one.until >= today]
    if len({one.since for one in coming}) < 2:
        return ()
    rows = {row.name: row for row in list_campaigns(connection) if row.lock_digest}
    locks = {
        name: read_lock(stored_lock(connection, str(rows[name].lock_digest)))
        for name in {one.campaign for one in coming} & rows.keys()
    }
    return clashes(coming, _members(bank, locks), bank.spec.policies)


def clashes(
    coming: Sequence[CalendarEntry], members: Mapping[str, Members], policies: Policies
) -> tuple[CalendarConflict, ...]:
    """Return the conflicts among dated entries; ``members`` says by campaign (n,) whom it wants. Pure.

    Of the campaigns that start on one day a customer gets as many as one plan gives.
    """
    found: dict[tuple[str, int, int, tuple[str, ...]], CalendarConflict] = {}
    for cap in policies.contact.caps:
        dated = [one for one in coming if one.campaign in members and _counts(one, cap, policies)]
        for first in sorted({one.since for one in dated if one.since is not None}):
            inside = [
                one for one in dated if one.since is not None and first <= one.since < first + timedelta(days=cap.days)
            ]
            beyond = _wanted(inside, members, policies.plan.per_customer) > cap.limit
            names = tuple(sorted({one.campaign for one in inside if (members[one.campaign] & beyond).any()}))
            key = (cap.channel, cap.limit, cap.days, names)
            if beyond.any() and key not in found:
                count = int(beyond.sum())
                found[key] = CalendarConflict(cap.channel, cap.limit, cap.days, first, names, count)
    return tuple(sorted(found.values(), key=lambda one: (one.since, -one.customers)))


def _counts(entry: CalendarEntry, cap: CapPolicy, policies: Policies) -> bool:
    """Return whether an entry may use up a cap: over its channel, or any channel that sends to people."""
    sent = [name for name in entry.channels if name in policies.channels and not policies.channels[name].is_slot]
    return bool(sent) if cap.channel == ANY_CHANNEL else cap.channel in sent


def _wanted(inside: Sequence[CalendarEntry], members: Mapping[str, Members], most: int) -> NDArray[np.int64]:
    """Return (n,) how many contacts each customer is wanted for, at most ``most`` of one day's plan."""
    size = len(next(iter(members.values()))) if members else 0
    total = np.zeros(size, np.int64)
    for day in {one.since for one in inside}:
        together = sum(
            (members[one.campaign].astype(np.int64) for one in inside if one.since == day), np.zeros(size, np.int64)
        )
        total += np.minimum(together, most)
    return total


def _members(bank: Bank, locks: Mapping[str, Lock]) -> dict[str, Members]:
    """Return by campaign (n,) who is in its audience as of yesterday, exclusions out."""
    as_of = bank.lake.today() - timedelta(days=1)
    state = bank.state(as_of).table
    found = {}
    for name, lock in locks.items():
        inside = np.zeros(state.num_rows, bool)
        inside[audience.select(lock, state, lock.types, as_of).rows] = True
        found[name] = inside
    return found


def _entry(
    bank: Bank, locks: Mapping[str, Lock], name: str, state: str, since: date | None, until: date | None
) -> CalendarEntry:
    campaign = locks[name].campaign if name in locks else bank.spec.campaigns.get(name)
    title = campaign.title.text if campaign is not None else Text(name, name)
    return CalendarEntry(name, title, state, since, until, campaign.reach.channels if campaign is not None else ())
