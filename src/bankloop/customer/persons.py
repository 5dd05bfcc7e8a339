"""A person counts once: the rows of all numbers of a party are read as rows of the number that leads it.

Numbers are for life and rows stay as they were written. Who is whose is asked when they are read, so that a merge
holds for every day at once and its undoing leaves nothing behind. Holdings, orders and events add up; of the
customers' own rows each column survives by ``SURVIVES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.customer.contracts import ADDED_UP
from bankloop.customer.identity import party_map
from bankloop.kit.later import later
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import Scope
from bankloop.lake.engine import name as quoted
from bankloop.lake.service import Lake
from bankloop.store.database import bank_wide

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

Shape = tuple[tuple[str, str], ...]
"""A table's columns by name and the engine's type."""
KEY = "customer_no"
LEAD = "lead_no"
# Every number of each person who has several, the leading one too, and which one leads.
LEADS = pa.schema([(KEY, pa.string()), (LEAD, pa.string())])
NO_LEADS: pa.Table = pa.Table.from_batches([], LEADS)
_CUSTOMER = "customer"
# The tables that are read by person; all others keep the number that they were written under.
BY_PERSON = (_CUSTOMER, *ADDED_UP, "event")
_LEADS, _BY_NUMBER = "leads", "{}_by_number"


class Survival(StrEnum):
    """What a column of a person's rows says where they differ."""

    LEADING = "leading"  # the leading number's, else the first that says something
    ANY = "any"  # yes, where one says so
    EVERY = "every"  # yes, where all say so
    LEAST = "least"
    MOST = "most"
    SUM = "sum"
    ASSESSED = "assessed"  # that of the last assessment; of one day the more careful


# What forbids or warns holds for the person, whichever number it was said of; so does what a person has.
SURVIVES: Mapping[str, Survival] = {
    **dict.fromkeys(("frozen", "watchlist", "is_staff", "is_staff_relative", "do_not_contact"), Survival.ANY),
    **dict.fromkeys(("pension", "merchant_owner", "app_registered", "push_allowed", "wecom_friend"), Survival.ANY),
    **dict.fromkeys(("personalisation_off", "wallet_bound"), Survival.ANY),
    "marketing_consent": Survival.EVERY,
    "overdue_days": Survival.MOST,
    "complaint_on": Survival.MOST,
    "risk_assessed_on": Survival.MOST,
    "risk_tolerance": Survival.ASSESSED,
    "opened_on": Survival.LEAST,
    "acquisition_cost_fen": Survival.SUM,
}


def read_leads(connection: Connection, lake: Lake) -> pa.Table:
    """Return ``LEADS`` of a bank as its parties and customers are now."""
    with bank_wide(connection):
        parties = party_map(connection)
    current = lake.manifest.current(_CUSTOMER)
    if current is None or not parties.num_rows:
        return NO_LEADS
    with lake.engine() as engine:
        customers = engine.sql(f"SELECT {KEY} FROM {lake.reading(current)}").to_arrow_table()[KEY]
    return leading_numbers(parties, customers)


def leading_numbers(parties: pa.Table, customers: pa.ChunkedArray) -> pa.Table:
    """Return ``LEADS`` of ``parties`` (customer_no, party_no: whose a further number is) among ``customers``.

    A person is led by the party's own number where that is a customer's, else by the lowest number that is; a party
    without a customer is nobody that attributes know.
    """
    if not parties.num_rows:
        return NO_LEADS
    with duckdb.connect() as engine:
        engine.register("parties", parties)
        numbers = pc.unique(pa.concat_arrays([parties[n].combine_chunks() for n in (KEY, "party_no")]))
        engine.register(
            "here", pa.table({KEY: numbers.filter(pc.is_in(numbers, value_set=customers.combine_chunks()))})
        )
        return (
            engine.sql(
                "WITH member AS (SELECT customer_no, party_no FROM parties "
                "UNION SELECT party_no, party_no FROM parties), "
                "lead AS (SELECT party_no, arg_min(customer_no, (customer_no <> party_no, customer_no)) AS lead_no "
                "FROM member JOIN here USING (customer_no) GROUP BY party_no) "
                "SELECT customer_no, lead_no FROM member JOIN lead USING (party_no) ORDER BY 1"
            )
            .to_arrow_table()
            .cast(LEADS)
        )


def led_numbers(numbers: pa.ChunkedArray, leads: pa.Table) -> pa.ChunkedArray:
    """Return for each number the one that leads its person: itself, where the person has no other."""
    if not leads.num_rows:
        return numbers
    place = pc.index_in(numbers, value_set=leads[KEY].combine_chunks())
    return pc.coalesce(leads[LEAD].combine_chunks().take(place), numbers)


