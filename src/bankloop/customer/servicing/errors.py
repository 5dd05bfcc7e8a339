"""The errors of servicing: place, reason and cure."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, SpecError
from bankloop.kit.text import Text


def policy_spec(place: str, zh: str, en: str) -> SpecError:
    """A service policy that cannot be."""
    return SpecError(
        "servicing.policy",
        Text("{place}：服务策略：{reason}", "{place}: service policy: {reason}"),
        place=place,
        reason=Text(zh, en),
    )


def no_customers() -> ConflictError:
    """Nobody to be served: nothing was loaded."""
    return ConflictError(
        "servicing.no_customers",
        Text("还没有客户；先运行 bankloop load", "there are no customers yet; run bankloop load first"),
    )


def not_assigned() -> ConflictError:
    """Nobody has a keeper yet, so that nobody is known to be the remote centre's."""
    return ConflictError(
        "servicing.not_assigned",
        Text(
            "还没有分配服务归属；先运行 bankloop customer assign",
            "keepers are not assigned yet; run bankloop customer assign first",
        ),
    )
