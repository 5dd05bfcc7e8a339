"""Many postings at once, set-based: what a night does to a million wallets costs a few statements."""

from __future__ import annotations

import pyarrow as pa
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from bankloop.ledger import errors
from bankloop.store.copying import copy_in, fitted

BATCH_SCHEMA = pa.schema(
    [
        ("request", pa.string()),
        ("debit", pa.string()),
        ("credit", pa.string()),
        ("amount", pa.int64()),
        ("reason", pa.string()),
    ]
)
_UNIQUE = "23505"
_TRIES = 3
_SAID = (
    "jsonb_build_array(jsonb_build_object('kind', 'post', 'debit', b.debit, 'credit', b.credit, 'amount', b.amount, "
    "'reason', b.reason))"
)
_OTHER = (
    "SELECT b.request FROM {batch} b JOIN ledger_request r USING (request) WHERE r.asked <> {said} "
    "UNION ALL SELECT request FROM {batch} GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
)
_UNKNOWN = (
    "SELECT coalesce(d.account, b.debit) FROM {batch} b LEFT JOIN ledger_account d ON d.account = b.debit "
    "LEFT JOIN ledger_account c ON c.account = b.credit WHERE d.closed_at IS NOT NULL OR c.closed_at IS NOT NULL "
    "OR d.asset IS DISTINCT FROM c.asset OR d.asset IS NULL LIMIT 1"
)
_KNOWN = "DELETE FROM {batch} b USING ledger_request r WHERE r.request = b.request"
_REQUESTS = (
    "INSERT INTO ledger_request (request, asked, made_by) "
    "SELECT b.request, {said}, current_setting('bankloop.principal', true) FROM {batch} b ORDER BY b.request"
)
_ENTRIES = (
    "INSERT INTO ledger_entry (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount, reason) "
    "SELECT b.request, 0, 'post', d.asset, b.debit, floor(random() * d.shards)::integer, b.credit, "
    "floor(random() * c.shards)::integer, b.amount, b.reason FROM {batch} b "
    "JOIN ledger_account d ON d.account = b.debit JOIN ledger_account c ON c.account = b.credit ORDER BY b.request"
)
_SIDES = (
    "SELECT e.debit AS account, e.debit_shard AS shard, e.amount AS d, 0 AS c "
    "FROM ledger_entry e JOIN {batch} b USING (request) UNION ALL "
    "SELECT e.credit, e.credit_shard, 0, e.amount FROM ledger_entry e JOIN {batch} b USING (request)"
)
_LOCK = (
    "SELECT 1 FROM ledger_balance b JOIN (SELECT account, shard FROM ({batch}) m GROUP BY 1, 2) k "
    "USING (account, shard) ORDER BY b.account, b.shard FOR UPDATE OF b"
)
_MOVE = (
    "UPDATE ledger_balance b SET debits = b.debits + m.d, credits = b.credits + m.c "
    "FROM (SELECT account, shard, sum(d)::bigint AS d, sum(c)::bigint AS c FROM ({batch}) s GROUP BY 1, 2) m "
    "WHERE b.account = m.account AND b.shard = m.shard"
)


def post_batch(connection: Connection, batch: pa.Table) -> int:
    """Post many requests of one line each (``BATCH_SCHEMA``) and return how many were new.

    All or nothing: where an account would hold less than nothing, ``ConflictError``. An id that was used is passed over
    where it stands for the same, and refused where it does not.
    """
    rows = fitted("postings", batch, BATCH_SCHEMA, {})
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    sides = _SIDES.format(batch=name)
    if other := connection.scalar(text(_OTHER.format(batch=name, said=_SAID))):
        raise errors.other_content(str(other), "asked")
    if unknown := connection.scalar(text(_UNKNOWN.format(batch=name))):
        raise errors.no_account(str(unknown))
    for left in range(_TRIES, 0, -1):
        try:
            with connection.begin_nested():
                connection.execute(text(_KNOWN.format(batch=name)))
                made = connection.execute(text(_REQUESTS.format(batch=name, said=_SAID))).rowcount
                connection.execute(text(_ENTRIES.format(batch=name)))
                connection.execute(text(_LOCK.format(batch=sides)))
                connection.execute(text(_MOVE.format(batch=sides)))
                return int(made)
        except IntegrityError as error:
            # Somebody else posted some of them in this very moment: they are known now.
            if left > 1 and getattr(error.orig, "sqlstate", "") == _UNIQUE:
                continue
            raise errors.batch_refused() from error
    raise AssertionError("a batch was tried without an end")
