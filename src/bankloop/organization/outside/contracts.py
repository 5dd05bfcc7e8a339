"""What crosses the door of outside staff: who is let in, until when, and who answers for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class OutsideStaff:
    """Somebody of another company (业务外包): let in through the last day, answered for by one of the bank's own."""

    staff_id: str
    company: str
    sponsor_id: str
    until: date
    reason: str
