"""How far targets are on an open bank: by tasks, or by what balances did since the day before they began."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection

from bankloop.customer.tier import spans
from bankloop.kit.errors import NotFoundError
from bankloop.loop.bank import Bank
from bankloop.organization.people import units
from bankloop.performance.daily_figures import BALANCES
from bankloop.performance.target import Achieved, Target, TargetPart, done_by_tasks, gone, part_of, rolled_up, targets


def reached(connection: Connection, bank: Bank, found: Target, day: date) -> Achieved | None:
    """Return what was reached of a target by a day's end, by unit and person; None where its beginning is not known.

    Balances count for the unit and the manager who keep the customer on that day.
    """
    if found.measure not in BALANCES:
        return done_by_tasks(connection, found, day, bank.lake.zone)
    eve, until = found.first - timedelta(days=1), min(found.last, day)
    versions = bank.lake.manifest.versions("holding")
    if until < found.first or not any(one.as_of <= eve for one in versions):
        return None if until >= found.first else Achieved({}, {})
    rows = _growth(bank, found.measure, eve, until)
    return rolled_up(rows, {unit.unit_id: unit.parent_id for unit in units(connection)})


def standings(
    connection: Connection, bank: Bank, unit_id: str, day: date
) -> list[tuple[Target, int, int | None, float]]:
    """Return of a unit's targets that hold on a day: target, amount, what is reached, and the share of time gone."""
    found = []
    for one in targets(connection, day):
        mine = own_part(connection, one, unit_id)
        if mine is not None:
            done = reached(connection, bank, one, day)
            found.append((one, mine.amount, done.of(unit_id, "unit") if done else None, gone(one, day)))
    return found


def own_part(connection: Connection, one: Target, unit_id: str) -> TargetPart | None:
    """Return what a unit has of a target; None where it has nothing that may be seen."""
    try:
        return part_of(connection, one.target_id, unit_id)
    except NotFoundError:
        return None


def _growth(bank: Bank, kind: str, eve: date, until: date) -> list[tuple[str, str, int]]:
    """Return (unit, manager, fen) of how balances changed between the ends of two days."""
    versions, people = bank.lake.manifest.versions("holding"), bank.lake.manifest.versions("customer")
    classes = ", ".join(f"'{name}'" for name in BALANCES[kind])
    sides = []
    for day, sign in ((eve, -1), (until, 1)):
        (span,) = spans(versions, day, day + timedelta(days=1))
        sides.append(
            f"SELECT customer_no, {sign} * balance_fen AS fen FROM {bank.lake.reading(span.version)} "
            f"WHERE product_class IN ({classes})"
        )
    keepers = bank.lake.reading(next((one for one in reversed(people) if one.as_of <= until), people[0]))
    with bank.lake.engine() as engine:
        rows: list[tuple[str, str, int]] = engine.execute(
            f"SELECT coalesce(c.sub_branch_id, c.branch_id, '') AS unit_id, coalesce(c.manager_id, '') AS manager, "
            f"sum(fen)::BIGINT FROM ({' UNION ALL '.join(sides)}) p LEFT JOIN {keepers} c USING (customer_no) "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
    return rows
