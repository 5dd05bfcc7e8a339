"""Retention of new customers and the funnels of their journeys, over the caller's customers alone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from bankloop.kit.fields import Day
from bankloop.organization.rights import require
from bankloop.report.journeys import cohorts_plain, funnels_plain, standings_plain
from bankloop.web.api.dependencies import PREFIX, Open, Reads
from bankloop.web.pages.journeys.page import journeys_seen

router = APIRouter(prefix=PREFIX, tags=["journeys"])


@router.get("/cohorts")
def cohorts(
    console: Open, visitor: Reads, by: Annotated[str, Query(max_length=16)] = "all", day: Day | None = None
) -> dict[str, Any]:
    """Return how many of each month's new customers were active each month since; by source or first product too."""
    require(visitor.principal, "round.read")
    seen = journeys_seen(console, visitor.principal, by, day)
    kept, standings = cohorts_plain(seen.kept, seen.enough), standings_plain(seen.kept, seen.enough)
    return {"as_of": seen.day.isoformat(), "by": by, "cohorts": kept, "standings": standings}


@router.get("/journeys")
def journeys(console: Open, visitor: Reads, day: Day | None = None) -> dict[str, Any]:
    """Return every journey's funnel: who got to each step, and the median of days from the opening."""
    require(visitor.principal, "round.read")
    seen = journeys_seen(console, visitor.principal, "all", day)
    return {"as_of": seen.day.isoformat(), "journeys": funnels_plain(seen.gone, seen.enough)}
