"""What a channel code is, what is asked for one, and what its scans come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bankloop.kit.text import Text

MOST_PLACES, MOST_ON_POSTER = 20, 12
MOST_TITLE, MOST_NAME, MOST_REASON = 80, 40, 200
# A code that names no campaign and no scene stands for the person alone, and for at most so long.
MOST_DAYS = 731


class CodeState(StrEnum):
    """Whether a scan of a code is let in: it is; its first day is ahead; it ended; it was revoked; its person left."""

    LIVE = "live"
    EARLY = "early"
    ENDED = "ended"
    REVOKED = "revoked"
    LEFT = "left"


STATES = {
    CodeState.LIVE: Text("可用", "live"),
    CodeState.EARLY: Text("未到起始日", "not yet"),
    CodeState.ENDED: Text("已到期", "ended"),
    CodeState.REVOKED: Text("已作废", "revoked"),
    CodeState.LEFT: Text("员工已离岗", "its person left"),
}


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a code is to stand for; ``until`` is its last day, ``places`` are where it will hang."""

    title: str
    staff_id: str
    until: date
    since: date | None = None
    campaign: str = ""
    scene: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelCode:
    """A code with whose it is; the unit is where its person is now, or was at last."""

    code: str
    title: str
    staff_id: str
    staff_name: str
    unit_id: str
    unit: Text
    campaign: str
    scene: str
    places: tuple[str, ...]
    since: date
    until: date
    state: CodeState
    reason: str
    made_by: str
    made_at: datetime
    scans: int = 0


@dataclass(frozen=True, slots=True)
class HourScans:
    """How many scans were let in during an hour, which begins at ``hour`` in the bank's zone."""

    hour: datetime
    scans: int


@dataclass(frozen=True, slots=True)
class CodeScans:
    """What the scans of a code come to: let in, by so many devices a day, by hour and by place; refused by state."""

    scans: int
    devices: int
    by_hour: tuple[HourScans, ...] = ()
    by_place: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """What somebody who scanned comes to: the code, and the state that let them in or did not."""

    code: ChannelCode
    place: str

    @property
    def open(self) -> bool:
        """Return whether the code let them in."""
        return self.code.state is CodeState.LIVE
