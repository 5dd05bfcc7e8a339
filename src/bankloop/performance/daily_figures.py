"""The figures of the daily report on an open bank: balances, customers, fees and tasks of each unit, as of a day's end.

Everything is counted once, for the unit that keeps the customer on that day, in whole fen: so the units of every level add
up to the one above, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.customer.contribution import YEAR, RateCard, Rates, card_on, read_cards
from bankloop.customer.tier import ASSETS, SnapshotSpan, spans
from bankloop.kit.worktime import WorkTime
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.organization.task import performance
from bankloop.performance.daily import Balance, DailyReport, Figures, keep_daily, no_balances, not_over
from bankloop.store.contracts import Principal

# By kind of balance the classes of products that it is of, in the order in which it is read.
BALANCES: Mapping[str, tuple[str, ...]] = {
    "deposits": ("demand_deposit", "term_deposit"),
    "aum": ASSETS,
    "loans": ("mortgage", "consumer_loan"),
}
_EFFECTIVE = "effective_customers"
_PPM = 1_000_000
# Half away from nought, once a customer; a double would lose fen of large sums.
_ROUNDED = "(CASE WHEN {0} >= 0 THEN (2 * {0} + {1}) // (2 * {1}) ELSE -((-2 * {0} + {1}) // (2 * {1})) END)"


def report_day(bank: Bank, principal: Principal, day: date) -> tuple[DailyReport, ...]:
    """Make the reports of a day, once, and queue them for the leaders; a day told already is told as it was.

    Raises ``InputError`` for a day that is not over, ``NotFoundError`` where no balances are known by it.
    """
    if day >= bank.lake.today():
        raise not_over(day)
    own, data_on, known_from = own_figures(bank, principal, day)
    with bank.store.begin(principal) as connection:
        return keep_daily(connection, day, own, data_on, known_from)


def own_figures(bank: Bank, principal: Principal, day: date) -> tuple[dict[str, Figures], date, date]:
    """Return by unit what is its own on a day, the day of the newest balances, and the first day that averages know."""
    known = [one.as_of for one in bank.lake.manifest.versions("holding") if one.as_of <= day]
    if not known:
        raise no_balances(day)
    first = date(day.year, 1, 1)
    found = {unit: Figures(balances) for unit, balances in _balances(bank, day).items()}
    for unit, (customers, effective, since) in _customers(bank, day).items():
        had = found.get(unit, Figures())
        found[unit] = replace(had, customers=customers, effective=effective, effective_since=since)
    for unit, (month, year) in _fees(bank, day).items():
        found[unit] = replace(found.get(unit, Figures()), fees_month=month, fees_year=year)
    with bank.store.begin(principal) as connection:
        tasks = performance(connection, day.replace(day=1), day, by="unit_id", hours=WorkTime(bank.lake.zone))
    for one in tasks:
        found[one.who] = replace(
            found.get(one.who, Figures()),
            instructed=one.instructed, on_time=one.on_time, done=one.done, overdue=one.overdue, open=one.open,
        )  # fmt: skip
    return found, max(known), max(first, min(known))


def _balances(bank: Bank, day: date) -> dict[str, dict[str, Balance]]:
    versions, after = bank.lake.manifest.versions("holding"), day + timedelta(days=1)
    month = _summed(bank, day, spans(versions, day.replace(day=1), after))
    year = _summed(bank, day, spans(versions, date(day.year, 1, 1), after))
    point = _summed(bank, day, spans(versions, day, after))
    eve = date(day.year, 1, 1) - timedelta(days=1)
    start = _summed(
        bank, day, [one for one in spans(versions, eve, eve + timedelta(days=1)) if one.version.as_of <= eve]
    )
    units = sorted({*month, *year, *point, *start})
    nothing = dict.fromkeys(BALANCES, 0)
    found: dict[str, dict[str, Balance]] = {}
    for unit in units:
        now, then = point.get(unit, nothing), start.get(unit, nothing)
        found[unit] = {
            kind: Balance(
                now[kind],
                month.get(unit, nothing)[kind],
                year.get(unit, nothing)[kind],
                now[kind] - then[kind] if start else None,
            )
            for kind in BALANCES
        }
    return found


def _summed(bank: Bank, day: date, read: Sequence[SnapshotSpan]) -> dict[str, dict[str, int]]:
    """Return by unit and kind the customers' average balances over spans, each rounded once; none where nothing is read."""
    if not read:
        return {}
    days = sum(one.days for one in read)
    kinds = {
        kind: f"coalesce(sum(weighed) FILTER (WHERE product_class IN ({', '.join(map(repr, classes))})), 0)::HUGEINT"
        for kind, classes in BALANCES.items()
    }
    per = ", ".join(f"{sql} AS {kind}" for kind, sql in kinds.items())
    sums = ", ".join(f"sum({_ROUNDED.format(kind, days)})::BIGINT" for kind in kinds)
    rows = _of_units(bank, day, f"SELECT customer_no, {per} FROM ({_weighed(bank, read)}) GROUP BY 1", sums)
    return {unit: dict(zip(kinds, amounts, strict=True)) for unit, amounts in rows}


