"""What a customer has in points, and what the bank owes all of them."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, select, text

from bankloop.benefit.points.contracts import ASSET, PPM, LotState, Month, Owed, PointsProgramme, Spend, Wallet
from bankloop.benefit.points.service import debt_of, lot_of
from bankloop.benefit.points.tables import points_lot, points_spend
from bankloop.ledger.statements import balances, check_ledger, sums_by_kind
from bankloop.organization.rights import check_named

ENDING_DAYS = 30
_MOST = 100
_ENDING = text(
    "SELECT coalesce(sum(remaining), 0)::bigint FROM points_lot WHERE state = 'active' AND expires_on > :today "
    "AND expires_on <= :until"
)
_MONTHS = text(
    "SELECT month, sum(earned)::bigint AS earned, sum(spent)::bigint AS spent, sum(expired)::bigint AS expired FROM ("
    "SELECT date_trunc('month', earned_on)::date AS month, sum(points) AS earned, 0 AS spent, 0 AS expired "
    "FROM points_lot WHERE earned_on >= :since GROUP BY 1 UNION ALL "
    "SELECT date_trunc('month', made_at AT TIME ZONE :zone)::date, 0, sum(points - returned), 0 "
    "FROM points_spend WHERE made_at >= :since GROUP BY 1 UNION ALL "
    "SELECT date_trunc('month', l.expires_on)::date, 0, 0, sum(l.points - coalesce(p.used, 0)) FROM points_lot l "
    "LEFT JOIN (SELECT lot, sum(points - returned) AS used FROM points_part GROUP BY 1) p USING (lot) "
    "WHERE l.state = 'expired' AND l.expires_on >= :since GROUP BY 1) m GROUP BY 1 ORDER BY 1"
)
_ISSUERS = text("SELECT issuer, sum(points)::bigint AS points FROM points_lot GROUP BY 1 ORDER BY 1")
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
    """Return what the bank owes in points, what it sets aside, what moved by month of a year, and what is wrong."""
    sums = sums_by_kind(connection, f"{ASSET}/")
    outstanding, pending = sums.get("wallet", 0), sums.get("pending", 0)
    since = (today.replace(day=1) - timedelta(days=335)).replace(day=1)
    until = today + timedelta(days=ENDING_DAYS)
    worth = (outstanding + pending) * programme.worth_fen * (PPM - programme.breakage_ppm) // (100 * PPM)
    months = connection.execute(_MONTHS, {"since": since, "zone": zone})
    return Owed(
        outstanding,
        pending,
        -sums.get("debt", 0),
        worth,
        int(connection.execute(_ENDING, {"today": today, "until": until}).scalar_one()),
        int(connection.execute(_HOLDERS).scalar_one()),
        tuple(Month(row.month, row.earned, row.spent, row.expired) for row in months),
        {row.issuer: row.points for row in connection.execute(_ISSUERS)},
        check_ledger(connection),
    )
