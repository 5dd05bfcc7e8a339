"""Opens one customer at a glance: the scope judged, the access written down, money masked until it is unmasked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.consent import in_scope
from bankloop.customer.contracts import Catalogue
from bankloop.customer.contribution import Statement, money_moved, statements
from bankloop.customer.overview.contracts import Factor, Overview
from bankloop.customer.servicing import keeper_now, read_policy
from bankloop.customer.state import build_state
from bankloop.customer.tier import months_of, read_tier_rules, rule_on
from bankloop.kit import local_day
from bankloop.lake import DataClass, Lake
from bankloop.organization import unmasked_fields
from bankloop.store import now_of, principal_of, record_audit

FACTORS = ("score_products", "score_tenure", "score_balance", "score_interaction", "score_network")
SHOWN = ("lifecycle_stage", "products_held", "tenure_days", "days_since_last_activity")
_MONEY = "aum_fen"
_SYSTEM = "system"
_QUARTER = 90


def open_overview(connection: Connection, lake: Lake, number: str, catalogue: Catalogue | None = None) -> Overview:
    """Return what who acts may see of a customer at a glance, and write the access down.

    Raises ``NotFoundError`` out of scope, ``DeniedError`` for a role that reads no customers.
    """
    with in_scope(connection, number, "customer.read") as numbers:
        today = local_day(now_of(connection), lake.zone)
    clear = _SYSTEM in principal_of(connection).roles or any(_MONEY in unmasked_fields(connection, n) for n in numbers)
    months = next((read for one in numbers if (read := months_of(lake, one))), ())
    rule = rule_on(read_tier_rules(lake.folder), months[0].month if months else today)
    known = catalogue or read_catalogue(lake.folder)
    values = _attributes(lake, known, numbers, today)
    last = months[0] if months else None
    found = Overview(
        customer_no=number,
        as_of=today,
        masked=not clear,
        keeper=next((kept for one in numbers if (kept := keeper_now(lake, one))), None),
        tier=rule.tier(last.tier) if last else None,
        watched=bool(last and last.watched),
        policy=read_policy(lake.folder).of(last.tier if last else 1),
        months=months if clear else tuple(replace(one, average_fen=0) for one in months),
        averages={one.month: one.average_fen for one in months} if clear else None,
        attributes={name: values[name] for name in SHOWN if name in values},
        factors=_factors(known, values, clear=clear),
        statement=_statement(lake, number, numbers, today) if clear else None,
        moved=money_moved(lake, number, today - timedelta(days=_QUARTER), today) if clear else None,
    )
    after = {"shown": "all" if clear else "masked", "purpose": principal_of(connection).purpose}
    record_audit(connection, "customer.overview", "customer", number, None, after, class_="access", subject=number)
    return found


def _attributes(lake: Lake, known: Catalogue, numbers: Sequence[str], today: date) -> dict[str, Any]:
    """Return what is shown of the first of a person's numbers that the lake knows."""
    if lake.manifest.current("customer") is None:
        return {}
    names = [name for name in (*SHOWN, *FACTORS) if name in known]
    table = build_state(lake, known, today, names=names, customers=numbers).table
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows[0] if rows else {}


def _factors(known: Catalogue, values: dict[str, Any], *, clear: bool) -> tuple[Factor, ...]:
    names = [name for name in FACTORS if name in values and (clear or known[name].data_class is DataClass.C1)]
    return tuple(Factor(name, known[name].label, int(values[name])) for name in names)


def _statement(lake: Lake, number: str, numbers: Sequence[str], today: date) -> Statement:
    """Return the statement of a person over all of their numbers."""
    found = statements(lake, today, numbers).values()
    days = max((one.days for one in found), default=0)
    return Statement(number, today, days, tuple(line for one in found for line in one.lines))
