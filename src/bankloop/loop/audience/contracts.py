"""What step 2 gives on: a frozen snapshot of members and the waterfall of who was left out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text

# Below this a count could point at a person: it is said to be "fewer than", and nothing beside it.
MIN_CELL = 10


# Why nothing is said of somebody: what is confidential and what chance decides are one answer.
UNTOLD = "untold"


class Visibility(StrEnum):
    """Who may see a reason: anybody who sees the audience, or nobody."""

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
class Left:
    """Whom exclusions leave: ``openly`` (n,) the open ones alone, ``members`` (n,) all of them; rows each took, by code."""

    openly: NDArray[np.bool_]
    members: NDArray[np.bool_]
    excluded: Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The frozen audience of one campaign and round.

    ``hit`` customers met the audience condition; ``rows`` (m,) are the state rows of those left after exclusions,
    ``customer_no`` (m,) their numbers. ``falls`` are what people may see: hit − Σ falls = usable, exactly. ``open_rows``
    (usable,) are those whom the open reasons leave: ``rows`` and who is left out in confidence, whom no figure tells apart.
    ``excluded`` has the rows that each reason took, confidential codes included: it leaves the process for nobody.
    """

    campaign: str
    hit: int
    rows: NDArray[np.int64]
    customer_no: pa.Array
    falls: tuple[ExclusionCount, ...]
    excluded: Mapping[str, NDArray[np.int64]]
    digest: str
    open_rows: NDArray[np.int64]

    @property
    def usable(self) -> int:
        """Return how many the open reasons leave: what people are told."""
        return len(self.open_rows)
