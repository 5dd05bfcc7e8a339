"""The vault: identifiers at rest are sealed and found by blind index; every customer has a data key that can be erased.

Reading is access to personal data and is written to the trail as that, in the same transaction. Loading fills it; the
lake holds tokens under a key of its own and never an identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from bankloop.store import errors
from bankloop.store.copying import copy_in
from bankloop.store.database import keys_of, now_of
from bankloop.store.sealing import KeyRing, normal_identifier
from bankloop.store.sealing.keys import split_sealed

IDENTIFIER = "identifier"
_CUSTOMER_KEY = "customer_key"
_KEY_BYTES = 32

_KEEP_KEY = text(
    "INSERT INTO customer_key (customer_no, sealed_key) VALUES (:customer, :sealed) "
    "ON CONFLICT (customer_no) DO NOTHING"
)
_ADD = """
INSERT INTO identifier (customer_no, kind, blind, sealed, recorded_at)
SELECT n.customer_no, n.kind, n.blind, decode(n.sealed, 'hex'), (SELECT bankloop_now()) FROM {name} n
LEFT JOIN customer_key k USING (customer_no) WHERE k.erased_at IS NULL
"""
_MERGE = f"""{_ADD}
ON CONFLICT (customer_no, kind) DO UPDATE SET blind = excluded.blind, sealed = excluded.sealed,
    recorded_at = excluded.recorded_at WHERE identifier.blind <> excluded.blind
"""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a customer in clear: for the eye that may see it, and never for a log."""

    customer_no: str
    kind: str
    value: str

    def __repr__(self) -> str:
        """Hide the value: a traceback is a log."""
        return f"Identifier({self.customer_no!r}, {self.kind!r}, '***')"


def customer_ring(connection: Connection, customer_no: str, *, make: bool = False) -> KeyRing:
    """Return a ring with the customer's own key; ``make`` makes it on first use.

    Raises ``NotFoundError`` when the key was erased or never made.
    """
    row = connection.execute(
        text("SELECT sealed_key, erased_at FROM customer_key WHERE customer_no = :c"), {"c": customer_no}
    ).first()
    keys = keys_of(connection)
    if row is None and make:
        fresh = KeyRing.fresh_key()
        sealed = keys.seal(_CUSTOMER_KEY, fresh, customer_no)
        connection.execute(_KEEP_KEY, {"customer": customer_no, "sealed": sealed})
        return customer_ring(connection, customer_no)  # another may have been faster: read what stands
    if row is None or row.sealed_key is None:
        raise errors.erased(customer_no)
    own = keys.unseal_bytes(_CUSTOMER_KEY, row.sealed_key, customer_no)
    return KeyRing("c", {"c": own}, own, keys.place)


def keep_identifiers(
    connection: Connection, kind: str, customers: list[str], values: list[str], *, first: bool = False
) -> int:
    """Seal identifiers of a kind in bulk and return how many are new or changed; erased customers are passed over.

    ``first`` says that the vault held nothing before: none of them is looked for.
    """
    import pyarrow as pa

    keys = keys_of(connection)
    plain = [normal_identifier(kind, value) for value in values]
    about = [f"{kind}\x1f{customer}" for customer in customers]
    rows = pa.table(
        {
            "customer_no": customers,
            "kind": [kind] * len(customers),
            "blind": keys.blind_many(kind, plain),
            "sealed": [sealed.hex() for sealed in keys.seal_many(IDENTIFIER, plain, about)],
        }
    )
    statement = _ADD if first else _MERGE
    return connection.execute(text(statement.format(name=copy_in(connection, rows)))).rowcount


def no_identifiers(connection: Connection) -> bool:
    """Return whether the vault holds nothing that the principal may see."""
    return connection.scalar(text("SELECT true FROM identifier LIMIT 1")) is None


def read_identifiers(connection: Connection, customers: Iterable[str], kinds: Iterable[str]) -> list[Identifier]:
    """Return identifiers in clear and record the access, in this transaction."""
    from bankloop.store.audit import record_access

    asked, fields, keys = sorted(set(customers)), sorted(set(kinds)), keys_of(connection)
    rows = connection.execute(
        text(
            "SELECT customer_no, kind, sealed FROM identifier "
            "WHERE customer_no = ANY (:customers) AND kind = ANY (:kinds) ORDER BY customer_no, kind"
        ),
        {"customers": asked, "kinds": fields},
    ).all()
    record_access(connection, "customer", asked, fields)
    return [Identifier(c, kind, keys.unseal(IDENTIFIER, sealed, f"{kind}\x1f{c}")) for c, kind, sealed in rows]


def find_by_identifier(connection: Connection, kind: str, value: str) -> list[str]:
    """Return the customers who bear an identifier, by its blind index."""
    query = text("SELECT customer_no FROM identifier WHERE (kind, blind) = (:kind, :blind) ORDER BY customer_no")
    return list(connection.scalars(query, {"kind": kind, "blind": keys_of(connection).blind(kind, value)}))


def erase_sealed(connection: Connection, customer_no: str) -> Mapping[str, int]:
    """Destroy a customer's key and identifiers and return what was there; the trail stays verifiable without them."""
    gone = connection.execute(text("DELETE FROM identifier WHERE customer_no = :c"), {"c": customer_no}).rowcount
    values: dict[str, str | datetime] = {"c": customer_no, "now": now_of(connection)}
    key = connection.execute(
        text(
            "INSERT INTO customer_key (customer_no, erased_at) VALUES (:c, :now) ON CONFLICT (customer_no) DO UPDATE "
            "SET sealed_key = NULL, erased_at = excluded.erased_at WHERE customer_key.erased_at IS NULL"
        ),
        values,
    ).rowcount
    return {"identifiers": gone, "keys": key}


def key_of(sealed: bytes) -> str:
    """Return the id of the key under which something is sealed."""
    return split_sealed(sealed)[0]
