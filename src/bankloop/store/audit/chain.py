"""Sealing: the digests of every row whose transaction is surely over, chained to the seal before.

A row's digest is the sha256 of its line in COPY's text format, which is one text for one row and costs the database
nothing to make. Neither the row's number nor its transaction is in it: they say where it stood, the seal keeps both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from sqlalchemy import Connection, text

from bankloop.kit.ids import canonical_json, digest_bytes
from bankloop.store import errors
from bankloop.store.audit.anchor import Anchor, add_anchor, anchor_file, last_anchor
from bankloop.store.contracts import EVERY_UNIT, Principal, Role
from bankloop.store.database import Store, now_of

START = digest_bytes([b"bankloop audit"])
SEALER = Principal("system:sealer", frozenset({"system"}), (EVERY_UNIT,), "audit")
# Held to seal and to purge; shared while somebody verifies.
SEALER_LOCK = 4_242_002

_LINE = (
    "recorded_at, principal, verb, object_kind, object_id, "
    "before::text, after::text, reason, origin, purpose, approval_id, class, subject, encode(sealed, 'hex')"
)
SEALS = "SELECT seal, horizon, row_ids, row_digests, chain FROM audit_seal "
_ADD_SEAL = text(
    "INSERT INTO audit_seal (seal, horizon, row_ids, row_digests, chain) "
    "VALUES (:seal, :horizon, :ids, :digests, :chain)"
)
# Transactions count on from where a restored trail ended: see the default of audit.xid.
_HORIZON = text(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + coalesce(substring(pg_get_expr(d.adbin, d.adrelid) "
    "FROM '\\+ \\(?''?([0-9]+)')::bigint, 0) FROM pg_attrdef d JOIN pg_attribute a ON (a.attrelid, a.attnum) = "
    "(d.adrelid, d.adnum) WHERE a.attrelid = 'audit'::regclass AND a.attname = 'xid'"
)


# One text for a moment, whatever the session says.
_SPELLING = text("SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)")

Row: TypeAlias = tuple[int, str]
"""A row of the trail as the chain knows it: its number and its digest."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal: the rows of all transactions from the horizon before up to its own."""

    seal: int
    horizon: int
    ids: tuple[int, ...]
    digests: tuple[str, ...]
    chain: str


FIRST = Seal(0, 0, (), (), START)


def seal_audit(store: Store) -> int:
    """Seal every row whose transaction is surely over, anchor the seal and return how many rows it holds.

    Raises ``ConflictError`` when the trail no longer reaches the anchor: sealing on would hide what was cut off.
    """
    with store.begin(SEALER, Role.OWNER) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEALER_LOCK})
        last = next((as_seal(row) for row in connection.execute(text(SEALS + "ORDER BY seal DESC LIMIT 1"))), FIRST)
        anchored = last_anchor(store.folder)
        if _cut_off(anchored, last):
            raise errors.audit_broken(anchor_file(store.folder))
        made = _make_seal(connection, last)
        at = now_of(connection).isoformat()
    newest = made or last
    if newest.seal and (anchored is None or anchored.seal < newest.seal):
        add_anchor(store.folder, newest.seal, newest.chain, at)
    return len(made.ids) if made else 0


def chain_of(seal: Seal, previous: str) -> str:
    """Return the digest that chains a seal to the one before."""
    head = canonical_json([seal.seal, seal.horizon, seal.ids])
    return hashlib.sha256("".join((previous, head, *seal.digests)).encode()).hexdigest()


def as_seal(row: Any) -> Seal:
    """Return a stored seal."""
    return Seal(row.seal, row.horizon, tuple(row.row_ids), tuple(row.row_digests), row.chain)


def rows_between(connection: Connection, low: int, high: int) -> Iterator[Row]:
    """Yield the rows of transactions from ``low`` up to before ``high``, by number."""
    connection.execute(_SPELLING)
    query = f"COPY (SELECT id, {_LINE} FROM audit WHERE xid >= {low:d} AND xid < {high:d} ORDER BY id) TO STDOUT"
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    sha256 = hashlib.sha256
    with driver.cursor() as cursor, cursor.copy(query) as copy:
        for message in copy:
            # PostgreSQL sends a row a message; within a row tab and line's end are written as \t and \n.
            number, _, line = bytes(message).partition(b"\t")
            yield int(number), sha256(line).hexdigest()


def _make_seal(connection: Connection, last: Seal) -> Seal | None:
    horizon = connection.scalar(_HORIZON) or 0
    rows = list(rows_between(connection, last.horizon, horizon))
    if not rows:
        return None
    ids, digests = tuple(number for number, _ in rows), tuple(value for _, value in rows)
    chain = chain_of(Seal(last.seal + 1, horizon, ids, digests, ""), last.chain)
    values = {"seal": last.seal + 1, "horizon": horizon, "ids": list(ids), "digests": list(digests), "chain": chain}
    connection.execute(_ADD_SEAL, values)
    return Seal(last.seal + 1, horizon, ids, digests, chain)


def _cut_off(anchored: Anchor | None, last: Seal) -> bool:
    if anchored is None:
        return False
    return anchored.seal > last.seal or (anchored.seal == last.seal and anchored.chain != last.chain)
