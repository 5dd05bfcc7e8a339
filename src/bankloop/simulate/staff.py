"""What the simulated staff does with its tasks, logged as people log it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from bankloop.contact.by_hand import log_contact
from bankloop.kit.clock import local_moment
from bankloop.loop.bank import Bank
from bankloop.organization.people import units
from bankloop.organization.principals import manager, system
from bankloop.organization.task import OPEN, Task, TaskKind, tasks_of
from bankloop.simulate.contracts import Response
from bankloop.simulate.streams import uniforms

# A call that is not answered is tried again the same day, until the task ends by itself.
_TRIES = 3
# What no truth says: of tasks that no campaign asked for, and of messages that a manager has to confirm.
_DONE, _REACHED, _CONFIRMED = 0.7, 0.6, 0.75
# Of those who were reached and did not buy that day, so many think it over and are still with the manager.
_CONSIDERING = 0.3
_FIRST, _SPAN = timedelta(minutes=5), timedelta(minutes=7 * 60)
_CALL = "rm_call"
# What another asks for is answered in words, by whom it was asked of.
_ASKED = (TaskKind.REFERRAL, TaskKind.SUPPORT)


@dataclass(frozen=True, slots=True)
class Deed:
    """What the truth says of a task: done or only logged, answered, and when the goal was met."""

    executed: bool
    logged: bool
    connected: bool
    sold_on: date | None


def deeds_of(responses: Sequence[Response]) -> dict[tuple[str, str], Deed]:
    """Return by campaign and customer what became of a manager's call."""
    found = {}
    for response in responses:
        table = response.table.select(
            ["customer_no", "channel", "executed", "logged_done", "connected", "success", "success_at"]
        )
        for row in table.to_pylist():
            if row["channel"] == _CALL:
                sold = row["success_at"].date() if row["success"] else None
                deed = Deed(row["executed"], row["logged_done"], row["connected"], sold)
                found[response.campaign, row["customer_no"]] = deed
    return found


def outcomes_of(deed: Deed, day: date, share: float) -> tuple[str, ...]:
    """Return what is logged of a call on a day, in order: nothing where it was left undone.

    ``share`` is the customer's own uniform: who thinks it over. A call that was never made may still be logged as done.
    """
    if not deed.logged:
        return ()
    if not deed.executed:
        return ("done",)
    if not deed.connected:
        return ("not_reached",) * _TRIES
    if deed.sold_on is not None and deed.sold_on >= day:
        return ("sold",) if deed.sold_on == day else ("interested",)
    return ("considering",) if share < _CONSIDERING else ("done",)


def work_off(bank: Bank, deeds: Mapping[tuple[str, str], Deed], first: date, last: date) -> int:
    """Let everybody do their tasks due from ``first`` to ``last``, each on its day, and return how many were touched.

    What the truth does not know of a task is drawn from the task's own number: the same day is lived the same way.
    """
    with bank.store.begin(system("staff")) as connection:
        every = [
            task
            for unit in units(connection)
            for task in tasks_of(connection, unit.unit_id, first, last)
            if task.state in OPEN and task.staff_id is not None and not task.attempts and task.kind not in _ASKED
        ]
    by_person: dict[str, list[Task]] = defaultdict(list)
    for task in every:
        by_person[task.staff_id or ""].append(task)
    # People work side by side: nobody's tasks are another's, and each waits for the database most of the time.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        working = [pool.submit(_work, bank, person, tasks, deeds) for person, tasks in sorted(by_person.items())]
        return sum(one.result() for one in working)


def _work(bank: Bank, person: str, tasks: Sequence[Task], deeds: Mapping[tuple[str, str], Deed]) -> int:
    touched, zone = 0, bank.lake.zone
    with bank.store.begin(manager(person)) as connection:
        for task in tasks:
            share, drawn = _shares(task)
            deed = deeds.get((task.campaign, task.customer_no)) or drawn
            said = outcomes_of(deed, task.due_on, share)
            for turn, outcome in enumerate(said):
                at = _moment(task.due_on, share, turn, zone)
                log_contact(connection, task.task_id, outcome, happened_at=at, zone=zone)
            touched += bool(said)
    return touched


def _shares(task: Task) -> tuple[float, Deed]:
    """Return a task's own uniform, and the deed of one that no truth knows."""
    number = np.array([task.task_id.int & ((1 << 62) - 1)])
    own, done, reached = (float(uniforms(number, "staff", what)[0]) for what in ("own", "done", "reached"))
    here = done < (_CONFIRMED if task.action.endswith("|wecom") else _DONE)
    return own, Deed(here, here, reached < _REACHED or task.action.endswith("|wecom"), None)


def _moment(day: date, share: float, turn: int, zone: str) -> datetime:
    """Return when in the working day something was done: spread over it, each try later than the one before."""
    opens = local_moment(day, 9, 0, zone) + _FIRST
    return opens + _SPAN * ((turn + share) / _TRIES)
