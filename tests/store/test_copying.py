"""Whole tables out of PostgreSQL: what comes is what is there, and what fails leaves the connection as others do."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.store.contracts import Principal
from bankloop.store.copying import copy_in, copy_out
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
