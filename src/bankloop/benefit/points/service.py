"""The verbs of points: earned by hand, spent, given back, taken back; each once for its key, each whole in the ledger.

A customer's lots are locked before anything is posted, in the order in which they end, by everybody alike.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, RowMapping, insert, select, text, update

from bankloop.benefit.points import errors
from bankloop.benefit.points.contracts import (
    ASSET,
    DEBTS,
    EXPIRED,
    ISSUED,
    MAX_POINTS,
    PARTNERS,
    PENDINGS,
    REDEEMED,
    WALLETS,
    LotState,
    PointsLot,
    PointsProgramme,
    Spend,
)
from bankloop.benefit.points.rules import drawn, ends_on
from bankloop.benefit.points.tables import points_lot, points_part, points_spend
from bankloop.kit.text import Text
from bankloop.ledger.accounts import open_accounts, open_asset
from bankloop.ledger.contracts import LedgerAccount, LedgerAsset, Line, move
from bankloop.ledger.posting import asked_of, must_post
from bankloop.ledger.statements import balances
from bankloop.organization.rights import check_named
from bankloop.store.audit import record_audit
from bankloop.store.database import principal_of
from bankloop.store.verbs import verb

BY_HAND, DEBT = "by_hand", "debt"
_HOT = 8
_MOST_WORDS = 200
_LOTS = text(
    "SELECT * FROM points_lot WHERE customer_no = :customer AND state = 'active' AND remaining > 0 "
    "AND active_from <= :today AND (expires_on IS NULL OR expires_on > :today) ORDER BY expires_on, lot FOR UPDATE"
)
_PARTS = text(
    "SELECT p.lot, p.points - p.returned AS left, l.state, l.expires_on FROM points_part p "
    "JOIN points_lot l USING (lot) WHERE p.spend = :spend AND p.points > p.returned "
    "ORDER BY l.expires_on DESC NULLS FIRST, l.lot DESC FOR UPDATE OF p, l"
)


def wallet_of(customer_no: str) -> str:
    """Return the account of what a customer may spend."""
    return WALLETS + customer_no


def pending_of(customer_no: str) -> str:
    """Return the account of what a customer may spend later."""
    return PENDINGS + customer_no


def debt_of(customer_no: str) -> str:
    """Return the account of what a customer owes."""
    return DEBTS + customer_no


def issuer_account(issuer: str) -> str:
    """Return the account that points come from: the bank's, or a partner's to clear with."""
    return PARTNERS + issuer if issuer else ISSUED


def open_books(connection: Connection, issuer: str = "") -> None:
    """Make the asset and the bank's own accounts, and a partner's, unless they are there."""
    open_asset(connection, LedgerAsset(ASSET, Text("积分", "points")))
    names = {ISSUED, REDEEMED, EXPIRED, issuer_account(issuer)}
    open_accounts(connection, [LedgerAccount(one, ASSET, bounded=False, shards=_HOT) for one in names])


@verb("points.adjust")
def earn_points(
    connection: Connection,
    programme: PointsProgramme,
    key: str,
    customer_no: str,
    points: int,
    reason: str,
    today: date,
    issuer: str = "",
) -> PointsLot:
    """Give a customer points once for their key; of a partner's, the partner's account is debited.

    Raises ``ConflictError`` where the key stands for something else, ``NotFoundError`` for an unknown customer.
    """
    _check(key, points, reason)
    check_named(connection, customer_no=customer_no)
    if (known := _earned(connection, key, (customer_no, points, reason, issuer))) is not None:
        return known
    open_books(connection, issuer)
    _open_wallet(connection, customer_no)
    active = today + timedelta(days=programme.pending_days)
    state = LotState.PENDING if active > today else LotState.ACTIVE
    into = pending_of(customer_no) if state is LotState.PENDING else wallet_of(customer_no)
    posted = must_post(connection, f"points:earn:{key}", [move(issuer_account(issuer), into, points, reason)])
    if posted.again and (known := _earned(connection, key, (customer_no, points, reason, issuer))) is not None:
        return known  # somebody was faster
    values = {
        "lot": key,
        "customer_no": customer_no,
        "points": points,
        "remaining": points,
        "state": state,
        "rule": BY_HAND,
        "reason": reason,
        "issuer": issuer,
        "earned_on": today,
        "active_from": active,
        "expires_on": ends_on(programme.expiry, active),
        "made_by": principal_of(connection).id,
    }
    connection.execute(insert(points_lot).values(**values))
    settle_debt(connection, customer_no, today, key)
    record_audit(
        connection, "points.adjust", "customer", customer_no, None, {"key": key, "points": points, "reason": reason}
    )
    return _kept_lot(connection, key)


@verb("points.spend")
def spend_points(connection: Connection, key: str, customer_no: str, points: int, reason: str, today: date) -> Spend:
    """Spend points once for the key, those first that end first; ``ConflictError`` where there are too few."""
    _check(key, points, reason)
    check_named(connection, customer_no=customer_no)
    lots = live_lots(connection, customer_no, today)
    if (known := spend_of(connection, key)) is not None:
        if (known.customer_no, known.points, known.reason) != (customer_no, points, reason):
            raise errors.other_content(key)
        return known
    _draw(connection, key, customer_no, lots, points, reason, REDEEMED)
    record_audit(
        connection, "points.spend", "customer", customer_no, None, {"key": key, "points": points, "reason": reason}
    )
    return _kept_spend(connection, key)


@verb("points.give_back")
def give_back(
    connection: Connection,
    programme: PointsProgramme,
    key: str,
    spend: str,
    points: int,
    reason: str,
    today: date,
    customer_no: str = "",
) -> Spend:
    """Give points of a spending back, once for the key, to the lots they came from, the one that ends last first.

    What came from a lot that has expired meanwhile lives on as a lot of its own for the days of grace, or is lost
    where there are none. Where ``customer_no`` is given, the spending must be that customer's.
    """
    _check(key, points, reason)
    connection.execute(select(points_spend.c.spend).where(points_spend.c.spend == spend).with_for_update())
    found = spend_of(connection, spend)
    if found is None or customer_no not in ("", found.customer_no):
        raise errors.no_spend(spend)
    request = f"points:back:{key}"
    if (asked := asked_of(connection, request)) is not None:
        if sum(one["amount"] for one in asked) != points or asked[0]["reason"] != f"{spend}: {reason}":
            raise errors.other_content(key)
        return found
    if points > found.points - found.returned:
        raise errors.given_back(found.points - found.returned)
    live = _return_to_lots(connection, spend, points, today)
    late = points - live
    why, into = f"{spend}: {reason}", wallet_of(found.customer_no)
    lines = [move(REDEEMED, into, live, why)] if live else []
    if late and programme.grace_days:
        lines.append(move(REDEEMED, into, late, why))
        _grant_grace(connection, programme, key, found.customer_no, late, reason, today)
    elif late:
        lines.append(move(REDEEMED, EXPIRED, late, why))
    must_post(connection, request, lines)
    connection.execute(
        update(points_spend).where(points_spend.c.spend == spend).values(returned=points_spend.c.returned + points)
    )
    after = {"key": key, "spend": spend, "points": points, "late": late, "reason": reason}
    record_audit(connection, "points.give_back", "customer", found.customer_no, None, after)
    settle_debt(connection, found.customer_no, today, f"back:{key}")
    return _kept_spend(connection, spend)


@verb("points.take_back")
def take_back(
    connection: Connection, programme: PointsProgramme, lot: str, reason: str, today: date, customer_no: str = ""
) -> PointsLot:
    """Take an earning back: what is left of it, and of what was spent a debt, where the programme says so.

    Raises ``ConflictError`` where it ended already.
    """
    _check(lot, 1, reason)
    connection.execute(select(points_lot.c.lot).where(points_lot.c.lot == lot).with_for_update())
    found = _lot(connection, lot)
    if found is None or customer_no not in ("", found.customer_no):
        raise errors.no_lot(lot)
    if found.state in (LotState.EXPIRED, LotState.TAKEN_BACK):
        raise errors.not_earned(lot)
    held = pending_of(found.customer_no) if found.state is LotState.PENDING else wallet_of(found.customer_no)
    to, lines = issuer_account(found.issuer), list[Line]()
    if found.remaining:
        lines.append(move(held, to, found.remaining, reason))
    owed = found.points - found.remaining
    if owed and programme.debts:
        open_accounts(
            connection, [LedgerAccount(debt_of(found.customer_no), ASSET, bounded=False, customer_no=found.customer_no)]
        )
        lines.append(move(debt_of(found.customer_no), to, owed, reason))
    if lines:
        must_post(connection, f"points:take:{lot}", lines)
    connection.execute(update(points_lot).where(points_lot.c.lot == lot).values(state=LotState.TAKEN_BACK, remaining=0))
    after = {"lot": lot, "taken": found.remaining, "owed": owed if programme.debts else 0, "reason": reason}
    record_audit(connection, "points.take_back", "customer", found.customer_no, None, after)
    settle_debt(connection, found.customer_no, today, f"take:{lot}")
    return _kept_lot(connection, lot)


def settle_debt(connection: Connection, customer_no: str, today: date, cause: str) -> int:
    """Pay what a customer owes out of what may be spent, as far as it goes, and return how many points went.

    ``cause`` is what made it payable, once for each.
    """
    account = debt_of(customer_no)
    owed = sum(-one.posted for one in balances(connection, customer_no=customer_no) if one.account == account)
    if owed <= 0:
        return 0
    lots = live_lots(connection, customer_no, today)
    points = min(owed, sum(one.remaining for one in lots))
    if points:
        _draw(connection, f"debt:{cause}", customer_no, lots, points, DEBT, account)
    return points


def live_lots(connection: Connection, customer_no: str, today: date) -> tuple[PointsLot, ...]:
    """Return the lots that may be spent today, locked, the one that ends first, first."""
    rows = connection.execute(_LOTS, {"customer": customer_no, "today": today}).mappings()
    return tuple(lot_of(row) for row in rows)


def lot_of(row: RowMapping) -> PointsLot:
    """Return a row of the table as a lot."""
    values = {name: row[name] for name in PointsLot.__dataclass_fields__}
    return PointsLot(**{**values, "state": LotState(values["state"])})


def spend_of(connection: Connection, key: str) -> Spend | None:
    """Return a spending by its key."""
    row = connection.execute(select(points_spend).where(points_spend.c.spend == key)).mappings().first()
    return None if row is None else Spend(**{name: row[name] for name in Spend.__dataclass_fields__})


def _draw(
    connection: Connection, key: str, customer_no: str, lots: tuple[PointsLot, ...], points: int, reason: str, to: str
) -> None:
    parts = drawn(lots, points)
    if not parts:
        raise errors.too_few(sum(one.remaining for one in lots), points)
    values = {
        "spend": key,
        "customer_no": customer_no,
        "points": points,
        "reason": reason,
        "made_by": principal_of(connection).id,
    }
    connection.execute(insert(points_spend).values(**values))
    connection.execute(insert(points_part), [{"spend": key, "lot": lot.lot, "points": part} for lot, part in parts])
    for lot, part in parts:
        left = {"remaining": points_lot.c.remaining - part}
        connection.execute(update(points_lot).where(points_lot.c.lot == lot.lot).values(**left))
    must_post(connection, f"points:spend:{key}", [move(wallet_of(customer_no), to, points, reason)])


def _open_wallet(connection: Connection, customer_no: str) -> None:
    names = (wallet_of(customer_no), pending_of(customer_no))
    open_accounts(connection, [LedgerAccount(one, ASSET, customer_no=customer_no) for one in names])


def _earned(connection: Connection, key: str, said: tuple[str, int, str, str]) -> PointsLot | None:
    known = _lot(connection, key)
    if known is not None and (known.customer_no, known.points, known.reason, known.issuer) != said:
        raise errors.other_content(key)
    return known


def _lot(connection: Connection, lot: str) -> PointsLot | None:
    row = connection.execute(select(points_lot).where(points_lot.c.lot == lot)).mappings().first()
    return None if row is None else lot_of(row)


def _kept_lot(connection: Connection, lot: str) -> PointsLot:
    found = _lot(connection, lot)
    assert found is not None
    return found


def _kept_spend(connection: Connection, key: str) -> Spend:
    found = spend_of(connection, key)
    assert found is not None
    return found


def _check(key: str, points: int, reason: str) -> None:
    for field, words in (("key", key), ("reason", reason)):
        if not words.strip() or len(words) > _MOST_WORDS:
            raise errors.bad_words(field)
    if isinstance(points, bool) or not 1 <= points <= MAX_POINTS:
        raise errors.bad_number(points)


def _return_to_lots(connection: Connection, spend: str, points: int, today: date) -> int:
    """Give points back to the lots of a spending, and return how many went to lots that are still alive."""
    live, left = 0, points
    for part in connection.execute(_PARTS, {"spend": spend}).all():
        taken = min(part.left, left)
        if not taken:
            break
        left -= taken
        here, lot = points_part.c, points_lot.c
        returned = {"returned": here.returned + taken}
        connection.execute(update(points_part).where(here.spend == spend, here.lot == part.lot).values(**returned))
        if part.state == LotState.ACTIVE and (part.expires_on is None or part.expires_on > today):
            remaining = {"remaining": lot.remaining + taken}
            connection.execute(update(points_lot).where(lot.lot == part.lot).values(**remaining))
            live += taken
    return live


def _grant_grace(
    connection: Connection,
    programme: PointsProgramme,
    key: str,
    customer_no: str,
    points: int,
    reason: str,
    today: date,
) -> None:
    values = {
        "lot": f"back:{key}",
        "customer_no": customer_no,
        "points": points,
        "remaining": points,
        "state": LotState.ACTIVE,
        "rule": BY_HAND,
        "reason": reason,
        "issuer": "",
        "earned_on": today,
        "active_from": today,
        "expires_on": today + timedelta(days=programme.grace_days),
        "made_by": principal_of(connection).id,
    }
    connection.execute(insert(points_lot).values(**values))
