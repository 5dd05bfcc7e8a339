"""The first schema, room by room: which tables a room has, what guards them, who sees and changes their rows.

What stands here is what the first migration does, and is changed no more: a change is a migration of its own.
"""

from bankloop.store.migrations.first.customer import CUSTOMER
from bankloop.store.migrations.first.lake import LAKE
from bankloop.store.migrations.first.loop import LOOP
from bankloop.store.migrations.first.organization import ORGANIZATION
from bankloop.store.migrations.first.room import Access, Room
from bankloop.store.migrations.first.store import STORE

ROOMS = (STORE, LAKE, ORGANIZATION, CUSTOMER, LOOP)

__all__ = ["ROOMS", "Access", "Room"]
