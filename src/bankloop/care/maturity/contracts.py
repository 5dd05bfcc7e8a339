"""What crosses the door of care: the policy, what matures with its forecast, what fell, and what a round of care did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CareStep:
    """A call is due ``days`` before a maturity of at least ``least_fen``."""

    days: int
    least_fen: int


@dataclass(frozen=True, slots=True)
class MaturityPolicy:
    """From when on maturities are shown, when a call is due, and how the forecast is made of the bank's own history."""

    ahead_days: int
    steps: tuple[CareStep, ...]
    classes: tuple[str, ...]
    history_days: int
    matured: str
    kept: str
    bands_fen: tuple[int, ...]

    def step_of(self, days_left: int, fen: int) -> CareStep | None:
        """Return the step that a maturity stands in; None before the first, after the day, or below its least."""
        known = [one for one in self.steps if 0 <= days_left <= one.days]
        nearest = min(known, key=lambda one: one.days, default=None)
        return nearest if nearest is not None and fen >= nearest.least_fen else None

    def band_of(self, fen: int) -> int:
        """Return the place of an amount among the bands, 0 for the smallest."""
        return sum(fen >= edge for edge in self.bands_fen)


@dataclass(frozen=True, slots=True)
class DrawdownPolicy:
    """A net value that fell by ``fall_ppm`` within ``days`` is explained."""

    days: int
    fall_ppm: int


@dataclass(frozen=True, slots=True)
class CarePolicy:
    """Both policies, and what of care is done by itself every working day."""

    maturity: MaturityPolicy
    drawdown: DrawdownPolicy
    daily: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is expected of a band of maturities: the share kept, in ppm, of how many that matured; None without history.

    ``model`` names the approved model and its version where the share is its score of the customer.
    """

    kept_ppm: int | None
    matured: int
    kept: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class Maturing:
    """One holding that matures: how much, whether it renews by itself, its forecast, and what is at stake.

    ``stake_fen`` is the balance that is expected to leave, ``value_fen`` what it brings in a year.
    """

    holding_id: str
    customer_no: str
    unit_id: str
    staff_id: str
    product_class: str
    product_id: str
    balance_fen: int
    matures_on: date
    auto_renew: bool
    forecast: Renewal
    stake_fen: int
    value_fen: int


@dataclass(frozen=True, slots=True)
class MaturityCare:
    """A round of maturity care: customers whose step it is, tasks made, and who was left alone, by reason."""

    due: int
    tasks: int
    spared: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A product whose net value fell: by how much (ppm) from the highest of the days before, and since when."""

    product_id: str
    fall_ppm: int
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Told:
    """How a holder was told of a fall: by which channel ('' not at all), by which task of whom where a manager calls."""

    customer_no: str
    channel: str
    task_id: UUID | None
    state: str
    staff_id: str | None


@dataclass(frozen=True, slots=True)
class DrawdownCare:
    """What was told to a product's holders: tasks for managers, messages by channel, and who was not told, by reason."""

    product_id: str
    holders: int
    tasks: int
    messages: Mapping[str, int]
    untold: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KeyDate:
    """A day that matters of one customer: a birthday (without its year), a payday, a maturity."""

    customer_no: str
    day: date
    kind: str
