"""What a serving process does beside its requests: the daily verification of the trail, sessions that are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bankloop.kit import BankloopError
from bankloop.organization import account
from bankloop.store import Store, check_due

# The verification itself is due once a day; looking more often lets a process that starts late catch up.
EVERY_SECONDS = 3_600.0


@asynccontextmanager
async def upkeep(store: Store) -> AsyncIterator[None]:
    """Keep the store in order while requests are served."""
    task = asyncio.create_task(_forever(store))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def keep_up(store: Store) -> None:
    """Verify the trail if that is due, and forget the sessions that are over; a finding is remembered for the doctor."""
    check_due(store)
    with store.begin(account.SIGN_IN) as connection:
        account.forget_sessions(connection)


async def _forever(store: Store) -> None:
    while True:
        # A database that is away now is back in an hour; requests say so meanwhile.
        with suppress(BankloopError):
            await asyncio.to_thread(keep_up, store)
        await asyncio.sleep(EVERY_SECONDS)
