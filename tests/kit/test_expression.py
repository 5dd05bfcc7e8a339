"""The expression language: what it refuses and how it says so, money, dates, quotients, and what becomes NULL."""

from __future__ import annotations

import operator as op
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import ExpressionError
from bankloop.kit.expression import (
    BOOL,
    DATE,
    INT,
    MONEY,
    SCORE,
    STRING,
    Doubts,
    Type,
    doubts,
    masked,
    mentions,
    parse,
    spelled_out,
    to_explained_function,
    to_function,
    to_ibis,
)

TYPES: dict[str, Type] = {
    "age": INT, "n": INT, "m": INT, "aum": MONEY, "fee": MONEY, "churn": SCORE,
    "city": STRING, "opened": DATE, "matures": DATE, "bound": BOOL,
}  # fmt: skip
EMPTY: dict[str, Any] = {**dict.fromkeys(TYPES), "today": date(2026, 3, 1)}


def value(text: str, **row: Any) -> Any:
    return to_function(parse(text, TYPES))({**EMPTY, **row})


def explained(text: str, **row: Any) -> tuple[Any, tuple[str, ...]]:
    return to_explained_function(parse(text, TYPES))({**EMPTY, **row})


REFUSED = [
    # text, code, line, column, and what the sentence says
    ("aum > 5 and agee > 3", "expression.name", 1, 13, "no attribute is called 'agee'; the nearest is age"),
    ("aum > 5\n  and chrun > 0.7", "expression.name", 2, 7, "the nearest is churn"),
    ("zzzzzz", "expression.name", 1, 1, "see the catalogue of attributes"),
    ("city > 5", "expression.type", 1, 1, "string and int do not go together"),
    ("aum > 5 and age", "expression.type", 1, 13, "a truth value is needed here, 'age' is int"),
    ("city + 1 > 0", "expression.type", 1, 1, "'+' takes numbers"),
    ("bound < true", "expression.type", 1, 1, "compare for equality only"),
    ("aum = n", "expression.type", 1, 1, "money and int do not go together"),
    ("aum + n > 0", "expression.type", 1, 1, "money and int do not go together"),
    ("aum * fee > 0", "expression.type", 1, 1, "money and money cannot be multiplied"),
    ("days_between(opened, n) > 3", "expression.type", 1, 22, "takes two dates, this is int"),
    ("safe_dvi(aum, fee) > 1", "expression.function", 1, 1, "there is no function safe_dvi/2; there is safe_div"),
    ("bound and frobnicate(aum)", "expression.function", 1, 11, "safe_div, coalesce, days_between"),
    ("safe_div(aum) > 1", "expression.function", 1, 1, "there is no function safe_div/1"),
    ("age > 3; age > 4", "expression.several", 1, 1, "without semicolons"),
    ("city = '泉江", "expression.syntax", 1, 1, "a quote is not closed"),
    ("(age > 3", "expression.syntax", 1, 8, "check brackets"),
    ("   ", "expression.empty", 1, 1, "write a condition"),
    ("age in (1, null)", "expression.list", 1, 1, "constants only, neither NULL nor attributes"),
    ("age in (1, n)", "expression.list", 1, 12, "constants only"),
    ("opened > date '2026-02-30'", "expression.date", 1, 15, "'2026-02-30' is not a date; write 2026-01-31"),
    ("lower(city) = 'a'", "expression.form", 1, 1, "not part of expressions format 1"),
    ("city ilike '%a'", "expression.form", 1, 1, "not part of expressions format 1"),
    ("age > 3 and city like '!a' escape '!'", "expression.pattern", 1, 13, "does not hold"),
    ("city like 'a' escape ''", "expression.pattern", 1, 1, "an escape is one sign"),
    ("city like '%a%b%c%d%e%f%g%h%'", "expression.pattern", 1, 1, "at most 8 %"),
    ("age like '3%'", "expression.type", 1, 1, "LIKE takes a text on its left"),
    ("city like city", "expression.type", 1, 1, "constants as its pattern"),
    ("payday > 3", "expression.name", 1, 1, "see the catalogue of attributes"),
    ("segment('x')", "expression.function", 1, 1, "there is no function segment/1"),
    ("aum / fee > 1", "expression.form", 1, 1, "safe_div"),
    ("age = 99999999999999999999", "expression.range", 1, 7, "too many digits"),
    ("aum > 1e99999999", "expression.range", 1, 7, "too many digits"),
    ("aum > 1e-99999999", "expression.range", 1, 7, "too many digits"),
    ("aum > 1e999999999999999999999", "expression.range", 1, 7, "too many digits"),
    ("aum in (1, 1e99999999)", "expression.range", 1, 12, "too many digits"),
    ("aum > 99999999999999999", "expression.range", 1, 1, "outside the range of money"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "says"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_is_refused_says_where_why_and_what_is_near(
    text: str, code: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, TYPES)
    error = caught.value
    assert (error.code, error.fields["line"], error.fields["column"]) == (code, line, column)
    assert error.message.en.startswith(f"line {line}, column {column}: ")
    assert error.message.zh.startswith(f"第 {line} 行第 {column} 列：")
    assert says in error.message.en


@pytest.mark.parametrize(
    ("text", "city", "fits"),
    [
        ("city like '泉%'", "泉江", True),
        ("city like '泉%'", "温泉", False),
        ("city like '_江'", "泉江", True),
        ("city like '_江'", "江", False),
        ("city like '100!%%' escape '!'", "100% sure", True),
        ("city like '100!%%' escape '!'", "1000", False),
        ("city like 'a!_!!' escape '!'", "a_!", True),
        ("city like '%a%a%b'", "aab", True),
        ("city like '%a%a%b'", "ab", False),
        ("city like 'ab%bc'", "abc", False),  # what stands at both ends stands there twice
        ("city like '\\%'", "\\x", True),  # without a stated escape nothing escapes
        ("city like 'A.b'", "Axb", False),
        ("city like 'a%'", "a\nb", True),
        ("city like ''", "", True),
        ("city not like '泉%'", "泉江", False),
        ("city not like '泉%'", None, None),
    ],
)
def test_a_pattern_is_of_the_whole_text(text: str, city: str | None, fits: bool | None) -> None:
    assert value(text, city=city) is fits


@pytest.mark.parametrize(
    ("text", "lost", "empty"),
    [
        ("city <> '泉江'", ("city",), ()),
        ("city <> '泉江' or city is null", (), ()),
        ("not (city = '泉江' and age > 3)", ("city",), ()),
        ("city not in ('a') and n <> 3", ("city", "n"), ()),
        ("city not like 'a%'", ("city",), ()),
        ("coalesce(city, '') <> 'a'", (), ()),
        ("city = 'a' and age > 3", (), ()),
        ("city = ''", (), ("city",)),
        ("'' = city or city in ('', 'a')", (), ("city",)),
    ],
)
def test_whom_a_condition_loses_unsaid(text: str, lost: tuple[str, ...], empty: tuple[str, ...]) -> None:
    assert doubts(parse(text, TYPES)) == Doubts(lost, empty)


def test_another_condition_is_named_outside_quotes_and_comments_alone() -> None:
    text = "segment('a') and not SEGMENT ( 'b''c' ) -- segment('d')\n or city = 'segment(''e'')'"
    assert [one.name for one in mentions(text)] == ["a", "b'c"]
    assert len(masked(text)) == len(text)
    assert value(masked(text), city="x") is False
    whole = spelled_out(text, {"a": "age > 3 -- old", "b'c": "bound"})
    assert value(whole, age=4, bound=False) is True
    assert value(whole, age=4, bound=True, city="segment('e')") is True
    assert value(whole, age=4, bound=True, city="x") is False


def test_the_result_must_be_of_the_wanted_type() -> None:
    with pytest.raises(ExpressionError, match="a result of type bool is needed here, this one is money"):
        parse("aum + fee", TYPES, wants=BOOL)


@pytest.mark.parametrize(
    "text", ["(" * 150 + "bound" + ")" * 150, "not " * 150 + "bound", "(" * 4000 + "bound" + ")" * 4000]
)
def test_what_nests_too_deep_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(ExpressionError, match="deep") as caught:
        parse(text, TYPES)
    assert caught.value.fields["line"] == 1


def test_a_long_list_of_conditions_is_refused_by_its_length() -> None:
    with pytest.raises(ExpressionError, match="longer than 10000 characters"):
        parse(" or ".join(["age = 1"] * 2000), TYPES)


@pytest.mark.parametrize(
    ("written", "least"),
    [("0.045", 5), ("0.044999", 5), ("0.005", 1), ("1.005", 101), ("-0.045", -4), ("50000", 5_000_000)],
)
def test_a_bound_between_two_fen_keeps_what_is_above_it_and_nothing_else(written: str, least: int) -> None:
    for text, holds in ((f"aum >= {written}", True), (f"{written} <= aum", True), (f"aum < {written}", False)):
        assert value(text, aum=least) is holds
        assert value(text, aum=least - 1) is not holds


@given(
    column=st.sampled_from(["age", "aum", "churn"]),
    operator=st.sampled_from(["<", "<=", ">", ">="]),
    at=st.integers(-50, 50),
    decimals=st.integers(0, 999).map(lambda part: f"{part:03d}"),
    turned=st.booleans(),
)
def test_a_constant_is_compared_as_it_is_written(
    column: str, operator: str, at: int, decimals: str, turned: bool
) -> None:
    """Whatever decimals a column keeps, a comparison says what the written number says of the column's value."""
    scale = TYPES[column].scale
    constant = Decimal(f"{abs(at)}.{decimals}").copy_sign(at)
    text = f"{constant} {operator} {column}" if turned else f"{column} {operator} {constant}"
    compare = {"<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge}[operator]
    near = int(constant.scaleb(scale))
    for held in range(near - 2, near + 3):
        there = Decimal(held).scaleb(-scale)
        said = compare(constant, there) if turned else compare(there, constant)
        assert value(text, **{column: held}) is said, (text, held)


@pytest.mark.parametrize("text", ["age = 17.5", "17.5 <> age", "age in (17, 17.5)", "aum = 0.045", "aum in (0.045)"])
def test_what_no_value_of_a_column_equals_is_refused_with_the_nearest(text: str) -> None:
    with pytest.raises(ExpressionError, match="the nearest are") as caught:
        parse(text, TYPES)
    assert caught.value.code == "expression.between"
    assert ("17 / 18" if "age" in text else "0.04 / 0.05") in caught.value.message.en


def test_between_holds_both_ends_and_is_unknown_of_nothing() -> None:
    answers = [value("aum between 50000 and 200000", aum=fen) for fen in (4_999_999, 5_000_000, 20_000_000, 20_000_001)]
    assert answers == [False, True, True, False]
    assert value("aum between 50000 and 200000") is None
    assert value("aum between 200000 and 50000", aum=10_000_000) is False


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2024, 2, 28), date(2024, 3, 1), 2),
        (date(2025, 2, 28), date(2025, 3, 1), 1),
        (date(2026, 1, 31), date(2026, 2, 28), 28),
        (date(2026, 3, 31), date(2026, 2, 28), -31),
        (date(2025, 12, 31), date(2026, 1, 1), 1),
        (date(1900, 2, 28), date(1900, 3, 1), 1),
    ],
)
def test_differences_of_dates_are_days_of_the_calendar(start: date, end: date, days: int) -> None:
    assert value("days_between(opened, matures)", opened=start, matures=end) == days
    assert value("matures - opened", opened=start, matures=end) == days
    assert value("today - opened", opened=start, today=end) == days
    table = ibis.memtable(pa.table({"opened": [start], "matures": [end]}))
    batch = table.select(x=to_ibis(parse("matures - opened", TYPES), table, date(2026, 3, 1)))
    assert batch.to_pyarrow()["x"].to_pylist() == [days]


