"""What is wrong with an account plan, and how it is put right."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_goal(most: int, steps: int) -> InputError:
    """Return the refusal of a plan without a goal or steps, or with too many words or steps."""
    return InputError(
        "account_plan.words",
        Text(
            "计划要有目标和 1 到 {steps} 个步骤，每句至多 {most} 字；请补全后再存",
            "a plan has a goal and 1 to {steps} steps, each of at most {most} characters; complete it and save again",
        ),
        most=most,
        steps=steps,
    )


def bad_day(day: date, first: date, last: date) -> InputError:
    """Return the refusal of a step that is due outside its plan."""
    return InputError(
        "account_plan.day",
        Text(
            "日期 {day} 不在 {first} 到 {last} 之间；请改步骤或计划的日期",
            "the day {day} is not between {first} and {last}; change the step's day or the plan's",
        ),
        day=day.isoformat(),
        first=first.isoformat(),
        last=last.isoformat(),
    )


def not_kept(customer: str) -> NotFoundError:
    """Return the refusal of a plan for a customer who is nobody's of who asks."""
    return NotFoundError(
        "account_plan.customer",
        Text(
            "您的管户中没有客户 {customer}；请核对客户号",
            "there is no customer {customer} in your book; check the number",
        ),
        customer=customer,
    )


def there_is_one(customer: str) -> ConflictError:
    """Return the refusal of a second open plan of one manager for one customer."""
    return ConflictError(
        "account_plan.open",
        Text(
            "客户 {customer} 已有一份在办的计划；请先结束它，再订新的",
            "there is an open plan for customer {customer}; end it before making another",
        ),
        customer=customer,
    )


def no_plan(plan: str) -> NotFoundError:
    """Return the refusal of what is done to a plan, or a step, that is not open or not there."""
    return NotFoundError(
        "account_plan.none",
        Text(
            "没有这份在办的计划或这一步：{plan}；请刷新页面",
            "there is no such open plan or step: {plan}; look at the page anew",
        ),
        plan=plan,
    )


def bad_outcome(said: str) -> InputError:
    """Return the refusal of an end without one of the outcomes."""
    return InputError(
        "account_plan.outcome",
        Text(
            "结束时请选 reached、missed 或 dropped，不是“{said}”",
            "a plan ends reached, missed or dropped, not '{said}'",
        ),
        said=said,
    )
