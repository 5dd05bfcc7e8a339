"""What accounts hold, now or at an earlier moment, and the entries behind it; whether the whole ledger is right."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Connection, text

from bankloop.ledger import errors
from bankloop.ledger.contracts import AccountBalance, AccountLine, HeldLine, LedgerFault, LedgerMovement

_POSTED = "kind IN ('post', 'take', 'reverse')"
_BALANCES = (
    "SELECT a.account, a.asset, (sum(b.credits) - sum(b.debits))::bigint AS posted, "
    "sum(b.held_out)::bigint AS held_out, sum(b.held_in)::bigint AS held_in "
    "FROM ledger_account a JOIN ledger_balance b USING (account) WHERE {which} GROUP BY 1, 2 ORDER BY 1 LIMIT :most"
)
_AT = text(
    "SELECT coalesce(sum(CASE WHEN credit = :account THEN amount ELSE -amount END), 0)::bigint FROM ledger_entry "
    f"WHERE (debit = :account OR credit = :account) AND {_POSTED} AND recorded_at <= :moment"
)
_STATEMENT = text(
    "SELECT *, sum(posted) OVER (ORDER BY entry_id)::bigint AS balance FROM (SELECT entry_id, request, line, kind, "
    "CASE WHEN credit = :account THEN debit ELSE credit END AS other, reason, recorded_at, "
    "CASE WHEN credit = :account THEN amount ELSE -amount END AS change, "
    f"CASE WHEN NOT {_POSTED} THEN 0 WHEN credit = :account THEN amount ELSE -amount END AS posted "
    "FROM ledger_entry WHERE debit = :account OR credit = :account) e ORDER BY entry_id DESC LIMIT :most"
)
_SUMS = text(
    "SELECT a.asset, sum(b.debits)::bigint AS debits, sum(b.credits)::bigint AS credits, "
    "sum(b.held_out)::bigint AS held_out, sum(b.held_in)::bigint AS held_in "
    "FROM ledger_account a JOIN ledger_balance b USING (account) GROUP BY 1 ORDER BY 1"
)
_OWING = text(
    "SELECT a.customer_no FROM ledger_account a JOIN ledger_balance b USING (account) "
    "WHERE starts_with(a.account, :like) AND a.customer_no IS NOT NULL GROUP BY 1 "
    "HAVING sum(b.credits) < sum(b.debits) ORDER BY 1"
)
_BY_KIND = text(
    "SELECT split_part(account, '/', 2) AS kind, (sum(credits) - sum(debits))::bigint AS posted FROM ledger_balance "
    "WHERE starts_with(account, :like) GROUP BY 1 ORDER BY 1"
)
_MOVED = text(
    "SELECT date_trunc('month', recorded_at AT TIME ZONE :zone)::date AS month, split_part(debit, '/', 2) AS source, "
    "split_part(credit, '/', 2) AS target, sum(amount)::bigint AS amount FROM ledger_entry "
    f"WHERE {_POSTED} AND recorded_at >= :since AND starts_with(debit, :like) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_HELD = text(
    "SELECT h.line, h.debit AS account, h.amount, h.expires_at, coalesce(r.kind, '') AS ended, "
    "coalesce(r.request, '') AS ended_by, v.request IS NOT NULL AS reversed FROM ledger_entry h "
    "LEFT JOIN ledger_entry r ON r.of_request = h.request AND r.of_line = h.line "
    "AND r.kind IN ('take', 'release', 'expire') LEFT JOIN ledger_entry v ON v.of_request = r.request "
    "AND v.of_line = r.line AND v.kind = 'reverse' AND r.kind = 'take' "
    "WHERE h.request = :request AND h.kind = 'hold' ORDER BY h.line"
)
# Each account by itself, by its own index: of what it holds back only the first row is read, not all of them.
_DRAWN = text(
    "SELECT a.account, (SELECT (e.recorded_at AT TIME ZONE :zone)::date FROM ledger_entry e "
    "WHERE e.debit = a.account AND e.kind = 'hold' ORDER BY e.entry_id LIMIT 1) AS since, "
    "(SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_entry e WHERE e.debit = a.account "
    "AND e.kind IN ('release', 'expire')) + (SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_entry e "
    "WHERE e.credit = a.account AND e.kind = 'reverse') - "
    "(SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_entry e WHERE e.debit = a.account AND e.kind = 'post' "
    "AND e.reason = 'lapsed') AS freed FROM unnest(CAST(:accounts AS text[])) a (account)"
)
_FILLED = text(
    "SELECT a.account, (SELECT e.reason FROM ledger_entry e WHERE e.credit = a.account AND e.kind = 'post' "
    "ORDER BY e.entry_id DESC LIMIT 1) AS reason FROM unnest(CAST(:accounts AS text[])) a (account)"
)
# What the entries say of each side of each account, beside what the balances say.
_REBUILT = text(
    "WITH e AS (SELECT e.*, EXISTS (SELECT FROM ledger_entry r WHERE r.of_request = e.request AND r.of_line = e.line "
    "AND r.kind IN ('take', 'release', 'expire')) AS ended FROM ledger_entry e), said AS ("
    f"SELECT account, sum(d) AS d, sum(c) AS c, sum(o) AS o, sum(i) AS i FROM (SELECT debit AS account, "
    f"CASE WHEN {_POSTED} THEN amount ELSE 0 END AS d, 0 AS c, "
    "CASE WHEN kind = 'hold' AND NOT ended THEN amount ELSE 0 END AS o, 0 AS i FROM e UNION ALL SELECT credit, 0, "
    f"CASE WHEN {_POSTED} THEN amount ELSE 0 END, 0, CASE WHEN kind = 'hold' AND NOT ended THEN amount ELSE 0 END "
    "FROM e) s GROUP BY 1), kept AS (SELECT account, sum(debits) AS d, sum(credits) AS c, sum(held_out) AS o, "
    "sum(held_in) AS i FROM ledger_balance GROUP BY 1) "
    "SELECT account, v.what, v.said::bigint AS said, v.kept::bigint AS kept FROM kept FULL JOIN said USING (account), "
    "LATERAL (VALUES ('debits', coalesce(said.d, 0), coalesce(kept.d, 0)), ('credits', coalesce(said.c, 0), "
    "coalesce(kept.c, 0)), ('held_out', coalesce(said.o, 0), coalesce(kept.o, 0)), "
    "('held_in', coalesce(said.i, 0), coalesce(kept.i, 0))) v (what, said, kept) WHERE v.said <> v.kept ORDER BY 1, 2"
)
_OPEN = text(
    "SELECT count(*) FILTER (WHERE h.request IS NULL) AS missing, count(*) FILTER (WHERE e.request IS NULL) AS extra "
    "FROM (SELECT request, line FROM ledger_entry e WHERE kind = 'hold' AND NOT EXISTS (SELECT FROM ledger_entry r "
    "WHERE r.of_request = e.request AND r.of_line = e.line AND r.kind IN ('take', 'release', 'expire'))) e "
    "FULL JOIN ledger_hold h USING (request, line)"
)


def balances(
    connection: Connection, *, like: str = "", customer_no: str = "", asset: str = "", most: int = 200
) -> tuple[AccountBalance, ...]:
    """Return the balances of accounts whose name begins so, or of a customer, or of an asset, as far as seen."""
    which = "a.customer_no = :customer" if customer_no else "starts_with(a.account, :like)"
    which = "a.asset = :asset" if asset else which
    asked = {"like": like, "customer": customer_no, "asset": asset, "most": most}
    rows = connection.execute(text(_BALANCES.format(which=which)), asked)
    return tuple(AccountBalance(**row) for row in rows.mappings())


def balances_of(connection: Connection, accounts: Collection[str]) -> dict[str, AccountBalance]:
    """Return the balances of accounts by their names, of those that are there and may be seen."""
    asked = {"accounts": list(accounts), "most": len(accounts)}
    rows = connection.execute(text(_BALANCES.format(which="a.account = ANY (:accounts)")), asked).mappings()
    return {row["account"]: AccountBalance(**row) for row in rows}


def balance_of(connection: Connection, account: str) -> AccountBalance:
    """Return an account's balance; ``NotFoundError`` where it is not there or not to be seen."""
    found = balances_of(connection, [account])
    if account not in found:
        raise errors.no_account(account)
    return found[account]


