"""Account plans (客户经营计划) of one's own customers: made, a step done, ended, listed."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.care.account_plan import (
    MOST_STEPS,
    PlannedStep,
    end_account_plan,
    finish_plan_step,
    make_account_plan,
    plans_of_customer,
    plans_of_staff,
)
from bankloop.kit.fields import Day, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["customers"])
Sentence = Annotated[str, Field(min_length=1, max_length=200)]
Remark = Annotated[str, Field(max_length=200)]


class PlanStepBody(Body):
    """One step: what, and until which day."""

    what: Sentence
    due_on: Day


class AccountPlanBody(Body):
    """What is wanted of a customer by when, in steps."""

    goal: Sentence
    until: Day
    steps: Annotated[list[PlanStepBody], Field(min_length=1, max_length=MOST_STEPS)]


class DoneBody(Body):
    """What is said of a step that is done."""

    said: Remark = ""


class PlanEndBody(Body):
    """What came of a plan: reached, missed or dropped."""

    outcome: Name
    said: Remark = ""


@router.get("/account-plans")
def mine(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the caller's open plans, whose next step is due first first."""
    require(visitor.principal, "account_plan.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(plans_of_staff(connection, visitor.principal.id)), "next": None}


@router.get("/customers/{customer_no}/account-plans")
def of_customer(customer_no: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """List the plans for a customer, the newest first."""
    require(visitor.principal, "account_plan.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(plans_of_customer(connection, customer_no)), "next": None}


@router.post("/customers/{customer_no}/account-plans", status_code=201, openapi_extra=does("account_plan.make"))
def make(request: Request, customer_no: Name, body: AccountPlanBody, console: Open, visitor: Writes) -> Response:
    """Make a plan for a customer of one's own; one is open at a time."""
    require(visitor.principal, "account_plan.make")
    steps = [PlannedStep(one.what, one.due_on) for one in body.steps]

    def effect(connection: Connection) -> Any:
        return make_account_plan(connection, customer_no, body.goal, body.until, steps, console.today)

    return once_in(request, console.bank.store, visitor, "account_plan.make", customer_no, body, effect, 201)


@router.post("/account-plans/{plan_id}/steps/{step}/done", openapi_extra=does("account_plan.step"))
def done(
    request: Request,
    plan_id: UUID,
    step: Annotated[int, Path(ge=1, le=MOST_STEPS)],
    body: DoneBody,
    console: Open,
    visitor: Writes,
) -> Response:
    """Say that a step is done."""
    require(visitor.principal, "account_plan.step")

    def effect(connection: Connection) -> Any:
        return finish_plan_step(connection, plan_id, step, body.said)

    return once_in(request, console.bank.store, visitor, "account_plan.step", f"{plan_id}/{step}", body, effect)


@router.post("/account-plans/{plan_id}/end", openapi_extra=does("account_plan.end"))
def end(request: Request, plan_id: UUID, body: PlanEndBody, console: Open, visitor: Writes) -> Response:
    """End a plan with what came of it."""
    require(visitor.principal, "account_plan.end")

    def effect(connection: Connection) -> Any:
        return end_account_plan(connection, plan_id, body.outcome, body.said)

    return once_in(request, console.bank.store, visitor, "account_plan.end", str(plan_id), body, effect)
