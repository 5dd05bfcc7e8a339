"""Reading: which party a number is, who bears an identifier, what happened to a party under any of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.customer.identity import errors, ledger
from bankloop.customer.identity.contracts import Party
from bankloop.customer.identity.marks import normal_value
from bankloop.customer.identity.plausible import mark_kind
from bankloop.store.copying import copy_in, copy_out
from bankloop.store.database import keys_of, now_of
from bankloop.store.schemas import EVENT_SCHEMA

MAP = pa.schema([("customer_no", pa.string()), ("party_no", pa.string())])
_FIND = text(
    "SELECT DISTINCT coalesce(p.party_no, m.customer_no) FROM identity_mark m LEFT JOIN party_member p "
    "ON p.customer_no = m.customer_no AND p.valid_to IS NULL WHERE (m.kind, m.blind) = (:kind, :blind) ORDER BY 1"
)


def party_of(connection: Connection, number: str, at: datetime | None = None) -> Party:
    """Return the party that a number belongs to, now or as it was at a moment; ``NotFoundError`` for no such number.

    A party's own number and those of all its members lead to it.
    """
    party, members = ledger.members_at(connection, number, at or now_of(connection))
    if not party:
        raise errors.no_party(number)
    return Party(party, tuple(members))


def resolve(connection: Connection, numbers: Sequence[str], at: datetime | None = None) -> dict[str, str]:
    """Return number → party of numbers, now or at a moment; a number that was never merged is its own party."""
    name = copy_in(connection, pa.table({"customer_no": pa.array(sorted(set(numbers)), pa.string())}))
    query = text(
        f"SELECT n.customer_no, coalesce(p.party_no, n.customer_no) FROM {name} n LEFT JOIN party_member p "
        "ON p.customer_no = n.customer_no AND p.valid_from <= :at AND (p.valid_to IS NULL OR p.valid_to > :at)"
    )
    return {row[0]: row[1] for row in connection.execute(query, {"at": at or now_of(connection)})}


def party_map(connection: Connection, at: datetime | None = None) -> pa.Table:
    """Return (customer_no, party_no) of every number that belongs to another's party at a moment, for the lake to join."""
    return copy_out(
        connection,
        "SELECT customer_no, party_no FROM party_member WHERE valid_from <= %(at)s "
        "AND (valid_to IS NULL OR valid_to > %(at)s) ORDER BY customer_no",
        MAP,
        {"at": at or now_of(connection)},
    )


def find_parties(connection: Connection, kind: str, value: str) -> list[str]:
    """Return the parties of whom an identifier is or was, by its blind index."""
    plain = normal_value(kind, value)
    marked = mark_kind(kind, plain)
    blind = keys_of(connection).blind_many(marked, [plain])[0]
    return list(connection.scalars(_FIND, {"kind": marked, "blind": blind})) if plain else []


def events_of(connection: Connection, number: str, at: datetime | None = None) -> pa.Table:
    """Return the events (``EVENT_SCHEMA``) of the party of a number, under whichever of its numbers they were recorded."""
    return copy_out(
        connection,
        f"SELECT {', '.join(EVENT_SCHEMA.names)} FROM event WHERE customer_no = ANY (%(numbers)s) "
        "ORDER BY occurred_at, source, event_id",
        EVENT_SCHEMA,
        {"numbers": list(party_of(connection, number, at).numbers)},
    )
