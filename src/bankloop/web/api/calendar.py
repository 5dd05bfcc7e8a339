"""The calendar of campaigns: their windows, and what clashes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from bankloop.kit.fields import Day
from bankloop.kit.plain import plain
from bankloop.loop.campaign.calendar import calendar_of, conflicts_of
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Open, Reads

router = APIRouter(prefix=PREFIX, tags=["campaigns"])


@router.get("/calendar")
def calendar(console: Open, visitor: Reads, since: Annotated[Day | None, Query()] = None) -> dict[str, Any]:
    """List the windows of campaigns that end on ``since`` (today) or later, and where several clash with the caps."""
    require(visitor.principal, "campaign.read")
    with console.reading() as connection:
        entries = calendar_of(console.bank, connection, since or console.today)
        found = conflicts_of(console.bank, connection, entries)
    told = [{**plain(one), "said": plain(one.sentence)} for one in found]
    return {"items": plain(entries), "conflicts": told, "next": None}
