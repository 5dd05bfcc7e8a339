"""What a condition leaves out without a word: whom ``<>``, NOT IN and NOT LIKE lose because a value is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bankloop.kit.expression.tree import (
    Coalesce,
    Compare,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Name,
    Node,
    Not,
    children,
    walk,
)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Attributes by which the unknown fall out unsaid (``lost``), and those compared with an empty text (``empty``)."""

    lost: tuple[str, ...]
    empty: tuple[str, ...]


def doubts(expression: Expression) -> Doubts:
    """Return what a condition may not mean: a "not" that nobody unknown passes, an empty text, unknown once loaded.

    Who says of an attribute what is to be where it is not known, by IS NULL or coalesce, has thought of it.
    """
    thought = {name.name for one in walk(expression.root) if isinstance(one, IsNull) for name in _names(one)}
    lost = {name for name in _denied(expression.root, denied=False) if name not in thought}
    empty = {name for one in walk(expression.root) for name in _emptied(one)}
    return Doubts(tuple(sorted(lost)), tuple(sorted(empty)))


def _denied(node: Node, *, denied: bool) -> Iterator[str]:
    """Yield the attributes of whose values it is said what they are not."""
    match node:
        case Not(operand):
            yield from _denied(operand, denied=not denied)
        case Compare(operator, left, right) if operator in ("=", "<>"):
            if (operator == "<>") != denied:
                yield from (one.name for side in (left, right) for one in _names(side))
        case In(operand) | Like(operand):
            if denied:
                yield from (one.name for one in _names(operand))
        case _:
            for child in children(node):
                yield from _denied(child, denied=denied)


def _names(node: Node) -> Iterator[Name]:
    """Yield the attributes below a node that make it unknown where they are."""
    if isinstance(node, Name) and node.name != "today":
        yield node
    elif not isinstance(node, Coalesce):
        for child in children(node):
            yield from _names(child)


def _emptied(node: Node) -> Iterator[str]:
    sides: Sequence[tuple[Node, Sequence[Node]]]
    match node:
        case Compare(_, left, right):
            sides = ((left, (right,)), (right, (left,)))
        case In(operand, values):
            sides = ((operand, values),)
        case _:
            return
    for side, others in sides:
        if isinstance(side, Name) and any(isinstance(one, Literal) and one.value == "" for one in others):
            yield side.name
