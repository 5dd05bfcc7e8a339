"""The errors of care: place, reason and cure."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, SpecError
from bankloop.kit.text import Text


def policy_spec(place: str, zh: str, en: str) -> SpecError:
    """Return the refusal of a policy that cannot be."""
    return SpecError(
        "care.policy",
        Text("{place}：关怀策略：{reason}", "{place}: care policy: {reason}"),
        place=place,
        reason=Text(zh, en),
    )


def no_fall(product: str, fall: str) -> ConflictError:
    """Return the refusal to explain a fall that there is not."""
    return ConflictError(
        "care.no_fall",
        Text(
            "{product} 的净值没有跌过 {fall}%；无需安抚，或先装载最新净值",
            "the net value of {product} has not fallen by {fall} %; there is nothing to explain, or load its latest values",
        ),
        product=product,
        fall=fall,
    )
