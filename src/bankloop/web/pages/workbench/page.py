"""A manager's day as values: the calls to make first, the rest of the list, one task with why, what to say, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bankloop.care.maturity import DRAWDOWN, MATURITY, said
from bankloop.customer.contracts import Attribute
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.lake.contracts import DataClass
from bankloop.loop.campaign.locks_in_force import locked_catalogue
from bankloop.loop.reach import Action, actions_of
from bankloop.loop.script import Chosen, choose, newest_approved
from bankloop.loop.spec import Lock
from bankloop.organization.collaboration import TOPICS, request_behind
from bankloop.organization.rights import allowed, open_customer, unmasked_fields
from bankloop.organization.task import (
    ESCALATION_SAID,
    SERVICE,
    VISIT_PLACES,
    Task,
    TaskEvent,
    TaskKind,
    TaskState,
    clocks_of,
    events_of,
    first_calls,
    open_tasks_for,
    performance,
    task_of,
    urgency,
)
from bankloop.report.record import action_title
from bankloop.store.contracts import Principal
from bankloop.store.database import now_of
from bankloop.store.history import read_reasons
from bankloop.view import format as say
from bankloop.view.figures import Figure, Table
from bankloop.web.pages.workbench.guide import ShownGuide, clock_table, guide_of
from bankloop.web.shell.console import Console, masked

FIRST = 3
IDENTITY = ("name_token", "phone_token")
# A call and what is agreed in it; then the number is masked again.
CALL_MINUTES = 30
_MASK = "***"
_FACTS = 5
# The rest of a list that one page shows.
_MOST = 40
KIND_TITLES: Mapping[TaskKind, Text] = {
    TaskKind.CAMPAIGN: Text("战役", "campaign"),
    TaskKind.FOLLOW_UP: Text("客户约定", "agreed with the customer"),
    TaskKind.CARE: Text("关怀", "care"),
    TaskKind.ALERT: Text("预警", "alert"),
    TaskKind.REFERRAL: Text("转介", "referral"),
    TaskKind.LIST: Text("名单", "list"),
    TaskKind.SUPPORT: Text("支持", "support"),
    TaskKind.RECOVERY: Text("挽回", "recovery"),
}
_CARE: Mapping[str, Text] = {
    MATURITY: Text(
        "到期承接：问资金用途，只提醒不推销", "before it matures: ask what the money is for; remind, sell nothing"
    ),
    DRAWDOWN: Text("净值说明：按批准的说明解释，不推销", "a fall explained: the approved words, no sale"),
}
STATES: Mapping[TaskState, Text] = {
    TaskState.CREATED: Text("已生成", "made"),
    TaskState.ALLOTTED: Text("待分配", "to be assigned"),
    TaskState.ASSIGNED: Text("待接单", "assigned"),
    TaskState.ACCEPTED: Text("已接单", "accepted"),
    TaskState.IN_PROGRESS: Text("办理中", "in progress"),
    TaskState.DONE: Text("已办结", "done"),
    TaskState.REJECTED: Text("已退回", "rejected"),
    TaskState.RECALLED: Text("已收回", "recalled"),
    TaskState.EXPIRED: Text("已过期", "expired"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One task as the list shows it."""

    task: Task
    title: Text
    action: Text
    who: str
    worth: Text
    due: Text
    tag: Text
    late: bool
    why: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Locked:
    """What a lock says of the tasks decided under it: its attributes, those its audience asks for, its actions by key."""

    lock: Lock
    attributes: Mapping[str, Attribute]
    asked: frozenset[str]
    actions: Mapping[str, Action]


