"""One expression, three engines, equal answers: generated expressions over generated rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bankloop.kit.expression import BOOL, DATE, INT, MONEY, SCORE, STRING, Kind, Type, parse, to_function, to_ibis

TODAY = date(2026, 2, 28)
TYPES: dict[str, Type] = {
    "n": INT, "m": INT, "aum": MONEY, "cost": MONEY, "churn": SCORE, "p": SCORE,
    "city": STRING, "tier": STRING, "opened": DATE, "matures": DATE, "bound": BOOL, "staff": BOOL,
}  # fmt: skip
ARROW = {Kind.BOOL: pa.bool_(), Kind.NUMBER: pa.int64(), Kind.STRING: pa.string(), Kind.DATE: pa.date32()}
SCHEMA = pa.schema([(name, ARROW[type_.kind]) for name, type_ in TYPES.items()])

INTEGERS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 10**15, 9 * 10**18, 450_000_000_000, 3_037_000_500]),
    st.integers(-(10**12), 10**12),
)
STRINGS = st.one_of(
    st.sampled_from(
        ["", "泉江", "泉江 ", "　泉江", "Ａ", "A", "a", "é", "e\u0301", "𠮷野家", "\U0010ffff", "\ue000", "it's"]
    ),
    st.text(alphabet="ab泉江Ａ　'", max_size=3),
)
# What LIKE reads, and what regular expressions would read otherwise.
PATTERNS = st.text(alphabet="ab泉江%_%_.^$[(*\\\n'", max_size=5).filter(lambda text: text.count("%") <= 8).map(
    lambda text: "'" + text.replace("'", "''") + "'"
) | st.sampled_from(["'a!%%' escape '!'", "'%!_' escape '!'", "'!!%' escape '!'"])
MONTH_ENDS = [
    date(2024, 2, 29),
    date(2025, 2, 28),
    date(2026, 1, 31),
    date(2026, 3, 1),
    date(1900, 1, 1),
    date(2099, 12, 31),
]
DATES = st.one_of(
    st.sampled_from([*MONTH_ENDS, TODAY]),
    st.integers(-800, 800).map(lambda days: TODAY + timedelta(days=days)),
)
VALUES = {Kind.BOOL: st.booleans(), Kind.NUMBER: INTEGERS, Kind.STRING: STRINGS, Kind.DATE: DATES}
ROWS = st.fixed_dictionaries({name: st.none() | VALUES[type_.kind] for name, type_ in TYPES.items()})

DECIMALS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.decimals(0, 10**6, places=3, allow_nan=False).map(str),
    st.sampled_from(["0.5", "0.005", "0.0000005", "90071992547", "1.005"]),
)
names = {kind: sorted(n for n, t in TYPES.items() if t.kind is kind) for kind in Kind}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def numbers(depth: int) -> st.SearchStrategy[str]:
    """Numbers that go together: one unit per expression."""
    unit = st.sampled_from([("n", "m"), ("aum", "cost"), ("churn", "p")])

    def over(pair: tuple[str, str]) -> st.SearchStrategy[str]:
        leaf = st.sampled_from(pair)
        if depth == 0:
            return leaf
        operand = leaf | st.tuples(leaf, st.sampled_from(["+", "-"]), leaf).map(" ".join)
        return st.one_of(
            operand,
            operand.map(lambda x: f"-({x})"),
            st.tuples(leaf, st.sampled_from(["+", "-"]), st.integers(0, 10**6).map(str)).map(" ".join),
            st.tuples(leaf, leaf).map(lambda x: f"coalesce({x[0]}, {x[1]}, 0)"),
        )

    return unit.flatmap(over)


def number_pairs() -> st.SearchStrategy[tuple[str, str]]:
    def both(pair: tuple[str, str]) -> st.SearchStrategy[tuple[str, str]]:
        leaf = st.sampled_from(pair)
        arithmetic = st.one_of(
            leaf,
            st.tuples(leaf, st.sampled_from(["+", "-"]), leaf).map(" ".join),
            st.tuples(leaf, st.sampled_from(["n", "m"])).map(lambda x: f"({x[0]}) * {x[1]}"),
            st.tuples(leaf, leaf).map(lambda x: f"coalesce({x[0]}, {x[1]})"),
        )
        return st.tuples(arithmetic, st.one_of(arithmetic, DECIMALS))

    products = st.tuples(st.sampled_from(["aum * 0.5", "churn * 2", "n * m", "n * 1.25", "p * n"]), DECIMALS)
    quotients = st.tuples(
        st.sampled_from(["safe_div(aum, cost)", "safe_div(n, m)", "safe_div(churn, n)", "safe_div(aum - cost, m)"]),
        DECIMALS,
    )
    days = st.tuples(
        st.sampled_from(["days_between(opened, matures)", "matures - today", "today - opened", "matures - opened"]),
        st.integers(-1000, 1000).map(str),
    )
    same = st.sampled_from([("n", "m"), ("aum", "cost"), ("churn", "p"), ("n", "churn")]).flatmap(both)
    return st.one_of(same, products, quotients, days)


def compared(pair: tuple[str, str], operator: str) -> str:
    """Return a comparison; what may lie between two values of a column is not compared for equality, which is refused."""
    left, right = pair
    return f"{left} {'>=' if '.' in right and operator in ('=', '<>', '!=') else operator} {right}"


def atoms() -> st.SearchStrategy[str]:
    operator = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "!="])
    text = STRINGS.map(quoted)
    day = DATES.map(lambda d: f"date '{d}'") | st.sampled_from(["today", "opened", "matures"])
    return st.one_of(
        st.sampled_from(["bound", "staff", "true", "false", "bound = staff"]),
        st.tuples(number_pairs(), operator).map(lambda x: compared(*x)),
        number_pairs().map(lambda x: f"{x[0]} between 0 and {x[1]}"),
        st.tuples(st.sampled_from(names[Kind.STRING]), operator, text).map(" ".join),
        st.just("city < tier"),
        st.tuples(st.sampled_from(names[Kind.STRING]), st.lists(text, min_size=1, max_size=3)).map(
            lambda x: f"{x[0]} in ({', '.join(x[1])})"
        ),
        st.lists(st.integers(-3, 3).map(str), min_size=1, max_size=3).map(lambda x: f"n not in ({', '.join(x)})"),
        st.tuples(st.sampled_from(names[Kind.DATE]), operator, day).map(" ".join),
        st.tuples(st.sampled_from(names[Kind.STRING]), st.sampled_from(["like", "not like"]), PATTERNS).map(" ".join),
        st.sampled_from(sorted(TYPES)).map(lambda n: f"{n} is null"),
        st.sampled_from(sorted(TYPES)).map(lambda n: f"{n} is not null"),
        st.just("coalesce(city, tier, '无') = '无'"),
    )


CONDITIONS = st.recursive(
    atoms(),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda x: f"({x[0]}) {x[1]} ({x[2]})"),
        inner.map(lambda x: f"not ({x})"),
    ),
    max_leaves=6,
)

EXPRESSIONS, ROW_COUNT = 400, 60
WIDTH = 70  # expressions in one query

Answers = Callable[[Sequence[str], list[dict[str, Any]]], list[list[object]]]


def closure_answers(texts: Sequence[str], rows: list[dict[str, Any]]) -> list[list[object]]:
    functions = [to_function(parse(text, TYPES, wants=BOOL)) for text in texts]
    return [[function({**row, "today": TODAY}) for row in rows] for function in functions]


def batch_select(table: ibis.Table, texts: Sequence[str]) -> ibis.Table:
    compiled = {f"e{i}": to_ibis(parse(text, TYPES, wants=BOOL), table, TODAY) for i, text in enumerate(texts)}
    return table.select("row", **compiled)


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA).add_column(0, "row", pa.array(range(len(rows)), pa.int64()))


@pytest.fixture(scope="module")
def duckdb_answers() -> Answers:
    backend = ibis.duckdb.connect()

    def answers(texts: Sequence[str], rows: list[dict[str, Any]]) -> list[list[object]]:
        table = backend.create_table("t", as_table(rows), overwrite=True)
        result = backend.to_pyarrow(batch_select(table, texts).order_by("row"))
        return [result[f"e{i}"].to_pylist() for i in range(len(texts))]

    return answers


def assert_alike(texts: Sequence[str], rows: list[dict[str, Any]], answers: Answers) -> None:
    for text, batch, closure in zip(texts, answers(texts, rows), closure_answers(texts, rows), strict=True):
        assert batch == closure, text


LENIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def corpus() -> tuple[list[str], list[dict[str, Any]]]:
    """Different expressions, and rows for all of them: an engine plans a wide query once, not one for each example."""
    texts: dict[str, None] = {}
    rows: list[dict[str, Any]] = []

    @settings(LENIENT, max_examples=EXPRESSIONS * 3, phases=[Phase.generate], database=None)
    @given(CONDITIONS, ROWS)
    def draw(text: str, row: dict[str, Any]) -> None:
        texts[text] = None
        rows.append(row)

    draw()
    assert len(texts) >= EXPRESSIONS
    return list(texts)[:EXPRESSIONS], rows[:ROW_COUNT]


def assert_corpus_alike(corpus: tuple[list[str], list[dict[str, Any]]], answers: Answers) -> None:
    texts, rows = corpus
    for first in range(0, len(texts), WIDTH):
        assert_alike(texts[first : first + WIDTH], rows, answers)


def test_closure_equals_duckdb_on_many(duckdb_answers: Answers, corpus: tuple[list[str], list[dict[str, Any]]]) -> None:
    assert_corpus_alike(corpus, duckdb_answers)


@settings(LENIENT, max_examples=60)
@given(st.lists(CONDITIONS, min_size=1, max_size=4), st.lists(ROWS, min_size=1, max_size=8))
def test_closure_equals_duckdb(duckdb_answers: Answers, texts: list[str], rows: list[dict[str, Any]]) -> None:
    assert_alike(texts, rows, duckdb_answers)


@pytest.mark.parametrize("name", ["n", "aum", "churn"])
def test_extremes_alone(duckdb_answers: Answers, name: str) -> None:
    empty = dict.fromkeys(TYPES)
    values = [0, 1, -1, 2**63 - 1, -(2**63), 9 * 10**18, -9 * 10**18, 450_000_000_000, -450_000_000_001]
    rows = [{**empty, name: value, "m": other} for value in values for other in (0, 1, -1, 2**62)]
    texts = [f"{name} * m > 0", f"safe_div({name}, m) > 0", f"-{name} < 0", f"{name} + {name} = 0", f"{name} - 1 > 0"]
    assert_alike(texts, rows, duckdb_answers)


@pytest.fixture(scope="module")
def spark_answers(spark_session: Any) -> Answers:
    backend = ibis.pyspark.connect(spark_session)

    def answers(texts: Sequence[str], rows: list[dict[str, Any]]) -> list[list[object]]:
        spark_session.createDataFrame(as_table(rows)).createOrReplaceTempView("parity")
        table = backend.table("parity")
        result = spark_session.sql(backend.compile(batch_select(table, texts))).collect()
        ordered = sorted(result, key=lambda row: row["row"])
        return [[row[f"e{i}"] for row in ordered] for i in range(len(texts))]

    return answers


# The gateway to Java leaves its sockets to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.spark
def test_closure_equals_spark(spark_answers: Answers, corpus: tuple[list[str], list[dict[str, Any]]]) -> None:
    assert_corpus_alike(corpus, spark_answers)
