"""Rotation without downtime: a new key seals from now on, old ones open; what lies sealed is renewed in batches.

Whoever keeps a sealed column registers it here, so that one job renews them all and says when an old key may go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from bankloop.store.audit.record import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, keys_of
from bankloop.store.sealing.keys import KeyRing, rotate_keys, split_sealed
from bankloop.store.verbs import verb

# Each batch is a transaction of its own: nobody waits for the whole table.
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values: its table, its key columns, and what the values are bound to.

    ``kind`` and ``about`` are SQL over a row, as they were given to ``KeyRing.seal``.
    """

    table: str
    keys: tuple[str, ...]
    column: str
    kind: str
    about: str


_COLUMNS: dict[tuple[str, str], SealedColumn] = {}


def register_sealed(column: SealedColumn) -> SealedColumn:
    """Let a sealed column be renewed with the others."""
    return _COLUMNS.setdefault((column.table, column.column), column)


IDENTIFIERS = register_sealed(
    SealedColumn("identifier", ("customer_no", "kind"), "sealed", "'identifier'", "kind || chr(31) || customer_no")
)
CUSTOMER_KEYS = register_sealed(
    SealedColumn("customer_key", ("customer_no",), "sealed_key", "'customer_key'", "customer_no")
)


@verb("keys.rotate")
def rotate(store: Store, principal: Principal) -> KeyRing:
    """Make a new current key; everything sealed before still opens."""
    before = store.keys.current
    made = rotate_keys(store.folder)
    with store.begin(principal) as connection:
        record_audit(
            connection, "keys.rotate", "keys", made.current, {"current": before}, {"current": made.current},
            class_="security",
        )  # fmt: skip
    return made


@verb("keys.renew")
def renew_seals(store: Store, principal: Principal) -> int:
    """Seal anew whatever lies under an old key and return how much; killed, it goes on where it was."""
    done = sum(sum(_renewed(store, principal, column)) for column in _COLUMNS.values())
    with store.begin(principal) as connection:
        after = {"renewed": done, "current": store.keys.current}
        record_audit(connection, "keys.renew", "keys", store.keys.current, None, after, class_="security")
    return done


def keys_in_use(connection: Connection) -> dict[str, int]:
    """Return how many values lie sealed under each key: one under none may be taken from the ring."""
    found: dict[str, int] = {}
    for column in _COLUMNS.values():
        query = text(
            f"SELECT substring({column.column} FROM 1 FOR 2 + get_byte({column.column}, 1)), count(*) "
            f"FROM {column.table} WHERE {column.column} IS NOT NULL GROUP BY 1"
        )
        for head, count in connection.execute(query):
            name = split_sealed(head)[0]
            found[name] = found.get(name, 0) + count
    return found


def _renewed(store: Store, principal: Principal, column: SealedColumn) -> Iterator[int]:
    while True:
        with store.begin(principal) as connection:
            count = _renew_batch(connection, column)
        if not count:
            return
        yield count


def _renew_batch(connection: Connection, column: SealedColumn) -> int:
    keys = keys_of(connection)
    head = bytes([1, len(keys.current)]) + keys.current.encode()
    names = ", ".join(column.keys)
    rows = connection.execute(
        text(
            f"SELECT {names}, {column.kind} AS what, {column.about} AS about, {column.column} AS body "
            f"FROM {column.table} WHERE {column.column} IS NOT NULL "
            f"AND substring({column.column} FROM 1 FOR :size) <> :head LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"size": len(head), "head": head, "limit": BATCH},
    ).all()
    if not rows:
        return 0
    where = " AND ".join(f"{name} = :{name}" for name in column.keys)
    update = text(f"UPDATE {column.table} SET {column.column} = :fresh WHERE {where}")
    fresh = []
    for row in rows:
        plain = keys.unseal_bytes(row.what, row.body, row.about)
        named = {name: getattr(row, name) for name in column.keys}
        fresh.append({**named, "fresh": keys.seal(row.what, plain, row.about)})
    connection.execute(update, fresh)
    return len(rows)
