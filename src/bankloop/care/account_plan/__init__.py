"""Account plans (客户经营计划): what a manager wants of a customer by when, in steps that are done or late, and what came.

A plan is the manager's word about the relation, seen by whom the customer is seen by; it moves no money and contacts
nobody.
"""

from bankloop.care.account_plan.contracts import (
    MOST_STEPS,
    AccountPlan,
    AccountStep,
    PlannedStep,
    PlanOutcome,
)
from bankloop.care.account_plan.service import (
    end_account_plan,
    finish_plan_step,
    make_account_plan,
    plans_of_customer,
    plans_of_staff,
)

__all__ = [
    "MOST_STEPS",
    "AccountPlan",
    "AccountStep",
    "PlanOutcome",
    "PlannedStep",
    "end_account_plan",
    "finish_plan_step",
    "make_account_plan",
    "plans_of_customer",
    "plans_of_staff",
]
