"""Refusals about outside staff, each with the cure in both languages."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import DeniedError, InputError
from bankloop.kit.text import Text


def outside_over(person: str, until: date, sponsor: str) -> DeniedError:
    """Return the refusal of outside staff after their last day, or whose sponsor has no post any more."""
    return DeniedError(
        "outside.over",
        Text(
            "{person} 是外包人员，准入到 {until} 为止，由 {sponsor} 负责；期限已过或负责人已离岗，请系统管理员重新办理准入",
            "{person} is outside staff let in until {until} and answered for by {sponsor}; that day is over or the "
            "sponsor has no post any more: ask the system administrator to let them in anew",
        ),
        person=person,
        until=until,
        sponsor=sponsor,
    )


def bad_sponsor(person: str, sponsor: str) -> InputError:
    """Return the refusal of a sponsor who is not of the bank's own staff at a post now."""
    return InputError(
        "outside.bad_sponsor",
        Text(
            "{sponsor} 不能为外包人员 {person} 负责：须是本行在岗员工，且不是外包人员或本人；请另选负责人",
            "{sponsor} cannot answer for {person}: the sponsor is one of the bank's own staff with a post now, neither "
            "outside staff nor the person; name another",
        ),
        person=person,
        sponsor=sponsor,
    )


def bad_until(person: str, until: date) -> InputError:
    """Return the refusal of a last day that is over, or further off than a year."""
    return InputError(
        "outside.bad_until",
        Text(
            "{person} 的准入到期日 {until} 不可用：须在今天之后、一年之内；请改日期",
            "the last day {until} of {person} is not after today and within a year; give another day",
        ),
        person=person,
        until=until,
    )
