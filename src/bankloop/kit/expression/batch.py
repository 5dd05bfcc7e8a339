"""The batch plane: an expression as an Ibis value, for DuckDB and Spark alike.

Guards stand in front of whatever an engine might answer with an error, an infinity or a failed job.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, assert_never

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
from bankloop.kit.expression.types import QUOTIENT_LIMIT, QUOTIENT_SCALE, RANGE_LIMIT, TODAY, Kind, Type
from bankloop.kit.later import later

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

_IBIS_TYPES: Mapping[Kind, str] = {
    Kind.BOOL: "boolean",
    Kind.NUMBER: "int64",
    Kind.STRING: "string",
    Kind.DATE: "date",
}


def to_ibis(expression: Expression, table: ibis.Table, today: date) -> ibis.Value:
    """Return the expression over ``table``, whose columns bear the attributes' names; ``today`` is the as-of day."""
    return _compile(expression.root, {name: table[name] for name in expression.names}, today)


def _compile(node: Node, columns: Mapping[str, Any], today: date) -> Any:
    match node:
        case Name(name, type_):
            return ibis.literal(today) if name == TODAY else _typed(columns[name], type_)
        case Literal(value, type_):
            return ibis.literal(value, type=_IBIS_TYPES[type_.kind])
        case Compare(operator, left, right):
            return _compare(operator, _compile(left, columns, today), _compile(right, columns, today))
        case Both(left, right):
            return _compile(left, columns, today) & _compile(right, columns, today)
        case Either(left, right):
            return _compile(left, columns, today) | _compile(right, columns, today)
        case Not(operand):
            return ~_compile(operand, columns, today)
        case IsNull(operand):
            return _compile(operand, columns, today).isnull()
        case In(operand, values):
            value = _compile(operand, columns, today)
            return value.isin([_compile(literal, columns, today) for literal in values])
        case Like(operand, pattern):
            return _compile(operand, columns, today).re_search(pattern.regex)
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, _compile(left, columns, today), _compile(right, columns, today))
        case Rescale(operand, factor):
            return _arithmetic("*", _compile(operand, columns, today), ibis.literal(factor, type="int64"))
        case SafeDivide(left, right):
            return _safe_divide(_compile(left, columns, today), _compile(right, columns, today))
        case Coalesce(operands):
            return ibis.coalesce(*[_compile(operand, columns, today) for operand in operands])
        case DaysBetween(start, end):
            return _compile(end, columns, today).delta(_compile(start, columns, today), unit="day").cast("int64")
    assert_never(node)


def _typed(column: Any, type_: Type) -> Any:
    wanted = _IBIS_TYPES[type_.kind]
    return column if str(column.type()) == wanted else column.cast(wanted)


def _compare(operator: str, left: Any, right: Any) -> Any:
    match operator:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    x, y = left.cast("float64"), right.cast("float64")
    size = (x * y if operator == "*" else x + y if operator == "+" else x - y).abs()
    # Nulling one operand keeps the engine from ever computing the overflow.
    safe = ibis.ifelse(size <= RANGE_LIMIT, left, ibis.null("int64"))
    return safe * right if operator == "*" else safe + right if operator == "+" else safe - right


def _safe_divide(left: Any, right: Any) -> Any:
    factor = 10**QUOTIENT_SCALE
    x, y = left.cast("float64").abs(), right.cast("float64").abs()
    fits = (2.0 * factor * x <= QUOTIENT_LIMIT) & (4.0 * y <= QUOTIENT_LIMIT) & (y > 0)
    size = ibis.ifelse(fits, left, ibis.null("int64")).abs()
    divisor = 2 * ibis.ifelse(fits, right, ibis.null("int64")).abs()
    numerator = 2 * factor * size + ibis.ifelse(fits, right, ibis.null("int64")).abs()
    # A multiple of the divisor, below 2**53, divides exactly in doubles: no engine can round it differently.
    quotient = ((numerator - numerator % divisor).cast("float64") / divisor.cast("float64")).cast("int64")
    return ibis.ifelse((left < 0) == (right < 0), quotient, -quotient)
