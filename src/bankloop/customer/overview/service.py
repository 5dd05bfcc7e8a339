"""Opens one customer at a glance: the scope judged, the access written down, money masked until it is unmasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from bankloop.customer.consent import own_numbers
from bankloop.customer.contracts import AttributeKind, Catalogue
from bankloop.customer.contribution import Moved, RateCard, Statement, card_on, line_of, moved
from bankloop.customer.overview import history
from bankloop.customer.overview.contracts import Factor, Held, Known, Overview
from bankloop.customer.overview.profiles import Profiles
from bankloop.customer.servicing import Keeper, Mode
from bankloop.customer.tier import ASSETS, TierMonth, rule_on
from bankloop.kit.clock import local_day
from bankloop.lake.contracts import DataClass
from bankloop.lake.service import Lake
from bankloop.organization.rights import unmasked_fields
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of

FACTORS = ("score_products", "score_tenure", "score_balance", "score_interaction", "score_network")
_MONEY = "aum_fen"
# Of a definition's digest, as its version is said.
_DIGITS = 8
_SYSTEM = "system"


def open_overview(
    connection: Connection, lake: Lake, profiles: Profiles, catalogue: Catalogue, number: str
) -> Overview:
    """Return what who acts may see of a customer at a glance, and write the access down.

    Raises ``NotFoundError`` out of scope, ``DeniedError`` for a role that reads no customers.
    """
    numbers = own_numbers(connection, number, "customer.read")
    today = local_day(now_of(connection), lake.zone)
    kept = history.kept(connection, numbers)
    events = history.moments(profiles.rows("event", numbers, history.ON_LINE))
    events += history.unseen(kept.events, events)
    clear = _SYSTEM in principal_of(connection).roles or _MONEY in unmasked_fields(connection, *numbers)
    months = _months(profiles, numbers)
    last = months[0] if months else None
    rule = rule_on(profiles.rules.tiers, last.month if last else today)
    row = profiles.attributes(numbers)
    as_of = profiles.state.as_of if profiles.state else today
    scores = {one["attribute"]: one for one in profiles.rows("score", numbers)}
    holdings = profiles.rows("holding", numbers)
    held = _held(holdings)
    found = Overview(
        customer_no=number,
        numbers=tuple(numbers),
        as_of=today,
        masked=not clear,
        keeper=_keeper(profiles, numbers),
        tier=rule.tier(last.tier) if last else None,
        watched=bool(last and last.watched),
        policy=profiles.rules.service.of(last.tier if last else 1),
        months=months if clear else tuple(replace(one, average_fen=0) for one in months),
        averages={one.month: one.average_fen for one in months} if clear else None,
        attributes=_attributes(catalogue, row, as_of, scores, clear=clear),
        factors=_factors(catalogue, row, clear=clear),
        holdings=held if clear else tuple(replace(one, balance_fen=None) for one in held),
        assets_fen=sum(one.balance_fen or 0 for one in held if one.product_class in ASSETS) if clear else None,
        statement=_statement(profiles, card_on(profiles.rules.cards, today), number, numbers, today) if clear else None,
        moved=_moved(profiles, numbers, held, today) if clear else None,
        ahead=history.ahead(holdings, events, today, lake.zone, clear=clear),
        timeline=history.timeline(events, kept.lines, clear=clear),
        decided=kept.decided,
    )
    after = {"shown": "all" if clear else "masked", "purpose": principal_of(connection).purpose}
    record_audit(connection, "customer.overview", "customer", number, None, after, class_="access", subject=number)
    return found


def _months(profiles: Profiles, numbers: Sequence[str]) -> tuple[TierMonth, ...]:
    """Return the months of the first of a person's numbers that has any."""
    for number in numbers:
        rows = profiles.rows("tier_month", [number])
        if rows:
            return tuple(
                TierMonth(r["month"], r["average_fen"], r["tier"], r["watched"], r["months_below"], r["move"])
                for r in rows
            )
    return ()


def _keeper(profiles: Profiles, numbers: Sequence[str]) -> Keeper | None:
    row = next(iter(profiles.rows("servicing", numbers)), None)
    return Keeper(Mode(row["mode"]), row["owner_id"], row["backup_id"]) if row else None


def _attributes(
    catalogue: Catalogue,
    row: Mapping[str, Any],
    as_of: date,
    scores: Mapping[str, Mapping[str, Any]],
    *,
    clear: bool,
) -> tuple[Known, ...]:
    """Return all attributes but the confidential ones; those of class C2 masked until money is unmasked."""
    found = []
    for name, one in catalogue.attributes.items():
        if name not in row or one.confidential:
            continue
        masked = one.data_class is DataClass.C2 and not clear
        plain = Known(
            name, one.label, None if masked else row[name], masked, one.kind.value, one.owner, as_of, str(one.type),
            one.digest[:_DIGITS], "", as_of + timedelta(days=one.freshness), tuple(sorted(one.reads)),
        )  # fmt: skip
        scored = scores.get(name) if row[name] is not None else None
        found.append(_scored(plain, scored) if scored and one.kind is AttributeKind.SCORE else plain)
    return tuple(found)


def _scored(plain: Known, scored: Mapping[str, Any]) -> Known:
    """Return a score with the model that gave it, when, and until when it holds."""
    until = scored["valid_until"] or plain.valid_until
    return replace(
        plain,
        model=scored["model"],
        version=f"v{scored['model_version']}",
        as_of=scored["scored_on"],
        valid_until=until,
    )


def _factors(catalogue: Catalogue, row: Mapping[str, Any], *, clear: bool) -> tuple[Factor, ...]:
    names = [name for name in FACTORS if name in row and (clear or catalogue[name].data_class is DataClass.C1)]
    return tuple(Factor(name, catalogue[name].label, int(row[name])) for name in names)


def _held(holdings: Sequence[Mapping[str, Any]]) -> tuple[Held, ...]:
    classes = sorted({one["product_class"] for one in holdings})
    mine = {name: [one["balance_fen"] for one in holdings if one["product_class"] == name] for name in classes}
    return tuple(Held(name, len(balances), sum(balances)) for name, balances in mine.items())


def _statement(profiles: Profiles, card: RateCard, number: str, numbers: Sequence[str], today: date) -> Statement:
    """Return the statement of a person over all of their numbers."""
    days = max(profiles.days, 1)
    lines = [
        line_of(
            row["product_class"], row["product_id"], (2 * row["weighed"] + days) // (2 * days),
            (2 * row["held"] + days) // (2 * days), card,
        )
        for row in profiles.rows("weighed", numbers)
    ]  # fmt: skip
    return Statement(number, today, profiles.days, tuple(lines))


def _moved(profiles: Profiles, numbers: Sequence[str], held: Sequence[Held], today: date) -> Moved | None:
    """Return where assets went in a quarter; None where nothing is known of its beginning."""
    earlier = profiles.rows("earlier", numbers)
    if not earlier:
        return None
    before: dict[str, int] = {}
    for row in earlier:
        before[row["product_class"]] = before.get(row["product_class"], 0) + row["balance_fen"]
    after = {one.product_class: one.balance_fen or 0 for one in held if one.product_class in ASSETS}
    return moved(before, after, earlier[0]["day"], today)
