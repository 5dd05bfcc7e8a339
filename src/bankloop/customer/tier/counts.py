"""Counts of a closed month over everybody: how many stand in each tier, watched, and who moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.lake.service import Lake


@dataclass(frozen=True, slots=True)
class TierCount:
    """One tier after a month: customers, those watched, their averages together in fen, and who came up, down and new."""

    tier: int
    customers: int
    watched: int
    average_fen: int
    up: int
    down: int
    new: int


def tier_counts(lake: Lake, month: date) -> tuple[TierCount, ...]:
    """Return the counts of a month by tier; none where it was not closed."""
    version = lake.manifest.current("tier_month")
    if version is None:
        return ()
    with lake.engine() as engine:
        rows: Sequence[tuple[int, ...]] = engine.execute(
            "SELECT tier, count(*), count(*) FILTER (watched), sum(average_fen)::BIGINT, count(*) FILTER (move = 'up'), "
            f"count(*) FILTER (move = 'down'), count(*) FILTER (move = 'new') FROM {lake.reading(version)} "
            "WHERE month = ? GROUP BY 1 ORDER BY 1",
            [month],
        ).fetchall()
    return tuple(TierCount(*row) for row in rows)
