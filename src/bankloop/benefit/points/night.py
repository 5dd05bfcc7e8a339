"""What a night does to all wallets, in one order: what has waited is there, events earn, debts are paid, points end.

Set-based, each step in one transaction of its own and safe to do again: a lot's key is its rule and the event's own.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from bankloop.benefit.points.contracts import ASSET, DEBTS, ISSUED, PPM, EarnRule, Night, PointsProgramme
from bankloop.benefit.points.reading import keep_owed, owed
from bankloop.benefit.points.rules import ends_on
from bankloop.benefit.points.service import open_books, settle_debt
from bankloop.kit.clock import local_moment
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.ledger.accounts import open_wallets
from bankloop.ledger.batches import BATCH_SCHEMA, post_batch
from bankloop.ledger.statements import who_owes
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.copying import copy_in, copy_out
from bankloop.store.database import Store, principal_of
from bankloop.store.verbs import verb

# A source's file may arrive so many days after what it tells of.
LATE_DAYS = 10
_TURN = text("SELECT pg_advisory_xact_lock(hashtext('points.night'))")
_EARNED_SCHEMA = pa.schema(
    [("lot", pa.string()), ("customer_no", pa.string()), ("earned_on", pa.date32()), ("points", pa.int64())]
)
# Whole times the amount holds what is asked for, each worth its points, times the tier's factor, rounded down once.
_EVENTS = (
    "SELECT $rule || ':' || e.source || ':' || e.event_id AS lot, e.customer_no, "
    "CAST(timezone($zone, e.occurred_at) AS DATE) AS earned_on, "
    "CAST(CASE WHEN $each > 0 THEN greatest(coalesce(e.amount_fen, 0), 0) // $each ELSE 1 END * $points "
    "* {factor} // 1000000 AS BIGINT) AS points FROM event e {tiers} "
    "WHERE e.type = $event AND e.occurred_at >= $since AND e.occurred_at < $until"
)
_TIERS = "LEFT JOIN (SELECT customer_no, arg_max(tier, month) AS tier FROM tier_month GROUP BY 1) t USING (customer_no)"
# Of each period what a cap leaves: what was earned by this rule before counts, then one event after another.
_CAPPED = (
    "SELECT lot, customer_no, earned_on, points FROM (SELECT n.lot, n.customer_no, n.earned_on, "
    "least(n.points, greatest(0, {cap} - coalesce(b.had, 0) - coalesce(sum(n.points) OVER before_it, 0)))::bigint "
    "AS points FROM {batch} n LEFT JOIN (SELECT customer_no, date_trunc('{per}', earned_on) AS period, "
    "sum(points) AS had FROM points_lot WHERE rule = '{rule}' AND earned_on >= %(first)s GROUP BY 1, 2) b "
    "ON b.customer_no = n.customer_no AND b.period = date_trunc('{per}', n.earned_on) "
    "WINDOW before_it AS (PARTITION BY n.customer_no, date_trunc('{per}', n.earned_on) ORDER BY n.earned_on, n.lot "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) c WHERE points > 0"
)
_KNOWN = "DELETE FROM {batch} n USING points_lot l WHERE l.lot = n.lot"
_LOTS = (
    "INSERT INTO points_lot (lot, customer_no, points, remaining, state, rule, reason, issuer, earned_on, active_from, "
    "expires_on, made_by) SELECT lot, customer_no, points, points, :state, :rule, :rule, '', earned_on, :active, "
    ":ends, :who FROM {batch} ORDER BY lot"
)
_ACTIVATE = (
    "UPDATE points_lot l SET state = 'active' FROM (SELECT lot FROM points_lot WHERE state = 'pending' "
    "AND active_from <= %(today)s ORDER BY customer_no, expires_on, lot FOR UPDATE) d WHERE l.lot = d.lot "
    "RETURNING 'points:activate:' || l.lot AS request, 'points/pending/' || l.customer_no AS debit, "
    "'points/wallet/' || l.customer_no AS credit, l.remaining AS amount, l.reason"
)
_EXPIRE = (
    "UPDATE points_lot l SET state = 'expired', remaining = 0 FROM (SELECT lot, remaining FROM points_lot "
    "WHERE state = 'active' AND remaining > 0 AND expires_on <= %(today)s ORDER BY customer_no, expires_on, lot "
    "FOR UPDATE) d WHERE l.lot = d.lot RETURNING 'points:expire:' || l.lot AS request, "
    "'points/wallet/' || l.customer_no AS debit, 'points/expired' AS credit, d.remaining AS amount, l.reason"
)


@verb("points.night")
def work_night(store: Store, principal: Principal, lake: Lake, programme: PointsProgramme, today: date) -> Night:
    """Do a night's work on all wallets in the fixed order, and say what was done; two at once take turns."""
    with store.begin(principal) as connection:
        connection.execute(_TURN)
        open_books(connection)
        activated = _move(connection, _ACTIVATE, today)
    earned = 0
    for rule in programme.rules:
        with store.begin(principal) as connection:
            connection.execute(_TURN)
            earned += earn_from_events(connection, lake, programme, rule, today)
    with store.begin(principal) as connection:
        connection.execute(_TURN)
        debtors = who_owes(connection, DEBTS)
        settled = sum(settle_debt(connection, one, today, f"night:{uuid4().hex}") > 0 for one in debtors)
        expired = _move(connection, _EXPIRE, today)
        keep_owed(connection, owed(connection, programme, today, lake.zone), today)
        done = Night(activated, expired, earned, settled)
        after = {name: getattr(done, name) for name in Night.__dataclass_fields__}
        record_audit(connection, "points.night", "points", f"{today}", None, after)
    return done


