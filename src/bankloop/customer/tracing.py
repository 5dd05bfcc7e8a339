"""From an attribute's value back to the conformed rows that made it: a metric's last step of lineage.

The lake then leads from each row to its raw line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from bankloop.customer.contracts import PROPERTIES, Attribute, AttributeKind, Catalogue, EventWindow, Fact
from bankloop.customer.queries import KEY, window_conditions, window_start, with_properties
from bankloop.kit.clock import local_moment
from bankloop.kit.expression import to_ibis
from bankloop.kit.later import later
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

MOST = 200


@dataclass(frozen=True, slots=True)
class Behind:
    """The rows of one table, by key, that an attribute is made of; ``more`` where there are beyond those listed."""

    attribute: str
    table: str
    keys: tuple[tuple[str, ...], ...]
    more: bool


def rows_behind(
    lake: Lake, catalogue: Catalogue, name: str, numbers: Sequence[str], as_of: date, versions: Mapping[str, str]
) -> tuple[Behind, ...]:
    """Return the rows behind an attribute of a person as of a day, for it and for whatever it is made of.

    ``numbers`` are all of the person's, ``versions`` those that the state was computed from. Raises
    ``NotFoundError`` for an unknown attribute.
    """
    leaves = [catalogue[one] for one in catalogue.closure([name]) if not catalogue[one].reads]
    known_until = local_moment(as_of + timedelta(days=1), 0, 0, lake.zone)
    with lake.connection(Scope.whole_bank("lineage"), versions) as connection:
        backend = ibis.duckdb.from_connection(connection)
        found = []
        for leaf in leaves:
            table = _table_of(leaf)
            rows = backend.table(table)
            rows = rows.filter(rows[KEY].isin(list(numbers)))
            if isinstance(leaf.body, EventWindow):
                rows = with_properties(rows, {PROPERTIES: backend.table(PROPERTIES)}, [leaf.body])
            rows = _narrowed(rows, leaf, as_of, known_until, lake.zone)
            found.append(_behind(connection, leaf.name, table, rows))
    return tuple(one for one in found if one.keys)


def _table_of(leaf: Attribute) -> str:
    match leaf.body:
        case Fact() as fact:
            return fact.table
        case EventWindow():
            return "event"
    return "exposure" if leaf.name == "relation_risk" else "score"


def _narrowed(rows: Any, leaf: Attribute, as_of: date, known_until: Any, zone: str) -> Any:
    match leaf.body:
        case Fact() as fact if fact.where is not None:
            return rows.filter(to_ibis(fact.where, rows, as_of))
        case EventWindow() as window:
            limit = ibis.literal(known_until, type="timestamp('UTC')")
            rows = rows.filter((rows.recorded_at < limit) & (rows.occurred_at < limit))
            rows = rows.filter(window_conditions(rows, window))
            if window.days is not None:
                start = window_start(as_of, window.days, zone)
                rows = rows.filter(rows.occurred_at >= ibis.literal(start, type="timestamp('UTC')"))
            return rows
    if leaf.kind is AttributeKind.SCORE and leaf.name != "relation_risk":
        return rows.filter(rows.attribute == leaf.name)
    return rows


def _behind(connection: Any, name: str, table: str, rows: Any) -> Behind:
    key: Sequence[str] = CONTRACTS[table].key
    listed = rows.select(*key).order_by(*key).limit(MOST + 1)
    found = connection.sql(ibis.to_sql(listed, dialect="duckdb")).to_arrow_table().to_pylist()
    keys = tuple(tuple(str(row[column]) for column in key) for row in found[:MOST])
    return Behind(name, table, keys, len(found) > MOST)