@dataclass(frozen=True, slots=True)
class Workbench:
    """A day in one screen: the answer, figures, what to do first, WeCom messages that wait, the rest."""

    answer: Text
    figures: tuple[Figure, ...]
    first: tuple[Call, ...]
    to_confirm: tuple[Call, ...]
    rest: tuple[Call, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task: who and why, the guide, its clocks, what was done, and what may be done now."""

    call: Call
    state: Text
    open: bool
    name: str
    phone: str
    dial: str
    script: Text | None
    guide: ShownGuide | None
    clocks: Table
    history: tuple[tuple[str, Text, str], ...]
    request: UUID | None = None


def workbench(console: Console, principal: Principal) -> Workbench:
    """Return a person's day: open tasks due by today, the worthiest and most pressing first."""
    with console.bank.store.begin(principal) as connection:
        tasks, now = open_tasks_for(connection, principal.id, console.today), now_of(connection)
        messages, by_hand = _in_order(tasks, WorkTime(console.bank.lake.zone), now)
        # However long the list is, only what the page shows is made ready to be shown.
        messages, ready = messages[:_MOST], by_hand[: FIRST + _MOST]
        reasons = read_reasons(connection, [task.parent_id or task.task_id for task in (*messages, *ready)])
        to_confirm = _calls(console, connection, messages, reasons)
        ordered = _calls(console, connection, ready, reasons)
        month = performance(
            connection, console.today.replace(day=1), console.today, staff=principal.id, responses=False
        )
    own = next((one for one in month if one.who == principal.id), None)
    late = sum(_is_late(task, now) for task in tasks)
    answer = Text(
        f"{len(tasks)} 件待办" + (f"，{late} 件已超时" if late else ""),
        f"{len(tasks)} to do" + (f", {late} overdue" if late else ""),
    )
    first = ordered[:FIRST]
    figures = (
        Figure(
            Text("先打的几通，在手价值", "At stake in the first calls"), say.money(sum(c.task.value_fen for c in first))
        ),
        Figure(Text("待办", "To do"), say.count(len(tasks)), Text(f"{late} 件超时", f"{late} overdue")),
        Figure(
            Text("本月落实率", "Done on time this month"),
            say.percent(own.execution_rate, 0) if own and own.execution_rate is not None else say.same("—"),
            Text(f"{own.on_time}/{own.instructed}", f"{own.on_time} of {own.instructed}") if own else None,
        ),
    )
    more = len(by_hand) - len(ordered)
    return Workbench(answer, figures, tuple(first), tuple(to_confirm), tuple(ordered[FIRST:]), more)


def _in_order(tasks: Sequence[Task], clock: WorkTime, now: datetime) -> tuple[list[Task], list[Task]]:
    """Return the WeCom messages that wait, and what is done by hand, the worthiest and most pressing first."""
    messages = [task for task in tasks if task.action.endswith("|wecom")]
    by_hand = [task for task in tasks if not task.action.endswith("|wecom")]
    ranked = first_calls([(max(task.value_fen, 1), _urgency(clock, task, now)) for task in by_hand], len(by_hand))
    return messages, [by_hand[place] for place in ranked]


def _is_late(task: Task, now: datetime) -> bool:
    return task.due_at is not None and task.due_at < now


def task_page(console: Console, principal: Principal, task_id: UUID) -> TaskPage:
    """Return one task as its reader may see it; name and number show while they are unmasked."""
    with console.bank.store.begin(principal) as connection:
        task = task_of(connection, task_id)
        clear = set(IDENTITY) <= unmasked_fields(connection, task.customer_no)
        reasons = read_reasons(connection, [task.parent_id or task_id])
        (call,) = _calls(console, connection, [task], reasons, clear=clear)
        events, now = events_of(connection, [task_id]), now_of(connection)
        asked = request_behind(connection, task_id)
    # A company is called by its own line's system; what is shown of its owner is the request's to rule.
    name, phone = (_MASK, _MASK) if asked else _identity(console, principal, task.customer_no)
    locked = next((_lock_of(console, one) for one in reasons.values()), None)
    chosen = _chosen(locked, task) if locked else None
    service = TOPICS[task.action].service if task.action in TOPICS else SERVICE[task.kind]
    clocks = clocks_of(task, events, service, now, WorkTime(console.bank.lake.zone))
    return TaskPage(
        call=call,
        state=STATES[task.state],
        open=task.state not in (TaskState.DONE, TaskState.REJECTED, TaskState.RECALLED, TaskState.EXPIRED),
        name=name,
        phone=phone,
        dial=phone if phone.isdigit() else "",
        script=_script(chosen) or _explanation(console, task),
        guide=guide_of(chosen),
        clocks=clock_table(clocks, ZoneInfo(console.bank.lake.zone)),
        history=tuple(_done(console, event) for event in events),
        request=asked.request_id if asked else None,
    )


def _identity(console: Console, principal: Principal, customer_no: str) -> tuple[str, str]:
    """Return name and number as far as they are unmasked; who reads no customers calls through the bank's dialler."""
    if not allowed(principal, "read", "customer"):
        return _MASK, _MASK
    shown = open_customer(console.bank.store, console.bank.lake, principal, customer_no, IDENTITY).values
    name, phone = (str(shown[field] or "") for field in IDENTITY)
    return name, phone


def _calls(
    console: Console,
    connection: Connection,
    tasks: Sequence[Task],
    reasons: Mapping[UUID, Mapping[str, Any]],
    *,
    clear: bool = False,
) -> list[Call]:
    now, zone = now_of(connection), ZoneInfo(console.bank.lake.zone)
    titles = console.titles_of({task.campaign for task in tasks if task.campaign})
    found = []
    for task in tasks:
        reason = reasons.get(task.parent_id or task.task_id)
        locked = _lock_of(console, reason)
        late = _is_late(task, now)
        due = task.start_at if task.kind is TaskKind.FOLLOW_UP else task.due_at
        found.append(
            Call(
                task=task,
                title=titles.get(task.campaign, KIND_TITLES[task.kind]),
                action=_action(locked, task),
                who=masked(task.customer_no) if task.customer_no else "—",
                worth=say.money(task.value_fen),
                due=say.same(f"{due.astimezone(zone):%m-%d %H:%M}" if due else f"{task.due_on:%m-%d}"),
                tag=Text("超时", "overdue") if late else KIND_TITLES[task.kind],
                late=late,
                why=_why(locked, reason, clear=clear) or (_said(task.reason),),
            )
        )
    return found


def _urgency(clock: WorkTime, task: Task, now: datetime) -> float:
    if task.start_at is None or task.due_at is None:
        return 1.0
    left = clock.elapsed(now, task.due_at) if now < task.due_at else -clock.elapsed(task.due_at, now)
    return urgency(left, clock.elapsed(task.start_at, task.due_at))


def _lock_of(console: Console, reason: Mapping[str, Any] | None) -> Locked | None:
    """Return what a decision's lock says; None where no campaign decided, as of a list."""
    return _locked(console, reason["lock_digest"]) if reason and reason["lock_digest"] else None


def _locked(console: Console, digest: str) -> Locked:
    """Return what a lock says, read once a process: to read its attributes' expressions takes longer than a page may."""

    def make() -> Locked:
        lock = console.lock(digest)
        asked = lock.audience_names
        attributes = locked_catalogue({lock.campaign.campaign: lock}).attributes
        return Locked(lock, attributes, frozenset(asked), {action.key: action for action in actions_of(lock)})

    return console.locked.get(digest, make)


def _action(locked: Locked | None, task: Task) -> Text:
    action = locked.actions.get(task.action) if locked else None
    if task.action in _CARE:
        return _CARE[task.action]
    if task.action in TOPICS:
        return TOPICS[task.action].title
    return action_title(locked.lock, action) if locked and action else say.same(task.action or "—")


def _chosen(locked: Locked, task: Task) -> Chosen | None:
    """Return the lock's script for a task; None where that is no action of its campaign, as after a referral."""
    action = locked.actions.get(task.action)
    return choose(locked.lock, action.product, action.channel) if action else None


def _script(chosen: Chosen | None) -> Text | None:
    if chosen is None:
        return None
    bodies = {language.value: chosen.body(language, {}) for language in chosen.bodies}
    return Text(bodies["zh"], bodies["en"])


def _explanation(console: Console, task: Task) -> Text | None:
    """Return the approved words for a fall, by which a holder is called."""
    script = console.bank.spec.scripts.get(DRAWDOWN) if task.action == DRAWDOWN else None
    version = newest_approved(script) if script is not None else None
    body = version.bodies.get("rm_call") if version is not None else None
    return Text(body.zh, body.en) if body is not None else None


def _why(locked: Locked | None, reason: Mapping[str, Any] | None, *, clear: bool) -> tuple[Text, ...]:
    """What the decision read of the customer, what the audience asks for first; amounts are masked unless ``clear``."""
    if locked is None or reason is None:
        return ()
    found = []
    for name in sorted(reason["attributes"], key=lambda name: name not in locked.asked):
        attribute, value = locked.attributes.get(name), reason["attributes"][name]
        if attribute is None or attribute.confidential or value in (None, False, "", 0):
            continue
        hidden = attribute.data_class is DataClass.C2 and not clear
        found.append(_fact(attribute, _MASK if hidden else value))
    return tuple(found[:_FACTS])


def _fact(attribute: Attribute, value: object) -> Text:
    label = attribute.label
    if value is True:
        return label
    shown = say.money(value) if attribute.type.money and isinstance(value, int | float) else say.same(value)
    return Text(f"{label.zh} {shown.zh}", f"{label.en}: {shown.en}")


def _said(reason: str) -> Text:
    cared = said(reason)
    if cared is not None:
        return cared
    return Text("今天的方案安排", "arranged by today's plan") if reason == "plan" else say.same(reason)


def _done(console: Console, event: TaskEvent) -> tuple[str, Text, str]:
    from bankloop.organization.task import OUTCOMES

    when = f"{event.happened_at.astimezone(ZoneInfo(console.bank.lake.zone)):%m-%d %H:%M}"
    acts = {
        "assigned": Text("分配", "assigned"), "reassigned": Text("改派", "reassigned"), "accepted": Text("接单", "accepted"),
        "rejected": Text("退回", "rejected"), "escalated": Text("升级", "escalated"), "late": Text("事后补记", "noted afterwards"),
        "visited": Text("拜访", "visited"), "handed_over": Text("转交", "handed over"), "heeded": Text("处理意见", "word of who leads"),
    }  # fmt: skip
    what = OUTCOMES[event.outcome].title if event.outcome in OUTCOMES else acts.get(event.act, say.same(event.act))
    if event.act == "escalated" and event.note in ESCALATION_SAID:
        return when, ESCALATION_SAID[event.note], ""
    place, _, rest = event.note.partition(" · ")
    if event.act == "visited" and place in VISIT_PLACES:
        where = VISIT_PLACES[place]
        return when, Text(f"拜访（{where.zh}）", f"visited ({where.en})"), rest
    return when, what, event.note
