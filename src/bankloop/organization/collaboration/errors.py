"""The refusals of collaboration: place, reason and cure."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_topic(key: str, known: list[str]) -> InputError:
    """Return the refusal of a topic that there is not."""
    return InputError(
        "collaboration.no_topic",
        Text("没有“{topic}”这类事项；请从 {known} 中选", "there is no topic '{topic}'; choose one of {known}"),
        topic=key[:32],
        known=", ".join(known),
    )


def no_answer(code: str, known: list[str]) -> InputError:
    """Return the refusal of an answer that there is not."""
    return InputError(
        "collaboration.no_answer",
        Text("没有“{answer}”这种答复；请从 {known} 中选", "there is no answer '{answer}'; choose one of {known}"),
        answer=code[:32],
        known=", ".join(known),
    )


def no_words() -> InputError:
    """Return the refusal of a request or an answer that says nothing."""
    return InputError(
        "collaboration.no_words",
        Text("请写明事项或答复，对方要据此办理", "say in words what is asked or answered: the other side works by it"),
    )


def no_company() -> InputError:
    """Return the refusal of a referral of nobody."""
    return InputError(
        "collaboration.no_company",
        Text("请写转介的客户号或名称", "give the number or the name of whom you refer"),
    )


def not_agreed() -> InputError:
    """Return the refusal to hand on somebody who was not asked."""
    return InputError(
        "collaboration.not_agreed",
        Text(
            "转介前须征得客户同意由其他条线联系；请先询问客户，再勾选",
            "a customer must have agreed that another line gets in touch; ask first, then tick it",
        ),
    )


def same_line(line: str) -> InputError:
    """Return the refusal to refer within one line."""
    return InputError(
        "collaboration.same_line",
        Text("客户本来就在 {line} 条线；请直接办理", "the customer is of the line {line} already; serve them there"),
        line=line,
    )


def no_customer(number: str) -> NotFoundError:
    """Return the refusal of a customer beyond the own, whether or not there is one."""
    return NotFoundError(
        "collaboration.no_customer",
        Text("您的客户中没有 {number}；请从自己的管户中选", "there is no {number} among your customers; choose one of your own"),
        number=number[:4] + "…",
    )  # fmt: skip


def no_such(number: str) -> NotFoundError:
    """Return the refusal of a request that there is not, or not for who asks."""
    return NotFoundError(
        "collaboration.no_such",
        Text("没有请求 {number}；请从收件箱打开", "there is no request {number}; open it from the inbox"),
        number=number,
    )


def not_yours(person: str) -> DeniedError:
    """Return the refusal of an answer by who is not asked."""
    return DeniedError(
        "collaboration.not_yours",
        Text("{person} 不是承办方；请由承办人处理", "{person} is not who is asked; leave it to them"),
        person=person,
    )


def over(state: str) -> ConflictError:
    """Return the refusal of anything about a request that is over."""
    return ConflictError(
        "collaboration.over",
        Text("请求已是 {state}，不能再改；如仍需要请另提一个", "the request is {state} and over; make another one if it is still needed"),
        state=state,
    )  # fmt: skip
