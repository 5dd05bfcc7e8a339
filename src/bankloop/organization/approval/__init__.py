"""Approvals (经办-复核-审批): one mechanism for everything that a second person must see before it happens.

A request is about a digest; its route is worked out from what is asked for; nobody acts twice on it, in whoever's name.
Rules are pure and say why; the service moves requests; the database refuses what the route does not allow.
"""

from bankloop.organization.approval.contracts import (
    Act,
    Approval,
    ApprovalState,
    ApprovalView,
    Attachment,
    Change,
    Demand,
    Fact,
    Lane,
    Limits,
    Route,
    Stage,
    StageView,
    Verdict,
)
from bankloop.organization.approval.effects import Effects, have_effect
from bankloop.organization.approval.repository import acts_of, approval_by_id, approval_of, approvals, approvals_waiting
from bankloop.organization.approval.rules import KINDS, may_pass, next_stage, route_of
from bankloop.organization.approval.running import (
    close_request,
    expire_approvals,
    hold_in_force,
    is_approved,
    kill,
    pause_request,
    resume_request,
    schedule_request,
    start_request,
    was_granted,
)
from bankloop.organization.approval.service import (
    approve,
    comply,
    consent,
    recall,
    record_edit,
    reject,
    review,
    submit_approval,
    void_approvals,
)
from bankloop.organization.approval.views import approval_view, changes_between

__all__ = [
    "KINDS",
    "Act",
    "Approval",
    "ApprovalState",
    "ApprovalView",
    "Attachment",
    "Change",
    "Demand",
    "Effects",
    "Fact",
    "Lane",
    "Limits",
    "Route",
    "Stage",
    "StageView",
    "Verdict",
    "acts_of",
    "approval_by_id",
    "approval_of",
    "approval_view",
    "approvals",
    "approvals_waiting",
    "approve",
    "changes_between",
    "close_request",
    "comply",
    "consent",
    "expire_approvals",
    "have_effect",
    "hold_in_force",
    "is_approved",
    "kill",
    "may_pass",
    "next_stage",
    "pause_request",
    "recall",
    "record_edit",
    "reject",
    "resume_request",
    "review",
    "route_of",
    "schedule_request",
    "start_request",
    "submit_approval",
    "void_approvals",
    "was_granted",
]
