"""A clock that is behind what was recorded already: whatever is written now would lie before what came first.

The newest row of the trail is looked at when a bank is opened, and before each duty of a process that serves it; where
the clock is behind it, nothing is written.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text
from bankloop.store.contracts import EVERY_UNIT, Principal, Role
from bankloop.store.database import Store, behind_of

# Machines that follow one time source differ by less.
MOST_BEHIND = timedelta(minutes=5)
_CLOCK = Principal("system:clock", frozenset({"system"}), (EVERY_UNIT,), "operations")


def newest_row(store: Store) -> datetime | None:
    """Return when the newest row of the trail was recorded, None for a trail without one."""
    with store.begin(_CLOCK, Role.AUDITOR) as connection:
        found: datetime | None = connection.scalar(text("SELECT recorded_at FROM audit ORDER BY id DESC LIMIT 1"))
    return found


def check_clock(store: Store) -> None:
    """Let the store refuse to write from now on where its clock is behind the trail."""
    newest = newest_row(store)
    store.behind = newest if newest is not None and store.clock.now() + MOST_BEHIND < newest else None


def refuse_behind(connection: Connection, now: datetime) -> None:
    """Raise ``EnvironmentFault`` where the clock was found behind the trail."""
    newest = behind_of(connection)
    if newest is not None:
        raise EnvironmentFault(
            "store.clock_behind",
            Text(
                "时钟 {now} 落后于审计记录里最新的一条 {newest}；写下去会排在它前面。请校准时钟（NTP）后再执行",
                "the clock says {now}, behind the newest row of the trail, {newest}: what is written now would lie before "
                "it. Set the clock right (NTP) and run it again",
            ),
            now=now.isoformat(timespec="seconds"),
            newest=newest.isoformat(timespec="seconds"),
        )
