"""Constants and scales: what lies between two values of a type, and the same number in finer units."""

from __future__ import annotations

from decimal import Decimal

from bankloop.kit.expression.tree import Literal, Node, Rescale
from bankloop.kit.expression.types import MAX_SCALE, Kind, Type

INT64 = 2**63 - 1
# The most digits before the point that a number of ours may have.
MOST_DIGITS = len(str(INT64))


def read_number(written: str) -> Literal | None:
    """Return a number; None of one too long, judged before anything is computed: 1e99999999 fits no computation."""
    try:
        value = Decimal(written)
    except ArithmeticError:  # an exponent that no Decimal has
        return None
    exponent = value.as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    if not value.is_finite() or scale > MAX_SCALE or value.adjusted() > MOST_DIGITS:
        return None
    unscaled = value.scaleb(scale)
    return Literal(int(unscaled), Type(Kind.NUMBER, scale)) if abs(unscaled) <= INT64 else None


def below_of(node: Node, type_: Type) -> int | None:
    """Return the value of a type next below a constant that lies between two of them; None where it is one."""
    if not isinstance(node, Literal) or not isinstance(node.value, int) or type_.kind is not Kind.NUMBER:
        return None
    below, rest = divmod(node.value, 10 ** max(node.type.scale - type_.scale, 0))
    return below if rest and node.type.kind is Kind.NUMBER else None


def rescaled(node: Node, scale: int) -> Node:
    """Return a number at a finer scale: a constant at once, anything else by a step that keeps its range."""
    if node.type.scale == scale:
        return node
    factor = 10 ** (scale - node.type.scale)
    type_ = Type(Kind.NUMBER, scale, node.type.money)
    if isinstance(node, Literal) and isinstance(node.value, int) and abs(node.value) * factor <= INT64:
        return Literal(node.value * factor, type_)
    return Rescale(node, factor, type_)
