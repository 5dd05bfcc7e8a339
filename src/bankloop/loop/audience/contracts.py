"""What step 2 gives on: a frozen snapshot of members and the waterfall of who was left out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text

# Below this a pooled confidential count could point at a person.
MIN_CELL = 10


class Visibility(StrEnum):
    """Who may see a reason: anybody who sees the audience, or only pooled with others."""

    OPEN = "open"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One standard reason to leave a customer out: a condition over attributes, NULL counting as true."""

    code: str
    title: Text
    condition: str
    visibility: Visibility = Visibility.OPEN


@dataclass(frozen=True, slots=True)
class ExclusionCount:
    """One line of the waterfall: how many left for this reason."""

    code: str
    title: Text
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The frozen audience of one campaign and round.

    ``hit`` customers met the audience condition; ``rows`` (m,) are the state rows of those left after exclusions,
    ``customer_no`` (m,) their numbers. ``falls`` are what people may see: hit − Σ falls = usable, exactly.
    ``reason`` maps each state row that was hit and left out to its code (confidential codes included, for the log).
    """

    campaign: str
    hit: int
    rows: NDArray[np.int64]
    customer_no: pa.Array
    falls: tuple[ExclusionCount, ...]
    excluded: Mapping[str, NDArray[np.int64]]
    digest: str

    @property
    def usable(self) -> int:
        """Return how many are left."""
        return len(self.rows)
