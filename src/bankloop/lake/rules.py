"""The rules a conformed row must keep, derived from its contract: one SQL truth value each, true when broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bankloop.kit.grammar import FIRST_YEAR, LAST_YEAR, MOBILE
from bankloop.kit.text import Text
from bankloop.lake.contracts import ColumnType, ContractColumn, TableContract
from bankloop.lake.engine import literal, name

# Mainland mobile numbers: 11 digits from 1.
PHONE = f"^{MOBILE}$"

RULE_TEXT: dict[str, Text] = {
    "encoding": Text("编码错误", "broken encoding"),
    "fields": Text("列数不符", "wrong number of fields"),
    "cell": Text(
        "单元格没有可靠的值（错误、超过 15 位的数字或未计算的公式）",
        "a cell without a reliable value: an error, a number of over 15 digits, a formula never computed",
    ),
    "type": Text("类型不符", "wrong type"),
    "null": Text("必填为空", "empty but needed"),
    "allowed": Text("不在代码表中", "not an allowed value"),
    "range": Text("超出范围", "out of range"),
    "future": Text("晚于当前时间", "in the future"),
    "phone": Text("手机号不是 11 位", "phone is not 11 digits"),
    "duplicate_key": Text("主键重复", "duplicate key"),
    "contradiction": Text("同一主键已有另一内容", "the same key is known with other content"),
    "reference": Text("引用不存在", "refers to nothing"),
}


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """One rule on one column; ``broken`` is SQL over the typed columns, never NULL."""

    rule: str
    column: str
    broken: str


def row_checks(contract: TableContract, now: datetime, today: date) -> list[ColumnCheck]:
    """Return the checks of every column of ``contract``; dates may be at most ``today``, moments at most ``now``."""
    return [check for column in contract.columns for check in _column_checks(column, now, today)]


def any_broken(checks: Iterable[ColumnCheck]) -> str:
    """Return SQL that is true when any of ``checks`` is broken."""
    return " OR ".join(f"({check.broken})" for check in checks) or "false"


def _column_checks(column: ContractColumn, now: datetime, today: date) -> Iterable[ColumnCheck]:
    field = name(column.name)
    if not column.nullable:
        yield ColumnCheck("null", column.name, f"{field} IS NULL")
    if column.allowed:
        values = ", ".join(literal(value) for value in column.allowed)
        yield ColumnCheck("allowed", column.name, f"coalesce({field} NOT IN ({values}), false)")
    cast = "DATE " if column.type is ColumnType.DATE else ""
    bounds = [
        f"{field} {sign} {cast + literal(bound) if cast else bound}"
        for sign, bound in (("<", column.minimum), (">", column.maximum))
        if bound is not None
    ]
    if bounds:
        yield ColumnCheck("range", column.name, f"coalesce({' OR '.join(bounds)}, false)")
    if (found := _epoch(column)) is not None:
        yield found
    if column.not_future:
        limit = f"DATE {literal(today)}" if cast else f"TIMESTAMPTZ {literal(now.isoformat())}"
        yield ColumnCheck("future", column.name, f"coalesce({field} > {limit}, false)")


def _epoch(column: ContractColumn) -> ColumnCheck | None:
    """A day or moment of no bank: a century left out, or a number taken for a date."""
    if column.type not in (ColumnType.DATE, ColumnType.TIMESTAMP):
        return None
    kind, field = ("DATE" if column.type is ColumnType.DATE else "TIMESTAMPTZ"), name(column.name)
    first, after = (f"{kind} '{year}-01-01'" for year in (FIRST_YEAR, LAST_YEAR + 1))
    return ColumnCheck("range", column.name, f"coalesce({field} < {first} OR {field} >= {after}, false)")