def _fees(bank: Bank, day: date) -> dict[str, tuple[int, int]]:
    """Return by unit the fees that balances earned in the month and in the year up to the day, at the day's rates."""
    versions, after = bank.lake.manifest.versions("holding"), day + timedelta(days=1)
    card = card_on(read_cards(bank.folder), day)
    found = []
    for first in (day.replace(day=1), date(day.year, 1, 1)):
        read = spans(versions, first, after)
        earned = f"sum(weighed * {_rate(card, 'fee')} + held * {_rate(card, 'fee_each')} * {_PPM})::HUGEINT AS earned"
        per = f"SELECT customer_no, {earned} FROM ({_weighed(bank, read)}) GROUP BY 1"
        rows = _of_units(bank, day, per, f"sum({_ROUNDED.format('earned', _PPM * YEAR)})::BIGINT")
        found.append({unit: amounts[0] for unit, amounts in rows})
    month, year = found
    return {unit: (month.get(unit, 0), fees) for unit, fees in year.items()}


def _rate(card: RateCard, name: str) -> str:
    """Return one rate of each holding as SQL: a product's own takes the place of its class's."""

    def cases(column: str, rates: Mapping[str, Rates]) -> str:
        quoted = {key.replace("'", "''"): int(getattr(one, name)) for key, one in rates.items()}
        return " ".join(f"WHEN {column} = '{key}' THEN {value}" for key, value in quoted.items())

    every = f"{cases('product_id', card.products)} {cases('product_class', card.classes)}".strip()
    return f"(CASE {every} ELSE 0 END)::HUGEINT" if every else "0"


def _weighed(bank: Bank, read: Sequence[SnapshotSpan]) -> str:
    """Return holdings × the days that each snapshot was what was known, as SQL."""
    return " UNION ALL ".join(
        f"SELECT customer_no, product_class, product_id, balance_fen::HUGEINT * {one.days} AS weighed, {one.days} AS held "
        f"FROM {bank.lake.reading(one.version)}"
        for one in read
    )


def _of_units(bank: Bank, day: date, per_customer: str, sums: str) -> list[tuple[str, tuple[int, ...]]]:
    """Sum over the customers of each unit of that day; who is no customer then belongs to none ('')."""
    versions = bank.lake.manifest.versions("customer")
    people = bank.lake.reading(next((one for one in reversed(versions) if one.as_of <= day), versions[0]))
    with bank.lake.engine() as engine:
        rows = engine.execute(
            f"SELECT coalesce(c.sub_branch_id, c.branch_id, '') AS unit_id, {sums} FROM ({per_customer}) p "
            f"LEFT JOIN {people} c USING (customer_no) GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return [(row[0], row[1:]) for row in rows]


def _customers(bank: Bank, day: date) -> dict[str, tuple[int, int, int | None]]:
    """Return by unit how many customers there are, how many effective ones (有效户), and how many more since the year's start."""
    now = bank.state(day).table
    units = np.array(pc.coalesce(now["sub_branch_id"], now["branch_id"], pa.scalar("")).to_pylist(), dtype=str)
    effective = _effective(bank, day, now)
    eve = date(day.year, 1, 1) - timedelta(days=1)
    then: dict[str, int] | None = None
    if bank.knew(eve):
        before = bank.state(eve).table
        place = pc.index_in(before["customer_no"], value_set=now["customer_no"].combine_chunks())
        at = np.asarray(pc.fill_null(place, -1).to_numpy(), dtype=np.int64)
        then = _by_unit(np.where(at >= 0, units[np.maximum(at, 0)], ""), _effective(bank, eve, before))
    counts, some = _by_unit(units, np.ones(len(units), np.int64)), _by_unit(units, effective)
    return {
        unit: (counts.get(unit, 0), some.get(unit, 0), None if then is None else some.get(unit, 0) - then.get(unit, 0))
        for unit in sorted({*counts, *(then or {})})
    }


def _effective(bank: Bank, day: date, state: pa.Table) -> NDArray[np.int64]:
    version = evaluation.metric_of(evaluation.read_metrics(bank.folder), _EFFECTIVE).on(day)
    assert version.above is not None
    return evaluation.amounts(state, {"n": version.above}, bank.catalogue.types, day)["n"]


def _by_unit(units: NDArray[np.str_], values: NDArray[np.int64]) -> dict[str, int]:
    names, at = np.unique(units, return_inverse=True)
    totals = np.zeros(len(names), np.int64)
    np.add.at(totals, at, values)
    return dict(zip(names.tolist(), totals.tolist(), strict=True))