@pytest.mark.parametrize(
    ("a", "b", "quotient"),
    [(1, 3, 3333), (2, 3, 6667), (1, 20_000, 1), (-1, 20_000, -1), (1, 20_001, 0), (-2, 3, -6667), (7, -2, -35_000)],
)
def test_safe_div_keeps_four_decimals_rounded_half_away_from_zero(a: int, b: int, quotient: int) -> None:
    assert explained("safe_div(n, m)", n=a, m=b) == (quotient, ())


def test_what_cannot_be_computed_is_null_with_its_reason() -> None:
    assert explained("safe_div(aum, fee)", aum=100, fee=0) == (None, ("expression.divided_by_zero",))
    assert explained("safe_div(aum, fee) > 1", aum=100, fee=0) == (None, ("expression.divided_by_zero",))
    assert explained("n * m", n=2**62, m=4) == (None, ("expression.out_of_range",))
    assert explained("n + m", n=2**63 - 1, m=2**63 - 1) == (None, ("expression.out_of_range",))
    assert explained("n - m > 0", n=2**63 - 1, m=-(2**63)) == (None, ("expression.out_of_range",))
    assert explained("safe_div(n, m)", n=2**60, m=3) == (None, ("expression.out_of_range",))
    assert explained("n + m", n=1) == (None, ())
    assert explained("coalesce(safe_div(n, m), 0)", n=1, m=0) == (0, ("expression.divided_by_zero",))


LOGIC: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("bound and n > 0", lambda a, b: False if False in (a, b) else None if None in (a, b) else True),
    ("bound or n > 0", lambda a, b: True if True in (a, b) else None if None in (a, b) else False),
]


@pytest.mark.parametrize(("text", "truth"), LOGIC)
@pytest.mark.parametrize("a", [True, False, None])
@pytest.mark.parametrize("b", [True, False, None])
def test_logic_has_three_values(text: str, truth: Callable[[Any, Any], Any], a: bool | None, b: bool | None) -> None:
    n = None if b is None else int(b)
    assert value(text, bound=a, n=n) is truth(a, b)
    assert value("bound is null", bound=a) is (a is None)


def test_an_expression_names_what_it_reads() -> None:
    expression = parse("aum >= 50000 and city in ('泉江', '南岸') and matures - today < 30", TYPES, wants=BOOL)
    assert expression.names == ("aum", "city", "matures")
    assert expression.type == BOOL