def led_rows(engine: duckdb.DuckDBPyConnection, rows: str, leads: pa.Table) -> str:
    """Return a query for FROM: that of ``rows``, each under the number that leads its person."""
    if not leads.num_rows:
        return f"({rows})"
    engine.register(_LEADS, leads)
    lead = f"coalesce(l.{LEAD}, r.{KEY}) AS {KEY}"
    return f"(SELECT r.* REPLACE ({lead}) FROM ({rows}) r LEFT JOIN {_LEADS} l ON l.{KEY} = r.{KEY})"


def persons_connection(
    lake: Lake, purpose: str, leads: pa.Table, versions: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Return an engine connection to the lake in which ``BY_PERSON`` have a person once; the caller closes it."""
    connection = lake.connection(Scope.whole_bank(purpose), versions)
    if leads.num_rows:
        connection.register(_LEADS, leads)
        for table in BY_PERSON:
            by_number = quoted(_BY_NUMBER.format(table))
            connection.execute(f"ALTER VIEW {quoted(table)} RENAME TO {by_number}").fetchall()
        shapes = tuple((table, shape_of(connection, _BY_NUMBER.format(table))) for table in BY_PERSON)
        for table, rows in _queries_by_person(shapes):
            connection.execute(f"CREATE TEMP VIEW {quoted(table)} AS {rows}").fetchall()
    return connection


def shape_of(connection: duckdb.DuckDBPyConnection, table: str) -> Shape:
    """Return a table's columns with the engine's types."""
    rows = connection.execute(f"DESCRIBE {quoted(table)}").fetchall()
    return tuple((name, kind) for name, kind, *_ in rows)


def unbound(table: str, shape: Shape) -> Any:
    """Return an Ibis table of so many columns that no engine holds: what is compiled of it runs on any that has it."""
    from ibis.backends.sql.datatypes import DuckDBType

    return ibis.table({name: DuckDBType.from_string(kind) for name, kind in shape}, name=table)


@lru_cache(maxsize=16)
def _queries_by_person(shapes: tuple[tuple[str, Shape], ...]) -> tuple[tuple[str, str], ...]:
    """Return by table how its rows are read by person: the same for every connection on tables of the same columns."""
    leads = ibis.table({KEY: "string", LEAD: "string"}, name=_LEADS)
    found = by_person({table: unbound(_BY_NUMBER.format(table), shape) for table, shape in shapes}, leads)
    return tuple((table, str(ibis.to_sql(rows, dialect="duckdb"))) for table, rows in found.items())


def by_person(tables: Mapping[str, Any], leads: Any) -> dict[str, Any]:
    """Return Ibis ``tables`` among ``BY_PERSON`` with all rows of a person under the leading number."""
    return {name: _one_row(rows, leads) if name == _CUSTOMER else _led(rows, leads) for name, rows in tables.items()}


def _led(rows: Any, leads: Any) -> Any:
    named = leads.rename(_number=KEY)
    joined = rows.left_join(named, rows[KEY] == named["_number"])
    columns = {one: rows[one] for one in rows.columns if one != KEY}
    return joined.select(**{KEY: ibis.coalesce(named[LEAD], rows[KEY])}, **columns)


def _one_row(customers: Any, leads: Any) -> Any:
    """Return the customers with one row for each person of several numbers."""
    alone = customers.anti_join(leads, KEY)
    several = customers.inner_join(leads, KEY)
    # The leading number before all others, those by their order.
    order = ibis.ifelse(several[KEY] == several[LEAD], "0", "1") + several[KEY]
    columns = [column.name for column in CONTRACTS[_CUSTOMER].columns if column.name in customers.columns]
    found = {one: _survivor(several, one, order).cast(customers[one].type()) for one in columns if one != KEY}
    joined = several.group_by(LEAD).aggregate(**found).rename(**{KEY: LEAD})
    return alone.select(columns).union(joined.select(columns))


def _survivor(rows: Any, name: str, order: Any) -> Any:
    column = rows[name]
    match SURVIVES.get(name, Survival.LEADING):
        case Survival.LEADING:
            return column.argmin(order, where=column.notnull())
        case Survival.ANY:
            return column.any()
        case Survival.EVERY:
            return column.all()
        case Survival.LEAST:
            return column.min()
        case Survival.MOST:
            return column.max()
        case Survival.SUM:
            return column.sum()
        case Survival.ASSESSED:
            day = ibis.coalesce(rows["risk_assessed_on"].cast("string"), "")
            careful = day + "|" + (9 - column).cast("string")
            return column.argmax(careful, where=column.notnull())
