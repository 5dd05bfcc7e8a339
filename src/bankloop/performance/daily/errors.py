"""The errors of the daily report, each with its cure in both languages."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import EnvironmentFault, InputError, NotFoundError
from bankloop.kit.text import Text


def not_written(path: str, reason: Text) -> EnvironmentFault:
    """Return the fault of pages that cannot be written."""
    return EnvironmentFault(
        "daily.not_written",
        Text(
            "写不了日报文件 {path}（{reason}）；腾出空间或改正权限，没送到的会接着送，送过的不会重送",
            "the daily report {path} cannot be written ({reason}); free some space or correct the rights: what waits is "
            "handed over then, nobody gets it twice",
        ),
        path=path,
        reason=reason,
    )


def none_yet(unit: str, day: date | None) -> NotFoundError:
    """Return the error of a report that there is not, or not for who asks."""
    return NotFoundError(
        "daily.none",
        Text(
            "没有 {unit} 在 {day} 的日报，或不在您的范围内；日报每天 8:30 生成，也可运行 bankloop daily make",
            "there is no daily report of {unit} for {day}, or it is not yours to see; it is made at 08:30, or by "
            "bankloop daily make",
        ),
        unit=unit[:64],
        day=str(day or "—"),
    )


def no_balances(day: date) -> NotFoundError:
    """Return the error of a day before the first balances."""
    return NotFoundError(
        "daily.no_balances",
        Text(
            "{day} 之前还没有入湖的余额，算不了日报；请先运行 bankloop load",
            "no balances are known by {day}: there is nothing to report; run bankloop load first",
        ),
        day=str(day),
    )


def not_over(day: date) -> InputError:
    """Return the refusal to report a day that is not over."""
    return InputError(
        "daily.not_over",
        Text(
            "{day} 还没有结束；日报只报已经结束的日子", "{day} is not over; a daily report is of a day that has ended"
        ),
        day=str(day),
    )
