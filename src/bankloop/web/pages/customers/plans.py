"""A customer's account plan on its page: goal, steps and their days, how far it is; its manager makes and ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bankloop.care.account_plan import (
    AccountPlan,
    PlannedStep,
    PlanOutcome,
    end_account_plan,
    finish_plan_step,
    make_account_plan,
    plans_of_customer,
)
from bankloop.customer.consent import standing_of
from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_day
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

PLANS: Mapping[str, Text] = {
    "open": Text("经营计划", "Account plan"),
    "title": Text("客户经营计划", "Account plan"),
    "lead": Text(
        "想和这位客户做成什么、分几步、到哪一步了。",
        "What is wanted with this customer, in which steps, and how far it is.",
    ),
    "none": Text("还没有经营计划。", "There is no plan yet."),
    "make": Text("订一份计划", "Make a plan"),
    "goal": Text("目标（一句话）", "Goal (a sentence)"),
    "until": Text("到哪天", "Until"),
    "step": Text("步骤", "Step"),
    "due": Text("哪天前", "Due"),
    "done": Text("已做", "Done"),
    "said": Text("说明（可空）", "Remark (may be empty)"),
    "end": Text("结束计划", "End the plan"),
    "outcome": Text("结果", "What came of it"),
    "kept_by": Text("由管户客户经理订立和推进。", "Its manager makes it and moves it on."),
}
OUTCOMES: Mapping[PlanOutcome, Text] = {
    PlanOutcome.REACHED: Text("达成", "reached"),
    PlanOutcome.MISSED: Text("未达成", "missed"),
    PlanOutcome.DROPPED: Text("放弃", "dropped"),
}
# As many steps as the form offers; the API takes more.
_STEPS = 5


def add_plan_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/customers/{customer_no}/plan")
    def plan(request: Request, customer_no: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "customer.read")
        require(visitor.principal, "account_plan.read")
        return _plan_page(request, customer_no[:64], visitor)

    @app.post("/customers/{customer_no}/plan")
    def make(request: Request, customer_no: str, form: Form, visitor: Acting) -> Response:
        console = console_of(request)
        try:
            steps = [
                PlannedStep(form[f"what-{at}"], read_day(form.get(f"due-{at}", "")))
                for at in range(1, _STEPS + 1)
                if form.get(f"what-{at}", "").strip()
            ]
            until = read_day(form.get("until", ""))
            with console.bank.store.begin(visitor.principal) as connection:
                make_account_plan(connection, customer_no[:64], form.get("goal", ""), until, steps, console.today)
        except BankloopError as error:
            return _plan_page(request, customer_no[:64], visitor, form, error)
        return RedirectResponse(f"/customers/{customer_no}/plan", 303)

    @app.post("/customers/{customer_no}/plan/{plan_id}/steps/{step}")
    def done(request: Request, customer_no: str, plan_id: UUID, step: int, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                finish_plan_step(connection, plan_id, step, form.get("said", ""))
        except BankloopError as error:
            return _plan_page(request, customer_no[:64], visitor, form, error)
        return RedirectResponse(f"/customers/{customer_no}/plan", 303)

    @app.post("/customers/{customer_no}/plan/{plan_id}/end")
    def end(request: Request, customer_no: str, plan_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                end_account_plan(connection, plan_id, form.get("outcome", ""), form.get("said", ""))
        except BankloopError as error:
            return _plan_page(request, customer_no[:64], visitor, form, error)
        return RedirectResponse(f"/customers/{customer_no}/plan", 303)


def _plan_page(
    request: Request,
    number: str,
    visitor: Visitor,
    form: Mapping[str, str] | None = None,
    error: BankloopError | None = None,
) -> HTMLResponse:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        standing_of(connection, number)  # out of scope is as unknown as ever
        found = plans_of_customer(connection, number)
    zone = ZoneInfo(console.bank.lake.zone)
    own = next((one for one in found if one.ended_at is None and one.staff_id == visitor.principal.id), None)
    return page(
        request,
        "plan_of.html",
        error.http_status if error else 200,
        at="customers",
        number=number,
        masked=masked(number),
        texts=PLANS,
        outcomes={one.value: said for one, said in OUTCOMES.items()},
        own=own,
        form=form or {},
        error=error,
        tables=tuple(steps_table(one, console.today, zone) for one in found),
        steps=range(1, _STEPS + 1),
    )


def standing_in_words(plan: AccountPlan) -> Text:
    """Return how far a plan is, or what came of it."""
    if plan.outcome is not None:
        return OUTCOMES[plan.outcome]
    return Text(f"{plan.done}/{len(plan.steps)} 步", f"{plan.done} of {len(plan.steps)} steps")


def steps_table(plan: AccountPlan, today: date, zone: ZoneInfo) -> Table:
    """Return a plan's steps with their days and what became of them, under its goal."""
    rows = tuple(
        (
            Cell(say.same(one.what)),
            Cell(say.same(f"{one.due_on}"), Tone.BAD if one.late(today) else Tone.PLAIN),
            Cell(
                say.same(f"{one.done_at.astimezone(zone):%Y-%m-%d} {one.done_by}")
                if one.done_at
                else Text("超期", "late")
                if one.late(today)
                else Text("未做", "open")
            ),
            Cell(say.same(one.said or "—")),
        )
        for one in plan.steps
    )
    standing = standing_in_words(plan)
    caption = Text(
        f"{plan.goal} · 至 {plan.until} · {standing.zh} · {plan.staff_id}",
        f"{plan.goal} · until {plan.until} · {standing.en} · {plan.staff_id}",
    )
    heads = (PLANS["step"], PLANS["due"], PLANS["done"], Text("说明", "Remark"))
    return Table(f"plan-{plan.plan_id}", caption, tuple(Column(one) for one in heads), rows)


def plans_table(plans: Sequence[AccountPlan], today: date, *, linked: bool = True) -> Table:
    """Return open plans in brief: whom for, the goal, how far, and the next step with its day."""
    rows = []
    for one in plans:
        coming = one.next_step
        late = coming is not None and coming.late(today)
        rows.append(
            (
                Cell(say.same(masked(one.customer_no)), drill=f"customers/{one.customer_no}/plan" if linked else None),
                Cell(say.same(one.goal)),
                Cell(standing_in_words(one)),
                Cell(
                    say.same(coming.what) if coming else Text("步骤已做完，请写结果", "all done: say what came of it")
                ),
                Cell(say.same(f"{coming.due_on if coming else one.until}"), Tone.BAD if late else Tone.PLAIN),
            )
        )
    heads = (
        Text("客户", "Customer"),
        Text("目标", "Goal"),
        Text("进度", "Progress"),
        Text("下一步", "Next step"),
        PLANS["due"],
    )
    return Table("plans", PLANS["title"], tuple(Column(one) for one in heads), tuple(rows))
