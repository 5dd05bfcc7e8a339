"""Many requests at once, set-based: what is done to a million wallets or grants costs a few statements.

Postings and holds; what many requests set aside is also given back at once. Balances are locked in the order
of their names.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from bankloop.ledger import errors
from bankloop.store.copying import copy_in, copy_out, fitted

BATCH_SCHEMA = pa.schema(
    [
        ("request", pa.string()),
        ("debit", pa.string()),
        ("credit", pa.string()),
        ("amount", pa.int64()),
        ("reason", pa.string()),
    ]
)
# A request's holds are numbered from 0; ``expires_at`` is written as ISO 8601, null for never.
HOLD_SCHEMA = BATCH_SCHEMA.append(pa.field("line", pa.int32())).append(pa.field("expires_at", pa.string()))
RELEASE_SCHEMA = pa.schema([("request", pa.string()), ("of_request", pa.string()), ("reason", pa.string())])
_UNIQUE = "23505"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a batch is made of: how a request's lines are written down, and which sums of a balance they change."""

    name: str
    said: str
    group: str
    debits: str
    credits: str
    extra: str = ""


_POSTING = _Kind(
    "post",
    "jsonb_build_array(jsonb_build_object('kind', 'post', 'debit', b.debit, 'credit', b.credit, 'amount', b.amount, "
    "'reason', b.reason))",
    "",
    "debits",
    "credits",
)
_HOLDING = _Kind(
    "hold",
    "jsonb_agg(jsonb_build_object('kind', 'hold', 'debit', b.debit, 'credit', b.credit, 'amount', b.amount, "
    "'reason', b.reason, 'expires_at', b.expires_at) ORDER BY b.line)",
    "GROUP BY b.request",
    "held_out",
    "held_in",
    "INSERT INTO ledger_hold (request, line, debit, debit_shard, credit, credit_shard, amount, expires_at) "
    "SELECT request, line, debit, debit_shard, credit, credit_shard, amount, expires_at FROM {batch}_set "
    "ORDER BY request, line",
)
_OTHER = (
    "SELECT request FROM (SELECT b.request, {said} AS asked FROM {batch} b "
    "WHERE b.request IN (SELECT request FROM ledger_request) {group}) b JOIN ledger_request r "
    "USING (request) WHERE r.asked <> b.asked "
    "UNION ALL SELECT request FROM {batch} GROUP BY request, line HAVING count(*) > 1 LIMIT 1"
)
_UNKNOWN = (
    "SELECT coalesce(d.account, b.debit) FROM {batch} b LEFT JOIN ledger_account d ON d.account = b.debit "
    "LEFT JOIN ledger_account c ON c.account = b.credit WHERE d.closed_at IS NOT NULL OR c.closed_at IS NOT NULL "
    "OR d.asset IS DISTINCT FROM c.asset OR d.asset IS NULL LIMIT 1"
)
_KNOWN = "DELETE FROM {batch} b USING ledger_request r WHERE r.request = b.request"
_REQUESTS = (
    "INSERT INTO ledger_request (request, asked, made_by) "
    "SELECT b.request, {said}, current_setting('bankloop.principal', true) FROM {batch} b {group} ORDER BY b.request"
)
# Whoever reads the ledger's entries is asked for each whether it may be seen: what follows is made of these rows alone.
_RESOLVED = (
    "CREATE TEMPORARY TABLE {batch}_set ON COMMIT DROP AS SELECT b.request, b.line, b.debit, b.credit, b.amount, "
    "b.reason, b.expires_at::timestamptz AS expires_at, d.asset, floor(random() * d.shards)::integer AS debit_shard, "
    "floor(random() * c.shards)::integer AS credit_shard FROM {batch} b "
    "JOIN ledger_account d ON d.account = b.debit JOIN ledger_account c ON c.account = b.credit"
)
_ENTRIES = (
    "INSERT INTO ledger_entry (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount, reason, "
    "expires_at) SELECT request, line, '{kind}', asset, debit, debit_shard, credit, credit_shard, amount, reason, "
    "expires_at FROM {batch}_set ORDER BY request, line"
)
_SIDES = (
    "SELECT debit AS account, debit_shard AS shard, amount AS d, 0 AS c FROM {batch}_set "
    "UNION ALL SELECT credit, credit_shard, 0, amount FROM {batch}_set"
)
_LOCK = (
    "SELECT 1 FROM ledger_balance b JOIN (SELECT account, shard FROM ({sides}) m GROUP BY 1, 2) k "
    "USING (account, shard) ORDER BY b.account, b.shard FOR UPDATE OF b"
)
_MOVE = (
    "UPDATE ledger_balance b SET {debits} = b.{debits} + m.d, {credits} = b.{credits} + m.c "
    "FROM (SELECT account, shard, sum(d)::bigint AS d, sum(c)::bigint AS c FROM ({sides}) s GROUP BY 1, 2) m "
    "WHERE b.account = m.account AND b.shard = m.shard"
)
_HELD = "FROM ledger_hold h JOIN {batch} x ON h.request = x.of_request"
_LOCK_HELD = (
    "SELECT 1 FROM ledger_balance b JOIN (SELECT h.debit AS account, h.debit_shard AS shard {held} "
    "UNION SELECT h.credit, h.credit_shard {held}) k USING (account, shard) ORDER BY b.account, b.shard FOR UPDATE OF b"
)
_RELEASES = (
    "INSERT INTO ledger_request (request, asked, made_by) SELECT x.request, jsonb_agg(jsonb_build_object("
    "'kind', '{how}', 'of_request', h.request, 'of_line', h.line, 'reason', x.reason) ORDER BY h.line), "
    "current_setting('bankloop.principal', true) {held} GROUP BY x.request ORDER BY x.request"
)
_RELEASE = (
    "WITH gone AS (DELETE FROM ledger_hold h USING {batch} x WHERE h.request = x.of_request "
    "RETURNING h.*, x.request AS ended_by, x.reason), said AS (INSERT INTO ledger_entry (request, line, kind, asset, "
    "debit, debit_shard, credit, credit_shard, amount, of_request, of_line, reason) SELECT g.ended_by, g.line, "
    "'{how}', a.asset, g.debit, g.debit_shard, g.credit, g.credit_shard, g.amount, g.request, g.line, g.reason "
    "FROM gone g JOIN ledger_account a ON a.account = g.debit) "
    "UPDATE ledger_balance b SET held_out = b.held_out - m.o, held_in = b.held_in - m.i FROM (SELECT account, shard, "
    "sum(o)::bigint AS o, sum(i)::bigint AS i FROM (SELECT debit AS account, debit_shard AS shard, amount AS o, 0 AS i "
    "FROM gone UNION ALL SELECT credit, credit_shard, 0, amount FROM gone) s GROUP BY 1, 2) m "
    "WHERE b.account = m.account AND b.shard = m.shard"
)
# Whoever ends a hold locks both of its accounts, those of holds that expired among them.
_LOCK_ALL = text(
    "SELECT 1 FROM ledger_balance WHERE account IN (SELECT unnest(CAST(:accounts AS text[])) UNION SELECT credit "
    "FROM ledger_hold WHERE debit = ANY (:accounts) AND expires_at <= bankloop_now()) "
    "ORDER BY account, shard FOR UPDATE"
)
_EXPIRE_ALL = text(
    "WITH due AS (DELETE FROM ledger_hold h WHERE debit = ANY (:accounts) AND expires_at <= bankloop_now() "
    "RETURNING h.*) SELECT count(ledger_end_hold(due::ledger_hold, 'expire', 'expired', request, line)::text) FROM due"
)


