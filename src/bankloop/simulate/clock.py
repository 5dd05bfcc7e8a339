"""The clock of a simulated bank: as far from the machine's as its folder says, and moved on a day at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from bankloop.kit.clock import Clock, SystemClock
from bankloop.kit.worktime import is_working_day

# Beside the truth: only a bank that was simulated has one.
_PLACE = Path("data") / "truth" / "clock"
_MACHINE = SystemClock()


@dataclass(frozen=True, slots=True)
class MovedClock:
    """A clock so far ahead of another as the folder says now: who serves sees that it was moved on."""

    folder: Path
    machine: Clock = _MACHINE

    def now(self) -> datetime:
        """Return the bank's present moment in UTC."""
        return self.machine.now() + _ahead(self.folder)


def bank_clock(folder: Path, machine: Clock = _MACHINE) -> Clock:
    """Return a bank's clock: the machine's, but of a simulated bank that has one of its own, that."""
    return MovedClock(folder, machine) if (folder / _PLACE).exists() else machine


def set_clock(folder: Path, moment: datetime, machine: Clock = _MACHINE) -> None:
    """Let it be ``moment`` now in a simulated bank, at once for everybody who has it open."""
    seconds = round((moment - machine.now()).total_seconds())
    place = folder / _PLACE
    fresh = place.with_suffix(".new")
    fresh.write_text(f"{seconds}\n", encoding="ascii")
    fresh.replace(place)


def working_day_until(day: date) -> date:
    """Return the last working day up to a day: on others nobody is at work in a bank, and its pages are empty."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def _ahead(folder: Path) -> timedelta:
    return timedelta(seconds=int((folder / _PLACE).read_text(encoding="ascii")))
