"""What a customer has in points, and what the bank owes all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from bankloop.benefit.points.contracts import (
    ASSET,
    PARTNERS,
    PPM,
    LotState,
    Month,
    Owed,
    PointsProgramme,
    Spend,
    Wallet,
)
from bankloop.benefit.points.service import debt_of, lot_of
from bankloop.benefit.points.tables import points_lot, points_report, points_spend
from bankloop.kit.clock import local_moment
from bankloop.kit.plain import plain
from bankloop.ledger.contracts import LedgerFault, LedgerMovement
from bankloop.ledger.statements import balances, check_ledger, moved_by_month, sums_by_kind
from bankloop.organization.rights import check_named
from bankloop.store.database import now_of

ENDING_DAYS = 30
_MOST = 100
# Kinds of accounts that points come from: the bank's and partners'.
_SOURCES = frozenset({"issued", "partner"})
_ENDING = text(
    "SELECT coalesce(sum(remaining), 0)::bigint FROM points_lot WHERE state = 'active' AND expires_on > :today "
    "AND expires_on <= :until"
)
_HOLDERS = text("SELECT count(DISTINCT customer_no) FROM points_lot WHERE remaining > 0")


def wallet(connection: Connection, customer_no: str, today: date) -> Wallet:
    """Return what a customer has, with the newest lots and spendings; ``NotFoundError`` for one who may not be seen."""
    check_named(connection, customer_no=customer_no)
    t = points_lot.c
    rows = connection.execute(
        select(points_lot).where(t.customer_no == customer_no).order_by(t.earned_on.desc(), t.lot.desc())
    ).mappings()
    lots = tuple(lot_of(row) for row in rows)
    live = [
        one
        for one in lots
        if one.state is LotState.ACTIVE
        and one.active_from <= today
        and (one.expires_on is None or one.expires_on > today)
    ]
    until = today + timedelta(days=ENDING_DAYS)
    owed = [one for one in balances(connection, customer_no=customer_no) if one.account == debt_of(customer_no)]
    s = points_spend.c
    spent = connection.execute(
        select(points_spend).where(s.customer_no == customer_no).order_by(s.made_at.desc()).limit(_MOST)
    ).mappings()
    return Wallet(
        customer_no,
        sum(one.remaining for one in live),
        sum(one.remaining for one in lots if one.state is LotState.PENDING),
        sum(-one.posted for one in owed),
        sum(one.remaining for one in live if one.expires_on is not None and one.expires_on <= until),
        lots[:_MOST],
        tuple(Spend(**{name: row[name] for name in Spend.__dataclass_fields__}) for row in spent),
    )


def owed(connection: Connection, programme: PointsProgramme, today: date, zone: str) -> Owed:
    """Return what the bank owes in points, what it sets aside, what moved by month of a year, and what is wrong.

    All of it is read off the ledger: what was earned and taken back, spent and given back is told net; over all
    months earned less spent less expired is what customers hold less what they owe.
    """
    sums = sums_by_kind(connection, f"{ASSET}/")
    outstanding, pending = sums.get("wallet", 0), sums.get("pending", 0)
    first = (today.replace(day=1) - timedelta(days=335)).replace(day=1)
    since = local_moment(first, 0, 0, zone)
    until = today + timedelta(days=ENDING_DAYS)
    worth = (outstanding + pending) * programme.worth_fen * (PPM - programme.breakage_ppm) // (100 * PPM)
    partners = balances(connection, like=PARTNERS)
    return Owed(
        outstanding,
        pending,
        -sums.get("debt", 0),
        worth,
        int(connection.execute(_ENDING, {"today": today, "until": until}).scalar_one()),
        int(connection.execute(_HOLDERS).scalar_one()),
        months_of(moved_by_month(connection, f"{ASSET}/", since, zone)),
        {one.account.removeprefix(PARTNERS): -one.posted for one in partners},
        check_ledger(connection),
    )


def keep_owed(connection: Connection, found: Owed, today: date) -> None:
    """Keep what the bank owes as a day's report: reading all accounts and entries is a night's work, not a page's."""
    kept = insert(points_report).values(day=today, figures=plain(found), made_at=now_of(connection))
    connection.execute(
        kept.on_conflict_do_update(
            index_elements=["day"], set_={"figures": kept.excluded.figures, "made_at": kept.excluded.made_at}
        )
    )


def last_owed(connection: Connection) -> tuple[Owed, datetime] | None:
    """Return the newest day's report with its moment, None before the first."""
    t = points_report.c
    row = connection.execute(select(t.figures, t.made_at).order_by(t.day.desc()).limit(1)).first()
    if row is None:
        return None
    months = tuple(Month(**{**one, "month": date.fromisoformat(one["month"])}) for one in row.figures["months"])
    wrong = tuple(LedgerFault(**one) for one in row.figures["wrong"])
    return Owed(**{**row.figures, "months": months, "wrong": wrong}), row.made_at


def months_of(moved: Sequence[LedgerMovement]) -> tuple[Month, ...]:
    """Return by month what was earned, spent and expired, each net of what went the same way back."""
    found: dict[date, Counter[str]] = {}
    for one in moved:
        sums = found.setdefault(one.month, Counter())
        sums["earned"] += one.amount * ((one.source in _SOURCES) - (one.target in _SOURCES))
        sums["spent"] += one.amount * ((one.target == "redeemed") - (one.source == "redeemed"))
        sums["expired"] += one.amount * (one.target == "expired")
    return tuple(Month(month, sums["earned"], sums["spent"], sums["expired"]) for month, sums in sorted(found.items()))
