"""Builds the state: every customer's attributes as they were known at the end of a bank-local day."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bankloop.customer.contracts import PROPERTIES, Catalogue, State
from bankloop.customer.persons import (
    BY_PERSON,
    NO_LEADS,
    by_person,
    led_numbers,
    persons_connection,
    shape_of,
    unbound,
)
from bankloop.customer.queries import KEY, state_expression
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.expression import BOOL, DATE, STRING, Type
from bankloop.kit.ids import digest_bytes
from bankloop.kit.later import later
from bankloop.lake.service import Lake

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

# What a state is made of; what is told of events is of no number of its own.
_BASE = (*BY_PERSON, PROPERTIES)
_ARROW = {BOOL: pa.bool_(), DATE: pa.date32(), STRING: pa.string()}


def build_state(
    lake: Lake,
    catalogue: Catalogue,
    as_of: date | datetime,
    *,
    versions: Mapping[str, str] | None = None,
    scores: Mapping[str, pa.Table] | None = None,
    names: Iterable[str] | None = None,
    leads: pa.Table = NO_LEADS,
) -> State:
    """Return the attributes of every customer as of ``as_of``; a person of several numbers is one, as ``leads`` says.

    A date means the end of that bank-local day, an aware moment that moment: what was recorded later does not count.
    ``versions`` (table → version) reads the lake as it was; ``scores`` fills score attributes from tables with
    ``customer_no`` and ``score`` (ppm); ``names`` limits the columns to these attributes and what they need.
    """
    wanted = catalogue if names is None else catalogue.only(names)
    today, known_until = _day(as_of, lake.zone)
    read = {**lake.current_versions(), **(versions or {})}
    read = {table: version for table, version in read.items() if table in _BASE}
    with persons_connection(lake, "state", leads, read) as connection:
        given = {}
        for name, table in (scores or {}).items():
            connection.register(f"score_{name}", _highest(table, leads))
            given[name] = unbound(f"score_{name}", shape_of(connection, f"score_{name}"))
        tables = {table: unbound(table, shape_of(connection, table)) for table in _BASE}
        expression = state_expression(tables, wanted, today, known_until, lake.zone, given)
        found = connection.sql(str(ibis.to_sql(expression.order_by(KEY), dialect="duckdb"))).to_arrow_table()
    table = found.cast(state_schema(wanted))
    return State(table, today, wanted.digest, read, table_digest(table))


def spark_state(
    session: Any,
    files: Mapping[str, Sequence[str]],
    catalogue: Catalogue,
    as_of: date | datetime,
    zone: str,
    leads: pa.Table = NO_LEADS,
) -> pa.Table:
    """Return the state's table as Spark computes it from the lake's files (table → paths): value by value the same.

    ``session`` is a SparkSession in UTC. Scores are empty, as those of ``build_state`` without any; ``leads`` as there.
    """
    today, known_until = _day(as_of, zone)
    backend = ibis.pyspark.connect(session)
    tables = {}
    for name in [one for one in _BASE if one in files]:
        session.read.parquet(*files[name]).createOrReplaceTempView(f"bankloop_{name}")
        tables[name] = backend.table(f"bankloop_{name}")
    if leads.num_rows:
        session.createDataFrame(leads.to_pylist()).createOrReplaceTempView("bankloop_leads")
        told = {name: rows for name, rows in tables.items() if name not in BY_PERSON}
        named = {name: rows for name, rows in tables.items() if name in BY_PERSON}
        tables = by_person(named, backend.table("bankloop_leads")) | told
    expression = state_expression(tables, catalogue, today, known_until, zone, {})
    with tempfile.TemporaryDirectory(prefix="bankloop-spark-") as home:
        # By file: the session's own ways into this process are slow, or leave a socket open.
        session.sql(ibis.to_sql(expression, dialect="pyspark")).write.parquet(f"{home}/state")
        found = pq.read_table(f"{home}/state").sort_by(KEY)
    return found.cast(state_schema(catalogue))


def _highest(scores: pa.Table, leads: pa.Table) -> pa.Table:
    """Return (customer_no, score): of the scores of a person's numbers the highest, as most of them warn."""
    led = pa.table({KEY: led_numbers(scores[KEY], leads), "score": scores["score"]})
    return led.group_by(KEY).aggregate([("score", "max")]).rename_columns([KEY, "score"]) if leads.num_rows else led


def state_schema(catalogue: Catalogue) -> pa.Schema:
    """Return the Arrow schema of a state: customer_no, then the attributes; all numbers int64."""
    fields = [pa.field(KEY, pa.string())]
    return pa.schema([*fields, *(pa.field(a.name, arrow_type(a.type)) for a in catalogue.attributes.values())])


def arrow_type(type_: Type) -> pa.DataType:
    """Return the Arrow type of an attribute's values."""
    return _ARROW.get(type_, pa.int64())


def table_digest(table: pa.Table) -> str:
    """Return the sha256 of a table's names, types and values; what lies under a NULL does not count."""
    return digest_bytes(_parts(table))


def _parts(table: pa.Table) -> Iterable[bytes]:
    yield str(table.num_rows).encode()
    for name in table.column_names:
        column = table[name].combine_chunks()
        yield f"{name}:{column.type}".encode()
        yield _buffer(pc.is_valid(column).cast(pa.uint8()))
        if pa.types.is_string(column.type):
            filled = column.fill_null("")
            yield _buffer(pc.binary_length(filled))
            yield b"".join(_text(chunk) for chunk in _chunks(filled))
        elif pa.types.is_boolean(column.type):
            yield _buffer(column.fill_null(False).cast(pa.uint8()))
        else:
            plain = column.cast(pa.int32()) if pa.types.is_date(column.type) else column
            yield _buffer(plain.fill_null(0))


def _buffer(values: Any) -> bytes:
    return bytes(values.to_numpy(zero_copy_only=False).tobytes())


def _chunks(values: Any) -> list[Any]:
    return values.chunks if isinstance(values, pa.ChunkedArray) else [values]


def _text(values: Any) -> bytes:
    offsets = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, values.buffers()[1]], offset=values.offset)
    return bytes(values.buffers()[2][offsets[0].as_py() : offsets[-1].as_py()]) if values.buffers()[2] else b""


def _day(as_of: date | datetime, zone: str) -> tuple[date, datetime]:
    if isinstance(as_of, datetime):
        # The comparison is "before": the moment itself still counts.
        return local_day(as_of, zone), as_of + timedelta(microseconds=1)
    return as_of, local_moment(as_of + timedelta(days=1), 0, 0, zone)
