"""How far a target is: by what tasks did, unit by unit and person by person, against how much of its time has gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from bankloop.organization.people import units
from bankloop.performance.target.contracts import Target

# What is asked of each measure of tasks; a sale is a task that ended in one.
_WHICH = {"tasks": "state = 'DONE'", "sales": "state = 'DONE' AND outcome = 'sold'"}
_DONE = (
    "SELECT unit_id, coalesce(staff_id, '') AS staff_id, count(*) AS n FROM staff_task WHERE {which} "
    "AND (done_at AT TIME ZONE :zone)::date BETWEEN :first AND :last GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Achieved:
    """What was reached, by unit with all below it and by person."""

    units: Mapping[str, int]
    staff: Mapping[str, int]

    def of(self, holder: str, kind: str) -> int:
        """Return what a holder reached."""
        return (self.staff if kind == "staff" else self.units).get(holder, 0)


def done_by_tasks(connection: Connection, found: Target, until: date, zone: str) -> Achieved | None:
    """Return what was done of a target until a day, as far as it may be seen; None where tasks do not measure it."""
    if found.measure not in _WHICH:
        return None
    values = {"first": found.first, "last": min(found.last, until), "zone": zone}
    rows = connection.execute(text(_DONE.format(which=_WHICH[found.measure])), values).all()
    parents = {unit.unit_id: unit.parent_id for unit in units(connection)}
    return rolled_up([(row.unit_id, row.staff_id, row.n) for row in rows], parents)


def rolled_up(rows: Sequence[tuple[str, str, int]], parents: Mapping[str, str | None]) -> Achieved:
    """Return sums of (unit, person, amount) by person, and by unit with all below it."""
    whole: dict[str, int] = {}
    people: dict[str, int] = {}
    for unit, person, amount in rows:
        people[person] = people.get(person, 0) + amount
        # What belongs to no unit on record is the root's.
        at: str | None = unit if unit in parents else next((u for u in sorted(parents) if parents[u] is None), None)
        while at is not None:
            whole[at] = whole.get(at, 0) + amount
            at = parents.get(at)
    return Achieved(whole, people)


def gone(found: Target, day: date) -> float:
    """Return the share of a target's time that has passed at a day's end (序时进度)."""
    return min(max(((day - found.first).days + 1) / ((found.last - found.first).days + 1), 0.0), 1.0)
