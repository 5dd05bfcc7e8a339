"""Constants and scales: what lies between two values of a type, and the same number in finer units."""

from __future__ import annotations

from bankloop.kit.expression.tree import Literal, Node, Rescale
from bankloop.kit.expression.types import Kind, Type

INT64 = 2**63 - 1


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
