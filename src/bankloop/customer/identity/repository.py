"""The SQL of identity: records sealed and found by blind index, the links between them and what keeps them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.customer.identity.contracts import Link, LinkKind
from bankloop.kit.ids import canonical_json
from bankloop.store.copying import copy_in
from bankloop.store.database import principal_of
from bankloop.store.resealing import SealedColumn, register_sealed

RECORD, MARK = "identity_record", "identity_mark"
register_sealed(SealedColumn(RECORD, ("customer_no",), "sealed", f"'{RECORD}'", "customer_no"))
register_sealed(
    SealedColumn(MARK, ("customer_no", "kind", "blind"), "sealed", f"'{MARK}'", "kind || chr(31) || customer_no")
)
# More bearers of one document than any family has: a filler, which names nobody.
MOST_BEARERS = 10

_KNOWN = """
SELECT n.key_blind, i.customer_no, i.as_of, r.digest FROM {name} n
JOIN identity i ON i.source = :source AND i.key_blind = n.key_blind LEFT JOIN identity_record r USING (customer_no)
"""
_MINT = """
WITH given AS (SELECT n.*, nextval('identity_rank_seq') AS rank FROM {name} n ORDER BY place)
INSERT INTO identity (customer_no, source, key_blind, channel, rank, as_of, load_id) OVERRIDING SYSTEM VALUE
SELECT CASE WHEN own = '' THEN 'P' || lpad(rank::text, 10, '0') ELSE own END, :source, key_blind, :channel, rank, :as_of, :load
FROM given RETURNING key_blind, customer_no
"""
_TOUCH = """
UPDATE identity i SET as_of = :as_of, load_id = :load, changed_at = bankloop_now(), linked_at = NULL
FROM {name} n WHERE i.customer_no = n.customer_no
"""
_SEE = "UPDATE identity i SET as_of = :as_of, load_id = :load FROM {name} n WHERE i.customer_no = n.customer_no"
_KEEP = """
INSERT INTO identity_record (customer_no, sealed, digest, card)
SELECT customer_no, decode(n.sealed, 'hex'), n.digest, n.card FROM {name} n
LEFT JOIN customer_key k USING (customer_no) WHERE k.erased_at IS NULL
ON CONFLICT (customer_no) DO UPDATE SET sealed = excluded.sealed, digest = excluded.digest, card = excluded.card
"""
_KEEP_MARKS = """
INSERT INTO identity_mark (customer_no, kind, blind, sealed, valid_from)
SELECT customer_no, n.kind, n.blind, decode(n.sealed, 'hex'), bankloop_now() FROM {name} n
LEFT JOIN customer_key k USING (customer_no) WHERE k.erased_at IS NULL
ON CONFLICT (customer_no, kind, blind) DO UPDATE SET valid_to = NULL
"""
_END_MARKS = """
UPDATE identity_mark m SET valid_to = bankloop_now()
WHERE m.customer_no IN (SELECT customer_no FROM {changed}) AND m.valid_to IS NULL
AND NOT EXISTS (SELECT FROM {name} n WHERE (n.customer_no, n.kind, n.blind) = (m.customer_no, m.kind, m.blind))
"""
_KEEP_BLOCKS = """
INSERT INTO identity_block (block, customer_no) SELECT DISTINCT n.block, n.customer_no FROM {name} n
LEFT JOIN customer_key k USING (customer_no) WHERE k.erased_at IS NULL
"""
# Row by row, each by its index: how many a record touches does not grow with the bank, and no statistics say so.
_NEAR = """
SELECT DISTINCT n.customer_no FROM (
    SELECT f.block FROM {name} g
    CROSS JOIN LATERAL (SELECT block FROM identity_block WHERE customer_no = g.customer_no OFFSET 0) f ORDER BY f.block
) f CROSS JOIN LATERAL (SELECT customer_no FROM identity_block WHERE block = f.block OFFSET 0) n
"""
# A document that was somebody's stays theirs: what has ended finds as well.
_BEARERS = """
SELECT m.customer_no AS a, n.customer_nos AS others, m.kind FROM {name} g
CROSS JOIN LATERAL (SELECT customer_no, kind, blind FROM identity_mark WHERE customer_no = g.customer_no
    AND kind = ANY (:kinds) OFFSET 0) m
CROSS JOIN LATERAL (SELECT array_agg(customer_no) AS customer_nos FROM (SELECT customer_no FROM identity_mark o
    WHERE (o.kind, o.blind) = (m.kind, m.blind) LIMIT :most) x) n
