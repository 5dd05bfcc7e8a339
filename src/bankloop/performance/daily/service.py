"""The verbs of the daily report: kept once as it was told, handed to each leader once; and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from bankloop.organization.people import units
from bankloop.organization.rights import ROLES, RoleReach
from bankloop.performance.daily import errors
from bankloop.performance.daily.contracts import LEADERS, Addressee, DailyDelivery, DailyReport, Figures, Post, Press
from bankloop.performance.daily.rules import add_up
from bankloop.performance.daily.tables import daily_delivery, daily_report
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Message, Principal
from bankloop.store.database import Store, now_of
from bankloop.store.outbox import Drained, drain, enqueue
from bankloop.store.verbs import verb

DAILY_TOPIC = "daily"
# Two processes may reach half past eight together: one makes, the other finds it made.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('daily_report'))")
# A grant that names no unit is for the unit of the person's post.
_LEAD = text(
    "SELECT g.person_id, g.role, g.units, p.unit_id AS post FROM role_grant g LEFT JOIN staff_post p "
    "ON p.staff_id = g.person_id AND p.valid_from <= :now AND (p.valid_to IS NULL OR p.valid_to > :now) "
    "WHERE g.state = 'open' AND g.role = ANY (:roles) AND g.valid_from <= :now AND (g.valid_to IS NULL OR g.valid_to > :now)"
)


@verb("daily.make")
def keep_daily(
    connection: Connection, day: date, own: Mapping[str, Figures], data_on: date, known_from: date
) -> tuple[DailyReport, ...]:
    """Keep the reports of a day, one a unit, from what is each unit's ``own``, and queue them for the leaders.

    A day is reported once: asked again, it returns what was told then and queues only leaders who came since.
    """
    connection.execute(_LOCK)
    told = daily_reports(connection, day)
    if not told:
        told = _kept(connection, day, own, data_on, known_from)
        after = {"units": len(told), "data_on": data_on}
        record_audit(connection, "daily.make", "daily", day.isoformat(), None, after)
    reported = {one.unit_id for one in told}
    for one in addressees(connection):
        if one.unit_id in reported:
            key = f"{day}/{one.unit_id}/{one.person}"
            enqueue(connection, DAILY_TOPIC, key, one.unit_id, {"day": day.isoformat(), "unit": one.unit_id, "person": one.person})  # fmt: skip
    return told


@verb("daily.deliver")
def deliver_daily(store: Store, principal: Principal, press: Press, post: Post) -> Drained:
    """Hand every waiting report to its leader; each is marked in its own transaction, and one that fails stops no other.

    Whoever dies between handing over and marking leaves the same files under the same name for the next to write.
    """

    def hand_over(connection: Connection, message: Message) -> int:
        body = message.payload
        day, unit, person = date.fromisoformat(body["day"]), body["unit"], body["person"]
        post.hand_over(message.key, press(daily_of(connection, unit, day)))
        connection.execute(
            insert(daily_delivery).values(day=day, unit_id=unit, person=person, delivered_at=now_of(connection))
        )
        record_audit(connection, "daily.deliver", "daily", message.key, None, {"person": person, "unit": unit})
        return 1

    return drain(store, principal, DAILY_TOPIC, hand_over)


def addressees(connection: Connection) -> tuple[Addressee, ...]:
    """Return who leads which unit now, in order: by the roles that lead, within the units of each grant."""
    roots = [unit.unit_id for unit in units(connection) if unit.parent_id is None]
    found = set()
    for row in connection.execute(_LEAD, {"roles": list(LEADERS), "now": now_of(connection)}):
        bank = ROLES[row.role].scope is RoleReach.BANK
        mine = roots if bank else row.units or [row.post]
        found |= {Addressee(row.person_id, unit) for unit in mine if unit is not None}
    return tuple(sorted(found, key=lambda one: (one.unit_id, one.person)))


def daily_of(connection: Connection, unit_id: str, day: date | None = None) -> DailyReport:
    """Return a unit's report of a day, the newest where None; raise ``NotFoundError`` where there is none to be seen."""
    t = daily_report.c
    query = select(daily_report).where(t.unit_id == unit_id).order_by(t.day.desc()).limit(1)
    row = connection.execute(query if day is None else query.where(t.day == day)).mappings().first()
    if row is None:
        raise errors.none_yet(unit_id, day)
    return _report(row)


def daily_reports(connection: Connection, day: date) -> tuple[DailyReport, ...]:
    """Return the reports of a day that may be seen, in order of their units."""
    t = daily_report.c
    rows = connection.execute(select(daily_report).where(t.day == day).order_by(t.unit_id)).mappings()
    return tuple(_report(row) for row in rows)


def daily_days(connection: Connection, unit_id: str, limit: int = 31) -> tuple[date, ...]:
    """Return the days on which a unit was reported, the latest first."""
    t = daily_report.c
    query = select(t.day).where(t.unit_id == unit_id).order_by(t.day.desc()).limit(limit)
    return tuple(connection.scalars(query))


def deliveries(connection: Connection, day: date) -> tuple[DailyDelivery, ...]:
    """Return who got which report of a day."""
    t = daily_delivery.c
    rows = connection.execute(select(daily_delivery).where(t.day == day).order_by(t.unit_id, t.person)).mappings()
    return tuple(DailyDelivery(**row) for row in rows)


def _kept(
    connection: Connection, day: date, own: Mapping[str, Figures], data_on: date, known_from: date
) -> tuple[DailyReport, ...]:
    parents = {unit.unit_id: unit.parent_id for unit in units(connection)}
    whole, below, direct = add_up(own, parents)
    now = now_of(connection)
    rows = [
        {
            "day": day,
            "unit_id": unit,
            "made_at": now,
            "figures": {
                "whole": whole[unit].plain(),
                "below": {child: one.plain() for child, one in below[unit].items()},
                "direct": direct[unit].plain(),
                "data_on": data_on.isoformat(),
                "known_from": known_from.isoformat(),
            },
        }
        for unit in sorted(whole)
    ]
    connection.execute(insert(daily_report), rows)
    return tuple(_report(row) for row in rows)


def _report(row: Mapping[Any, Any]) -> DailyReport:
    kept, made_at = row["figures"], row["made_at"]
    assert isinstance(made_at, datetime)
    return DailyReport(
        row["day"],
        row["unit_id"],
        Figures.of(kept["whole"]),
        {unit: Figures.of(one) for unit, one in kept["below"].items()},
        Figures.of(kept["direct"]),
        date.fromisoformat(kept["data_on"]),
        date.fromisoformat(kept["known_from"]),
        made_at,
    )
