"""The scarce resources of a window: budgets, benefit stock, channel capacity, staff minutes, as families of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import numpy as np

from bankloop.kit import Text
from bankloop.loop.reach.assignment import Family
from bankloop.loop.reach.contracts import Action, Candidates
from bankloop.loop.spec import Lock, Policies

_FEN = Text("分", "fen")
_ITEM = Text("张", "grants")
_CONTACT = Text("次", "contacts")
_MINUTE = Text("分钟", "minutes")


def window_days(start: date, days: int) -> list[date]:
    """Return the bank-local days of a window."""
    return [start + timedelta(days=offset) for offset in range(days)]


@cache
def is_working_day(day: date) -> bool:
    """Return whether people work that day: the statutory calendar where it is published, else Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def channel_days(policies: Policies, staff: bool, days: Sequence[date]) -> list[date]:
    """Return the days of a window on which a channel can work."""
    return [d for d in days if is_working_day(d)] if staff and policies.plan.working_days else list(days)


def families_of(
    candidates: Candidates,
    locks: Mapping[str, Lock],
    policies: Policies,
    days: Sequence[date],
    spent: Mapping[str, float] | None = None,
) -> tuple[Family, ...]:
    """Return the families of a window; ``spent`` is what earlier windows of the round took from budgets and stocks."""
    actions, gone = candidates.actions, spent or {}
    found = [*_budgets(actions, locks, gone), *_stocks(actions, locks, gone), *_channels(actions, policies, days)]
    per_branch = policies.staff.minutes_per_branch_day
    minutes = np.array([float(a.minutes if a.staff else 0) for a in actions])
    if per_branch is not None and minutes.any() and candidates.branches:
        worked = len(channel_days(policies, True, days))
        limit = np.full(len(candidates.branches), float(per_branch * worked))
        found.append(Family("staff_minutes", minutes, limit, candidates.branch))
    return tuple(found)


def _budgets(actions: Sequence[Action], locks: Mapping[str, Lock], spent: Mapping[str, float]) -> list[Family]:
    found = []
    for name, lock in locks.items():
        budget = lock.campaign.reach.budget
        if budget is not None:
            use = np.array([a.contact_cost + a.reserved if a.campaign == name else 0.0 for a in actions])
            key = f"budget:{name}"
            found.append(Family(key, use, np.array([max(0.0, budget - spent.get(key, 0.0))])))
    return found


def _stocks(actions: Sequence[Action], locks: Mapping[str, Lock], spent: Mapping[str, float]) -> list[Family]:
    stock = {benefit.key: benefit.stock for lock in locks.values() for benefit in lock.benefits}
    return [
        Family(
            f"stock:{key}",
            np.array([1.0 if a.benefit == key else 0.0 for a in actions]),
            np.array([max(0.0, limit - spent.get(f"stock:{key}", 0.0))]),
        )
        for key, limit in stock.items()
    ]


def _channels(actions: Sequence[Action], policies: Policies, days: Sequence[date]) -> list[Family]:
    found = []
    for name, channel in policies.channels.items():
        use = np.array([1.0 if a.channel == name else 0.0 for a in actions])
        if channel.per_day is not None and use.any():
            limit = float(channel.per_day * len(channel_days(policies, channel.staff, days)))
            found.append(Family(f"channel:{name}", use, np.array([limit])))
    return found


def describe(name: str, locks: Mapping[str, Lock], policies: Policies) -> tuple[Text, Text]:
    """Return a resource's name and unit as people read them."""
    kind, _, key = name.partition(":")
    match kind:
        case "budget":
            title = locks[key].campaign.title.text
            return Text(f"{title.zh}预算", f"Budget of {title.en}"), _FEN
        case "stock":
            title = next(b.title.text for lock in locks.values() for b in lock.benefits if b.key == key)
            return Text(f"{title.zh}库存", f"Stock of {title.en}"), _ITEM
        case "channel":
            return policies.channels[key].title.text, _CONTACT
    branch = f"（{key}）" if key else ""
    return Text(f"客户经理工时{branch}", f"Managers' time{' at ' + key if key else ''}"), _MINUTE
