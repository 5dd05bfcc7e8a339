"""Assets and accounts: made once, with what they are fixed for good; closed when they are empty."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from bankloop.kit.text import Text
from bankloop.ledger import errors
from bankloop.ledger.contracts import LedgerAccount, LedgerAsset
from bankloop.ledger.tables import ledger_account, ledger_asset
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_in, fitted
from bankloop.store.verbs import verb

_WALLETS = pa.schema([("account", pa.string()), ("customer_no", pa.string())])
_OPEN_WALLETS = (
    "INSERT INTO ledger_account (account, asset, customer_no, bounded) "
    "SELECT account, :asset, customer_no, :bounded FROM {batch} ORDER BY account ON CONFLICT DO NOTHING"
)
_OPEN_BALANCES = (
    "INSERT INTO ledger_balance (account, shard, bounded) SELECT account, 0, :bounded FROM {batch} ORDER BY account "
    "ON CONFLICT DO NOTHING"
)
_BALANCES = text(
    "INSERT INTO ledger_balance (account, shard, bounded) SELECT :account, s, :bounded "
    "FROM generate_series(0, :shards - 1) s ON CONFLICT DO NOTHING"
)
_CLOSE = text(
    "UPDATE ledger_account a SET closed_at = bankloop_now() WHERE account = :account AND closed_at IS NULL "
    "AND NOT EXISTS (SELECT FROM ledger_balance b WHERE b.account = a.account "
    "GROUP BY b.account HAVING sum(credits) <> sum(debits) OR sum(held_out) + sum(held_in) > 0)"
)
_LOCK = text("SELECT 1 FROM ledger_balance WHERE account = :account ORDER BY shard FOR UPDATE")


def open_asset(connection: Connection, asset: LedgerAsset) -> None:
    """Make an asset unless it is there; its scale is fixed for good: ``ConflictError`` where it differs."""
    t = ledger_asset.c
    values = {"asset": asset.asset, "title_zh": asset.title.zh, "title_en": asset.title.en, "scale": asset.scale}
    connection.execute(insert(ledger_asset).values(**values).on_conflict_do_nothing())
    if connection.scalar(select(t.scale).where(t.asset == asset.asset)) != asset.scale:
        raise errors.other_account(asset.asset, "scale")


def open_accounts(connection: Connection, accounts: Sequence[LedgerAccount]) -> None:
    """Make accounts unless they are there; ``ConflictError`` where one is there with other properties."""
    there = _known(connection, [one.account for one in accounts])
    for one in sorted(accounts, key=lambda account: account.account):
        made = one.account not in there
        if made:
            values = {name: getattr(one, name) for name in LedgerAccount.__dataclass_fields__}
            connection.execute(insert(ledger_account).values(**values).on_conflict_do_nothing())
            there |= _known(connection, [one.account])
        known = there.get(one.account)
        if known is not None and known != one:
            field = next(
                name for name in LedgerAccount.__dataclass_fields__ if getattr(known, name) != getattr(one, name)
            )
            raise errors.other_account(one.account, field)
        if made:
            connection.execute(_BALANCES, {"account": one.account, "bounded": one.bounded, "shards": one.shards})


def open_wallets(connection: Connection, asset: str, wallets: pa.Table, *, bounded: bool = True) -> None:
    """Make an account for each customer of a table (``account``, ``customer_no``), unless it is there."""
    rows = fitted("wallets", wallets, _WALLETS, {})
    if rows.num_rows:
        name = copy_in(connection, rows)
        connection.execute(text(_OPEN_WALLETS.format(batch=name)), {"asset": asset, "bounded": bounded})
        connection.execute(text(_OPEN_BALANCES.format(batch=name)), {"bounded": bounded})


@verb("ledger.close")
def close_account(connection: Connection, account: str) -> None:
    """Close an account that holds nothing: nothing more is posted to it or from it."""
    if not _known(connection, [account]):
        raise errors.no_account(account)
    connection.execute(_LOCK, {"account": account})
    if not connection.execute(_CLOSE, {"account": account}).rowcount:
        raise errors.not_empty(account)
    record_audit(connection, "ledger.close", "ledger_account", account, None, {"closed": True})


def assets(connection: Connection) -> tuple[LedgerAsset, ...]:
    """Return all assets by name."""
    rows = connection.execute(select(ledger_asset).order_by(ledger_asset.c.asset))
    return tuple(LedgerAsset(row.asset, Text(row.title_zh, row.title_en), row.scale) for row in rows)


def _known(connection: Connection, accounts: Sequence[str]) -> dict[str, LedgerAccount]:
    columns = [ledger_account.c[name] for name in LedgerAccount.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(ledger_account.c.account.in_(accounts))).mappings()
    return {row["account"]: LedgerAccount(**row) for row in rows}