def held_by(connection: Connection, request: str) -> tuple[HeldLine, ...]:
    """Return what a request set aside, and what became of each of its lines; empty where it set nothing aside."""
    rows = connection.execute(_HELD, {"request": request}).mappings()
    return tuple(HeldLine(**row) for row in rows)


def balance_at(connection: Connection, account: str, moment: datetime) -> int:
    """Return what an account held at a moment, from its entries alone."""
    balance_of(connection, account)
    return int(connection.execute(_AT, {"account": account, "moment": moment}).scalar_one())


def statement(connection: Connection, account: str, most: int = 100) -> tuple[AccountLine, ...]:
    """Return an account's newest entries, the newest first, holds among them: a hold changes no balance."""
    balance_of(connection, account)
    rows = connection.execute(_STATEMENT, {"account": account, "most": most}).mappings()
    return tuple(AccountLine(**{name: row[name] for name in AccountLine.__dataclass_fields__}) for row in rows)


def drawn_on(connection: Connection, accounts: Collection[str], zone: str) -> dict[str, tuple[date | None, int]]:
    """Return of accounts since which day something is set aside, and how much of that was given back or reversed."""
    rows = connection.execute(_DRAWN, {"accounts": list(accounts), "zone": zone})
    return {row.account: (row.since, row.freed) for row in rows}


