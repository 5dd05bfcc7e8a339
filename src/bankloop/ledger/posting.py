"""How something is posted: a request of one or more lines, done whole and once, in one round trip.

A request's id is chosen by who asks and kept by them. Asked again it tells what became of it, and never has a second
effect; a refused one stays refused, so that nobody's repeated attempt turns out otherwise without their knowing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from bankloop.ledger import errors
from bankloop.ledger.contracts import MAX_AMOUNT, MAX_LINES, Line, Outcome

_POST = text("SELECT ledger_post(:request, CAST(:asked AS jsonb))")
_ASKED = text("SELECT asked FROM ledger_request WHERE request = :request")
# Balances are locked in the order in which every request locks them, and before a hold is touched.
_DUE = (
    "(SELECT request, line, debit, debit_shard, credit, credit_shard FROM ledger_hold "
    "WHERE expires_at <= bankloop_now() ORDER BY expires_at, request, line LIMIT :most)"
)
_LOCK_DUE = text(
    f"SELECT 1 FROM ledger_balance b JOIN (SELECT debit AS account, debit_shard AS shard FROM {_DUE} d UNION "
    f"SELECT credit, credit_shard FROM {_DUE} c) k USING (account, shard) ORDER BY b.account, b.shard FOR UPDATE OF b"
)
_EXPIRE = text(
    f"WITH due AS (DELETE FROM ledger_hold h USING {_DUE} d WHERE h.request = d.request AND h.line = d.line "
    "RETURNING h.*) SELECT count(ledger_end_hold(due::ledger_hold, 'expire', 'expired', request, line)::text) FROM due"
)


def post(connection: Connection, request: str, lines: Sequence[Line]) -> Outcome:
    """Do all lines of a request, or none; the same id with other lines is refused by the field that differs.

    A refusal is an outcome, not an error: it is kept with its id where the transaction is committed.
    """
    asked = [dict(one.asked) for one in lines]
    _check(asked)
    found: str = connection.execute(_POST, {"request": request, "asked": json.dumps(asked)}).scalar_one()
    if not found:
        return Outcome(request)
    reason, _, line = found.partition(":")
    if reason == "again":
        return Outcome(request, again=True)
    if reason == "other":
        raise errors.other_content(request, _difference(connection, request, asked))
    return Outcome(request, refused=reason, line=int(line))


def must_post(connection: Connection, request: str, lines: Sequence[Line]) -> Outcome:
    """Do all lines, raising ``ConflictError`` where they are refused: whoever asks undoes their own part as well."""
    found = post(connection, request, lines)
    if found.refused:
        raise errors.refused(request, found.refused, found.line)
    return found


def asked_of(connection: Connection, request: str) -> list[dict[str, Any]] | None:
    """Return the lines that an id stands for, None where it stands for nothing."""
    found: list[dict[str, Any]] | None = connection.execute(_ASKED, {"request": request}).scalar_one_or_none()
    return found


def expire_holds(connection: Connection, most: int = 10_000) -> int:
    """End the holds whose moment has come, at most so many at a time, and return how many."""
    connection.execute(_LOCK_DUE, {"most": most})
    return int(connection.execute(_EXPIRE, {"most": most}).scalar_one())


def _check(asked: Sequence[dict[str, Any]]) -> None:
    if not 1 <= len(asked) <= MAX_LINES:
        raise errors.bad_line(len(asked), "lines")
    for at, one in enumerate(asked):
        amount = one.get("amount", 1)
        if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MAX_AMOUNT:
            raise errors.bad_line(at, f"{amount}"[:32])
        if "debit" in one and one["debit"] == one["credit"]:
            raise errors.bad_line(at, str(one["debit"])[:64])


def _difference(connection: Connection, request: str, asked: Sequence[dict[str, Any]]) -> str:
    """Return the first field in which a request differs from what its id stands for."""
    known = asked_of(connection, request) or []
    if len(known) != len(asked):
        return "lines"
    for was, now in zip(known, asked, strict=True):
        for field in sorted({*was, *now}):
            if was.get(field) != now.get(field):
                return field
    return "asked"
