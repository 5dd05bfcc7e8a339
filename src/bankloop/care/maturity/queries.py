"""What care reads: the bank's own history of maturities, what matures, net values that fell, who holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.care.maturity.contracts import Drawdown, DrawdownPolicy, Maturing, MaturityPolicy, Renewal
from bankloop.care.maturity.rules import at_stake, renewals
from bankloop.customer.contribution import card_on, line_of, read_cards
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.store.copying import copy_out
from bankloop.store.database import bank_wide

# The attribute that the model of renewal fills, and the table of such scores.
RENEWAL_CHANCE, _SCORE_TABLE = "renewal_chance", "score"
# Money counts as kept where it is still here a month later; a week more lets the source's file arrive.
_KEPT_AFTER, _ARRIVES = 30, 7
_BOOK = pa.schema([("customer_no", pa.string()), ("unit_id", pa.string()), ("staff_id", pa.string())])
_BOOKS = (
    "SELECT customer_no, unit_id, coalesce(staff_id, '') FROM customer_book WHERE line = 'retail' AND valid_from <= bankloop_now() "
    "AND (valid_to IS NULL OR valid_to > bankloop_now()) ORDER BY 1"
)
_HISTORY = """
WITH happened AS (SELECT customer_no, type, amount_fen, (occurred_at AT TIME ZONE $zone)::DATE AS day FROM event
    WHERE type IN ($matured, $kept)),
matured AS (SELECT * FROM happened WHERE type = $matured AND day BETWEEN $since AND $until)
SELECT {band} AS band, count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM happened k WHERE k.type = $kept
    AND k.customer_no = m.customer_no AND k.day > m.day AND k.day <= m.day + $month)) FROM matured m GROUP BY 1
"""
_MATURING = """
SELECT h.holding_id, h.customer_no, h.product_class, h.product_id, h.balance_fen, h.matures_on,
    coalesce(h.auto_renew, false) AS auto_renew, b.unit_id, b.staff_id
