"""The verbs of lists: taken in once for a file, sent down as tasks; recalled where nobody has begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, insert, select, text, update

from bankloop.customer.consent import permits
from bankloop.customer.tables import work_list as table
from bankloop.customer.worklist import errors
from bankloop.customer.worklist.contracts import ListRow, Refused, TakenIn, WorkList
from bankloop.customer.worklist.reading import read_rows
from bankloop.kit import WorkTime, digest, uuid7
from bankloop.organization import NO_LIMIT, TaskKind, place_tasks, recall_tasks, send_down
from bankloop.store import EVERY_UNIT, bank_wide, copy_in, now_of, principal_of, record_audit, verb

_COLUMNS = tuple(table.c[name] for name in WorkList.__dataclass_fields__)
_IN_SCOPE = (
    "SELECT DISTINCT ON (i.customer_no) i.customer_no, b.unit_id FROM {name} i JOIN customer_book b USING (customer_no) "
    "WHERE b.valid_from <= bankloop_now() AND (b.valid_to IS NULL OR b.valid_to > bankloop_now()) "
    "ORDER BY i.customer_no, b.line = 'retail' DESC"
)
# Somebody is in touch while a marketing task is open or a contact still lies ahead.
_RUNNING = (
    "SELECT i.customer_no FROM {name} i WHERE EXISTS (SELECT FROM staff_task t WHERE t.customer_no = i.customer_no "
    "AND t.kind IN ('campaign', 'list', 'follow_up') AND t.state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED', 'IN_PROGRESS')) "
    "OR EXISTS (SELECT FROM contact c WHERE c.customer_no = i.customer_no AND c.accepted AND c.due_day >= CAST(:today AS date))"
)


@verb("worklist.take")
def take_list(
    connection: Connection, name: str, body: bytes, due_on: date, today: date, hours: WorkTime | None = None
) -> TakenIn:
    """Take in an xlsx: its usable lines become tasks of the customers' managers, due by a day; the others come back.

    The same file under the same name is one list, however often it is sent. Errors as ``read_rows``.
    """
    person = principal_of(connection).id
    mark = sha256(body).hexdigest()
    known = _by_digest(connection, name, mark)
    if known is not None:
        return TakenIn(known, (), None, known=True)
    rows, refused = read_rows(body)
    read = len(rows) + len(refused)
    usable, units, more = _sorted_out(connection, rows, today)
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    unit = (principal_of(connection).units or ("",))[0]
    values = {
        "list_id": made, "name": name, "digest": mark, "made_by": person, "made_at": now, "due_on": due_on, "read": read,
        "usable": len(usable), "unit_id": EVERY_UNIT if unit == EVERY_UNIT else unit,
    }  # fmt: skip
    connection.execute(insert(table).values(**values))
    tasks = [_task(made, name, row, units[row.customer_no], due_on) for row in usable]
    with bank_wide(connection):
        place_tasks(
            connection, pa.Table.from_pylist(tasks), dict.fromkeys((task["unit_id"] for task in tasks), NO_LIMIT), hours
        )
        sent = send_down(connection, "", list_id=made)
    returned = tuple(sorted((*refused, *more), key=lambda one: one.line))
    after = {"name": name, "read": read, "usable": len(usable), "returned": len(returned), "digest": mark}
    record_audit(connection, "worklist.take", "worklist", str(made), None, after)
    return TakenIn(work_list_of(connection, made), returned, sent)


@verb("worklist.recall")
def recall_list(connection: Connection, list_id: UUID, reason: str) -> int:
    """Take back the tasks of a list that nobody has touched (名单回收) and return how many; what is under way goes on."""
    found = work_list_of(connection, list_id)
    gone: int = recall_tasks(connection, list_id, reason)
    connection.execute(update(table).where(table.c.list_id == list_id).values(recalled_at=now_of(connection)))
    record_audit(
        connection, "worklist.recall", "worklist", str(list_id), {"name": found.name}, {"recalled": gone}, reason
    )
    return gone


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


def _by_digest(connection: Connection, name: str, mark: str) -> WorkList | None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"worklist:{name}:{mark}"})
    query = select(*_COLUMNS).where(table.c.name == name, table.c.digest == mark)
    row = connection.execute(query).mappings().first()
    return None if row is None else WorkList(**row)


def _sorted_out(
    connection: Connection, rows: Sequence[ListRow], today: date
) -> tuple[list[ListRow], Mapping[str, str], list[Refused]]:
    """Return the lines that may be used, the unit of each customer, and why the others may not; the first line of a customer counts."""
    numbers = sorted({row.customer_no for row in rows})
    name = copy_in(connection, pa.table({"customer_no": pa.array(numbers, pa.string())}))
    units = {row.customer_no: row.unit_id for row in connection.execute(text(_IN_SCOPE.format(name=name)))}
    with bank_wide(connection):
        running = set(connection.scalars(text(_RUNNING.format(name=name)), {"today": today}))
    inside = [number for number in numbers if number in units]
    allowed = permits(connection, pa.array(inside, pa.string()))
    stopped = {n for n, yes, no in zip(inside, allowed.consents, allowed.listed, strict=True) if no or not yes}
    usable: list[ListRow] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for row in rows:
        code = _why_not(row.customer_no, units, seen, running, stopped)
        seen.add(row.customer_no)
        if code:
            refused.append(Refused(row.line, row.customer_no, code))
        else:
            usable.append(row)
    return usable, units, refused


def _why_not(number: str, units: Mapping[str, str], seen: set[str], running: set[str], stopped: set[str]) -> str:
    if number not in units:
        return "unknown"
    if number in seen:
        return "double"
    if number in stopped:
        return "stopped"
    return "running" if number in running else ""


def _task(list_id: UUID, name: str, row: ListRow, unit: str, due_on: date) -> dict[str, Any]:
    said = " · ".join(part for part in (name, row.item, row.note) if part)
    return {
        "decision_id": str(UUID(digest([str(list_id), row.customer_no])[:32])), "campaign": "", "round": 0,
        "customer_no": row.customer_no, "unit_id": unit, "due_on": due_on, "action": row.item, "value_fen": row.value_fen,
        "script_version": "", "reason": said, "risk": 0, "licence": "", "kind": TaskKind.LIST.value, "list_id": str(list_id),
    }  # fmt: skip
