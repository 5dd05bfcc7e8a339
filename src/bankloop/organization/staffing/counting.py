"""Staffing counted by unit: hands, minutes, licences in force and ending, outside staff, what is due within a week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, text

from bankloop.organization.people import LICENSED_FROM, TRAINING
from bankloop.organization.people.contracts import Licence
from bankloop.organization.staffing.contracts import UnitStaffing
from bankloop.organization.task.rules import OPEN
from bankloop.store.database import now_of

# So long before it ends a licence is to be renewed.
ENDS_SOON = timedelta(days=30)
_WEEK = timedelta(days=7)
# Of each kind the one that ends last says how somebody stands; what is under training lets nobody sell.
_STANDING = """
SELECT l.staff_id, l.kind, max(l.expires_on) AS until,
    bool_or(:today >= l.issued_on AND :today < l.expires_on) AS holds, NOT starts_with(l.kind, :training) AS sells
FROM staff_licence l GROUP BY l.staff_id, l.kind
"""
_PEOPLE = """
SELECT s.staff_id, p.unit_id, s.minutes_per_day, NOT (s.on_leave OR EXISTS (SELECT FROM staff_leave v
    WHERE v.staff_id = s.staff_id AND :today BETWEEN v.since AND v.until)) AS at_work
FROM staff s JOIN staff_post p ON p.staff_id = s.staff_id AND p.valid_from <= :now
    AND (p.valid_to IS NULL OR p.valid_to > :now)
WHERE CAST(:units AS text[]) IS NULL OR p.unit_id = ANY (:units)
"""
_COUNTED = f"""
WITH standing AS ({_STANDING}), hand AS ({_PEOPLE}), task AS (
    SELECT unit_id, count(*) AS tasks, count(*) FILTER (WHERE risk >= :licensed) AS licensed_tasks
    FROM staff_task WHERE state = ANY (:open) AND due_on <= :week GROUP BY unit_id)
SELECT h.unit_id, count(*) AS people, count(*) FILTER (WHERE h.at_work) AS at_work,
    coalesce(sum(h.minutes_per_day) FILTER (WHERE h.at_work), 0)::bigint AS minutes,
    count(*) FILTER (WHERE h.at_work AND EXISTS (SELECT FROM standing s WHERE s.staff_id = h.staff_id AND s.holds
        AND s.sells)) AS licensed,
    count(*) FILTER (WHERE EXISTS (SELECT FROM standing s WHERE s.staff_id = h.staff_id AND s.until > :today
        AND s.until <= :soon)) AS ending,
    count(*) FILTER (WHERE EXISTS (SELECT FROM standing s WHERE s.staff_id = h.staff_id AND s.until <= :today
        AND s.sells)) AS expired,
    count(*) FILTER (WHERE EXISTS (SELECT FROM outside_staff o WHERE o.staff_id = h.staff_id)) AS outside,
    coalesce(max(t.tasks), 0) AS tasks, coalesce(max(t.licensed_tasks), 0) AS licensed_tasks
FROM hand h LEFT JOIN task t USING (unit_id) GROUP BY h.unit_id ORDER BY h.unit_id
"""
_ENDING = f"""
WITH standing AS ({_STANDING}), hand AS ({_PEOPLE})
SELECT l.staff_id, l.kind, l.issued_on, l.expires_on FROM standing s JOIN hand h USING (staff_id)
JOIN staff_licence l ON l.staff_id = s.staff_id AND l.kind = s.kind AND l.expires_on = s.until
WHERE s.until <= :soon ORDER BY l.expires_on, l.staff_id, l.kind
"""


def staffing_of(connection: Connection, units: Sequence[str] | None, today: date) -> list[UnitStaffing]:
    """Return the staffing of units, all where None; of tasks those that the reader sees."""
    values = _values(connection, units, today)
    asked = {**values, "week": today + _WEEK, "open": [one.value for one in OPEN], "licensed": LICENSED_FROM}
    return [UnitStaffing(**row) for row in connection.execute(text(_COUNTED), asked).mappings()]


def ending_licences(connection: Connection, units: Sequence[str] | None, today: date) -> list[Licence]:
    """Return licences and training of people at a post that ended or end within thirty days, and are not renewed."""
    rows = connection.execute(text(_ENDING), _values(connection, units, today)).mappings()
    return [Licence(**row) for row in rows]


def _values(connection: Connection, units: Sequence[str] | None, today: date) -> dict[str, object]:
    listed = None if units is None else list(units)
    now = now_of(connection)
    return {"units": listed, "today": today, "soon": today + ENDS_SOON, "now": now, "training": TRAINING}
