"""What crosses the door of targets: a target, its parts, who may hold one, what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from bankloop.kit.text import Text


class TargetUnit(StrEnum):
    """What a target counts: pieces, or fen."""

    COUNT = "count"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class TargetMeasure:
    """One thing that can be asked for; ``staffed`` where people's time limits how much."""

    key: str
    title: Text
    unit: TargetUnit
    staffed: bool = False


MEASURES: Mapping[str, TargetMeasure] = {
    one.key: one
    for one in (
        TargetMeasure("tasks", Text("办结任务", "tasks done"), TargetUnit.COUNT, staffed=True),
        TargetMeasure("sales", Text("成交笔数", "sales"), TargetUnit.COUNT),
        TargetMeasure("deposits", Text("存款净增", "deposits, net increase"), TargetUnit.MONEY),
    )
}


@dataclass(frozen=True, slots=True)
class Target:
    """What head office wants between two days, both inclusive; ``total`` in pieces or fen."""

    target_id: UUID
    name: str
    measure: str
    first: date
    last: date
    total: int
    made_by: str
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TargetPart:
    """What one unit or one member of staff has of a target, by which weight, within which capacity."""

    target_id: UUID
    holder: str
    kind: str
    parent: str | None
    weight: str
    capacity: int | None
    amount: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may be given a part of what a unit has: a unit right below it, or one of its people."""

    holder: str
    kind: str
    name: Text
