"""What crosses the organization's door as the source files have it: units and staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bankloop.kit.text import Text


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
