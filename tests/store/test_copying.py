"""Whole tables out of PostgreSQL: what comes is what is there, and what fails leaves the connection as others do."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.store.contracts import Principal
from bankloop.store.copying import FEW_ROWS, bring_in, copy_in, copy_out
from bankloop.store.database import Store

WORDS = pa.schema([pa.field("n", pa.int64()), pa.field("word", pa.string()), pa.field("list", pa.list_(pa.string()))])


def test_rows_come_back_with_quotes_line_ends_and_nothing(store: Store, system: Principal) -> None:
    words = ["", None, 'say "yes", or\nno', "泉江银行", "\\N", "a" * 100_000]
    table = pa.table([range(6), words, [[], ["a,b"], None, ["{x}", '"'], ["甲", "乙"], ["\\"]]], schema=WORDS)
    with store.begin(system) as connection:
        name = copy_in(connection, table)
        found = copy_out(connection, f"SELECT n, word, array_to_json(list) FROM {name} ORDER BY n", WORDS)
        assert found.select(["n", "word"]).equals(table.select(["n", "word"]))
        assert copy_out(connection, f"SELECT n, word, list FROM {name} WHERE n < 0", WORDS).num_rows == 0


@pytest.mark.parametrize("rows", [1, 6, FEW_ROWS, FEW_ROWS + 1])
def test_few_rows_go_along_with_a_statement_as_many_lie_in_a_table(store: Store, system: Principal, rows: int) -> None:
    words = ["", None, 'say "yes", or\nno', "100 %s", "\\N", "a" * 100_000]
    lists = [[], ["a,b"], None, ["{x}", '"'], ["甲", "乙"], ["\\"]]
    table = pa.table([range(rows), (words * rows)[:rows], (lists * rows)[:rows]], schema=WORDS)
    with store.begin(system) as connection:
        given = bring_in(connection, table)
        assert bool(given.head) == (rows <= FEW_ROWS)
        found = connection.exec_driver_sql(
            f"WITH {given.head}kept AS (SELECT * FROM {given.name}) SELECT n, word, list FROM kept ORDER BY n",
            given.values and dict(given.values),
        )
        same = connection.exec_driver_sql(f"SELECT n, word, list FROM {copy_in(connection, table)} ORDER BY n")
        assert found.all() == same.all()


def test_a_query_that_fails_at_once_or_on_the_way_raises_and_the_connection_serves_on(
    store: Store, system: Principal
) -> None:
    one = pa.schema([pa.field("n", pa.int64())])
    for query, error in (
        ("SELECT nothing FROM nowhere", psycopg.errors.UndefinedTable),
        ("SELECT 1 / (9999 - n) FROM generate_series(1, 20000) n", psycopg.errors.DivisionByZero),
    ):
        with store.begin(system) as connection:
            with pytest.raises(error), connection.begin_nested():
                copy_out(connection, query, one)
            assert connection.scalar(text("SELECT 7")) == 7
            assert copy_out(connection, "SELECT n FROM generate_series(1, 3) n", one)["n"].to_pylist() == [1, 2, 3]
