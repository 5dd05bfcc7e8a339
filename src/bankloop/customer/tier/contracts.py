"""What crosses the door of tiers: the dated rule, where customers stand after a month, a customer's months, a closing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.ids import digest
from bankloop.kit.text import Text

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier: its number from 1 up, its name, and the monthly average in fen from which it begins."""

    number: int
    name: str
    title: Text
    from_fen: int


@dataclass(frozen=True, slots=True)
class TierRule:
    """The tiers from a day on, and for how many months somebody is below the line before being watched and moved."""

    since: date
    below: int
    watch: int
    tiers: tuple[Tier, ...]

    @property
    def cuts(self) -> Ints:
        """Return (t,) from which average each tier begins, fen, rising; the first is nought."""
        return np.array([tier.from_fen for tier in self.tiers], np.int64)

    @property
    def digest(self) -> str:
        """Return the sha256 of what the rule says."""
        tiers = [[t.name, t.from_fen] for t in self.tiers]
        return digest([self.since.isoformat(), self.below, self.watch, tiers])

    def tier(self, number: int) -> Tier:
        """Return a tier by its number."""
        return self.tiers[number - 1]


@dataclass(frozen=True, slots=True)
class Standings:
    """Where (n,) customers stand after a month: tier, months below its line in a row, the best of those, watched or not."""

    tier: Ints
    months_below: Ints
    best_fen: Ints
    watched: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TierMonth:
    """One customer's month: the average that was read, where it left them, and what it changed ('' for nothing)."""

    month: date
    average_fen: int
    tier: int
    watched: bool
    months_below: int
    move: str


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing a month found: customers by tier, moves by kind; ``new`` False where it was closed before."""

    month: date
    customers: int
    tiers: Mapping[int, int]
    moves: Mapping[str, int]
    new: bool
