"""Units, staff and books of customers out of the lake's conformed tables, into the store: by COPY, and only the changes.

What was moved here by approval stays moved: a load changes a row only where the source itself says something new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from bankloop.kit.later import later
from bankloop.lake.contracts import Scope
from bankloop.organization.people import errors
from bankloop.organization.people.contracts import PeopleReport
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, Principal, Role
from bankloop.store.copying import copy_in
from bankloop.store.database import Store, now_of
from bankloop.store.verbs import verb

if TYPE_CHECKING:
    import pyarrow as pa

    from bankloop.lake.service import Lake
else:
    pa = later("pyarrow")

_LOADER = Principal("system:people", frozenset({"system"}), (EVERY_UNIT,), "load")
_UNITS = """
SELECT unit_id, parent_id, kind, '*' AS line, name_zh, name_en,
    concat_ws('|', parent_id, kind, name_zh, name_en) AS says FROM unit
"""
_STAFF = "SELECT staff_id, minutes_per_day::INT AS minutes, on_leave FROM staff"
_POSTS = """
SELECT staff_id, unit_id, post, 'retail' AS line, concat_ws('|', unit_id, post) AS says FROM staff
"""
_BOOKS = """
SELECT customer_no, 'retail' AS line, sub_branch_id AS unit_id, manager_id AS staff_id,
    concat_ws('|', sub_branch_id, coalesce(manager_id, '')) AS says FROM customer
UNION ALL
SELECT corporate_id, 'corporate', unit_id, NULL, unit_id FROM corporate
"""
_KEEP_STAFF = """
INSERT INTO staff (staff_id, name, minutes_per_day, on_leave)
SELECT staff_id, staff_id, minutes, on_leave FROM {incoming}
ON CONFLICT (staff_id) DO UPDATE SET minutes_per_day = excluded.minutes_per_day, on_leave = excluded.on_leave
WHERE (staff.minutes_per_day, staff.on_leave) <> (excluded.minutes_per_day, excluded.on_leave)
"""
_FRESH = """
CREATE TEMPORARY TABLE {fresh} ON COMMIT DROP AS
SELECT i.* FROM {incoming} i LEFT JOIN {table} t ON {same} AND t.valid_to IS NULL
WHERE t.says IS NULL OR t.says <> i.says
"""
# A row that begins this very moment, or later, is put right in its place; an older one ends and is followed.
_MEND = "UPDATE {table} t SET {sets} FROM {fresh} i WHERE {same} AND t.valid_to IS NULL AND t.valid_from >= :now"
_END = "UPDATE {table} t SET valid_to = :now FROM {fresh} i WHERE {same} AND t.valid_to IS NULL AND t.valid_from < :now"
_ADD = """
INSERT INTO {table} ({columns}, valid_from) SELECT {values}, :now FROM {fresh} i
WHERE NOT EXISTS (SELECT FROM {table} t WHERE {same} AND t.valid_to IS NULL)
"""
_CIRCLE = text(
    "WITH RECURSIVE up AS (SELECT unit_id, parent_id FROM org_unit WHERE valid_to IS NULL UNION ALL "
    "SELECT up.unit_id, u.parent_id FROM up JOIN org_unit u ON u.unit_id = up.parent_id AND u.valid_to IS NULL) "
    "CYCLE unit_id, parent_id SET looped USING path "
    "SELECT unit_id, parent_id FROM up WHERE unit_id = parent_id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A table with validity: its key and the columns that a source fills."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


_UNIT = _Kept("org_unit", ("unit_id",), ("unit_id", "parent_id", "kind", "line", "name_zh", "name_en", "says"))
_POST = _Kept("staff_post", ("staff_id",), ("staff_id", "unit_id", "post", "line", "says"))
_BOOK = _Kept("customer_book", ("customer_no", "line"), ("customer_no", "line", "unit_id", "staff_id", "says"))


def load_people(store: Store, lake: Lake) -> PeopleReport:
    """Bring the store's units, staff and books up to the lake's current tables, in one transaction.

    Raises ``InputError`` for a tree in which a unit is above itself; then nothing is changed.
    """
    with lake.connection(Scope.whole_bank("people")) as engine:
        found = [engine.sql(query).to_arrow_table() for query in (_UNITS, _STAFF, _POSTS, _BOOKS)]
    with store.begin(_LOADER, Role.LOADER) as connection:
        return keep_people(connection, *found)


@verb("book.load")
def keep_people(
    connection: Connection, units: pa.Table, staff: pa.Table, posts: pa.Table, books: pa.Table
) -> PeopleReport:
    """Store what changed of units, staff, posts and books, from now on, and say how much it was."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('org_unit'))"))
    changed = _merge(connection, _UNIT, units)
    circle = connection.execute(_CIRCLE).first()
    if circle is not None:
        raise errors.own_ancestor(circle.unit_id, circle.parent_id)
    connection.execute(text(_KEEP_STAFF.format(incoming=copy_in(connection, _texts(staff)))))
    report = PeopleReport(changed, _merge(connection, _POST, posts), _merge(connection, _BOOK, books))
    if report != PeopleReport(0, 0, 0):
        after = {"units": report.units, "staff": report.staff, "customers": report.customers}
        record_audit(connection, "book.load", "book", now_of(connection).date().isoformat(), None, after)
    return report


def _merge(connection: Connection, kept: _Kept, rows: pa.Table) -> int:
    incoming = copy_in(connection, _texts(rows))
    names = {
        "table": kept.table,
        "incoming": incoming,
        "fresh": f"fresh_{incoming}",
        "same": " AND ".join(f"t.{name} = i.{name}" for name in kept.key),
        "columns": ", ".join(kept.columns),
        "values": ", ".join(f"i.{name}" for name in kept.columns),
        "sets": ", ".join(f"{name} = i.{name}" for name in kept.columns if name not in kept.key),
    }
    moment = {"now": now_of(connection)}
    changed = connection.execute(text(_FRESH.format(**names))).rowcount
    for statement in (_MEND, _END, _ADD) if changed else ():
        connection.execute(text(statement.format(**names)), moment)
    return changed


def _texts(rows: pa.Table) -> pa.Table:
    """Return the table with the plain string and integer types that a COPY knows."""
    plain = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}
    schema = pa.schema([pa.field(f.name, plain.get(f.type, f.type)) for f in rows.schema])
    return rows.cast(schema)
