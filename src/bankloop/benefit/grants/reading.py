"""How a grant and a pool stand, read from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from bankloop.benefit.grants import errors
from bankloop.benefit.grants.contracts import (
    BUDGET,
    LIMIT,
    STOCK,
    BenefitGrant,
    BurnDown,
    GrantLife,
    GrantPool,
    accounts_of,
    request_of,
)
from bankloop.benefit.grants.tables import benefit_grant
from bankloop.ledger.contracts import AccountBalance, HeldLine
from bankloop.ledger.statements import balances, balances_of, drawn_on, held_by, last_filled
from bankloop.store.database import bank_wide

_MOST = 10_000
# Beyond it a pool is not said to end at all.
_FAR_DAYS = 3_660
_ENDS = {"": GrantLife.ISSUED, "take": GrantLife.REDEEMED, "release": GrantLife.RETURNED, "expire": GrantLife.EXPIRED}


def grant_of(connection: Connection, decision_id: str) -> BenefitGrant:
    """Return a grant as it stands; ``NotFoundError`` where it is not there or not to be seen."""
    row = row_of(connection, decision_id)
    number = str(row["decision_id"])  # however it was written
    with bank_wide(connection):
        held = held_by(connection, request_of(number))
    said = {name: row[name] for name in ("customer_no", "benefit", "reserved_fen", "refused_by", "expires_on")}
    return BenefitGrant(decision_id=number, life=_life(held) if row["granted"] else GrantLife.REFUSED, **said)


def pools(connection: Connection) -> tuple[GrantPool, ...]:
    """Return all budgets and stocks, each by its name, as they stand."""
    found: list[GrantPool] = []
    for asset in (BUDGET, STOCK):
        by_name = {one.account: one for one in balances(connection, asset=asset, most=3 * _MOST)}
        names = sorted(name.removeprefix(left) for name in by_name if name.startswith(left := f"{asset}/left/"))
        found += [_pool(asset, name, by_name) for name in names]
    filled = last_filled(connection, [accounts_of(one.asset, one.name).left for one in found])
    return tuple(replace(one, limited=filled[accounts_of(one.asset, one.name).left] == LIMIT) for one in found)


def burn_downs(connection: Connection, today: date, zone: str) -> tuple[BurnDown, ...]:
    """Return how all budgets and stocks go: at the pace since their first grant, today counted whole."""
    there, found = pools(connection), []
    drawn = drawn_on(connection, [accounts_of(one.asset, one.name).left for one in there], zone)
    for one in there:
        since, released = drawn[accounts_of(one.asset, one.name).left]
        used, empty = one.committed + one.spent, None
        if one.limited and used and since is not None:
            days = -(-one.left * max(1, (today - since).days + 1) // used)
            empty = today + timedelta(days=days) if days <= _FAR_DAYS else None
        found.append(BurnDown(one, released, since, empty))
    return tuple(found)


def pool_of(connection: Connection, asset: str, name: str) -> GrantPool:
    """Return a pool as it stands; one that is not there has nothing."""
    return _pool(asset, name, balances_of(connection, accounts_of(asset, name).names))


def row_of(connection: Connection, decision_id: str) -> RowMapping:
    """Return a grant's document; ``NotFoundError`` where it is not there or not to be seen."""
    t = benefit_grant
    try:
        row = connection.execute(select(t).where(t.c.decision_id == UUID(decision_id))).mappings().first()
    except ValueError as error:
        raise errors.no_grant(decision_id) from error
    if row is None:
        raise errors.no_grant(decision_id)
    return row


def _pool(asset: str, name: str, by_name: dict[str, AccountBalance]) -> GrantPool:
    nothing = AccountBalance("", asset, 0, 0, 0)
    source, left, spent = (by_name.get(one, nothing) for one in accounts_of(asset, name).names)
    return GrantPool(asset, name, -source.posted, left.held_out, spent.posted)


def _life(held: Sequence[HeldLine]) -> GrantLife:
    """Return what the ledger says of a grant: all of its lines end together."""
    if not held:
        return GrantLife.ISSUED
    return GrantLife.RETURNED if held[0].reversed else _ENDS[held[0].ended]
