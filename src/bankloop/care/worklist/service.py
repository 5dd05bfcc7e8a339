"""The verbs of lists: taken in once for a file, sent down as tasks; recalled where nobody has begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, insert, update

from bankloop.care.tables import work_list as table
from bankloop.care.worklist import errors
from bankloop.care.worklist.contracts import CHANNEL, DailyPace, ListRow, Refused, Shares, TakenIn
from bankloop.care.worklist.pacing import paced, within_shares
from bankloop.care.worklist.queries import known_list, listed_as, returned_of, sorted_out, work_list_of
from bankloop.care.worklist.reading import read_rows
from bankloop.contact.asking import Asker, DecisionClass, Intent, ask
from bankloop.contact.stops import stop_contacts
from bankloop.customer.homes import home_unit
from bankloop.kit.ids import digest, uuid7
from bankloop.kit.worktime import WorkTime, days_between, is_working_day
from bankloop.loop.offering.shelf import gate
from bankloop.organization.people import keeper_of, people
from bankloop.organization.task import (
    NO_LIMIT,
    Dispatched,
    TaskKind,
    marketing_tasks_ahead,
    place_tasks,
    recall_tasks,
    recalled_tasks,
    send_down,
)
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.verbs import verb


@verb("worklist.take")
def take_list(
    connection: Connection,
    name: str,
    body: bytes,
    due_on: date,
    today: date,
    hours: WorkTime | None = None,
    instruction: tuple[Shares, DailyPace] | None = None,
) -> TakenIn:
    """Take in an xlsx: its usable lines become calls of the customers' managers, due by a day; the others come back.

    The same file under the same name is one list of a unit, however often it is sent. Each call is reserved at the
    contact gate, where it counts for the caps of campaigns; a list itself is held to no cap. As an ``instruction`` each
    unit takes no more lines than its share, spread over the working days by what a manager does. Raises ``InputError``
    without a name or with a day that is over, else as ``read_rows``.
    """
    name, unit, mark = name.strip(), home_unit(connection), sha256(body).hexdigest()
    if not name:
        raise errors.no_name()
    known = known_list(connection, unit, name, mark)
    if known is not None:
        return TakenIn(known, returned_of(connection, known.list_id), None, known=True)
    if due_on < today:
        raise errors.past_due(due_on, today)
    rows, refused = read_rows(body)
    usable, places, more = sorted_out(connection, rows, today)
    days = dict.fromkeys(places, due_on)
    if instruction is not None:
        usable, days, beyond = _instructed(connection, usable, places, (today, due_on), *instruction)
        more += beyond
    returned = tuple(sorted((*refused, *more), key=lambda one: one.line))
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    values = {
        "list_id": made, "name": name, "digest": mark, "made_by": principal_of(connection).id, "made_at": now,
        "due_on": due_on, "read": len(rows) + len(refused), "usable": len(usable), "unit_id": unit,
        "returned": listed_as(returned),
    }  # fmt: skip
    connection.execute(insert(table).values(**values))
    tasks = [_task(made, name, row, places[row.customer_no], days[row.customer_no]) for row in usable]
    sent = _sent(connection, made, tasks, hours or WorkTime()) if tasks else None
    after = {"name": name, "read": values["read"], "usable": len(usable), "returned": len(returned), "digest": mark}
    record_audit(connection, "worklist.take", "worklist", str(made), None, after)
    return TakenIn(work_list_of(connection, made), returned, sent)


@verb("worklist.recall")
def recall_list(connection: Connection, list_id: UUID, reason: str) -> int:
    """Take back the tasks of a list that nobody has touched (名单回收) and return how many; what is under way goes on."""
    found = work_list_of(connection, list_id)
    gone: int = recall_tasks(connection, list_id, reason)
    with bank_wide(connection):
        stop_contacts(connection, recalled_tasks(connection, list_id), reason)
    connection.execute(update(table).where(table.c.list_id == list_id).values(recalled_at=now_of(connection)))
    record_audit(
        connection, "worklist.recall", "worklist", str(list_id), {"name": found.name}, {"recalled": gone}, reason
    )
    return gone


def _instructed(
    connection: Connection,
    rows: Sequence[ListRow],
    places: Mapping[str, str],
    span: tuple[date, date],
    shares: Shares,
    pace: DailyPace,
) -> tuple[list[ListRow], dict[str, date], list[Refused]]:
    """Return the lines of an instruction that are taken, each customer's day, and the lines without room."""
    days = [day for day in days_between(*span) if is_working_day(day)]
    if not days:
        raise errors.no_days(span[1])
    kept, beyond = within_shares(rows, places, shares)
    numbers = [row.customer_no for row in kept]
    keepers = {one.customer_no: one.staff_id for one in keeper_of(connection, *numbers) if one.staff_id}
    hands = {number: keepers.get(number) or places[number] for number in numbers}
    units = {hands[number] for number in numbers if number not in keepers}
    staffed = {unit: sum(one.minutes_per_day > 0 for one in people(connection, (unit,))) for unit in units}
    # Everybody's tasks take of a day, whoever asks may see them or not.
    with bank_wide(connection):
        had = marketing_tasks_ahead(connection, sorted(set(hands.values())), *span)
    found, full = paced(kept, hands, staffed, days, had, pace)
    return [row for row in kept if row.customer_no in found], found, [*beyond, *full]


def _sent(connection: Connection, list_id: UUID, tasks: Sequence[Mapping[str, Any]], hours: WorkTime) -> Dispatched:
    """Ask for the calls of a list and send down those that pass; they count under no campaign, as no cap holds them."""
    made = {task["decision_id"]: task for task in tasks}

    def give_out(connection: Connection, passed: Sequence[Intent]) -> None:
        rows = pa.Table.from_pylist([made[one.decision_id] for one in passed])
        place_tasks(connection, rows, dict.fromkeys(rows["unit_id"].to_pylist(), NO_LIMIT), hours)

    programme = Asker(f"list:{list_id}", DecisionClass.MARKETING, "", hours.zone)
    ask(connection, programme, [_intent(task) for task in tasks], gate, give_out=give_out)
    with bank_wide(connection):
        return send_down(connection, "", list_id=list_id)


def _intent(task: Mapping[str, Any]) -> Intent:
    return Intent(
        task["decision_id"], task["customer_no"], task["unit_id"], CHANNEL, f"{task['action']}|none|{CHANNEL}",
        task["due_on"], task["reason"], task["value_fen"],
    )  # fmt: skip


def _task(list_id: UUID, name: str, row: ListRow, unit: str, due_on: date) -> dict[str, Any]:
    said = " · ".join(part for part in (name, row.item, row.note) if part)
    return {
        "decision_id": str(UUID(digest([str(list_id), row.customer_no])[:32])), "campaign": "", "round": 0,
        "customer_no": row.customer_no, "unit_id": unit, "due_on": due_on, "action": row.item, "value_fen": row.value_fen,
        "script_version": "", "reason": said, "risk": 0, "licence": "", "kind": TaskKind.LIST.value, "list_id": str(list_id),
    }  # fmt: skip