def last_filled(connection: Connection, accounts: Collection[str]) -> dict[str, str | None]:
    """Return of accounts the reason for which something was last posted to them; None where nothing was."""
    return {row.account: row.reason for row in connection.execute(_FILLED, {"accounts": list(accounts)})}


def who_owes(connection: Connection, like: str) -> tuple[str, ...]:
    """Return the customers of the accounts of that name's beginning that hold less than nothing."""
    return tuple(connection.scalars(_OWING, {"like": like}))


def sums_by_kind(connection: Connection, like: str) -> dict[str, int]:
    """Return what accounts hold together by the second part of their names: ``wallet`` of ``points/wallet/C1``."""
    return {row.kind: row.posted for row in connection.execute(_BY_KIND, {"like": like})}


def moved_by_month(connection: Connection, like: str, since: datetime, zone: str) -> tuple[LedgerMovement, ...]:
    """Return what moved in each month between kinds of accounts, by the second part of their names."""
    rows = connection.execute(_MOVED, {"like": like, "since": since, "zone": zone})
    return tuple(LedgerMovement(row.month, row.source, row.target, row.amount) for row in rows)


def check_ledger(connection: Connection) -> tuple[LedgerFault, ...]:
    """Return what is not as it must be; empty where the ledger is right.

    For each asset what was debited is what was credited, posted and held apart; the balances are those that the entries
    give; the holds that are open are those that no entry ended.
    """
    found = []
    for row in connection.execute(_SUMS):
        found += [LedgerFault("posted", row.asset, row.debits, row.credits)] * (row.debits != row.credits)
        found += [LedgerFault("held", row.asset, row.held_out, row.held_in)] * (row.held_out != row.held_in)
    found += [LedgerFault(row.what, row.account, row.said, row.kept) for row in connection.execute(_REBUILT)]
    opened = connection.execute(_OPEN).one()
    if opened.missing or opened.extra:
        found.append(LedgerFault("open_holds", "", opened.missing, opened.extra))
    return tuple(found)
