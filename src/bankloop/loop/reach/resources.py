"""The scarce resources of a window: budgets, benefit stock, channel capacity, staff minutes, as families of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from bankloop.kit.text import Text
from bankloop.kit.worktime import is_working_day
from bankloop.loop.reach.assignment import Family
from bankloop.loop.reach.contracts import Action, Bools, Candidates, Floats
from bankloop.loop.reach.quotas import meant, quotas_of
from bankloop.loop.reach.sets import Rules
from bankloop.loop.spec import Lock, Policies, Quota

_FEN = Text("分", "fen")
_ITEM = Text("张", "grants")
_CONTACT = Text("次", "contacts")
_MINUTE = Text("分钟", "minutes")
_CUSTOMER = Text("人", "customers")


def window_days(start: date, days: int) -> list[date]:
    """Return the bank-local days of a window."""
    return [start + timedelta(days=offset) for offset in range(days)]


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
    a_day = minutes_a_day(candidates, policies)
    minutes = np.array([float(a.minutes if a.staff else 0) for a in actions])
    if a_day is not None and minutes.any() and candidates.branches:
        limit = a_day * len(channel_days(policies, True, days))
        found.append(Family("staff_minutes", minutes, limit, candidates.branch, pools=candidates.branches))
    for name, quota in quotas_of(locks, policies).items():
        found += _quota(name, quota, candidates)
    return tuple(found)


def minutes_a_day(candidates: Candidates, policies: Policies) -> Floats | None:
    """Return the minutes that each branch's people can give on a working day; None where nothing limits them."""
    staff, n = policies.staff, len(candidates.branches)
    bounds = []
    if staff.minutes_per_branch_day is not None:
        bounds.append(np.full(n, float(staff.minutes_per_branch_day)))
    if staff.minutes_per_manager_day is not None:
        bounds.append(candidates.managers * float(staff.minutes_per_manager_day))
    return np.minimum.reduce(bounds) if bounds else None


def rules_of(actions: Sequence[Action], locks: Mapping[str, Lock], policies: Policies) -> Rules | None:
    """Return what one customer may get in a window, one action a campaign; None where it is one action in all."""
    plan, names = policies.plan, list(locks)
    if plan.per_customer == 1:
        return None
    place = tuple(names.index(action.campaign) for action in actions)
    excludes = {frozenset(pair) for pair in plan.exclude}
    pairs = [
        (a, b)
        for a in range(len(place))
        for b in range(a + 1, len(place))
        if frozenset((names[place[a]], names[place[b]])) in excludes
    ]
    follows = [(names.index(a), names.index(b)) for a, b in plan.require if a in names and b in names]
    # What needs a campaign that does not run waits for it.
    alone = {names.index(a) for a, b in plan.require if a in names and b not in names}
    missing = [(at, len(names)) for at in sorted(alone)]
    return Rules(plan.per_customer, place, tuple(pairs), (), (*follows, *missing))


def _quota(name: str, quota: Quota, candidates: Candidates) -> list[Family]:
    """Return a quota's families: customers, money, staff minutes, volume, each as far as it is stated."""
    actions = candidates.actions
    mine = meant(quota, actions)
    customers = mine.astype(float)
    money = mine * np.array([a.contact_cost + a.reserved for a in actions])
    minutes = mine * np.array([float(a.minutes if a.staff else 0) for a in actions])
    measured = (
        ("", customers, quota.at_least, quota.at_most),
        (":money", money, None, quota.budget),
        (":minutes", minutes, None, quota.minutes),
        (":volume", _taken(name, mine, candidates), None, quota.volume),
    )
    return [
        _bounded(f"quota:{name}{kind}", use, least, most, quota, candidates)
        for kind, use, least, most in measured
        if least is not None or most is not None
    ]


def _taken(name: str, mine: Bools, candidates: Candidates) -> Floats:
    """Return (n, K) fen that each customer takes of a quota's volume; where that is not known the action is closed."""
    if name not in candidates.amounts:
        return np.zeros(len(mine))
    return np.where(mine[None, :], np.nan_to_num(candidates.amounts[name])[:, None], 0.0)


def _bounded(
    name: str, use: Floats, least: float | None, most: float | None, quota: Quota, candidates: Candidates
) -> Family:
    floor, limit = float(least or 0), np.inf if most is None else float(most)
    if quota.each_branch:
        n = max(1, len(candidates.branches))
        floors = np.full(n, floor) if least is not None else None
        return Family(name, use, np.full(n, limit), candidates.branch, floors, candidates.branches or ("",))
    if quota.segment is None and quota.branch is None:
        return Family(name, use, np.array([limit]), floor=None if least is None else np.array([floor]))
    inside, pool = _inside(quota, candidates)
    floors = None if least is None else np.array([0.0, floor])
    return Family(name, use, np.array([np.inf, limit]), inside.astype(np.int64), floors, ("", pool))


def _inside(quota: Quota, candidates: Candidates) -> tuple[Bools, str]:
    """Return (n,) whom a quota is about, and what they are called."""
    nobody = np.zeros(len(candidates.rows), bool)
    if quota.segment is not None:
        return candidates.segments.get(quota.segment, nobody), quota.segment
    assert quota.branch is not None
    if quota.branch not in candidates.branches:
        return nobody, quota.branch
    return candidates.branch == candidates.branches.index(quota.branch), quota.branch


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
        case "quota":
            return _quota_words(key, locks, policies)
    branch = f"（{key}）" if key else ""
    return Text(f"客户经理工时{branch}", f"Managers' time{' at ' + key if key else ''}"), _MINUTE


def _quota_words(key: str, locks: Mapping[str, Lock], policies: Policies) -> tuple[Text, Text]:
    """Return a quota's title, with the branch where it is each branch's, and its unit."""
    name, _, rest = key.partition(":")
    quota = quotas_of(locks, policies)[name]
    kind, _, pool = rest.partition(":")
    if kind not in ("money", "minutes", "volume"):
        kind, pool = "", rest
    title = quota.title.text
    unit = {"money": _FEN, "volume": _FEN, "minutes": _MINUTE}.get(kind, _CUSTOMER)
    return (Text(f"{title.zh}（{pool}）", f"{title.en} ({pool})") if pool else title), unit
