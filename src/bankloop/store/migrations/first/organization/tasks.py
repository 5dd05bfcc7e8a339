"""Tasks of every kind with their clocks, what was done with each, and what people of the bank ask of each other.

A task has an id of its own; a plan's decision is one of the things that make tasks. A manager may add a follow-up for a
customer of the own book; what was done is seen by whoever sees the task. A request is seen by who asked, by those whom
it goes to, and by the leaders of the unit that asked; its task with the clock is a staff task like any other.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import (
    PRINCIPAL,
    WHOLE_BANK,
    WRITES_FOR,
    holds,
    listed,
    may,
    own_customer,
    setting,
    within,
)
from bankloop.store.migrations.first.room import APPEND, KEEP, Access, changes, scopes

# The first column was once called otherwise: banks of then have its constraint under that name.
TABLES = """
CREATE TABLE staff_task (
    task_id uuid CONSTRAINT staff_task_decision_id_not_null NOT NULL PRIMARY KEY, campaign text NOT NULL,
    round integer NOT NULL, customer_no text NOT NULL, unit_id text NOT NULL, staff_id text, due_on date NOT NULL,
    action text NOT NULL, value_fen bigint NOT NULL, script_version text NOT NULL, reason text NOT NULL,
    state text NOT NULL, state_reason text NOT NULL, updated_at timestamptz NOT NULL DEFAULT bankloop_now(),
    risk integer NOT NULL DEFAULT 0, licence text NOT NULL DEFAULT '', kind text NOT NULL DEFAULT 'campaign',
    source_key text, made_at timestamptz NOT NULL DEFAULT bankloop_now(), start_at timestamptz, due_at timestamptz,
    responded_at timestamptz, done_at timestamptz, outcome text NOT NULL DEFAULT '',
    attempts integer NOT NULL DEFAULT 0, escalated integer NOT NULL DEFAULT 0, parent_id uuid, list_id uuid,
    CONSTRAINT staff_task_state CHECK (state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED', 'IN_PROGRESS', 'DONE',
        'REJECTED', 'RECALLED', 'EXPIRED'))
);
CREATE INDEX staff_task_unit ON staff_task (unit_id, due_on);
CREATE INDEX staff_task_staff ON staff_task (staff_id, customer_no) WHERE staff_id IS NOT NULL;
CREATE INDEX staff_task_customer ON staff_task (customer_no);
CREATE UNIQUE INDEX staff_task_source ON staff_task (source_key) WHERE source_key IS NOT NULL;
CREATE INDEX staff_task_list ON staff_task (list_id) WHERE list_id IS NOT NULL;
CREATE INDEX staff_task_clock ON staff_task (due_at)
    WHERE state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED', 'IN_PROGRESS');

CREATE TABLE task_event (
    event_id uuid PRIMARY KEY, task_id uuid NOT NULL REFERENCES staff_task, act text NOT NULL, person text NOT NULL,
    human boolean NOT NULL, outcome text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '', next_at timestamptz,
    client_key text, happened_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX task_event_task ON task_event (task_id, happened_at);
CREATE UNIQUE INDEX task_event_client ON task_event (task_id, client_key) WHERE client_key IS NOT NULL;

CREATE TABLE collaboration (
    request_id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('referral', 'support')), topic text NOT NULL,
    asked_by text NOT NULL, from_unit text NOT NULL, from_line text NOT NULL, desk text NOT NULL, to_unit text NOT NULL,
    to_line text NOT NULL, about_no text NOT NULL, customer_no text NOT NULL, company text NOT NULL,
    need text NOT NULL CHECK (need <> ''), task_id uuid NOT NULL UNIQUE REFERENCES staff_task,
    made_at timestamptz NOT NULL, CHECK (kind <> 'referral' OR from_line <> to_line)
);
CREATE INDEX collaboration_asked ON collaboration (asked_by, made_at);
CREATE INDEX collaboration_from ON collaboration (from_unit, made_at);
CREATE INDEX collaboration_to ON collaboration (desk, to_unit, made_at);
"""

_ACTS = ("assign", "finish", "expire", "accept", "log", "reject", "escalate", "recall", "dispatch", "withdraw")
_MAY_READ, _MAY_CHANGE = may("task.read"), may(*(f"task.{act}" for act in _ACTS))
_MAY_ADD = f"({may('task.create')} OR (kind <> 'campaign' AND {holds('rights', 'task.open')}))"
_CUSTOMER = own_customer("staff_task")
_ASSIGNED = f"(staff_id = {setting('tasks')} AND state NOT IN ('CREATED', 'EXPIRED', 'RECALLED'))"
_SCOPE = f"({WHOLE_BANK} OR {_CUSTOMER} OR {_ASSIGNED})"
_TASKS = {
    **scopes(f"{_MAY_READ} AND {_SCOPE}", f"{WRITES_FOR} AND {_MAY_ADD}", f"{_MAY_CHANGE} AND {_SCOPE}"),
    "own_add": f"FOR INSERT WITH CHECK ({may('task.log')} AND staff_id = {PRINCIPAL} "
    f"AND kind <> 'campaign' AND {_CUSTOMER})",
}
_SEEN = "(SELECT true FROM staff_task t WHERE t.task_id = task_event.task_id LIMIT 1)"


def _asks(*acts: str) -> str:
    return may(*(f"collaboration.{act}" for act in acts))


_ASKED = f"asked_by = {PRINCIPAL}"
# Lines meet at the front: a desk for the whole bank is of no line.
_TO_LINE = (
    f"(kind = 'referral' AND {_asks('refer', 'watch')} "
    f"AND ('*' = ANY ({listed('lines')}) OR to_line = ANY ({listed('lines')})) AND {within('to_unit')})"
)
_TO_DESK = f"(kind = 'support' AND desk = ANY ({listed('roles')}) AND {within('to_unit')})"
_LEADS = f"({setting('book')} = '' AND {setting('tasks')} = '' AND {within('from_unit')} AND {_asks('watch')})"
# Who passes a request on sees it no more afterwards: what it becomes is checked for its right alone.
_REQUESTS = {
    **scopes(
        f"{_asks('read')} AND ({_ASKED} OR {_TO_LINE} OR {_TO_DESK} OR {_LEADS})",
        f"{_asks('refer', 'ask')} AND {_ASKED}",
    ),
    **changes(f"{_asks('pass')} AND {_TO_DESK}", f"{_asks('pass')} AND kind = 'support'"),
}

ACCESS = {
    "staff_task": Access(KEEP, _TASKS),
    "task_event": Access(APPEND, scopes(f"{_MAY_READ} AND {_SEEN}", f"{_MAY_CHANGE} AND {_SEEN}")),
    "collaboration": Access(KEEP, _REQUESTS),
}
