"""The real-time plane: an expression as a Python function of one customer's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from operator import eq, ge, gt, le, lt, ne
from typing import Any, assert_never

from bankloop.kit.expression.tree import (
    Arithmetic,
    Both,
    Coalesce,
    Compare,
    DaysBetween,
    Either,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Name,
    Node,
    Not,
    Rescale,
    SafeDivide,
)
from bankloop.kit.expression.types import QUOTIENT_LIMIT, QUOTIENT_SCALE, RANGE_LIMIT

Row = Mapping[str, Any]
Value = bool | int | str | date | None
Failures = list[str]
Step = Callable[[Row, Failures], Any]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

OUT_OF_RANGE = "expression.out_of_range"
DIVIDED_BY_ZERO = "expression.divided_by_zero"


def to_function(expression: Expression) -> Callable[[Row], Value]:
    """Return a function from a row (names to values, None for NULL, ``today`` the as-of day) to the value."""
    step = _compile(expression.root)
    return lambda row: step(row, [])


def to_explained_function(expression: Expression) -> Callable[[Row], tuple[Value, tuple[str, ...]]]:
    """Return a function that also says, as codes, why a step of the row became NULL."""
    step = _compile(expression.root)

    def explained(row: Row) -> tuple[Value, tuple[str, ...]]:
        failures: Failures = []
        return step(row, failures), tuple(failures)

    return explained


def _compile(node: Node) -> Step:
    match node:
        case Name(name):
            return lambda row, _: row[name]
        case Literal(value):
            return lambda row, _: value
        case Compare(operator, left, right):
            return _lifted(_COMPARE[operator], _compile(left), _compile(right))
        case Both(left, right):
            return _both(_compile(left), _compile(right))
        case Either(left, right):
            return _either(_compile(left), _compile(right))
        case Not(operand):
            return _not(_compile(operand))
        case IsNull(operand):
            step = _compile(operand)
            return lambda row, failures: step(row, failures) is None
        case In(operand, values):
            return _in(_compile(operand), frozenset(literal.value for literal in values))
        case Like(operand, pattern):
            text = _compile(operand)
            return lambda row, failures: None if (value := text(row, failures)) is None else pattern.matches(value)
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, _compile(left), _compile(right))
        case Rescale(operand, factor):
            return _arithmetic("*", _compile(operand), lambda row, _: factor)
        case SafeDivide(left, right):
            return _safe_divide(_compile(left), _compile(right))
        case Coalesce(operands):
            return _coalesce([_compile(operand) for operand in operands])
        case DaysBetween(start, end):
            return _lifted(lambda a, b: (b - a).days, _compile(start), _compile(end))
    assert_never(node)


def _lifted(function: Callable[[Any, Any], Any], left: Step, right: Step) -> Step:
    def step(row: Row, failures: Failures) -> Any:
        a, b = left(row, failures), right(row, failures)
        return None if a is None or b is None else function(a, b)

    return step


def _both(left: Step, right: Step) -> Step:
    def step(row: Row, failures: Failures) -> bool | None:
        a = left(row, failures)
        if a is False:
            return False
        b = right(row, failures)
        return False if b is False else None if a is None or b is None else True

    return step


def _either(left: Step, right: Step) -> Step:
    def step(row: Row, failures: Failures) -> bool | None:
        a = left(row, failures)
        if a is True:
            return True
        b = right(row, failures)
        return True if b is True else None if a is None or b is None else False

    return step


def _not(operand: Step) -> Step:
    def step(row: Row, failures: Failures) -> bool | None:
        value = operand(row, failures)
        return None if value is None else not value

    return step


def _in(operand: Step, values: frozenset[object]) -> Step:
    def step(row: Row, failures: Failures) -> bool | None:
        value = operand(row, failures)
        return None if value is None else value in values

    return step


def _arithmetic(operator: str, left: Step, right: Step) -> Step:
    def step(row: Row, failures: Failures) -> int | None:
        a, b = left(row, failures), right(row, failures)
        if a is None or b is None:
            return None
        # The guard is in doubles because every engine computes it alike; see types.RANGE_LIMIT.
        x, y = float(a), float(b)
        size = abs(x * y) if operator == "*" else abs(x + y) if operator == "+" else abs(x - y)
        if size > RANGE_LIMIT:
            failures.append(OUT_OF_RANGE)
            return None
        return int(a * b if operator == "*" else a + b if operator == "+" else a - b)

    return step


def _safe_divide(left: Step, right: Step) -> Step:
    factor = 10**QUOTIENT_SCALE

    def step(row: Row, failures: Failures) -> int | None:
        a, b = left(row, failures), right(row, failures)
        if a is None or b is None:
            return None
        if b == 0:
            failures.append(DIVIDED_BY_ZERO)
            return None
        if 2.0 * factor * abs(float(a)) > QUOTIENT_LIMIT or 4.0 * abs(float(b)) > QUOTIENT_LIMIT:
            failures.append(OUT_OF_RANGE)
            return None
        quotient = (2 * factor * abs(a) + abs(b)) // (2 * abs(b))
        return int(quotient if (a < 0) == (b < 0) else -quotient)

    return step


def _coalesce(steps: list[Step]) -> Step:
    def step(row: Row, failures: Failures) -> Any:
        return next((value for one in steps if (value := one(row, failures)) is not None), None)

    return step
