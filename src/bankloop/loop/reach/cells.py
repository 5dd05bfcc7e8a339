"""Layers and cells by stable hash: sticky for a customer on every channel and plane, computed once and stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.ids import CELL_BUCKETS, cell_bucket
from bankloop.loop.reach.contracts import Bools, ExperimentCell

Share = int | NDArray[np.int64]


def buckets(salt: str, numbers: Sequence[str]) -> NDArray[np.int64]:
    """Return the bucket (n,) 0 … 999,999 of each first party number under a salt."""
    return np.fromiter((cell_bucket(salt, number) for number in numbers), np.int64, len(numbers))


def draw_cells(
    numbers: Sequence[str], day: date, round_: int, holdout: int, explore: int | NDArray[np.int64], exempt: Bools
) -> NDArray[np.str_]:
    """Return the cell (n,) of each customer; the holdout rotates by quarter, explore by round.

    Shares are in ppm, explore's of all or of each (n,).
    """
    quarter = f"{day.year}Q{(day.month + 2) // 3}"
    held = buckets(f"holdout:{quarter}", numbers) < _threshold(holdout)
    explores = buckets(f"explore:{round_}", numbers) < _threshold(explore)
    cell = np.where(
        held,
        ExperimentCell.HOLDOUT.value,
        np.where(explores, ExperimentCell.EXPLORE.value, ExperimentCell.OPTIMIZE.value),
    )
    return np.where(exempt, ExperimentCell.EXEMPT.value, cell)


def draw_control(numbers: Sequence[str], campaign: str, round_: int, share: int) -> Bools:
    """Return (n,) who is in a campaign's control this round; independent of every other draw."""
    return draw_controls(numbers, campaign, round_, (share,))[0]


def draw_controls(numbers: Sequence[str], campaign: str, round_: int, shares: Sequence[int]) -> list[Bools]:
    """Return (n,) for each share (ppm) who would be in a campaign's control this round; a larger one holds a smaller."""
    drawn = buckets(f"control:{campaign}:{round_}", numbers)
    return [drawn < _threshold(share) for share in shares]


def _threshold(ppm: Share) -> Share:
    return ppm * CELL_BUCKETS // 1_000_000
