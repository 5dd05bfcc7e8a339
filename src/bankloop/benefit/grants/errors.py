"""The refusals of grants, each with its cure in both languages."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_grant(decision_id: str) -> NotFoundError:
    """Return the refusal of a grant that is not there, or not to be seen."""
    return NotFoundError(
        "benefit.no_grant",
        Text(
            "没有编号为 {decision_id} 的权益发放；请核对触达清单里的编号",
            "there is no grant of a benefit {decision_id}; compare it with the number in the list of contacts",
        ),
        decision_id=decision_id[:64],
    )


def not_open(decision_id: str, life: Text) -> ConflictError:
    """Return the refusal to redeem or to return what stands otherwise."""
    return ConflictError(
        "benefit.not_open",
        Text(
            "权益发放 {decision_id} {said}，没有变动；未过期、未退回的才能核销，核销前后都可退回一次",
            "the grant {decision_id} is {life}, and nothing was changed: what is issued may be redeemed, "
            "what is issued or redeemed may be returned once",
        ),
        decision_id=decision_id[:64],
        life=life.en,
        said=life.zh,
    )


def bad_reason() -> InputError:
    """Return the refusal of a reason that says nothing."""
    return InputError(
        "benefit.reason",
        Text("请填写订单号或事由，1 到 200 字", "say the order or the reason, in 1 to 200 characters"),
    )