FROM holding h JOIN book b USING (customer_no)
WHERE list_contains($classes, h.product_class) AND h.matures_on BETWEEN $today AND $until AND h.balance_fen > 0
ORDER BY h.matures_on, h.balance_fen DESC, h.holding_id
"""
# What the approved model says of each customer's maturities, where it scored them and the score still holds.
_SCORED = """
SELECT customer_no, score_ppm, model || ' v' || model_version FROM score
WHERE attribute = $attribute AND scored_on <= $today AND coalesce(valid_until, $today) >= $today
"""
# From the highest of the days before to the latest value that is known.
_FALLS = """
WITH known AS (SELECT *, max(day) OVER (PARTITION BY product_id) AS latest FROM net_value WHERE day <= $today),
near AS (SELECT * FROM known WHERE day >= latest - $days AND latest >= $today - $days),
peak AS (SELECT product_id, max(nav_ppm) AS top, arg_max(day, nav_ppm) AS since, any_value(latest) AS latest FROM near GROUP BY 1)
SELECT p.product_id, ((p.top - n.nav_ppm) * 1000000 // p.top)::BIGINT AS fall, p.since, p.latest
FROM peak p JOIN near n ON n.product_id = p.product_id AND n.day = p.latest WHERE p.top > 0 ORDER BY 1
"""
_VALUES = "SELECT product_id, day, nav_ppm FROM net_value WHERE day BETWEEN $since AND $today ORDER BY 1, 2"
_HELD = """
SELECT DISTINCT h.product_id, h.customer_no FROM holding h
WHERE list_contains($products, h.product_id) AND h.balance_fen > 0 ORDER BY 1, 2
"""
_HOLDERS = """
SELECT h.customer_no, b.unit_id, b.staff_id, any_value(c.push_allowed) AS push, any_value(c.phone_valid) AS phone
FROM holding h JOIN customer c USING (customer_no) JOIN book b USING (customer_no)
WHERE h.product_id = $product AND h.balance_fen > 0 GROUP BY 1, 2, 3 ORDER BY 1
"""


def renewal_history(lake: Lake, policy: MaturityPolicy, today: date) -> tuple[Renewal, ...]:
    """Return the forecast of each band, from the maturities whose month is over."""
    until = today - timedelta(days=_KEPT_AFTER + _ARRIVES)
    edges = " + ".join(f"(coalesce(m.amount_fen, 0) >= {edge})::INT" for edge in policy.bands_fen) or "0"
    values = {
        "zone": lake.zone, "matured": policy.matured, "kept": policy.kept, "until": until,
        "since": until - timedelta(days=policy.history_days), "month": _KEPT_AFTER + _ARRIVES,
    }  # fmt: skip
    with lake.connection(Scope.whole_bank("care")) as engine:
        rows = engine.execute(_HISTORY.format(band=edges), values).fetchall()
    return renewals({band: (matured, kept) for band, matured, kept in rows}, len(policy.bands_fen) + 1)


def renewal_scores(lake: Lake, today: date) -> dict[str, Renewal]:
    """Return by customer what the approved model says; empty where none has scored, or its scores no longer hold."""
    if lake.manifest.current(_SCORE_TABLE) is None:
        return {}
    with lake.connection(Scope.whole_bank("care")) as engine:
        rows = engine.execute(_SCORED, {"attribute": RENEWAL_CHANCE, "today": today}).fetchall()
    return {number: Renewal(ppm, 0, 0, model) for number, ppm, model in rows}


def maturing(connection: Connection, lake: Lake, policy: MaturityPolicy, today: date) -> list[Maturing]:
    """Return what matures from ``today`` on, the first day first, each with its forecast and what is at stake.

    A deposit's forecast is the approved model's where it has scored the customer, else the history of its band.
    Of the whole bank: whoever shows it to somebody narrows it to their customers.
    """
    forecasts, scored = renewal_history(lake, policy, today), renewal_scores(lake, today)
    card = card_on(read_cards(lake.folder), today)
    values = {"classes": list(policy.classes), "today": today, "until": today + timedelta(days=policy.ahead_days)}
    found = []
    for row in _rows(connection, lake, _MATURING, values):
        # Only deposits have a history of their own; of other maturities nothing is forecast.
        known = row["product_class"] == "term_deposit"
        forecast = forecasts[policy.band_of(row["balance_fen"])] if known else Renewal(None, 0, 0)
        if known and row["customer_no"] in scored:
            forecast = scored[row["customer_no"]]
        stake = at_stake(row["balance_fen"], forecast)
        worth = line_of(row["product_class"], row["product_id"], stake, 1, card).total
        found.append(Maturing(**row, forecast=forecast, stake_fen=stake, value_fen=max(worth, 0)))
    return found


def falls(lake: Lake, policy: DrawdownPolicy, today: date) -> list[Drawdown]:
    """Return the products whose net value fell by the policy's measure, by their ids."""
    return [one for one in drawdowns(lake, policy, today) if one.fall_ppm >= policy.fall_ppm]


def drawdowns(lake: Lake, policy: DrawdownPolicy, today: date) -> list[Drawdown]:
    """Return by how much every product with net values lies below its highest of the policy's days, by their ids."""
    with lake.connection(Scope.whole_bank("care")) as engine:
        rows = engine.execute(_FALLS, {"today": today, "days": policy.days}).fetchall()
    return [Drawdown(*row) for row in rows]


def net_values(lake: Lake, today: date, days: int) -> dict[str, list[tuple[date, int]]]:
    """Return by product the net values (millionths) of the days before ``today``, the first day first."""
    found: dict[str, list[tuple[date, int]]] = {}
    with lake.connection(Scope.whole_bank("care")) as engine:
        rows = engine.execute(_VALUES, {"today": today, "since": today - timedelta(days=days)}).fetchall()
    for product, day, value in rows:
        found.setdefault(product, []).append((day, value))
    return found


def values_until(lake: Lake) -> date | None:
    """Return the last day of which any net value is known."""
    with lake.connection(Scope.whole_bank("care")) as engine:
        found = engine.execute("SELECT max(day) FROM net_value").fetchone()
    return found[0] if found else None


def holders_of(lake: Lake, products: Sequence[str]) -> dict[str, list[str]]:
    """Return by product who holds it, in order of their numbers.

    Of the whole bank: whoever shows it to somebody narrows it to their customers.
    """
    found: dict[str, list[str]] = {product: [] for product in products}
    with lake.connection(Scope.whole_bank("care")) as engine:
        for product, number in engine.execute(_HELD, {"products": list(products)}).fetchall():
            found[product].append(number)
    return found


def holders(connection: Connection, lake: Lake, product: str) -> list[dict[str, Any]]:
    """Return who holds a product, with the manager and the ways to reach them."""
    return _rows(connection, lake, _HOLDERS, {"product": product})


def _rows(connection: Connection, lake: Lake, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with bank_wide(connection):
        book = copy_out(connection, _BOOKS, _BOOK)
    with lake.connection(Scope.whole_bank("care")) as engine:
        engine.register("book", book)
        rows = engine.execute(query, values)
        names = [one[0] for one in rows.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
