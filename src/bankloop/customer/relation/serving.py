"""By whom else a customer is served: other lines that keep the number, or a party to whom a relation leads."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bankloop.customer.relation.contracts import AlsoServed
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.organization.people import keeper_of
from bankloop.store.audit import record_access
from bankloop.store.database import bank_wide

_MOST = 20
_ENDS = (
    "SELECT to_no AS number, kind FROM relation WHERE list_contains($numbers, from_no) UNION "
    "SELECT from_no, kind FROM relation WHERE list_contains($numbers, to_no) ORDER BY 1, 2"
)


def also_served(connection: Connection, lake: Lake, numbers: Sequence[str]) -> tuple[AlsoServed, ...]:
    """Return what other lines keep of a person's numbers, and of the parties tied to them, the numbers first.

    The caller has opened the customer. Who keeps them elsewhere is not said, only which line at which unit.
    """
    mine = {row.line for row in keeper_of(connection, *numbers)}
    ties = tied_numbers(lake, numbers)
    with bank_wide(connection):
        kept = keeper_of(connection, *dict.fromkeys((*numbers, *ties)))
    found = [
        AlsoServed(row.customer_no, row.line, row.unit_id, ties.get(row.customer_no, ""))
        for row in kept
        if row.line not in mine
    ]
    found.sort(key=lambda one: (one.kind, one.line, one.customer_no))
    if found:
        record_access(connection, "customer", list(numbers), ["also_served"])
    return tuple(found[:_MOST])


def tied_numbers(lake: Lake, numbers: Sequence[str]) -> dict[str, str]:
    """Return the parties to whom stated relations lead from these numbers, or come from, each with one kind."""
    if lake.manifest.current("relation") is None:
        return {}
    with lake.connection(Scope.whole_bank("relation")) as engine:
        rows: list[tuple[str, str]] = engine.execute(_ENDS, {"numbers": list(numbers)}).fetchall()
    return {number: kind for number, kind in rows if number not in numbers}
