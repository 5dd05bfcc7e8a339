"""Whose something is that somebody makes: the top of their scope."""

from __future__ import annotations

from sqlalchemy import Connection

from bankloop.organization.people import units
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.database import principal_of


def home_unit(connection: Connection) -> str:
    """Return the unit that what somebody makes belongs to: the top of their scope; the first, where there are several."""
    mine = principal_of(connection).units
    if EVERY_UNIT in mine:
        return EVERY_UNIT
    parents = {one.unit_id: one.parent_id for one in units(connection)}
    return min((unit for unit in mine if parents.get(unit) not in mine), default="")
