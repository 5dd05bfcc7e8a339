"""Contribution out of the lake's snapshots: average balances of twelve months by product, of one customer or of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from bankloop.customer.contribution.contracts import Moved, Statement, StatementLine
from bankloop.customer.contribution.rules import card_on, line_of, moved, read_cards
from bankloop.customer.persons import NO_LEADS, led_rows
from bankloop.customer.tier import ASSETS, SnapshotSpan, spans
from bankloop.lake.service import Lake

YEAR = 365


def statements(
    lake: Lake, as_of: date, numbers: Sequence[str] | None = None, leads: pa.Table = NO_LEADS
) -> dict[str, Statement]:
    """Return the contribution of customers in the twelve months to a day, by number; of all who held something where None.

    A person of several numbers is one customer, under the number that ``leads`` names.
    Balances are averages over the days that are known, at the rates of the day, for a whole year.
    """
    read = spans(lake.manifest.versions("holding"), as_of - timedelta(days=YEAR - 1), as_of + timedelta(days=1))
    days = sum(one.days for one in read)
    card = card_on(read_cards(lake.folder), as_of)
    lines: dict[str, list[StatementLine]] = defaultdict(list)
    for number, product_class, product_id, weighed, held in _weighed(lake, read, numbers, leads):
        # Of a holding that was there for some of the days, so much of a holding.
        average, holdings = (2 * weighed + days) // (2 * days), (2 * held + days) // (2 * days)
        lines[number].append(line_of(product_class, product_id, average, holdings, card))
    found = {number: Statement(number, as_of, days, tuple(of)) for number, of in lines.items()}
    for number in numbers or ():
        found.setdefault(number, Statement(number, as_of, days, ()))
    return found


def money_moved(lake: Lake, number: str, since: date, until: date) -> Moved | None:
    """Return where a customer's assets went between the ends of two days; None where either is unknown."""
    known = lake.manifest.versions("holding")
    before = next((one for one in reversed(known) if one.as_of <= since), None)
    after = next((one for one in reversed(known) if one.as_of <= until), None)
    if before is None or after is None:
        return None
    classes = ", ".join(f"'{one}'" for one in ASSETS)
    balances = []
    with lake.engine() as engine:
        for version in (before, after):
            rows = engine.execute(
                f"SELECT product_class, sum(balance_fen)::BIGINT FROM {lake.reading(version)} "
                f"WHERE customer_no = ? AND product_class IN ({classes}) GROUP BY 1",
                [number],
            ).fetchall()
            balances.append(dict(rows))
    return moved(balances[0], balances[1], before.as_of, after.as_of)


def _weighed(
    lake: Lake, read: Sequence[SnapshotSpan], numbers: Sequence[str] | None, leads: pa.Table
) -> list[tuple[str, str, str, int, int]]:
    """Return (customer, class, product, Σ balance × days, Σ holdings × days) in order."""
    if not read:
        return []
    only = "" if numbers is None else f"WHERE customer_no IN ({', '.join('?' * len(numbers))})"
    parts = " UNION ALL ".join(
        f"SELECT customer_no, product_class, product_id, balance_fen::HUGEINT * {one.days} AS weighed, {one.days} AS held "
        f"FROM {lake.reading(one.version)}"
        for one in read
    )
    with lake.engine() as engine:
        found: list[tuple[str, str, str, int, int]] = engine.execute(
            f"SELECT customer_no, product_class, product_id, sum(weighed)::BIGINT, sum(held)::BIGINT "
            f"FROM {led_rows(engine, parts, leads)} {only} GROUP BY ALL ORDER BY ALL",
            [] if numbers is None else [*numbers],
        ).fetchall()
    return found
