"""The typed tree of a parsed expression: what both compilers walk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bankloop.kit.expression.pattern import Pattern
from bankloop.kit.expression.types import BOOL, INT, Type


@dataclass(frozen=True, slots=True)
class Name:
    """An attribute of the catalogue, or ``today``."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; numbers are already integers at the type's scale."""

    value: bool | int | str | date
    type: Type


@dataclass(frozen=True, slots=True)
class Compare:
    """``=``, ``<>``, ``<``, ``<=``, ``>``, ``>=`` between equal types."""

    operator: str
    left: Node
    right: Node
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Both:
    """AND in three-valued logic."""

    left: Node
    right: Node
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Either:
    """OR in three-valued logic."""

    left: Node
    right: Node
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Not:
    """NOT in three-valued logic."""

    operand: Node
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class IsNull:
    """``IS NULL``: never NULL itself."""

    operand: Node
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class In:
    """Membership in a list of constants, none of them NULL."""

    operand: Node
    values: tuple[Literal, ...]
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Like:
    """Whether a text is as a pattern says."""

    operand: Node
    pattern: Pattern
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``+``, ``-`` (equal types) or ``*`` (scales add up); NULL beyond the range."""

    operator: str
    left: Node
    right: Node
    type: Type


@dataclass(frozen=True, slots=True)
class Rescale:
    """The same number with ``factor`` = 10^k times as many minor units; NULL beyond the range."""

    operand: Node
    factor: int
    type: Type


@dataclass(frozen=True, slots=True)
class SafeDivide:
    """A quotient of equal scales with four decimals, rounded half away from zero; NULL on zero or beyond the range."""

    left: Node
    right: Node
    type: Type


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first operand that is not NULL."""

    operands: tuple[Node, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class DaysBetween:
    """Whole bank-local days from ``start`` to ``end``; negative when ``end`` is earlier."""

    start: Node
    end: Node
    type: Type = INT


Node = (
    Name
    | Literal
    | Compare
    | Both
    | Either
    | Not
    | IsNull
    | In
    | Like
    | Arithmetic
    | Rescale
    | SafeDivide
    | Coalesce
    | DaysBetween
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct operands of a node."""
    match node:
        case Name() | Literal():
            return ()
        case Compare() | Both() | Either() | Arithmetic() | SafeDivide():
            return (node.left, node.right)
        case Not() | IsNull() | In() | Like() | Rescale():
            return (node.operand,)
        case Coalesce():
            return node.operands
        case DaysBetween():
            return (node.start, node.end)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed, typed expression: its text, its tree and the names it reads."""

    text: str
    root: Node

    @property
    def type(self) -> Type:
        """Return the type of the result."""
        return self.root.type

    @property
    def reads_today(self) -> bool:
        """Return whether it depends on the as-of day."""
        return any(isinstance(n, Name) and n.name == "today" for n in walk(self.root))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the attributes read, sorted, without ``today``."""
        return tuple(sorted({n.name for n in walk(self.root) if isinstance(n, Name) and n.name != "today"}))
