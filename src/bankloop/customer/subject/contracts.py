"""What crosses the door: how long what is kept of a person, what becomes of each category, what an erasure did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bankloop.kit.text import Text


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of data about a person: how many years after the relation it must stay, and by which rule."""

    name: str
    title: Text
    years: int
    basis: Text


class Fate(StrEnum):
    """What becomes of a category when its person asks for erasure."""

    ERASED = "erased"
    KEPT = "kept"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class RetentionRuling:
    """One category's fate, until when it stays where that is known, and why."""

    category: str
    fate: Fate
    until: date | None
    reason: Text


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What erasing a person would do today, category by category; ``ended_on`` None while the relation lasts."""

    customer_no: str
    ended_on: date | None
    rulings: tuple[RetentionRuling, ...]

    def fate(self, category: str) -> Fate:
        """Return what becomes of a category."""
        return next(one.fate for one in self.rulings if one.category == category)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: the plan it followed, what went by kind, and the stops that it set."""

    plan: ErasurePlan
    gone: Mapping[str, int]
    stops: int
