"""The verbs of grants: given out of budget and stock in one batch, redeemed, returned; all of it in the ledger.

Who grants locks the pools' accounts in the order of their names; a second writer waits and then sees what is left. A
decision is granted once, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.benefit.grants import errors
from bankloop.benefit.grants.contracts import (
    BUDGET,
    BUDGET_EXHAUSTED,
    GRANT_OUTCOME_SCHEMA,
    GRANT_SCHEMA,
    LIMIT,
    STOCK,
    STOCK_EXHAUSTED,
    TAKEN,
    BenefitGrant,
    GrantLife,
    accounts_of,
    request_of,
)
from bankloop.benefit.grants.reading import grant_of
from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Text
from bankloop.ledger.accounts import open_accounts, open_asset
from bankloop.ledger.batches import (
    BATCH_SCHEMA,
    HOLD_SCHEMA,
    RELEASE_SCHEMA,
    hold_batch,
    lock_accounts,
    open_requests,
    post_batch,
    release_batch,
    spend_expired,
)
from bankloop.ledger.contracts import EntryRef, LedgerAccount, LedgerAsset, Line, release, reverse, take
from bankloop.ledger.posting import asked_of, post
from bankloop.ledger.statements import balances_of, held_by
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_in, fitted
from bankloop.store.database import bank_wide
from bankloop.store.verbs import verb

_MOST_WORDS = 200
# A pool: the asset, and its name.
Pool = tuple[str, str]


def grant_benefits(
    connection: Connection, table: pa.Table, budgets: Mapping[str, int], stocks: Mapping[str, int]
) -> pa.Table:
    """Grant benefits (``GRANT_SCHEMA``) in the order given and return each one's outcome (``GRANT_OUTCOME_SCHEMA``).

    ``budgets`` maps a budget's pool to its fen, ``stocks`` a benefit to its pieces; what they do not name is unlimited.
    A decision asked for again gets its first outcome.
    """
    rows = fitted("grants", table, GRANT_SCHEMA, {"expires_on": None})
    if not rows.num_rows:
        return GRANT_OUTCOME_SCHEMA.empty_table()
    limits = _limits(rows, budgets, stocks)
    left = _open_pools(connection, limits)
    known = _known(connection, rows)
    fresh: dict[str, str] = {}
    granted = []
    for row in rows.to_pylist():
        if row["decision_id"] not in known and row["decision_id"] not in fresh:
            refused = fresh[row["decision_id"]] = _take(row, limits, left)
            if not refused:
                granted.append(row)
    # Of what has a limit nothing is filled in: the ledger itself refuses what goes beyond it.
    _fill(connection, {pool: max(0, -rest) for pool, rest in left.items() if limits[pool] is None}, TAKEN)
    lines = [line for row in granted for line in _lines(row)]
    hold_batch(connection, pa.Table.from_pylist(lines, schema=HOLD_SCHEMA))
    _store(connection, rows, fresh)
    outcomes = {**known, **fresh}
    ids = rows["decision_id"].to_pylist()
    refusals = [outcomes[one] for one in ids]
    return pa.table([ids, [not r for r in refusals], refusals], schema=GRANT_OUTCOME_SCHEMA)


@verb("benefit.redeem")
def redeem_grant(connection: Connection, decision_id: str, order: str) -> BenefitGrant:
    """Redeem a grant for an order, once: again for the same order nothing happens, for another one it is refused."""
    found = _open_grant(connection, decision_id, order)
    request = request_of(found.decision_id)
    with bank_wide(connection):
        lines = [take(EntryRef(request, one.line), order) for one in held_by(connection, request)]
        fresh = _posted(connection, found.decision_id, "redeem", lines)
    if fresh:
        record_audit(connection, "benefit.redeem", "benefit_grant", found.decision_id, None, {"order": order})
    return grant_of(connection, found.decision_id)


@verb("benefit.return")
def return_grant(connection: Connection, decision_id: str, reason: str) -> BenefitGrant:
    """Give a grant back to its budget and stock, once: what was set aside, or what was redeemed."""
    found = _open_grant(connection, decision_id, reason)
    request = request_of(found.decision_id)
    with bank_wide(connection):
        lines = [
            reverse(EntryRef(one.ended_by, one.line), reason)
            if one.ended
            else release(EntryRef(request, one.line), reason)
            for one in held_by(connection, request)
        ]
        fresh = _posted(connection, found.decision_id, "return", lines)
    if fresh:
        before, after = {"life": found.life}, {"reason": reason}
        record_audit(connection, "benefit.return", "benefit_grant", found.decision_id, before, after)
    return grant_of(connection, found.decision_id)


@verb("benefit.expire")
def expire_grants(connection: Connection, through: date, expected: Collection[str] = ()) -> int:
    """End what nobody redeemed of the grants whose last day is not after ``through``, and return how many ended.

    For whoever knows that all redemptions of these days have been told: what expires may be granted again. Of the
    benefits named as ``expected`` less than their face was set aside, for those too who let theirs pass: that
    stays spent.
    """
    with bank_wide(connection):
        name = copy_in(connection, open_requests(connection, request_of("")))
        due = connection.execute(
            text(
                f"SELECT g.decision_id::text, g.benefit FROM benefit_grant g JOIN {name} o "
                "ON g.decision_id = substr(o.request, :after)::uuid WHERE g.expires_on <= :through"
            ),
            {"after": len(request_of("")) + 1, "through": through},
        ).all()
        ended = release_batch(connection, _releases([row[0] for row in due], "expire", f"{through}"), expired=True)
        spend_expired(connection, [request_of(row[0]) for row in due if row[1] in expected], BUDGET)
    record_audit(connection, "benefit.expire", "benefit_grant", f"{through}", None, {"expired": ended})
    return ended


def _posted(connection: Connection, decision_id: str, how: str, lines: Sequence[Line]) -> bool:
    """End a grant on the ledger and return whether that is new; what somebody else made of it meanwhile is said."""
    request = f"{request_of(decision_id)}:{how}"
    try:
        done = post(connection, request, lines)
        if not done.refused:
            return not done.again
    except ConflictError:
        pass
    life = grant_of(connection, decision_id).life
    known = asked_of(connection, f"{request_of(decision_id)}:redeem") if life is GrantLife.REDEEMED else None
    order = str(known[0].get("reason", ""))[:64] if known else ""
    called = Text(f"{life.called.zh}（{order}）", f"{life.called.en} for {order}") if order else life.called
    raise errors.not_open(decision_id, called)


def return_unused(connection: Connection, decision_ids: Sequence[str], reason: str) -> None:
    """Give back what grants of these decisions set aside and nobody redeemed; others are passed over.

    For whoever calls contacts off, whose view of the bank is wide meanwhile.
    """
    release_batch(connection, _releases(decision_ids, "return", reason))


def _releases(decision_ids: Sequence[str], how: str, reason: str) -> pa.Table:
    held = [request_of(one) for one in sorted(set(decision_ids))]
    rows = [{"request": f"{one}:{how}", "of_request": one, "reason": reason} for one in held]
    return pa.Table.from_pylist(rows, schema=RELEASE_SCHEMA)


def _limits(rows: pa.Table, budgets: Mapping[str, int], stocks: Mapping[str, int]) -> dict[Pool, int | None]:
    """Return every pool that is named, with its limit, None where there is none."""
    asked = [(BUDGET, one) for one in rows["budget"].unique().to_pylist() if one]
    asked += [(STOCK, one) for one in rows["benefit"].unique().to_pylist()]
    stated = [((BUDGET, name), fen) for name, fen in budgets.items()]
    stated += [((STOCK, name), pieces) for name, pieces in stocks.items()]
    return {**dict.fromkeys(asked), **dict(stated)}


def _open_pools(connection: Connection, limits: Mapping[Pool, int | None]) -> dict[Pool, int]:
    """Open and lock the pools, fill each to its limit, or empty it as far as it is free, and return what is left.

    What has no limit may go below nothing meanwhile: that is filled in once it is known how much it is.
    """
    open_asset(connection, LedgerAsset(BUDGET, Text("权益预算", "benefit budgets"), 2))
    open_asset(connection, LedgerAsset(STOCK, Text("权益库存", "benefit stock")))
    opened = {pool: accounts_of(*pool) for pool in limits}
    accounts = [
        LedgerAccount(name, asset, bounded=name != pool.source)
        for (asset, _), pool in opened.items()
        for name in pool.names
    ]
    open_accounts(connection, accounts)
    lock_accounts(connection, [one.account for one in accounts])
    now = balances_of(connection, [one.account for one in accounts])
    changes = {}
    for pool, limit in limits.items():
        if limit is not None:
            wanted = limit + now[opened[pool].source].posted
            changes[pool] = max(wanted, -now[opened[pool].left].available)
    _fill(connection, changes, LIMIT)
    return {pool: now[opened[pool].left].available + changes.get(pool, 0) for pool in limits}


def _fill(connection: Connection, changes: Mapping[Pool, int], why: str) -> None:
    """Bring so much into pools, or out of them."""
    rows = []
    for pool, change in changes.items():
        accounts = accounts_of(*pool)
        sides = (accounts.source, accounts.left) if change > 0 else (accounts.left, accounts.source)
        if change:
            asked = (f"{accounts.left}/{uuid4().hex}", *sides, abs(change), why)
            rows.append(dict(zip(BATCH_SCHEMA.names, asked, strict=True)))
    post_batch(connection, pa.Table.from_pylist(rows, schema=BATCH_SCHEMA))


def _known(connection: Connection, rows: pa.Table) -> dict[str, str]:
    query = text(
        "SELECT decision_id::text, refused_by FROM benefit_grant WHERE decision_id = ANY (CAST(:ids AS uuid[]))"
    )
    return {row[0]: row[1] for row in connection.execute(query, {"ids": rows["decision_id"].to_pylist()})}


def _take(row: Mapping[str, Any], limits: Mapping[Pool, int | None], left: dict[Pool, int]) -> str:
    """Take one grant from its pools, or say which one is empty and take nothing."""
    wanted = list(_wanted(row))
    for pool, amount, empty in wanted:
        if limits[pool] is not None and left[pool] < amount:
            return empty
    for pool, amount, _ in wanted:
        left[pool] -= amount
    return ""


def _wanted(row: Mapping[str, Any]) -> Iterator[tuple[Pool, int, str]]:
    """Yield what a grant takes of which pool, and what it is refused for where that is empty."""
    if row["budget"]:
        yield (BUDGET, row["budget"]), row["reserved_fen"], BUDGET_EXHAUSTED
    yield (STOCK, row["benefit"]), 1, STOCK_EXHAUSTED


def _lines(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for line, (pool, amount, _) in enumerate(one for one in _wanted(row) if one[1]):
        accounts = accounts_of(*pool)
        yield {
            "request": request_of(row["decision_id"]),
            "line": line,
            "debit": accounts.left,
            "credit": accounts.spent,
            "amount": amount,
            "reason": "grant",
            "expires_at": None,
        }


def _store(connection: Connection, rows: pa.Table, fresh: Mapping[str, str]) -> None:
    refused = pa.array([fresh.get(one) for one in rows["decision_id"].to_pylist()], pa.string())
    new = rows.drop_columns(["budget"]).append_column("refused_by", refused).filter(refused.is_valid())
    name = copy_in(connection, new)
    connection.execute(
        text(
            "INSERT INTO benefit_grant (decision_id, customer_no, unit_id, benefit, reserved_fen, granted, refused_by, "
            "expires_on) SELECT DISTINCT ON (decision_id) decision_id::uuid, customer_no, unit_id, benefit, "
            "reserved_fen, coalesce(refused_by, '') = '', coalesce(refused_by, ''), expires_on "
            f"FROM {name} ORDER BY decision_id"
        )
    )


def _open_grant(connection: Connection, decision_id: str, words: str) -> BenefitGrant:
    """Return a grant that may be redeemed or returned; an order or a reason must say something."""
    if not words.strip() or len(words) > _MOST_WORDS:
        raise errors.bad_reason()
    found = grant_of(connection, decision_id)
    if found.life not in (GrantLife.ISSUED, GrantLife.REDEEMED):
        raise errors.not_open(found.decision_id, found.life.called)
    return found
