"""The clock of a simulated bank: the machine's unless it has one of its own, seen by who has the bank open, moved on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bankloop.kit.clock import FixedClock
from bankloop.simulate.clock import bank_clock, set_clock, working_day_until

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
MACHINE = FixedClock(NOW)


def test_a_bank_without_a_clock_of_its_own_goes_by_the_machine_s(tmp_path: Path) -> None:
    assert bank_clock(tmp_path, MACHINE) is MACHINE


def test_a_clock_that_is_moved_on_is_moved_for_who_has_the_bank_open(tmp_path: Path) -> None:
    (tmp_path / "data" / "truth").mkdir(parents=True)
    set_clock(tmp_path, NOW - timedelta(hours=7), MACHINE)
    seen = bank_clock(tmp_path, MACHINE)
    assert seen.now() == NOW - timedelta(hours=7)
    set_clock(tmp_path, NOW + timedelta(days=1), MACHINE)
    assert seen.now() == NOW + timedelta(days=1)
    assert bank_clock(tmp_path, FixedClock(NOW + timedelta(minutes=5))).now() == NOW + timedelta(days=1, minutes=5)


def test_a_demo_of_a_holiday_is_of_the_working_day_before() -> None:
    assert working_day_until(date(2026, 11, 30)) == date(2026, 11, 30)
    assert working_day_until(date(2026, 11, 29)) == date(2026, 11, 27)
    assert working_day_until(date(2026, 10, 1)) == date(2026, 9, 30)
