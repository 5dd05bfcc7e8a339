"""Pure rules of the daily report: when it is due, and how the figures of a tree of units add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bankloop.performance.daily.contracts import Figures

# 一把手日报: on the leader's desk before the morning meeting.
DUE = time(8, 30)


def due_day(now: datetime, zone: str) -> date | None:
    """Return the day that is to be reported by now: yesterday, from half past eight on; None before."""
    here = now.astimezone(ZoneInfo(zone))
    return here.date() - timedelta(days=1) if here.time() >= DUE else None


def add_up(
    own: Mapping[str, Figures], parents: Mapping[str, str | None]
) -> tuple[dict[str, Figures], dict[str, dict[str, Figures]], dict[str, Figures]]:
    """Return by unit its figures with all below it, those of the units right below it, and what is its own.

    What belongs to a unit that is not on record is the root's own, so that nothing is lost on the way up. Raises
    ``ValueError`` for a tree without a root.
    """
    roots = sorted(unit for unit, parent in parents.items() if parent is None or parent not in parents)
    if not roots:
        raise ValueError("no unit is the root")
    direct: dict[str, Figures] = {unit: Figures() for unit in parents}
    for unit, figures in own.items():
        at = unit if unit in parents else roots[0]
        direct[at] = direct[at].plus(figures)
    children: dict[str, list[str]] = defaultdict(list)
    for unit, parent in sorted(parents.items()):
        if parent is not None and parent in parents:
            children[parent].append(unit)
    whole: dict[str, Figures] = {}
    for unit in _leaves_first(roots, children):
        total = direct[unit]
        for child in children[unit]:
            total = total.plus(whole[child])
        whole[unit] = total
    below = {unit: {child: whole[child] for child in children[unit]} for unit in whole}
    return whole, below, direct


def sums_hold(whole: Figures, below: Mapping[str, Figures], direct: Figures) -> bool:
    """Return whether a unit's figures are exactly its own and those of the units below it."""
    total = direct
    for figures in below.values():
        total = total.plus(figures)
    return total.plain() == whole.plain()


def _leaves_first(roots: list[str], children: Mapping[str, list[str]]) -> list[str]:
    order, waiting = [], list(roots)
    while waiting:
        unit = waiting.pop()
        order.append(unit)
        waiting += children.get(unit, [])
    return order[::-1]