def post_batch(connection: Connection, batch: pa.Table) -> int:
    """Post many requests of one line each (``BATCH_SCHEMA``) and return how many were new.

    All or nothing: where an account would hold less than nothing, ``ConflictError``. An id that was used is passed over
    where it stands for the same, and refused where it does not.
    """
    rows = fitted("postings", batch, BATCH_SCHEMA, {})
    lines = rows.append_column("line", pa.array([0] * rows.num_rows, pa.int32()))
    return _do(connection, lines.append_column("expires_at", pa.nulls(rows.num_rows, pa.string())), _POSTING)


def hold_batch(connection: Connection, batch: pa.Table) -> int:
    """Set the amounts of many requests aside (``HOLD_SCHEMA``), as ``post_batch`` posts; return how many were new."""
    return _do(connection, fitted("holds", batch, HOLD_SCHEMA, {"expires_at": None}), _HOLDING)


def release_batch(connection: Connection, releases: pa.Table, *, expired: bool = False) -> int:
    """Give back what requests set aside and is still open (``RELEASE_SCHEMA``), each by a request of its own.

    Returns how many requests had something open; ``expired`` says that their day is over.
    """
    rows = fitted("releases", releases, RELEASE_SCHEMA, {})
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    places = {"held": _HELD.format(batch=name), "batch": name, "how": "expire" if expired else "release"}
    connection.execute(text(_LOCK_HELD.format(**places)))
    done = connection.execute(text(_RELEASES.format(**places))).rowcount
    connection.execute(text(_RELEASE.format(**places)))
    return done


