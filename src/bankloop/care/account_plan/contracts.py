"""Account plans as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

# A plan of more is several plans.
MOST_STEPS = 12
# Of a goal, a step, a remark: a sentence.
LONGEST = 200


class PlanOutcome(StrEnum):
    """What became of a plan that ended."""

    REACHED = "reached"
    MISSED = "missed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as it is asked for: what, and until which day."""

    what: str
    due_on: date


@dataclass(frozen=True, slots=True)
class AccountStep:
    """A step of a plan: when it is due, when and by whom it was done, and what was said of it."""

    step: int
    what: str
    due_on: date
    done_at: datetime | None
    done_by: str
    said: str

    def late(self, today: date) -> bool:
        """Return whether it should have been done before a day and is not."""
        return self.done_at is None and self.due_on < today


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """A manager's plan for a customer; open until it is ended with an outcome."""

    plan_id: UUID
    customer_no: str
    staff_id: str
    goal: str
    until: date
    outcome: PlanOutcome | None
    said: str
    made_at: datetime
    ended_at: datetime | None
    steps: tuple[AccountStep, ...]

    @property
    def done(self) -> int:
        """Return how many steps are done."""
        return sum(one.done_at is not None for one in self.steps)

    @property
    def next_step(self) -> AccountStep | None:
        """Return the open step that is due first."""
        waiting = [one for one in self.steps if one.done_at is None]
        return min(waiting, key=lambda one: (one.due_on, one.step), default=None)
