"""Handing over (AB 角): what absent hands hold goes to the backup, what moved with its customer to the new keeper.

What is of R3 or above goes on from who has no licence for it any more to a colleague who has one.

The clock goes on, and what was done so far stays with the task. Where nobody is left it waits with the sub-branch, counted,
and is given out as soon as somebody is back.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from bankloop.organization.people.rules import LICENSED_FROM, TRAINING
from bankloop.organization.task.contracts import Dispatched
from bankloop.organization.task.dispatch import send_down
from bankloop.organization.task.rules import OPEN
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.verbs import verb

_OPEN = ", ".join(f"'{state}'" for state in OPEN)
# Requests between people have their own receivers.
_MINE = f"t.state IN ({_OPEN}) AND t.kind NOT IN ('referral', 'support')"
_AWAY = f"""
SELECT t.task_id, t.staff_id FROM staff s JOIN staff_task t ON t.staff_id = s.staff_id
WHERE {_MINE} AND ((s.on_leave AND t.due_on <= :today)
    OR EXISTS (SELECT FROM staff_leave l WHERE l.staff_id = s.staff_id AND greatest(t.due_on, :today) BETWEEN l.since AND l.until)
    OR NOT EXISTS (SELECT FROM staff_post p WHERE p.staff_id = s.staff_id AND p.valid_from <= :now
        AND (p.valid_to IS NULL OR p.valid_to > :now)))
"""
# From R3 on whoever holds a task has a licence on its day, else it goes to a colleague who has one.
_UNLICENSED = f"""
SELECT t.task_id, t.staff_id FROM staff_task t WHERE {_MINE} AND t.staff_id IS NOT NULL AND t.risk >= :licensed
    AND NOT EXISTS (SELECT FROM staff_licence l WHERE l.staff_id = t.staff_id AND t.licence IN ('', l.kind)
        AND greatest(t.due_on, :today) BETWEEN l.issued_on AND l.expires_on - 1 AND NOT starts_with(l.kind, :training))
"""
# A seat of the remote centre calls customers of other units: its task has moved nowhere.
_MOVED = f"""
SELECT t.task_id, t.staff_id FROM staff_task t JOIN customer_book b ON b.customer_no = t.customer_no AND b.line = 'retail'
    AND b.valid_from <= :now AND (b.valid_to IS NULL OR b.valid_to > :now)
WHERE {_MINE} AND t.staff_id IS NOT NULL AND b.unit_id <> t.unit_id
    AND NOT EXISTS (SELECT FROM staff_post p WHERE p.staff_id = t.staff_id AND p.unit_id = t.unit_id
        AND p.post IN ('remote_seat', 'partner_agent') AND p.valid_from <= :now
        AND (p.valid_to IS NULL OR p.valid_to > :now))
"""
_FREE = """
WITH held AS ({which}), freed AS (UPDATE staff_task t SET staff_id = NULL, state = 'ALLOTTED', state_reason = 'handed over', updated_at = :now
    FROM held h WHERE h.task_id = t.task_id RETURNING t.task_id, h.staff_id)
INSERT INTO task_event (event_id, task_id, act, person, human, note, happened_at)
SELECT gen_random_uuid(), task_id, 'handed_over', :person, false, staff_id, :now FROM freed
"""
_WAITING = (
    "t.kind NOT IN ('referral', 'support') AND (t.state_reason = 'handed over' "
    "OR (t.state_reason = 'left' AND t.due_on <= :since))"
)


@verb("task.hand_over")
def hand_over_tasks(connection: Connection, today: date, *, moved: bool = False) -> Dispatched:
    """Give on the open tasks of who is away on their day (or today, if later), or has no post or no licence any more.

    With ``moved`` also those whose customer belongs to another unit now; that looks at every open task. Return to how many
    of each kind they went; doing it again gives on nothing twice.
    """
    values = {
        "today": today,
        "now": now_of(connection),
        "person": principal_of(connection).id,
        "licensed": LICENSED_FROM,
        "training": TRAINING,
    }
    which = " UNION ".join([_AWAY, _UNLICENSED, *([_MOVED] if moved else [])])
    with bank_wide(connection):
        freed = connection.execute(text(_FREE.format(which=which)), values).rowcount
    if not freed and not moved:
        return Dispatched(0, 0, 0, 0)
    done = send_down(connection, "", which=_WAITING, since=today)
    if freed or done.keeper or done.backup or done.pool:
        after = {"freed": freed, "keeper": done.keeper, "backup": done.backup, "pool": done.pool, "left": done.left}
        record_audit(connection, "task.hand_over", "task", today.isoformat(), None, after)
    return done
