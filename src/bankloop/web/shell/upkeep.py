"""What a serving process does beside its requests.

Each minute the trail is sealed, what is due is handed out, what was approved carried out; then the clocks of tasks, the
shelf where a notice has begun, and from half past eight on the daily report. Each hour the trail, sessions, late requests.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime, timedelta
from importlib import import_module

from bankloop.kit.clock import local_day
from bankloop.kit.errors import BankloopError, ConflictError
from bankloop.kit.worktime import WorkTime
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import screen, shelf_now
from bankloop.organization import account
from bankloop.organization.approval import expire_approvals
from bankloop.organization.principals import system
from bankloop.organization.task import escalate_tasks, expire_tasks, hand_over_tasks
from bankloop.performance.daily import due_day
from bankloop.performance.daily_figures import report_day
from bankloop.store.audit import check_due, purge_due, seal_audit
from bankloop.store.database import Store, now_of
from bankloop.wiring import file_channel, hand_over_daily
from bankloop.work.approvals import carry_out
from bankloop.work.daily_jobs import work_day
from bankloop.work.rounds import hand_out

# The verification itself is due once a day; looking more often lets a process that starts late catch up.
EVERY_SECONDS = 3_600.0
# A task escalated to the branch long ago is nobody's any more: it ends, and its customer is free for others.
LATEST = timedelta(days=30)
# Imported late, since a command that does not learn has no use for their second. Two threads that import one of them at once
# can lock each other out, so a server has them before it has threads.
LATE = ("sklearn.ensemble", "sklearn.cluster", "sklearn.isotonic")
# The shortest answer that is promised is half an hour.
CLOCK_SECONDS = 60.0
_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def upkeep(bank: Bank) -> AsyncIterator[None]:
    """Keep the bank in order while requests are served."""
    for name in LATE:
        import_module(name)
    store, zone, shelf, daily = bank.store, bank.lake.zone, ShelfWatch(bank), DailyRound(bank)
    tasks = [
        asyncio.create_task(_forever(lambda: keep_up(store), EVERY_SECONDS)),
        asyncio.create_task(_forever(lambda: keep_sealed(store), CLOCK_SECONDS)),
        asyncio.create_task(_forever(lambda: keep_clocks(store, zone), CLOCK_SECONDS)),
        asyncio.create_task(_forever(shelf.look, CLOCK_SECONDS)),
        asyncio.create_task(_forever(daily.look, CLOCK_SECONDS)),
        asyncio.create_task(_forever(lambda: hand_out_due(bank), CLOCK_SECONDS)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        with suppress(BankloopError):
            await asyncio.to_thread(keep_sealed, store)


def keep_sealed(store: Store) -> None:
    """Seal and anchor the rows of the trail written since: what is cut off its end is missed from then on.

    A trail that was cut is not sealed on; that it was stands in the log until somebody looks, and ``doctor`` finds it.
    """
    try:
        seal_audit(store)
    except ConflictError as error:
        _LOG.error("upkeep: %s", error)


def keep_up(store: Store) -> None:
    """Verify the trail if that is due and purge what is kept no longer, forget the sessions that are over, close requests that nobody decided in time."""
    if check_due(store) is not None:
        purge_due(store, system("retention"))
    with store.begin(account.SIGN_IN) as connection:
        account.forget_sessions(connection)
    with store.begin(system("clock")) as connection:
        expire_approvals(connection)
        expire_tasks(connection, now_of(connection).date() - LATEST)
        hand_over_tasks(connection, now_of(connection).date(), moved=True)


def hand_out_due(bank: Bank) -> None:
    """Hand out what has come due and carry out what was approved; what failed a moment ago waits longer each time."""
    hand_out(bank, file_channel(bank.folder), patient=True)
    carry_out(bank, patient=True)


def keep_clocks(store: Store, zone: str) -> None:
    """Escalate the tasks whose working time runs out, and give on those of who is away."""
    with store.begin(system("clock")) as connection:
        escalate_tasks(connection, WorkTime(zone))
        hand_over_tasks(connection, local_day(now_of(connection), zone))


class ShelfWatch:
    """Screens what is under way when the shelf becomes another one, and each hour while anything is taken off it.

    A notice begins at its own moment, when nobody does anything. Assessments run out and follow-ups are made meanwhile.
    """

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._seen: tuple[str, datetime] | None = None

    def look(self) -> None:
        """Screen if there is reason to."""
        who = system("shelf")
        shelf = shelf_now(self._bank, who)
        seen = (shelf.digest, self._bank.store.clock.now().replace(minute=0, second=0, microsecond=0))
        if seen != self._seen and any(not one.silent for one in shelf.notices.values()):
            screen(self._bank, who)
        self._seen = seen


class DailyRound:
    """Makes the daily report when it is due, once a day, hands over what waits, and does the day's regular work."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._told: date | None = None

    def look(self) -> None:
        """Make and hand over if it is time; whoever was first in another process is found done."""
        day = due_day(self._bank.clock.now(), self._bank.lake.zone)
        if day is None or day == self._told or self._bank.lake.manifest.current("holding") is None:
            return
        report_day(self._bank, system("daily"), day)
        hand_over_daily(self._bank)
        work_day(self._bank, self._bank.lake.today())
        self._told = day


async def _forever(work: Callable[[], None], seconds: float) -> None:
    while True:
        # A database that is away now is back in a while; requests say so meanwhile.
        try:
            await asyncio.to_thread(work)
        except BankloopError:
            pass
        except Exception as error:
            # What nobody foresaw does not end what is due every day. Its message may hold a customer's data: the place must do.
            place = traceback.extract_tb(error.__traceback__)[-1]
            _LOG.error("upkeep: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
        await asyncio.sleep(seconds)
