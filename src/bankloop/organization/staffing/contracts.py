"""What crosses the door of staffing: a unit's hands, what licences are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bankloop.kit.text import Text
from bankloop.organization.people import TRAINING

# Kinds of licences and of training; others are kept too, under their own name.
LICENCES: Mapping[str, Text] = {
    "wealth": Text("理财销售资格", "licence to sell wealth products"),
    "fund": Text("基金从业资格", "licence to sell funds"),
    "insurance": Text("保险销售资格", "licence to sell insurance"),
    f"{TRAINING}compliance": Text("培训：合规与消保", "training: compliance"),
    f"{TRAINING}product": Text("培训：产品", "training: products"),
    f"{TRAINING}service": Text("培训：服务与话术", "training: service and wording"),
}


@dataclass(frozen=True, slots=True)
class UnitStaffing:
    """One unit's hands on a day: people, who is at work, minutes, licences; tasks due within a week, those of R3 up.

    ``licensed`` are at work with a licence to sell in force; ``ending`` and ``expired`` are people, ``outside`` too.
    """

    unit_id: str
    people: int
    at_work: int
    minutes: int
    licensed: int
    ending: int
    expired: int
    outside: int
    tasks: int
    licensed_tasks: int
