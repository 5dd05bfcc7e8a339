"""The errors of consent: the reason and the cure, never a personal value."""

from __future__ import annotations

from bankloop.customer.consent.contracts import ConsentRuling, Purpose
from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_customer(number: str) -> NotFoundError:
    """A customer whom nobody knows, or who is out of scope: the two are told alike."""
    return NotFoundError(
        "consent.no_customer",
        Text("没有客户 {number}，或不在您的权限范围内；请核对客户号", "no customer {number}, or not within your scope; check the number"),
        number=number,
    )  # fmt: skip


def unknown_purpose(name: str) -> InputError:
    """A purpose that there is not."""
    return InputError(
        "consent.purpose",
        Text("未知的用途 {name}；可用：{known}", "unknown purpose {name}; known: {known}"),
        name=name,
        known=", ".join(Purpose),
    )


def may_not_say(ruling: ConsentRuling) -> InputError:
    """A word that cannot be written down as it is."""
    return InputError(
        "consent.word",
        Text("不能这样记录：{reason}", "it cannot be written down so: {reason}"),
        reason=ruling.reason,
        rule=ruling.code,
    )


def not_listed(number: str) -> ConflictError:
    """A removal from a list that the person is not on."""
    return ConflictError(
        "consent.not_listed",
        Text("{number} 不在禁拨名单中，无需移出", "{number} is not on the do-not-contact list; there is nothing to remove"),
        number=number,
    )  # fmt: skip