def earn_from_events(
    connection: Connection, lake: Lake, programme: PointsProgramme, rule: EarnRule, today: date
) -> int:
    """Give the points that the events of the last days earn by one rule, each event once, and return how many lots."""
    since = max(programme.begins, today - timedelta(days=LATE_DAYS))
    found = _events(lake, rule, since, today)
    found = found.filter(pc.greater(found["points"], 0))
    if not found.num_rows:
        return 0
    batch = copy_in(connection, found)
    connection.execute(text(_KNOWN.format(batch=batch)))
    if rule.cap_per:
        # A period may have begun before the first day that is looked at.
        first = since.replace(month=1, day=1)
        capped = _CAPPED.format(cap=rule.cap_points, per=rule.cap_per, batch=batch, rule=rule.rule_id)
        new = copy_out(connection, capped, _EARNED_SCHEMA, {"first": first})
    else:
        new = copy_out(connection, f"SELECT lot, customer_no, earned_on, points FROM {batch}", _EARNED_SCHEMA)
    if not new.num_rows:
        return 0
    return _give(connection, programme, rule, new, today)


def _events(lake: Lake, rule: EarnRule, since: date, today: date) -> pa.Table:
    """Return what the events of these days earn by a rule, before any cap, days by the bank's own."""
    tiers = rule.tiers or {}
    cases = " ".join(f"WHEN {tier} THEN {ppm}" for tier, ppm in tiers.items())
    factor = f"(CASE t.tier {cases} ELSE {PPM} END)" if tiers else f"{PPM}"
    query = _EVENTS.format(factor=factor, tiers=_TIERS if tiers else "")
    values = {
        "rule": rule.rule_id,
        "each": rule.each_fen,
        "points": rule.points,
        "event": rule.event,
        "zone": lake.zone,
        "since": local_moment(since, 0, 0, lake.zone),
        "until": local_moment(today, 0, 0, lake.zone),
    }
    engine = lake.connection(Scope("benefit", None))
    try:
        return engine.sql(query, params=values).to_arrow_table().cast(_EARNED_SCHEMA)
    finally:
        engine.close()


def _give(connection: Connection, programme: PointsProgramme, rule: EarnRule, new: pa.Table, today: date) -> int:
    active = today + timedelta(days=programme.pending_days)
    pending = active > today
    for kind in ("wallet", "pending"):
        wallets = [{"account": f"points/{kind}/{one}", "customer_no": one} for one in _unique(new["customer_no"])]
        open_wallets(connection, ASSET, pa.Table.from_pylist(wallets))
    batch = copy_in(connection, new)
    values = {
        "state": "pending" if pending else "active",
        "rule": rule.rule_id,
        "active": active,
        "ends": ends_on(programme.expiry, active),
        "who": principal_of(connection).id,
    }
    connection.execute(text(_LOTS.format(batch=batch)), values)
    into = "points/pending/" if pending else "points/wallet/"
    credit = pc.binary_join_element_wise(into, new["customer_no"], "")
    request = pc.binary_join_element_wise("points:earn:", new["lot"], "")
    same = [pa.array([words] * new.num_rows) for words in (ISSUED, rule.rule_id)]
    return post_batch(connection, pa.table([request, same[0], credit, new["points"], same[1]], schema=BATCH_SCHEMA))


def _move(connection: Connection, statement: str, today: date) -> int:
    """Change lots by a statement that returns what is to be posted for each."""
    moved = copy_out(connection, statement, BATCH_SCHEMA, {"today": today})
    post_batch(connection, moved)
    return int(moved.num_rows)


def _unique(column: pa.ChunkedArray) -> list[str]:
    return sorted(set(column.to_pylist()))
