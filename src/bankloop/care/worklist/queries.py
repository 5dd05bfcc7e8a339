"""Reading lists, and judging their lines by what the bank knows: scope, consent to a call, who is in touch already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, select, text

from bankloop.care.tables import work_list as table
from bankloop.care.worklist import errors
from bankloop.care.worklist.contracts import CHANNEL, ListRow, Refused, WorkList
from bankloop.contact.queries import contact_ahead
from bankloop.customer.consent import permits
from bankloop.customer.identity import joined_numbers, joined_person, lock_people, resolve
from bankloop.organization.task import marketing_task_open
from bankloop.store.copying import copy_in
from bankloop.store.database import bank_wide

_COLUMNS = tuple(table.c[name] for name in WorkList.__dataclass_fields__)
_IN_SCOPE = (
    "SELECT DISTINCT ON (i.customer_no) i.customer_no, b.unit_id FROM {name} i JOIN customer_book b USING (customer_no) "
    "WHERE b.valid_from <= bankloop_now() AND (b.valid_to IS NULL OR b.valid_to > bankloop_now()) "
    "ORDER BY i.customer_no, b.line = 'retail' DESC"
)
# Somebody is in touch with a person, under any of their numbers, while a marketing task is open or a contact lies ahead.
_RUNNING = """
WITH numbers AS (SELECT i.customer_no, coalesce(p.party_no, i.customer_no) AS number FROM {name} i {person}
    UNION SELECT i.customer_no, coalesce(o.customer_no, i.customer_no) FROM {name} i {numbers})
SELECT n.customer_no FROM numbers n WHERE {task} OR {contact}
"""


def work_lists(connection: Connection, limit: int = 100) -> list[WorkList]:
    """Return the lists that may be seen, the latest first."""
    query = select(*_COLUMNS).order_by(table.c.made_at.desc(), table.c.list_id.desc()).limit(limit)
    return [WorkList(**row) for row in connection.execute(query).mappings()]


def work_list_of(connection: Connection, list_id: UUID) -> WorkList:
    """Return a list; raise ``NotFoundError`` where there is none that may be seen."""
    row = connection.execute(select(*_COLUMNS).where(table.c.list_id == list_id)).mappings().first()
    if row is None:
        raise errors.no_list(str(list_id))
    return WorkList(**row)


def returned_of(connection: Connection, list_id: UUID) -> tuple[Refused, ...]:
    """Return the lines of a list that came back when it was taken in; raise ``NotFoundError`` as ``work_list_of``."""
    kept = connection.scalar(select(table.c.returned).where(table.c.list_id == list_id))
    if kept is None:
        raise errors.no_list(str(list_id))
    return tuple(Refused(one["line"], one["customer"], one["code"]) for one in kept)


def listed_as(returned: Sequence[Refused]) -> list[dict[str, Any]]:
    """Return returned lines as they are kept with their list."""
    return [{"line": one.line, "customer": one.customer_no, "code": one.code} for one in returned]


def known_list(connection: Connection, unit: str, name: str, mark: str) -> WorkList | None:
    """Return the list that a unit made of the same file under the same name; who asks second waits for the first."""
    key = f"worklist:{unit}:{name}:{mark}"
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})
    same = (table.c.unit_id == unit, table.c.name == name, table.c.digest == mark)
    row = connection.execute(select(*_COLUMNS).where(*same)).mappings().first()
    return None if row is None else WorkList(**row)


def sorted_out(
    connection: Connection, rows: Sequence[ListRow], today: date
) -> tuple[list[ListRow], Mapping[str, str], list[Refused]]:
    """Return the lines that may be used, the unit of each customer, and why the others may not; a person's first line counts.

    The people are locked first, as at the gate: what was judged still holds when their tasks are made.
    """
    numbers = sorted({row.customer_no for row in rows})
    name = copy_in(connection, _column(numbers))
    places = {row.customer_no: row.unit_id for row in connection.execute(text(_IN_SCOPE.format(name=name)))}
    inside = [number for number in numbers if number in places]
    with bank_wide(connection):
        mine = copy_in(connection, _column(inside))
        lock_people(connection, mine)
        people = resolve(connection, inside)
        running = set(connection.scalars(text(_running(mine)), {"today": today}))
    open_ = permits(connection, pa.array(inside, pa.string())).open_to(CHANNEL)
    stopped = {number for number, yes in zip(inside, open_.tolist(), strict=True) if not yes}
    usable: list[ListRow] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for row in rows:
        code = _why_not(row.customer_no, people, seen, running, stopped)
        seen.add(people.get(row.customer_no, ""))
        if code:
            refused.append(Refused(row.line, row.customer_no, code))
        else:
            usable.append(row)
    return usable, places, refused


def _running(name: str) -> str:
    pieces = {"person": joined_person("i"), "numbers": joined_numbers("i"), "task": marketing_task_open("n.number")}
    return _RUNNING.format(name=name, contact=contact_ahead("n.number", "CAST(:today AS date)"), **pieces)


def _why_not(number: str, people: Mapping[str, str], seen: set[str], running: set[str], stopped: set[str]) -> str:
    """Return why a line cannot be used, '' where it can; ``people`` has the person of every customer in scope."""
    if number not in people:
        return "unknown"
    if people[number] in seen:
        return "double"
    if number in stopped:
        return "stopped"
    return "running" if number in running else ""


def _column(numbers: Sequence[str]) -> pa.Table:
    return pa.table({"customer_no": pa.array(numbers, pa.string())})
