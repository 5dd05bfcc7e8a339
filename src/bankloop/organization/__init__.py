"""Who works in the bank and may do what: units, staff, principals, approvals by a second person, tasks for staff.

An approval is of a digest: whoever edits afterwards has nothing approved. Tasks come from decisions, once each, within
what a unit can do in a day. This room never decides whom to contact, and knows no campaign beyond its name.
"""

from bankloop.organization.approvals import (
    approval_of,
    approvals,
    approve,
    is_approved,
    recall,
    reject,
    submit_approval,
    void_approvals,
)
from bankloop.organization.contracts import (
    TASK_SCHEMA,
    Approval,
    ApprovalState,
    Organization,
    Staff,
    Task,
    TaskReport,
    TaskState,
    Unit,
)
from bankloop.organization.principals import (
    AUDITOR,
    BRANCH,
    CHECKER,
    COMPLIANCE,
    MAKER,
    SYSTEM,
    auditor,
    branch_head,
    checker,
    compliance,
    maker,
    system,
)
from bankloop.organization.tasks import (
    assign_task,
    create_tasks,
    expire_tasks,
    finish_task,
    task_counts,
    tasks_of,
)

__all__ = [
    "AUDITOR",
    "BRANCH",
    "CHECKER",
    "COMPLIANCE",
    "MAKER",
    "SYSTEM",
    "TASK_SCHEMA",
    "Approval",
    "ApprovalState",
    "Organization",
    "Staff",
    "Task",
    "TaskReport",
    "TaskState",
    "Unit",
    "approval_of",
    "approvals",
    "approve",
    "assign_task",
    "auditor",
    "branch_head",
    "checker",
    "compliance",
    "create_tasks",
    "expire_tasks",
    "finish_task",
    "is_approved",
    "maker",
    "recall",
    "reject",
    "submit_approval",
    "system",
    "task_counts",
    "tasks_of",
    "void_approvals",
]
