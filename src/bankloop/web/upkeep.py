"""What a serving process does beside its requests: clocks of tasks each minute; the trail, sessions and late requests each hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from bankloop.kit import BankloopError, WorkTime
from bankloop.organization import account, escalate_tasks, expire_approvals, expire_tasks, system
from bankloop.store import Store, check_due, now_of

# The verification itself is due once a day; looking more often lets a process that starts late catch up.
EVERY_SECONDS = 3_600.0
# A task escalated to the branch long ago is nobody's any more: it ends, and its customer is free for others.
LATEST = timedelta(days=30)
# The shortest answer that is promised is half an hour.
CLOCK_SECONDS = 60.0


@asynccontextmanager
async def upkeep(store: Store, zone: str) -> AsyncIterator[None]:
    """Keep the store in order while requests are served."""
    tasks = [
        asyncio.create_task(_forever(lambda: keep_up(store), EVERY_SECONDS)),
        asyncio.create_task(_forever(lambda: keep_clocks(store, zone), CLOCK_SECONDS)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def keep_up(store: Store) -> None:
    """Verify the trail if that is due, forget the sessions that are over, close requests that nobody decided in time."""
    check_due(store)
    with store.begin(account.SIGN_IN) as connection:
        account.forget_sessions(connection)
    with store.begin(system("clock")) as connection:
        expire_approvals(connection)
        expire_tasks(connection, now_of(connection).date() - LATEST)


def keep_clocks(store: Store, zone: str) -> None:
    """Escalate the tasks whose working time runs out."""
    with store.begin(system("clock")) as connection:
        escalate_tasks(connection, WorkTime(zone))


async def _forever(work: Callable[[], None], seconds: float) -> None:
    while True:
        # A database that is away now is back in a while; requests say so meanwhile.
        with suppress(BankloopError):
            await asyncio.to_thread(work)
        await asyncio.sleep(seconds)
