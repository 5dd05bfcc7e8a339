"""The verbs of account plans: made, a step done, ended; read by customer and by manager."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from bankloop.care.account_plan import errors
from bankloop.care.account_plan.contracts import LONGEST, MOST_STEPS, AccountPlan, AccountStep, PlannedStep, PlanOutcome
from bankloop.care.tables import account_plan as plan_table
from bankloop.care.tables import account_plan_step as step_table
from bankloop.kit.ids import uuid7
from bankloop.organization.people import keeper_of
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb


@verb("account_plan.make")
def make_account_plan(
    connection: Connection, customer_no: str, goal: str, until: date, steps: Sequence[PlannedStep], today: date
) -> AccountPlan:
    """Make a plan of who acts for a customer of theirs; one is open at a time.

    Raises ``InputError`` for words or days that cannot be, ``NotFoundError`` for a customer of others,
    ``ConflictError`` where one is open.
    """
    goal, wanted = " ".join(goal.split()), [PlannedStep(" ".join(one.what.split()), one.due_on) for one in steps]
    texts = [goal, *(one.what for one in wanted)]
    if not 0 < len(wanted) <= MOST_STEPS or not all(0 < len(one) <= LONGEST for one in texts):
        raise errors.no_goal(LONGEST, MOST_STEPS)
    for day in (until, *(one.due_on for one in wanted)):
        if not today <= day <= until:
            raise errors.bad_day(day, today, until)
    who, now = principal_of(connection).id, now_of(connection)
    kept = next((one for one in keeper_of(connection, customer_no) if one.staff_id == who), None)
    if kept is None:
        raise errors.not_kept(customer_no[:64])
    if any(one.staff_id == who and one.ended_at is None for one in plans_of_customer(connection, customer_no)):
        raise errors.there_is_one(customer_no[:64])
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        insert(plan_table).values(
            plan_id=made,
            customer_no=customer_no,
            unit_id=kept.unit_id,
            staff_id=who,
            goal=goal,
            until=until,
            made_at=now,
        )
    )
    rows = [
        {"plan_id": made, "step": at, "what": one.what, "due_on": one.due_on} for at, one in enumerate(wanted, start=1)
    ]
    connection.execute(insert(step_table), rows)
    after = {"customer": customer_no, "until": until.isoformat(), "steps": len(rows)}
    record_audit(connection, "account_plan.make", "account_plan", str(made), None, after)
    return _plans(connection, plan_table.c.plan_id == made)[0]


@verb("account_plan.step")
def finish_plan_step(connection: Connection, plan_id: UUID, step: int, said: str = "") -> AccountPlan:
    """Say that a step of an open plan is done; raise ``NotFoundError`` for one that is done already or not there."""
    t = step_table.c
    mine = select(plan_table.c.plan_id).where(plan_table.c.plan_id == plan_id, plan_table.c.ended_at.is_(None))
    done = connection.execute(
        update(step_table)
        .where(t.plan_id.in_(mine), t.step == step, t.done_at.is_(None))
        .values(done_at=now_of(connection), done_by=principal_of(connection).id, said=said.strip()[:LONGEST])
    )
    if not done.rowcount:
        raise errors.no_plan(f"{plan_id}/{step}")
    record_audit(connection, "account_plan.step", "account_plan", str(plan_id), None, {"step": step})
    return _plans(connection, plan_table.c.plan_id == plan_id)[0]


@verb("account_plan.end")
def end_account_plan(connection: Connection, plan_id: UUID, outcome: str, said: str = "") -> AccountPlan:
    """End a plan with what came of it; raise ``NotFoundError`` where none is open."""
    if outcome not in {one.value for one in PlanOutcome}:
        raise errors.bad_outcome(outcome[:32])
    t = plan_table.c
    ended = connection.execute(
        update(plan_table)
        .where(t.plan_id == plan_id, t.ended_at.is_(None))
        .values(ended_at=now_of(connection), outcome=outcome, said=said.strip()[:LONGEST])
    )
    if not ended.rowcount:
        raise errors.no_plan(str(plan_id))
    record_audit(connection, "account_plan.end", "account_plan", str(plan_id), None, {"outcome": outcome})
    return _plans(connection, t.plan_id == plan_id)[0]


def plans_of_customer(connection: Connection, customer_no: str) -> list[AccountPlan]:
    """Return the plans for a customer that may be seen, the newest first."""
    return _plans(connection, plan_table.c.customer_no == customer_no)


def plans_of_staff(connection: Connection, staff_id: str) -> list[AccountPlan]:
    """Return the open plans of a manager, whose next step is due first first."""
    found = _plans(connection, plan_table.c.staff_id == staff_id, plan_table.c.ended_at.is_(None))
    return sorted(found, key=lambda one: one.next_step.due_on if one.next_step else one.until)


def _plans(connection: Connection, *where: ColumnElement[bool]) -> list[AccountPlan]:
    rows = connection.execute(select(plan_table).where(*where).order_by(plan_table.c.plan_id.desc())).all()
    steps: dict[UUID, list[AccountStep]] = {}
    wanted = [row.plan_id for row in rows]
    for one in connection.execute(
        select(step_table).where(step_table.c.plan_id.in_(wanted)).order_by(step_table.c.step)
    ).all():
        found = AccountStep(one.step, one.what, one.due_on, one.done_at, one.done_by, one.said)
        steps.setdefault(one.plan_id, []).append(found)
    return [
        AccountPlan(
            row.plan_id,
            row.customer_no,
            row.staff_id,
            row.goal,
            row.until,
            PlanOutcome(row.outcome) if row.outcome else None,
            row.said,
            row.made_at,
            row.ended_at,
            tuple(steps.get(row.plan_id, ())),
        )
        for row in rows
    ]