def spend_expired(connection: Connection, requests: Collection[str], asset: str) -> int:
    """Post what expired of an asset that these requests had set aside as spent after all, each once."""
    query = (
        "SELECT of_request || ':lapse' AS request, debit, credit, amount, 'lapsed' AS reason FROM ledger_entry "
        "WHERE kind = 'expire' AND asset = %(asset)s AND of_request = ANY (%(requests)s) ORDER BY 1"
    )
    return post_batch(
        connection, copy_out(connection, query, BATCH_SCHEMA, {"asset": asset, "requests": list(requests)})
    )


def open_requests(connection: Connection, like: str) -> pa.Table:
    """Return the requests (``request``) whose id begins with ``like`` and that still hold something back."""
    query = "SELECT DISTINCT request FROM ledger_hold WHERE starts_with(request, %(like)s) ORDER BY request"
    return copy_out(connection, query, pa.schema([("request", pa.string())]), {"like": like})


def lock_accounts(connection: Connection, accounts: Collection[str]) -> None:
    """Lock whole accounts, in the order in which everybody locks them, and end their holds whose moment has come.

    Until the transaction ends, what they hold changes by nobody else.
    """
    asked = {"accounts": sorted(accounts)}
    connection.execute(_LOCK_ALL, asked)
    connection.execute(_EXPIRE_ALL, asked)


def _do(connection: Connection, rows: pa.Table, kind: _Kind) -> int:
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    places = {"batch": name, "said": kind.said, "group": kind.group, "kind": kind.name}
    sides = _SIDES.format(**places)
    if other := connection.scalar(text(_OTHER.format(**places))):
        raise errors.other_content(str(other), "asked")
    if unknown := connection.scalar(text(_UNKNOWN.format(**places))):
        raise errors.no_account(str(unknown))
    for left in range(_TRIES, 0, -1):
        try:
            with connection.begin_nested():
                connection.execute(text(_KNOWN.format(**places)))
                made = connection.execute(text(_REQUESTS.format(**places))).rowcount
                connection.execute(text(_RESOLVED.format(**places)))
                connection.execute(text(_ENTRIES.format(**places)))
                connection.execute(text(_LOCK.format(sides=sides)))
                connection.execute(text(_MOVE.format(sides=sides, debits=kind.debits, credits=kind.credits)))
                if kind.extra:
                    connection.execute(text(kind.extra.format(**places)))
                return int(made)
        except IntegrityError as error:
            # Somebody else posted some of them in this very moment: they are known now.
            if left > 1 and getattr(error.orig, "sqlstate", "") == _UNIQUE:
                continue
            raise errors.batch_refused() from error
    raise AssertionError("a batch was tried without an end")
