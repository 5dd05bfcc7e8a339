"""Pure rules of servicing: the policy file, and which manager is given whom."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bankloop.customer.servicing import errors
from bankloop.customer.servicing.contracts import Mode, RemotePolicy, ServicePolicy, TierPolicy
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text

BUILT_IN = Path(__file__).with_name("servicing.yaml")
OWN = "servicing.yaml"
_MOST_DAYS = 3660


def read_policy(folder: Path | None = None) -> ServicePolicy:
    """Return the bank's own ``servicing.yaml``, or what every bank begins with; ``SpecError`` names file and line."""
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    content = file.content if isinstance(file.content, dict) else {}
    entries = content.get("tiers")
    if not isinstance(entries, dict) or 1 not in entries:
        raise errors.policy_spec(file.place("tiers"), "tiers 应从 1 开始", "tiers begins at 1")
    due = content.get("care_due_days", 3)
    if not _whole(due):
        raise errors.policy_spec(
            file.place("care_due_days"), "care_due_days 应为天数", "care_due_days is a number of days"
        )
    tiers = {number: _policy(file, number, entry) for number, entry in entries.items()}
    return ServicePolicy(due, tiers, _remote(file, content.get("remote", {})))


def share_out(wanting: Sequence[str], loads: Mapping[str, int]) -> dict[str, str]:
    """Return customer → manager: each in turn to who has fewest customers by then, the first by id of equals."""
    waiting = [(load, manager) for manager, load in loads.items()]
    heapq.heapify(waiting)
    given = {}
    for customer in wanting if waiting else ():
        load, manager = heapq.heappop(waiting)
        given[customer] = manager
        heapq.heappush(waiting, (load + 1, manager))
    return given


def stand_in(manager: str, named: Sequence[str], colleagues: Mapping[str, int]) -> str:
    """Return who stands in for a manager (B 角): who was named, else the colleague of the unit with the fewest customers."""
    if named:
        return named[0]
    others = sorted((load, who) for who, load in colleagues.items() if who != manager)
    return others[0][1] if others else ""


def _remote(file: Located, entry: Any) -> RemotePolicy:
    usual = {"every_days": 90, "grade_a": 50_000, "calls_a_seat": 15}
    if not isinstance(entry, dict) or set(entry) - set(usual):
        raise errors.policy_spec(
            file.place("remote"), "remote 只有 every_days、grade_a（元）、calls_a_seat", "remote has every_days, grade_a (yuan) and calls_a_seat"
        )  # fmt: skip
    found = {**usual, **entry}
    for key in usual:
        if not isinstance(found[key], int) or isinstance(found[key], bool) or found[key] < 1:
            raise errors.policy_spec(
                file.place("remote", key), f"{key} 应为正整数", f"{key} is a whole number above nought"
            )
    return RemotePolicy(found["every_days"], found["grade_a"] * 100, found["calls_a_seat"])


def _policy(file: Located, number: Any, entry: Any) -> TierPolicy:
    place = file.place("tiers", number)
    if not _whole(number) or not isinstance(entry, dict) or entry.get("mode") not in set(Mode):
        raise errors.policy_spec(place, f"mode 应为 {'、'.join(Mode)}", f"mode is one of {', '.join(Mode)}")
    if unknown := [key for key in entry if key not in ("mode", "contact_days", "benefits")]:
        raise errors.policy_spec(
            place, f"未知的键 {unknown[0]}", f"unknown key {unknown[0]}; known: mode, contact_days, benefits"
        )
    days = entry.get("contact_days")
    if days is not None and not _whole(days):
        raise errors.policy_spec(place, "contact_days 应为天数", "contact_days is a number of days")
    benefits = tuple(Text(str(one["zh"]), str(one["en"])) for one in entry.get("benefits", ()))
    return TierPolicy(number, Mode(entry["mode"]), days, benefits)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_DAYS
