"""The refusals of the ledger, each with its cure in both languages."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text

# Why a request is refused, as the database says it, and what to do.
REASONS = {
    "short": Text("余额不足", "there is not enough in the account"),
    "unknown_account": Text("没有这个账户", "there is no such account"),
    "unknown_entry": Text("没有可以了结或冲正的这一笔", "there is no such entry to end or to reverse"),
    "other_asset": Text("两个账户不是同一种资产", "the two accounts are of different assets"),
    "closed": Text("账户已经关闭", "the account is closed"),
    "more_than_held": Text("多于当时冻结或入账的数", "it is more than was held or posted"),
    "resolved": Text("这笔冻结已经了结", "this hold has ended already"),
    "reversed": Text("这一笔已经冲正", "this entry was reversed already"),
    "expired": Text("这笔冻结已经到期", "this hold has expired"),
    "too_large": Text("金额太大", "the amount is too large"),
}


def refused(request: str, reason: str, line: int) -> ConflictError:
    """Return the refusal of a request, whose id is used up."""
    return ConflictError(
        f"ledger.{reason}",
        Text(
            "记账请求 {request} 第 {line} 行没有做：{why}；改好后请换一个编号再提交",
            "line {line} of the request {request} was not done: {why}; put it right and ask again under another id",
        ),
        request=request[:64],
        line=line + 1,
        why=REASONS[reason],
    )


def other_content(request: str, field: str) -> ConflictError:
    """Return the refusal of an id that stands for something else."""
    return ConflictError(
        "ledger.other_content",
        Text(
            "编号 {request} 已经用于另一笔（{field} 不同），没有记账；请换一个编号",
            "the id {request} stands for something else ({field} differs), and nothing was posted: use another id",
        ),
        request=request[:64],
        field=field,
    )


def bad_line(line: int, what: str) -> InputError:
    """Return the refusal of a line that says something impossible."""
    return InputError(
        "ledger.line",
        Text(
            "第 {line} 行的“{what}”不能用：金额是 1 到一千万亿的整数，两个账户不同，行数 1 到 100",
            "'{what}' of line {line} cannot be used: amounts are whole numbers from 1 to 10^15, the two accounts "
            "differ, and a request has 1 to 100 lines",
        ),
        line=line + 1,
        what=what,
    )


def other_account(account: str, field: str) -> ConflictError:
    """Return the refusal of an account or an asset that is there with other properties."""
    return ConflictError(
        "ledger.other_account",
        Text(
            "“{account}”已经存在，{field} 不同；开立后不能更改，请换一个名称",
            "'{account}' is there already with another {field}; it is fixed when it is made: use another name",
        ),
        account=account[:64],
        field=field,
    )


def no_account(account: str) -> NotFoundError:
    """Return the refusal of an account that is not there, or not to be seen."""
    return NotFoundError(
        "ledger.no_account",
        Text(
            "没有账户“{account}”；bankloop ledger accounts 列出现有账户",
            "there is no account '{account}'; bankloop ledger accounts lists those that there are",
        ),
        account=account[:64],
    )


def not_empty(account: str) -> ConflictError:
    """Return the refusal to close an account that holds something."""
    return ConflictError(
        "ledger.not_empty",
        Text(
            "账户“{account}”还有余额或冻结，不能关闭；请先转出、了结",
            "the account '{account}' still holds something or has holds: move it away and end them before it is closed",
        ),
        account=account[:64],
    )


def batch_refused() -> ConflictError:
    """Return the refusal of a batch of which one line finds too little."""
    return ConflictError(
        "ledger.batch_short",
        Text(
            "这一批里有账户余额不足，整批没有记账；请减少金额或先入账",
            "an account of this batch holds too little, and nothing of it was posted: ask for less, or fill it first",
        ),
    )
