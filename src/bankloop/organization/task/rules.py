"""Pure rules of tasks: what may come of a contact, how soon each kind is due, when it is escalated, how work is split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from bankloop.kit.text import Text
from bankloop.organization import errors
from bankloop.organization.task.contracts import OutcomeSpec, Service, TaskKind, TaskState
from bankloop.store.contracts import EVERY_UNIT, Principal

OPEN = (TaskState.CREATED, TaskState.ALLOTTED, TaskState.ASSIGNED, TaskState.ACCEPTED, TaskState.IN_PROGRESS)
# What ends when a customer asks for no more marketing; the rest is service.
MARKETING = (TaskKind.CAMPAIGN, TaskKind.LIST, TaskKind.FOLLOW_UP)
UNTOUCHED = (TaskState.CREATED, TaskState.ALLOTTED, TaskState.ASSIGNED)
# For who holds a unit's day in another way: the plan by minutes, a list by who asked for it.
NO_LIMIT = 10**9
# Three tries reach most who can be reached; more is a nuisance.
MOST_ATTEMPTS = 3
# Shares of the time allowed at which the manager, the sub-branch's head and the branch are told.
ESCALATIONS = (Fraction(1, 2), Fraction(1), Fraction(3, 2))
ESCALATED_TO = (
    Text("提醒客户经理", "the manager is reminded"),
    Text("升级到支行行长", "escalated to the head of the sub-branch"),
    Text("升级到分行", "escalated to the branch"),
)
# What a desk behind the front owes is escalated along the desk's own line.
DESK_ESCALATED_TO = (
    Text("提醒承办人", "who has it is reminded"),
    Text("升级到承办部门负责人", "escalated to the head of the desk"),
    Text("升级到主管行领导", "escalated to the executive in charge"),
)
# The level from which a task is told to the head of its sub-branch, and to whoever leads above.
HEAD_TOLD, BRANCH_TOLD = 2, 3
SUB_BRANCH_HEAD = "sub_branch_head"
# The log keeps the Chinese words; who reads in English is told in English.
ESCALATION_SAID: Mapping[str, Text] = {words.zh: words for words in (*ESCALATED_TO, *DESK_ESCALATED_TO)}

_H = timedelta(hours=1)
# A working day has seven hours.
_DAY = 7 * _H
SERVICE: Mapping[TaskKind, Service] = {
    TaskKind.ALERT: Service(_H / 2, 2 * _H),
    TaskKind.RECOVERY: Service(2 * _H, _DAY),
    TaskKind.FOLLOW_UP: Service(_H / 2, _H),
    TaskKind.REFERRAL: Service(_DAY, 3 * _DAY),
    TaskKind.SUPPORT: Service(2 * _H, _DAY),
    TaskKind.CARE: Service(_DAY, 3 * _DAY),
    TaskKind.CAMPAIGN: Service(_DAY, 3 * _DAY),
    TaskKind.LIST: Service(_DAY, 3 * _DAY),
}

OUTCOMES: Mapping[str, OutcomeSpec] = {
    one.code: one
    for one in (
        OutcomeSpec("done", Text("已办结", "done"), True, True, Text("无", "nothing")),
        OutcomeSpec("sold", Text("成交", "sold"), True, True, Text("售后关怀", "aftercare")),
        OutcomeSpec("interested", Text("有意向", "interested"), True, False, Text("约定回访时间", "agree when to call again")),
        OutcomeSpec("considering", Text("再考虑", "thinks it over"), True, False, Text("约定回访时间", "agree when to call again")),
        OutcomeSpec("declined", Text("不需要", "declined"), True, True, Text("各渠道不再重复此推荐", "no channel repeats the offer")),
        OutcomeSpec("not_reached", Text("未接通", "not reached"), False, False, Text("换个时段再试", "try at another hour")),
        OutcomeSpec("wrong_number", Text("号码有误", "wrong number"), False, True, Text("核实联系方式", "have the number checked")),
        OutcomeSpec("stop", Text("不要再联系", "asks not to be contacted"), True, True, Text("立即停止营销联系", "marketing stops at once")),
    )
}  # fmt: skip
# Where a visit may have been.
VISIT_PLACES: Mapping[str, Text] = {
    "company": Text("企业", "at the company"),
    "home": Text("家中", "at home"),
    "shop": Text("商户门店", "at the shop"),
    "elsewhere": Text("其他地点", "elsewhere"),
}


def outcome_of(code: str) -> OutcomeSpec:
    """Return an outcome; raise ``InputError`` naming those that there are."""
    if code not in OUTCOMES:
        raise errors.no_outcome(code, list(OUTCOMES))
    return OUTCOMES[code]


def with_recording(words: str, pointer: str) -> str:
    """Return a note that begins with where the recording of a sale (双录) is kept, where there is one."""
    return " · ".join(part for part in (f"双录 {pointer.strip()}" if pointer.strip() else "", words.strip()) if part)


def level_at(elapsed: timedelta, allowed: timedelta) -> int:
    """Return how far a task is escalated after ``elapsed`` of the working time ``allowed``: 0 to 3."""
    return sum(elapsed >= allowed * float(share) for share in ESCALATIONS) if allowed > timedelta() else 0


@dataclass(frozen=True, slots=True)
class Notified:
    """Of which tasks somebody is told: from a level on, those given to ``staff`` or of ``units``; None is all."""

    level: int
    staff: str | None = None
    units: tuple[str, ...] | None = None


def told_at(principal: Principal) -> Notified | None:
    """Return which escalated tasks go to a person: their own from level 1, a head's from 2, above from 3.

    None for who leads nobody and has no task, such as who works for no unit.
    """
    if own := principal.book or principal.tasks:
        return Notified(1, own)
    if EVERY_UNIT in principal.units:
        return Notified(BRANCH_TOLD)
    level = HEAD_TOLD if SUB_BRANCH_HEAD in principal.roles else BRANCH_TOLD
    return Notified(level, None, principal.units) if principal.units else None


def split(
    total: int, weights: Mapping[str, int | Fraction], capacity: Mapping[str, int] | None = None
) -> tuple[dict[str, int], int]:
    """Split ``total`` by weights in whole parts whose sum is exact, none above its capacity; return them and what is left.

    Largest remainders decide the last units; equal ones go by name. Raises ``InputError`` for a negative total or weight,
    or weights that are all nought.
    """
    if total < 0 or any(w < 0 for w in weights.values()) or not any(weights.values()):
        raise errors.bad_weights(total)
    parts, left = dict.fromkeys(weights, 0), total
    active = {name: Fraction(w) for name, w in weights.items() if w}
    while left and active:
        room = {name: capacity[name] - parts[name] if capacity is not None else left for name in active}
        share = _largest_remainder(left, active)
        given = {name: min(share[name], room[name]) for name in active}
        for name, units in given.items():
            parts[name] += units
        left -= sum(given.values())
        active = {name: w for name, w in active.items() if capacity is not None and room[name] > share[name]}
    return parts, left


def _largest_remainder(total: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    whole = sum(weights.values())
    exact = {name: total * w / whole for name, w in weights.items()}
    parts = {name: int(value) for name, value in exact.items()}
    order = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in order[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def first_calls(values: Sequence[tuple[int, float]], most: int = 3) -> list[int]:
    """Return the places of the calls to make first: by value at stake × urgency, where ``values`` holds (fen, urgency)."""
    order = sorted(range(len(values)), key=lambda place: (-values[place][0] * values[place][1], place))
    return order[:most]


def urgency(left: timedelta, allowed: timedelta) -> float:
    """Return how pressing a task is: 1 with all its time left, 2 when due, growing after."""
    if allowed <= timedelta():
        return 2.0
    return 2.0 - max(min(left / allowed, 1.0), -3.0)
