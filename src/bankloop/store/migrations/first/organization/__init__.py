"""The organization's tables: people and rights, accounts, approvals, tasks, requests, reports, targets, credit."""

from bankloop.store.migrations.first.organization import accounts, approvals, numbers, people, tasks
from bankloop.store.migrations.first.room import Room

_PARTS = (people, accounts, approvals, tasks, numbers)

ORGANIZATION = Room(
    "organization",
    "".join(part.TABLES for part in _PARTS),
    {table: access for part in _PARTS for table, access in part.ACCESS.items()},
    tuple(guard for part in (approvals, numbers) for guard in part.GUARDS),
)
