"""What was escalated to somebody, as values: how far each task's clock is, since when it waits, and with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.organization.people import units
from bankloop.organization.task import Escalation, escalations
from bankloop.store.contracts import Principal
from bankloop.store.database import now_of
from bankloop.view import format as say
from bankloop.web.pages.workbench.page import KIND_TITLES, STATES
from bankloop.web.shell.console import Console, masked

# More than a day's attention; those further up come first.
_MOST = 200
LEVELS: Mapping[int, Text] = {
    1: Text("时限过半", "half of its time gone"),
    2: Text("时限已到", "its time is up"),
    3: Text("超过时限一半", "half as long again"),
}


@dataclass(frozen=True, slots=True)
class Raised:
    """One row: the task, whom it is with, how far its clock is and since when, and whether anybody acts."""

    task_id: UUID
    what: Text
    who: str
    unit_id: str
    unit: Text
    hands: str
    level: Text
    since: str
    over: Text
    state: Text
    touched: bool
    bad: bool


@dataclass(frozen=True, slots=True)
class EscalationPage:
    """The answer first, then what waits for a word, then what is being dealt with."""

    answer: Text
    waiting: tuple[Raised, ...]
    under_way: tuple[Raised, ...]


def escalation_page(console: Console, principal: Principal) -> EscalationPage:
    """Return the open tasks escalated to a person."""
    with console.bank.store.begin(principal) as connection:
        found, now = escalations(connection, _MOST), now_of(connection)
        names = {one.unit_id: one.name for one in units(connection)}
    titles = console.titles_of({one.task.campaign for one in found if one.task.campaign})
    clock, zone = WorkTime(console.bank.lake.zone), ZoneInfo(console.bank.lake.zone)

    def shown(one: Escalation) -> Raised:
        task = one.task
        late = task.due_at is not None and task.due_at < now
        spent = clock.elapsed(task.due_at, now) if late and task.due_at else None
        return Raised(
            task.task_id,
            titles.get(task.campaign, KIND_TITLES[task.kind]),
            masked(task.customer_no) if task.customer_no else "—",
            task.unit_id,
            names.get(task.unit_id, say.same(task.unit_id)),
            task.staff_id or "—",
            LEVELS[task.escalated],
            f"{one.since.astimezone(zone):%m-%d %H:%M}",
            _over(spent.total_seconds() / 3600) if spent else say.same("—"),
            STATES[task.state],
            one.touched,
            task.escalated > 1,
        )

    rows = [shown(one) for one in found]
    waiting = tuple(one for one in rows if not one.touched)
    answer = Text(
        f"升级到您的任务 {len(rows)} 项，其中 {len(waiting)} 项还没有人动。",
        f"{len(rows)} tasks were escalated to you; nobody has touched {len(waiting)} of them since.",
    )
    return EscalationPage(answer, waiting, tuple(one for one in rows if one.touched))


def _over(hours: float) -> Text:
    return Text(f"{hours:.1f} 小时", f"{hours:.1f} h")
