"""Tasks for staff: why, by when, for whom; what was done with each; clocks in working time; sending work down the tree.

A task is made once for what asks for it. Only a human's answer stops its clocks. This room knows no campaign beyond its
name, and never decides whom to contact.
"""

from bankloop.organization.task.appointments import appointment
from bankloop.organization.task.clocks import escalate_tasks, performance
from bankloop.organization.task.contracts import (
    TASK_SCHEMA,
    Dispatched,
    Logged,
    NewTask,
    OutcomeSpec,
    Performance,
    Service,
    Task,
    TaskEvent,
    TaskKind,
    TaskReport,
    TaskState,
)
from bankloop.organization.task.dispatch import dispatch_tasks
from bankloop.organization.task.repository import (
    events_of,
    open_tasks,
    open_tasks_for,
    task_counts,
    task_of,
    tasks_for,
    tasks_of,
    tasks_of_customer,
)
from bankloop.organization.task.rules import (
    ESCALATED_TO,
    OPEN,
    OUTCOMES,
    SERVICE,
    first_calls,
    level_at,
    outcome_of,
    split,
    urgency,
)
from bankloop.organization.task.service import (
    accept_task,
    assign_task,
    call_off_tasks,
    create_tasks,
    expire_tasks,
    finish_task,
    log_outcome,
    open_task,
    recall_tasks,
    reject_task,
    withdraw_tasks,
)

__all__ = [
    "ESCALATED_TO",
    "OPEN",
    "OUTCOMES",
    "SERVICE",
    "TASK_SCHEMA",
    "Dispatched",
    "Logged",
    "NewTask",
    "OutcomeSpec",
    "Performance",
    "Service",
    "Task",
    "TaskEvent",
    "TaskKind",
    "TaskReport",
    "TaskState",
    "accept_task",
    "appointment",
    "assign_task",
    "call_off_tasks",
    "create_tasks",
    "dispatch_tasks",
    "escalate_tasks",
    "events_of",
    "expire_tasks",
    "finish_task",
    "first_calls",
    "level_at",
    "log_outcome",
    "open_task",
    "open_tasks",
    "open_tasks_for",
    "outcome_of",
    "performance",
    "recall_tasks",
    "reject_task",
    "split",
    "task_counts",
    "task_of",
    "tasks_for",
    "tasks_of",
    "tasks_of_customer",
    "urgency",
    "withdraw_tasks",
]
