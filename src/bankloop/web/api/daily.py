"""The daily report: a unit's figures with those of the units below, which add up to them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from bankloop.kit.fields import Day, Name
from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.performance.daily import daily_of, deliveries
from bankloop.web.api.dependencies import PREFIX, Open, Reads

router = APIRouter(prefix=PREFIX, tags=["daily"])


@router.get("/daily/{unit_id}")
def daily(unit_id: Name, console: Open, visitor: Reads, day: Day | None = None) -> dict[str, Any]:
    """Return a unit's report of a day, the newest by default: amounts in fen, and to whom it was handed."""
    require(visitor.principal, "daily.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = daily_of(connection, unit_id, day)
        told = [one for one in deliveries(connection, found.day) if one.unit_id == unit_id]
    return {
        "day": plain(found.day),
        "unit": unit_id,
        "data_on": plain(found.data_on),
        "known_from": plain(found.known_from),
        "whole": found.whole.plain(),
        "direct": found.direct.plain(),
        "below": {unit: one.plain() for unit, one in found.below.items()},
        "delivered": [{"person": one.person, "at": plain(one.delivered_at)} for one in told],
    }
