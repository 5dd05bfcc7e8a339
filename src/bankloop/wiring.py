"""Binds the rooms at start: who opens a bank, with which stores, clock and channels. Nothing below knows this file.

Most commands only open a bank and look at it: what loads, reports or decides is imported where it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.kit.clock import Clock
from bankloop.kit.errors import SpecError
from bankloop.kit.holidays import read_own_years
from bankloop.kit.text import Text
from bankloop.kit.worktime import take_calendar
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.approval import hear
from bankloop.organization.principals import system
from bankloop.organization.task import when_called_off
from bankloop.store.audit import check_clock
from bankloop.store.database import open_store
from bankloop.store.hearings import when_taken

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from bankloop.contact.channels import FileChannel
    from bankloop.customer.event import SeenEvent
    from bankloop.lake.contracts import LoadReport
    from bankloop.lake.load import Progress
    from bankloop.organization.people import PeopleReport
    from bankloop.report.daily import TargetPace
    from bankloop.store.outbox import Drained
    from bankloop.work.workplace import Workplace


@contextmanager
def open_bank(folder: Path, clock: Clock) -> Iterator[Bank]:
    """Open the bank in ``folder`` and close it at the end; raise ``SpecError`` where there is none."""
    if not (folder / "bank.yaml").exists():
        raise SpecError(
            "bank.none",
            Text(
                "{folder} 不是银行文件夹（没有 bank.yaml）；用 bankloop init 新建，或用 --bank 指定",
                "{folder} is no bank folder (no bank.yaml); make one with bankloop init, or name one with --bank",
            ),
            folder=folder,
        )
    bind_rooms()
    take_calendar(read_own_years(folder))
    with open_store(folder, clock) as store:
        check_clock(store)
        yield Bank(folder, store, open_lake(folder, store, system("lake")), clock)


def bind_rooms() -> None:
    """Tell lower rooms whom above them to ask: what an approval does, what else ends with a task that is called off."""
    hear(let_every_kind_speak)
    when_called_off(stop_called_off)
    when_taken(let_triggers_hear)


def let_triggers_hear(connection: Connection, fresh: Sequence[SeenEvent]) -> None:
    """Queue for triggers what was taken in, with it."""
    from bankloop.journey.trigger import hear_events

    hear_events(connection, fresh)


def stop_called_off(connection: Connection, decision_ids: Sequence[str], reason: str) -> None:
    """Stop the contacts of tasks that were called off; what they would have given goes back."""
    from bankloop.contact.stops import stop_contacts

    stop_contacts(connection, decision_ids, reason)


def let_every_kind_speak() -> None:
    """Import the rooms that say what approval of their kinds does, and raise where one is left of which none does."""
    from bankloop.work.approvals import check_kinds

    check_kinds()


def load(
    bank: Bank, progress: Progress | None = None, accept_loss: Collection[str] = (), again: Collection[str] = ()
) -> tuple[LoadReport, PeopleReport]:
    """Load what has arrived into the lake, files first and then what was told; bring the store up to it.

    In the store these are units, staff, books, consents and identities.
    """
    from concurrent.futures import ThreadPoolExecutor

    from bankloop.customer.consent import take_consents
    from bankloop.customer.event import bring_events
    from bankloop.customer.identity import take_registers
    from bankloop.lake.load import load_bank
    from bankloop.lake.standstill import check_units
    from bankloop.organization.people import load_people

    check_units(bank.lake)
    report = load_bank(bank.folder, bank.lake, progress, accept_loss=accept_loss, again=again)
    bring_events(bank.store, bank.lake, bank.folder)
    # Neither reads what the other writes, and both wait for the database most of the time.
    with ThreadPoolExecutor(1) as beside:
        consents = beside.submit(take_consents, bank.store, bank.lake)
        people = load_people(bank.store, bank.lake)
        consents.result()
    take_registers(bank.store, bank.lake)
    return report, people


def make_ready(bank: Bank) -> None:
    """Compute what everybody looks at first after a load, so that nobody waits for it: it is kept in the bank's folder."""
    with bank.store.begin(system("load")) as connection:
        bank.profiles(connection)


def file_channel(folder: Path) -> FileChannel:
    """Return the channel that writes files for the bank's own gateways."""
    from bankloop.contact.channels import FileChannel

    return FileChannel(folder / "data" / "delivery")


def workplace(bank: Bank) -> Workplace:
    """Return an open bank with its ways out, as jobs and duties work with it."""
    from bankloop.work.workplace import Workplace

    return Workplace(bank, file_channel(bank.folder), hand_over_daily, lambda one, progress: load(one, progress)[0])


def hand_over_daily(bank: Bank) -> Drained:
    """Hand the daily reports that wait to their leaders, as files for the bank's own gateway."""
    from bankloop.organization.people import units
    from bankloop.performance.daily import FilePost, deliver_daily
    from bankloop.report.daily import DailyPress
    from bankloop.report.targets import progress_of

    who = system("daily")
    with bank.store.begin(who) as connection:
        names = {unit.unit_id: unit.name for unit in units(connection)}

    def progress(unit: str, day: date) -> tuple[TargetPace, ...]:
        with bank.store.begin(who) as connection:
            return progress_of(connection, bank, unit, day)

    return deliver_daily(
        bank.store, who, DailyPress(names, progress), FilePost(bank.folder / "data" / "delivery" / "daily")
    )
