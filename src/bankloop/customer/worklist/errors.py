"""What is wrong with a list as a whole; single lines are returned with their reasons instead."""

from __future__ import annotations

from bankloop.kit import DataError, InputError, NotFoundError, Text


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
