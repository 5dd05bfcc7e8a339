"""What is wrong with a list as a whole; single lines are returned with their reasons instead."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import DataError, InputError, NotFoundError, SpecError
from bankloop.kit.text import Text


def no_name() -> InputError:
    """Return the refusal of a list without a name."""
    return InputError(
        "worklist.no_name",
        Text("名单没有名称；请填一个大家认得的名称", "the list has no name; give it one that people will know it by"),
    )


def past_due(due_on: date, today: date) -> InputError:
    """Return the refusal of a list that would be overdue when it is sent down."""
    return InputError(
        "worklist.past_due",
        Text("截止日 {due} 已过（今天是 {today}）；请填今天或以后的日子", "the due day {due} is over (today is {today}); give today or a later day"),
        due=due_on.isoformat(), today=today.isoformat(),
    )  # fmt: skip


def bad_pace(place: str) -> SpecError:
    """Return the refusal of a ``worklist.yaml`` that does not say how many tasks a manager has."""
    return SpecError(
        "worklist.pace",
        Text(
            "{place}: 请写 head_office_tasks: {{least: 2, most: 4}}，两个数在 1 到 100 之间，前者不大于后者",
            "{place}: write head_office_tasks: {{least: 2, most: 4}}, two numbers from 1 to 100, the first not "
            "above the second",
        ),
        place=place,
    )


def no_days(due_on: date) -> InputError:
    """Return the refusal of an instruction that has no working day."""
    return InputError(
        "worklist.no_days",
        Text(
            "到 {due} 为止没有工作日，任务排不下去；请把截止日推后",
            "there is no working day until {due} on which anything could be done; give a later day",
        ),
        due=due_on.isoformat(),
    )


def no_column(found: str) -> DataError:
    """Return the refusal of a sheet without the column of customer numbers."""
    return DataError(
        "worklist.no_column",
        Text("第一行没有“客户号”一列（有：{found}）；请补上表头", "the first row has no column 客户号 or customer_no (it has: {found}); add the header"),
        found=found,
    )  # fmt: skip


def double_column(first: str, first_at: int, second: str, second_at: int) -> DataError:
    """Return the refusal of a sheet that has a column twice."""
    return DataError(
        "worklist.double_column",
        Text(
            "第 {first_at} 列“{first}”与第 {second_at} 列“{second}”是同一项；请只留一列",
            "column {first_at} '{first}' and column {second_at} '{second}' are the same item; leave one of them",
        ),
        first=first,
        first_at=first_at,
        second=second,
        second_at=second_at,
    )


def no_list(name: str) -> NotFoundError:
    """Return the error of a list that there is not, or that the reader may not see."""
    return NotFoundError(
        "worklist.missing",
        Text("没有这份名单：{name}", "there is no such list: {name}"),
        name=name,
    )  # fmt: skip