WHERE cardinality(n.customer_nos) BETWEEN 2 AND :most - 1
"""
_LINKED = text(
    "WITH RECURSIVE near AS (SELECT unnest(CAST(:numbers AS text[])) AS one UNION SELECT next.one FROM near "
    "CROSS JOIN LATERAL (SELECT b AS one FROM identity_link WHERE a = near.one AND ended_at IS NULL "
    "UNION ALL SELECT a FROM identity_link WHERE b = near.one AND ended_at IS NULL) next) SELECT one FROM near"
)
_BOUND = """
SELECT n.customer_no FROM {name} n
WHERE EXISTS (SELECT FROM identity_link l WHERE l.a = n.customer_no AND l.ended_at IS NULL OFFSET 0)
OR EXISTS (SELECT FROM identity_link l WHERE l.b = n.customer_no AND l.ended_at IS NULL OFFSET 0)
OR EXISTS (SELECT FROM party_member p WHERE p.customer_no = n.customer_no AND p.valid_to IS NULL OFFSET 0)
"""
_ADD_LINKS = """
INSERT INTO identity_link (a, b, kind, weight, evidence, reason, made_by)
SELECT a, b, kind, weight::float8, evidence::jsonb, :reason, :by FROM {name} ON CONFLICT (a, b, kind) WHERE ended_at IS NULL DO NOTHING
RETURNING a, b, kind
"""


def known_records(
    connection: Connection, source: str, blinds: Sequence[str]
) -> dict[str, tuple[str, date, str | None]]:
    """Return blind key → (number, as of, digest) of the records of a source that are there."""
    name = copy_in(connection, pa.table({"key_blind": pa.array(blinds, pa.string())}))
    rows = connection.execute(text(_KNOWN.format(name=name)), {"source": source})
    return {row.key_blind: (row.customer_no, row.as_of, row.digest) for row in rows}


def mint(
    connection: Connection,
    source: str,
    blinds: Sequence[str],
    own: Sequence[str],
    *,
    channel: bool,
    as_of: date,
    load: str,
) -> dict[str, str]:
    """Give new records their numbers for life: the source's own where it gives the bank's, else a new one."""
    if not blinds:
        return {}
    table = pa.table({"place": pa.array(range(len(blinds)), pa.int64()), "key_blind": blinds, "own": own})
    name = copy_in(connection, table)
    values = {"source": source, "channel": channel, "as_of": as_of, "load": load}
    return {row[0]: row[1] for row in connection.execute(text(_MINT.format(name=name)), values)}


def keep_records(connection: Connection, records: pa.Table, marks: pa.Table, blocks: pa.Table) -> None:
    """Keep sealed records (customer_no, sealed in hex, digest, card), their marks, and the keys of their blocks."""
    for query, table in ((_KEEP, records), (_KEEP_MARKS, marks), (_KEEP_BLOCKS, blocks)):
        connection.execute(text(query.format(name=copy_in(connection, table))))


def renew_records(connection: Connection, numbers: Sequence[str], marks: pa.Table, as_of: date, load: str) -> None:
    """End what changed records no longer have, before what they have is kept; they wait to be linked again."""
    changed = _numbered(connection, numbers)
    connection.execute(text(_END_MARKS.format(changed=changed, name=copy_in(connection, marks))))
    connection.execute(text(f"DELETE FROM identity_block WHERE customer_no IN (SELECT customer_no FROM {changed})"))
    connection.execute(text(_TOUCH.format(name=changed)), {"as_of": as_of, "load": load})


def see_again(connection: Connection, numbers: Sequence[str], as_of: date, load: str) -> None:
    """Write that records came again as they were."""
    connection.execute(text(_SEE.format(name=_numbered(connection, numbers))), {"as_of": as_of, "load": load})


def waiting(connection: Connection) -> list[str]:
    """Return the identities that are new or changed since they were last linked, in order of their numbers."""
    return list(
        connection.scalars(text("SELECT customer_no FROM identity WHERE linked_at IS NULL ORDER BY customer_no"))
    )


def count_identities(connection: Connection) -> int:
    """Return how many identities have a record."""
    return int(connection.scalar(text("SELECT count(*) FROM identity_record")) or 0)


def near(connection: Connection, fresh: Sequence[str]) -> list[str]:
    """Return the identities that share a block with some of ``fresh``, themselves among them."""
    return list(connection.scalars(text(_NEAR.format(name=_numbered(connection, fresh)))))


def sealed_records(connection: Connection, numbers: Sequence[str] | None) -> list[Any]:
    """Return (customer_no, sealed) of identities, of all where None."""
    where = "" if numbers is None else "WHERE customer_no = ANY (:numbers)"
    query = text(f"SELECT customer_no, sealed FROM identity_record {where} ORDER BY customer_no")
    return list(connection.execute(query, {} if numbers is None else {"numbers": list(numbers)}))


def bearers(connection: Connection, fresh: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (a, b, kind), a before b, of identities that ever bore the same document."""
    query = text(_BEARERS.format(name=_numbered(connection, fresh)))
    rows = connection.execute(query, {"kinds": list(kinds), "most": MOST_BEARERS + 1})
    return sorted({(min(a, b), max(a, b), kind) for a, others, kind in rows for b in others if b != a})


