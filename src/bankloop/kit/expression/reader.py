"""From text to a typed tree: sqlglot reads the SQL, this module admits only format 1 and types it.

Whatever is refused says where (line, column), why, and the nearest thing that would be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NoReturn

import sqlglot
from sqlglot import exp

from bankloop.kit.errors import ExpressionError
from bankloop.kit.expression.pattern import MOST_ANY, read_pattern
from bankloop.kit.expression.scales import INT64, MOST_DIGITS, below_of, read_number, rescaled
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
    SafeDivide,
)
from bankloop.kit.expression.types import BOOL, DATE, INT, MAX_SCALE, QUOTIENT_SCALE, STRING, TODAY, Kind, Type
from bankloop.kit.located import nearest
from bankloop.kit.text import Text

MAX_DEPTH = 100

_COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_FUNCTIONS = ("safe_div", "coalesce", "days_between")


def read_text(text: str, types: Mapping[str, Type], wants: Type | None, longest: int) -> Expression:
    """Return the typed expression of ``text``, as ``parse`` of the door says."""
    reader = _Reader(text, types, longest)
    root = reader.read_whole()
    if wants is not None and root.type != wants:
        reader.refuse(
            None,
            "expression.result",
            "这里需要 {wants} 类型的结果，写出来的是 {type}",
            "a result of type {wants} is needed here, this one is {type}",
            wants=wants,
            type=root.type,
        )
    return Expression(text, root)


class _Reader:
    """Reads one text; holds it to say where something went wrong."""

    def __init__(self, text: str, types: Mapping[str, Type], longest: int) -> None:
        self.text, self.longest = text, longest
        self.types = types

    def read_whole(self) -> Node:
        if not self.text.strip():
            self.refuse(None, "expression.empty", "表达式是空的；写一个条件，例如 aum >= 50000",
                        "the expression is empty; write a condition such as aum >= 50000")  # fmt: skip
        if len(self.text) > self.longest:
            self.refuse(
                None,
                "expression.long",
                "表达式超过 {limit} 个字符；请拆成规则标签",
                "the expression is longer than {limit} characters; split it into rule attributes",
                limit=self.longest,
            )
        statements = self._statements()
        if len(statements) != 1 or statements[0] is None:
            self.refuse(None, "expression.several", "只能写一个表达式，不要用分号",
                        "write one expression, without semicolons")  # fmt: skip
        return self.read(statements[0], 0)

    def _statements(self) -> list[exp.Expr | None]:
        try:
            return sqlglot.parse(self.text, read="duckdb")
        except sqlglot.ParseError as error:
            first = error.errors[0] if error.errors else {}
            near = str(first.get("highlight") or "")
            offset = self._offset(int(str(first.get("line") or 1)), int(str(first.get("col") or 1))) - len(near)
            self.refuse_at(offset, "expression.syntax", "在“{near}”附近读不下去；检查括号、运算符和引号",
                           "cannot read on near '{near}'; check brackets, operators and quotes", near=near)  # fmt: skip
        except (sqlglot.TokenError, RecursionError):
            self.refuse(
                None, "expression.syntax", "引号没有成对，或嵌套太深", "a quote is not closed, or it nests too deep"
            )

    def _offset(self, line: int, column: int) -> int:
        lines = self.text.split("\n")
        return sum(len(text) + 1 for text in lines[: line - 1]) + column

    def refuse(self, node: exp.Expr | None, code: str, zh: str, en: str, **fields: object) -> NoReturn:
        start = min((n.meta["start"] for n in node.walk() if "start" in n.meta), default=0) if node is not None else 0
        self.refuse_at(start, code, zh, en, **fields)

    def refuse_at(self, offset: int, code: str, zh: str, en: str, **fields: object) -> NoReturn:
        before = self.text[: max(offset, 0)]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise ExpressionError(
            code,
            Text("第 {line} 行第 {column} 列：" + zh, "line {line}, column {column}: " + en),
            line=line,
            column=column,
            **fields,
        )

    def read(self, node: exp.Expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self.refuse(node, "expression.deep", "嵌套超过 {limit} 层；请拆成规则标签",
                        "nested deeper than {limit}; split it into rule attributes", limit=MAX_DEPTH)  # fmt: skip
        depth += 1
        operator = _COMPARISONS.get(type(node))
        if operator is not None:
            return self._compare(node, operator, self.read(node.this, depth), self.read(node.expression, depth))
        operator = _ARITHMETIC.get(type(node))
        if operator is not None:
            return self._arithmetic(node, operator, self.read(node.this, depth), self.read(node.expression, depth))
        match node:
            case exp.Paren():
                return self.read(node.this, depth)
            case exp.And() | exp.Or():
                left, right = self._truth(node.this, depth), self._truth(node.expression, depth)
                return Both(left, right) if isinstance(node, exp.And) else Either(left, right)
            case exp.Not():
                return Not(self._truth(node.this, depth))
            case exp.Column():
                return self._name(node)
            case exp.Literal() | exp.Boolean() | exp.Neg() | exp.Cast():
                return self._constant_or_negation(node, depth)
            case exp.Is() if isinstance(node.expression, exp.Null):
                return IsNull(self.read(node.this, depth))
            case exp.Between():
                return self._between(node, depth)
            case exp.In() if node.expressions:
                return self._in(node, depth)
            case exp.Like() | exp.Escape():
                return self._like(node, depth)
            case exp.Coalesce() | exp.Anonymous():
                return self._call(node, depth)
        return self._refuse_form(node)

    def _refuse_form(self, node: exp.Expr) -> Node:
        self.refuse(
            node,
            "expression.form",
            "“{form}”不在第 1 版表达式里；可用：比较、IN、BETWEEN、LIKE、IS NULL、AND/OR/NOT、+ − ×、"
            "safe_div、coalesce、days_between",
            "'{form}' is not part of expressions format 1; use comparisons, IN, BETWEEN, LIKE, IS NULL, AND/OR/NOT, "
            "+ - *, safe_div, coalesce, days_between",
            form=node.sql()[:60],
        )

    def _truth(self, node: exp.Expr, depth: int) -> Node:
        typed = self.read(node, depth)
        if typed.type != BOOL:
            self.refuse(node, "expression.type", "这里需要是/否，“{form}”是 {type}",
                        "a truth value is needed here, '{form}' is {type}",
                        form=node.sql()[:60], type=typed.type)  # fmt: skip
        return typed

    def _name(self, node: exp.Column) -> Node:
        name = node.name
        if len(node.parts) > 1:
            self._refuse_form(node)
        if name == TODAY:
            return Name(TODAY, DATE)
        if name not in self.types:
            near = nearest(name, [*self.types, TODAY])
            cure_zh = f"；最接近的是 {near}" if near else "；见标签目录"
            cure_en = f"; the nearest is {near}" if near else "; see the catalogue of attributes"
            self.refuse(node, "expression.name", "没有叫“{name}”的标签" + cure_zh,
                        "no attribute is called '{name}'" + cure_en, name=name)  # fmt: skip
        return Name(name, self.types[name])

    def _constant_or_negation(self, node: exp.Expr, depth: int) -> Node:
        match node:
            case exp.Boolean():
                return Literal(bool(node.this), BOOL)
            case exp.Literal() if node.is_string:
                return Literal(str(node.this), STRING)
            case exp.Literal():
                return self._number(node, str(node.this))
            case exp.Cast() if node.to.this == exp.DataType.Type.DATE and isinstance(node.this, exp.Literal):
                return self._date(node, str(node.this.this))
            case exp.Neg():
                operand = self.read(node.this, depth)
                if isinstance(operand, Literal) and isinstance(operand.value, int) and operand.type.kind is Kind.NUMBER:
                    return Literal(-operand.value, operand.type)
                return self._arithmetic(node, "-", Literal(0, INT), operand)
        return self._refuse_form(node)

    def _number(self, node: exp.Expr, written: str) -> Literal:
        return read_number(written) or self._refuse_size(node, written)

    def _refuse_size(self, node: exp.Expr, written: str) -> NoReturn:
        shown = written[:MOST_DIGITS]
        self.refuse(
            node, "expression.range", "数字 {value} 位数太多", "the number {value} has too many digits", value=shown
        )

    def _date(self, node: exp.Expr, text: str) -> Literal:
        try:
            return Literal(date.fromisoformat(text), DATE)
        except ValueError:
            self.refuse(node, "expression.date", "“{text}”不是日期；请写成 2026-01-31",
                        "'{text}' is not a date; write 2026-01-31", text=text)  # fmt: skip

    def _between(self, node: exp.Between, depth: int) -> Node:
        operand = self.read(node.this, depth)
        low, high = self.read(node.args["low"], depth), self.read(node.args["high"], depth)
        return Both(self._compare(node, ">=", operand, low), self._compare(node, "<=", operand, high))

    def _in(self, node: exp.In, depth: int) -> Node:
        operand = self.read(node.this, depth)
        values = []
        for item in node.expressions:
            typed = None if isinstance(item, exp.Null) else self.read(item, depth)
            if not isinstance(typed, Literal):
                where = item if typed is not None else node
                self.refuse(where, "expression.list", "IN 的清单里只能写常数，不能写 NULL 或标签",
                            "a list after IN holds constants only, neither NULL nor attributes")  # fmt: skip
            if (below := below_of(typed, operand.type)) is not None:
                self._refuse_between(node, operand.type, below)
            _, right = self._alike(node, operand, typed)
            assert isinstance(right, Literal)
            values.append(right)
        return In(operand, tuple(values))

    def _like(self, node: exp.Expr, depth: int) -> Node:
        """Read LIKE; its pattern and the sign that escapes are constants, and without a stated one nothing escapes."""
        like = node.this if isinstance(node, exp.Escape) else node
        escape = node.expression if isinstance(node, exp.Escape) else None
        if not isinstance(like, exp.Like):
            return self._refuse_form(node)
        operand = self.read(like.this, depth)
        written = [one for one in (like.expression, escape) if one is not None]
        if operand.type != STRING or not all(isinstance(one, exp.Literal) and one.is_string for one in written):
            self.refuse(
                node,
                "expression.type",
                "LIKE 左边要是文本，模式和转义符要是常数",
                "LIKE takes a text on its left, and constants as its pattern and its escape",
            )
        pattern = read_pattern(str(like.expression.this), None if escape is None else str(escape.this))
        if pattern is None:
            self.refuse(
                node,
                "expression.pattern",
                "模式“{form}”不成立：转义符是一个字符，后面跟 %、_ 或它自己；% 至多 {most} 个",
                "the pattern of '{form}' does not hold: an escape is one sign with %, _ or itself behind it, and "
                "there are at most {most} %",
                form=node.sql()[:60],
                most=MOST_ANY,
            )
        found = Like(operand, pattern)
        return Not(found) if like.args.get("negate") else found

    def _call(self, node: exp.Expr, depth: int) -> Node:
        if isinstance(node, exp.Coalesce):
            return self._coalesce(node, [self.read(item, depth) for item in [node.this, *node.expressions]])
        name = str(node.this).lower()
        arguments = [self.read(item, depth) for item in node.expressions]
        if name == "days_between" and len(arguments) == 2:
            start, end = (self._as_date(*pair) for pair in zip(node.expressions, arguments, strict=True))
            return DaysBetween(start, end)
        if name == "safe_div" and len(arguments) == 2:
            return self._safe_divide(node, arguments[0], arguments[1])
        near = nearest(name, _FUNCTIONS)
        self.refuse(
            node,
            "expression.function",
            "没有函数 {name}/{count}；可用 {known}",
            "there is no function {name}/{count}; there is {known}",
            name=name,
            count=len(arguments),
            known=near or ", ".join(_FUNCTIONS),
        )

    def _as_date(self, node: exp.Expr, operand: Node) -> Node:
        if isinstance(operand, Literal) and isinstance(operand.value, str):
            return self._date(node, operand.value)
        if operand.type != DATE:
            self.refuse(node, "expression.type", "days_between 需要两个日期，这里是 {type}",
                        "days_between takes two dates, this is {type}", type=operand.type)  # fmt: skip
        return operand

    def _coalesce(self, node: exp.Expr, operands: list[Node]) -> Node:
        """Bring every operand to the finest scale among the attributes; constants adapt."""
        finest = max(operands, key=lambda n: (not isinstance(n, Literal), n.type.scale))
        alike = tuple(self._alike(node, finest, operand)[1] for operand in operands)
        return Coalesce(alike, finest.type)

    def _compare(self, node: exp.Expr, operator: str, left: Node, right: Node) -> Node:
        if isinstance(left, Literal) and below_of(left, right.type) is not None:
            operator, left, right = _MIRRORED[operator], right, left
        below = below_of(right, left.type)
        if below is not None:
            if operator in ("=", "<>"):
                self._refuse_between(node, left.type, below)
            # Between two values that the other side can have, all bounds are the one below: the rest is above it.
            operator, right = (
                (">" if operator in (">", ">=") else "<="),
                Literal(below, Type(Kind.NUMBER, left.type.scale)),
            )
        left, right = self._alike(node, left, right)
        if left.type == BOOL and operator not in ("=", "<>"):
            self.refuse(node, "expression.type", "是/否只能比较相等", "truth values compare for equality only")
        return Compare(operator, left, right)

    def _refuse_between(self, node: exp.Expr, type_: Type, below: int) -> NoReturn:
        near = " / ".join(str(Decimal(value).scaleb(-type_.scale)) for value in (below, below + 1))
        self.refuse(node, "expression.between", "“{form}”的常数比 {type} 的小数位多，永远不会相等；最近的是 {near}",
                    "the constant of '{form}' has more decimals than {type} keeps and would never be equal; "
                    "the nearest are {near}", form=node.sql()[:60], type=type_, near=near)  # fmt: skip

    def _arithmetic(self, node: exp.Expr, operator: str, left: Node, right: Node) -> Node:
        if operator == "-" and left.type == DATE and right.type in (DATE, STRING):
            return DaysBetween(self._as_date(node, right), left)
        if left.type.kind is not Kind.NUMBER or right.type.kind is not Kind.NUMBER:
            self.refuse(node, "expression.type", "“{operator}”两边要是数，这里是 {left} 和 {right}",
                        "'{operator}' takes numbers, here are {left} and {right}",
                        operator=operator, left=left.type, right=right.type)  # fmt: skip
        if operator == "*":
            return self._product(node, left, right)
        left, right = self._alike(node, left, right)
        return Arithmetic(operator, left, right, left.type)

    def _product(self, node: exp.Expr, left: Node, right: Node) -> Node:
        scale = left.type.scale + right.type.scale
        if scale > MAX_SCALE or (left.type.money and right.type.money):
            self.refuse(node, "expression.type", "不能把 {left} 和 {right} 相乘",
                        "{left} and {right} cannot be multiplied", left=left.type, right=right.type)  # fmt: skip
        return Arithmetic("*", left, right, Type(Kind.NUMBER, scale, left.type.money or right.type.money))

    def _safe_divide(self, node: exp.Expr, left: Node, right: Node) -> Node:
        if left.type.kind is not Kind.NUMBER or right.type.kind is not Kind.NUMBER:
            self.refuse(node, "expression.type", "safe_div 需要两个数", "safe_div takes two numbers")
        money = left.type.money and not right.type.money
        scale = max(left.type.scale, right.type.scale)
        return SafeDivide(rescaled(left, scale), rescaled(right, scale), Type(Kind.NUMBER, QUOTIENT_SCALE, money=money))

    def _alike(self, node: exp.Expr, left: Node, right: Node) -> tuple[Node, Node]:
        """Bring both sides to one type: constants adapt to the other side, numbers to the finer scale."""
        if left.type == DATE and isinstance(right, Literal) and isinstance(right.value, str):
            return left, self._date(node, right.value)
        if right.type == DATE and isinstance(left, Literal) and isinstance(left.value, str):
            return self._date(node, left.value), right
        if left.type.kind is not right.type.kind or self._mixes_money(left, right):
            self.refuse(node, "expression.type", "{left} 和 {right} 不能放在一起比较或运算（“{form}”）",
                        "{left} and {right} do not go together (in '{form}')",
                        left=left.type, right=right.type, form=node.sql()[:60])  # fmt: skip
        if left.type.kind is not Kind.NUMBER:
            return left, right
        if isinstance(right, Literal) and not isinstance(left, Literal):
            return left, self._adapted(node, right, left.type)
        if isinstance(left, Literal) and not isinstance(right, Literal):
            return self._adapted(node, left, right.type), right
        scale = max(left.type.scale, right.type.scale)
        return rescaled(left, scale), rescaled(right, scale)

    @staticmethod
    def _mixes_money(left: Node, right: Node) -> bool:
        constants = isinstance(left, Literal) or isinstance(right, Literal)
        return left.type.money != right.type.money and not constants

    def _adapted(self, node: exp.Expr, literal: Literal, type_: Type) -> Node:
        assert isinstance(literal.value, int)
        exact = Decimal(literal.value).scaleb(type_.scale - literal.type.scale)
        value = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)) if abs(exact) <= INT64 else INT64 + 1
        if abs(value) > INT64:
            self.refuse(node, "expression.range", "常数超出 {type} 的范围", "the constant is outside the range of {type}",
                        type=type_)  # fmt: skip
        return Literal(value, type_)
