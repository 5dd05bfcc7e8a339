"""What crosses the organization's door: units and staff, approvals, tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import pyarrow as pa

from bankloop.kit import Text

TASK_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("campaign", pa.string(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("due_on", pa.date32(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("value_fen", pa.int64(), nullable=False),
        pa.field("script_version", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("risk", pa.int32(), nullable=False),  # the product's rating, 1 to 5; 0 where it has none
        pa.field("licence", pa.string(), nullable=False),  # the kind that selling it needs; '' for any
    ]
)
TASK_DEFAULTS: Mapping[str, object] = {"risk": 0, "licence": ""}


@dataclass(frozen=True, slots=True)
class Unit:
    """A place of the bank: ``kind`` is head_office, branch or sub_branch."""

    id: str
    parent: str | None
    kind: str
    name: Text


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff at a unit and the minutes a day for tasks; nought while on leave."""

    id: str
    unit_id: str
    post: str
    minutes_per_day: int


@dataclass(frozen=True)
class Organization:
    """The tree of units with their staff."""

    units: Mapping[str, Unit]
    staff: tuple[Staff, ...] = ()

    @classmethod
    def of(cls, units: Iterable[Mapping[str, Any]], staff: Iterable[Mapping[str, Any]] = ()) -> Self:
        """Return the organization of rows of the conformed tables ``unit`` and ``staff``."""
        tree = {
            row["unit_id"]: Unit(row["unit_id"], row["parent_id"], row["kind"], Text(row["name_zh"], row["name_en"]))
            for row in units
        }
        people = [
            Staff(row["staff_id"], row["unit_id"], row["post"], 0 if row["on_leave"] else row["minutes_per_day"])
            for row in staff
        ]
        return cls(tree, tuple(people))

    def below(self, unit_id: str) -> tuple[str, ...]:
        """Return the unit and all units under it, in order of their ids."""
        children: dict[str | None, list[str]] = defaultdict(list)
        for unit in self.units.values():
            children[unit.parent].append(unit.id)
        found, waiting = set(), [unit_id]
        while waiting:
            unit_id = waiting.pop()
            if unit_id not in found:
                found.add(unit_id)
                waiting += children[unit_id]
        return tuple(sorted(found))

    def task_capacity(self, minutes_per_task: int) -> dict[str, int]:
        """Return how many tasks of that length each unit's staff can do in a day."""
        minutes: dict[str, int] = defaultdict(int)
        for person in self.staff:
            minutes[person.unit_id] += person.minutes_per_day
        return {unit_id: minutes[unit_id] // minutes_per_task for unit_id in sorted(self.units)}


class TaskState(StrEnum):
    """Where a staff task stands."""

    CREATED = "CREATED"
    ASSIGNED = "ASSIGNED"
    DONE = "DONE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing for one member of staff to do with one customer, by its due day, and why."""

    decision_id: UUID
    campaign: str
    round: int
    customer_no: str
    unit_id: str
    staff_id: str | None
    due_on: date
    action: str
    value_fen: int
    script_version: str
    reason: str
    state: TaskState
    state_reason: str
    risk: int = 0
    licence: str = ""


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What became of a batch: tasks made, already known, and the decisions for which the unit's day was full."""

    created: int
    known: int
    refused: tuple[str, ...]
