"""A target of tasks becomes tasks: a list sent down by its weights, each manager a few a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from bankloop.care.worklist import Shares, TakenIn, read_pace, take_list
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.organization.people import units
from bankloop.performance.target import MEASURES, bad_target, parts_below, target_of

TASKS = "tasks"


def instruct(
    connection: Connection,
    folder: Path,
    target_id: UUID,
    name: str,
    body: bytes,
    due_on: date,
    today: date,
    hours: WorkTime | None = None,
) -> TakenIn:
    """Take in a list as the tasks of a target: of its usable lines each unit gets its part, the worthiest first.

    A manager has no more tasks of head office a day than ``worklist.yaml`` says. Raises as ``take_list`` and
    ``shares_of``.
    """
    return take_list(
        connection, name, body, due_on, today, hours, (shares_of(connection, target_id), read_pace(folder))
    )


def shares_of(connection: Connection, target_id: UUID) -> Shares:
    """Return how a target of tasks is split over units as far down as it is, and for which part each unit counts.

    Raises ``NotFoundError`` without the target, ``InputError`` for one that counts something else or has ended.
    """
    found = target_of(connection, target_id)
    if found.measure != TASKS or found.ended_at is not None:
        counted = MEASURES[TASKS].title
        raise bad_target(
            Text(
                f"只有未结束的“{counted.zh}”目标能变成任务",
                f"only a target of {counted.en} that has not ended becomes tasks",
            )
        )
    tree = {unit.unit_id: unit.parent_id for unit in units(connection)}
    root = next(unit for unit, parent in tree.items() if parent is None)
    amounts: dict[str, int] = {}
    waiting = [root]
    while waiting:
        holder = waiting.pop()
        for part in parts_below(connection, target_id, holder):
            if part.kind == "unit":
                amounts[part.holder] = part.amount
                waiting.append(part.holder)
    # What is split further counts where it was split to.
    further = {tree.get(holder) for holder in amounts}
    amounts = {holder: amount for holder, amount in amounts.items() if holder not in further}
    return Shares(amounts, {unit: held for unit in tree if (held := _holder(unit, amounts, tree)) is not None})


def _holder(unit: str, amounts: dict[str, int], tree: dict[str, str | None]) -> str | None:
    at: str | None = unit
    while at is not None and at not in amounts:
        at = tree.get(at)
    return at