def add_links(connection: Connection, links: Sequence[Link], reason: str) -> list[tuple[str, str, str]]:
    """Keep links and return those that are new."""
    if not links:
        return []
    table = pa.table(
        {
            "a": [link.a for link in links],
            "b": [link.b for link in links],
            "kind": [link.kind.value for link in links],
            "weight": pa.array([repr(link.weight) for link in links]),
            "evidence": [canonical_json(link.evidence) for link in links],
        }
    )
    name = copy_in(connection, table)
    values = {"reason": reason, "by": principal_of(connection).id}
    return [(row.a, row.b, row.kind) for row in connection.execute(text(_ADD_LINKS.format(name=name)), values)]


def end_links(connection: Connection, one: Sequence[str], other: Sequence[str], kinds: Sequence[LinkKind]) -> int:
    """End the open links of some kinds between two sets of identities."""
    query = text(
        "UPDATE identity_link SET ended_at = bankloop_now() WHERE ended_at IS NULL AND kind = ANY (:kinds) "
        "AND ((a = ANY (:one) AND b = ANY (:other)) OR (a = ANY (:other) AND b = ANY (:one)))"
    )
    values = {"one": list(one), "other": list(other), "kinds": [kind.value for kind in kinds]}
    return connection.execute(query, values).rowcount


def separate(connection: Connection, one: Iterable[str], other: Sequence[str], reason: str) -> None:
    """Keep two sets of identities apart from now on."""
    pairs = sorted({(min(a, b), max(a, b)) for a in one for b in other})
    query = text(
        "INSERT INTO identity_separation (a, b, reason, made_by) SELECT x, y, :reason, :by "
        "FROM unnest(CAST(:a AS text[]), CAST(:b AS text[])) AS t(x, y) "
        "ON CONFLICT (a, b) WHERE ended_at IS NULL DO NOTHING"
    )
    values = {
        "a": [a for a, _ in pairs],
        "b": [b for _, b in pairs],
        "reason": reason,
        "by": principal_of(connection).id,
    }
    connection.execute(query, values)


def join_again(connection: Connection, one: Sequence[str], other: Sequence[str]) -> None:
    """End what kept two sets of identities apart."""
    query = text(
        "UPDATE identity_separation SET ended_at = bankloop_now() WHERE ended_at IS NULL "
        "AND ((a = ANY (:one) AND b = ANY (:other)) OR (a = ANY (:other) AND b = ANY (:one)))"
    )
    connection.execute(query, {"one": list(one), "other": list(other)})


def bound(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """Return those of the identities that are linked or belong to another's party; the others are parties of their own."""
    return list(connection.scalars(text(_BOUND.format(name=_numbered(connection, numbers)))))


def linked_with(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """Return the identities and whatever links reach from them, over any number of links, in order."""
    return sorted(connection.scalars(_LINKED, {"numbers": list(numbers)}))


def open_links(connection: Connection, numbers: Sequence[str] | None) -> list[Link]:
    """Return the open links of identities, of all where None."""
    where = "" if numbers is None else " AND a = ANY (:numbers)"
    query = text(f"SELECT a, b, kind, weight, evidence FROM identity_link WHERE ended_at IS NULL{where}")
    rows = connection.execute(query, {} if numbers is None else {"numbers": list(numbers)})
    return [Link(row.a, row.b, LinkKind(row.kind), row.weight, row.evidence) for row in rows]


def separations(connection: Connection, numbers: Sequence[str] | None) -> list[tuple[str, str]]:
    """Return the pairs kept apart among identities."""
    where = "" if numbers is None else " AND a = ANY (:numbers)"
    query = text(f"SELECT a, b FROM identity_separation WHERE ended_at IS NULL{where}")
    rows = connection.execute(query, {} if numbers is None else {"numbers": list(numbers)})
    return [(row.a, row.b) for row in rows]


def marks_by(connection: Connection, numbers: Sequence[str]) -> list[Any]:
    """Return (customer_no, kind, sealed, valid_from, valid_to) of all identifiers of identities, ended ones too."""
    query = text(
        "SELECT customer_no, kind, sealed, valid_from, valid_to FROM identity_mark WHERE customer_no = ANY (:numbers) "
        "ORDER BY kind, valid_from, customer_no, blind"
    )
    return list(connection.execute(query, {"numbers": list(numbers)}))


def forget(connection: Connection, numbers: Sequence[str]) -> int:
    """Delete the sealed records and identifiers of identities and return how many records went; numbers stay."""
    values = {"numbers": list(numbers)}
    for table in ("identity_mark", "identity_block"):
        connection.execute(text(f"DELETE FROM {table} WHERE customer_no = ANY (:numbers)"), values)
    return connection.execute(text("DELETE FROM identity_record WHERE customer_no = ANY (:numbers)"), values).rowcount


def _numbered(connection: Connection, numbers: Sequence[str]) -> str:
    """Return the name of a temporary table of numbers (customer_no)."""
    return copy_in(connection, pa.table({"customer_no": pa.array(numbers, pa.string())}))
