"""What is wrong with a list as a whole; single lines are returned with their reasons instead."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import DataError, InputError, NotFoundError
from bankloop.kit.text import Text


def not_xlsx(reason: str) -> DataError:
    """Return the refusal of a file that is no xlsx, whatever its name says."""
    return DataError(
        "worklist.not_xlsx",
        Text("这不是可读的 xlsx（{reason}）；请用表格软件另存为 .xlsx", "this is no readable xlsx ({reason}); save it as .xlsx in a spreadsheet program"),
        reason=reason,
    )  # fmt: skip


def too_large(what: str, found: int, most: int) -> InputError:
    """Return the refusal of a file beyond its bounds, also of one that only unpacks beyond them."""
    return InputError(
        "worklist.too_large",
        Text("名单太大：{what} {found}，至多 {most}；请分成几份", "the list is too large: {what} {found}, at most {most}; split it"),
        what=what, found=f"{found:,}", most=f"{most:,}",
    )  # fmt: skip


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


def no_column(found: str) -> DataError:
    """Return the refusal of a sheet without the column of customer numbers."""
    return DataError(
        "worklist.no_column",
        Text("第一行没有“客户号”一列（有：{found}）；请补上表头", "the first row has no column 客户号 or customer_no (it has: {found}); add the header"),
        found=found,
    )  # fmt: skip


def no_list(name: str) -> NotFoundError:
    """Return the error of a list that there is not, or that the reader may not see."""
    return NotFoundError(
        "worklist.missing",
        Text("没有这份名单：{name}", "there is no such list: {name}"),
        name=name,
    )  # fmt: skip
