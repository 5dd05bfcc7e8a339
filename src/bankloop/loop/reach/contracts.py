"""What step 6 works on: actions, cells, candidates, the plan and its certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit import Text
from bankloop.loop.reach.assignment import Problem, Solution

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Cell(StrEnum):
    """Where a customer stands in the bank's standing experiment."""

    HOLDOUT = "holdout"
    EXPLORE = "explore"
    OPTIMIZE = "optimize"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done for a customer: product × benefit × script × channel of one campaign.

    Costs are in fen and may be fractions of one: a push costs a fifth of a fen. ``reserved`` is what a grant of its
    benefit takes from a budget, ``face`` what a redemption pays.
    """

    campaign: str
    product: str
    benefit: str
    channel: str
    script: str
    contact_cost: float
    minutes: int
    reserved: int
    face: int
    staff: bool
    delivery: str

    @property
    def key(self) -> str:
        """Return ``product|benefit|channel``."""
        return f"{self.product}|{self.benefit}|{self.channel}"


@dataclass(frozen=True, slots=True)
class CampaignCandidates:
    """One campaign's side of the plan. Rows are the m usable customers, columns its k actions.

    ``base`` (m,) success probability without contact; ``uplift`` (m, k); ``worth`` (m,) fen of one success; ``open``
    (m, k) what suitability, benefit rules, scripts and channels leave open; ``control`` (m,) the campaign's control.
    """

    campaign: str
    lock_digest: str
    rows: Integers
    actions: tuple[Action, ...]
    base: Floats
    uplift: Floats
    worth: Floats
    open: Bools
    control: Bools
    control_share: float
    explore_staff: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """All running campaigns over the n customers that any of them wants.

    ``value`` (n, K) in fen, −inf where closed; ``column_campaign`` (K,) index into ``campaigns``; ``control`` (n, c);
    ``member`` (n, c) who is in which campaign's audience.
    """

    customer_no: pa.Array
    rows: Integers
    branch: Integers
    branches: tuple[str, ...]
    campaigns: tuple[CampaignCandidates, ...]
    actions: tuple[Action, ...]
    column_campaign: Integers
    value: Floats
    uplift: Floats
    base: Floats
    cell: NDArray[np.str_]
    control: Bools
    member: Bools

    @property
    def width(self) -> int:
        """Return the number of actions K."""
        return len(self.actions)


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """How one scarce resource is used: limit, used, price of one more unit in fen, and the limits between which it holds."""

    name: str
    title: Text
    unit: Text
    limit: float
    used: float
    explored: float
    price: float
    holds_from: float | None
    holds_to: float | None


@dataclass(frozen=True, slots=True)
class ActionLine:
    """What one action adds up to in the plan; money in fen."""

    campaign: str
    action: str
    channel: str
    benefit: str
    customers: int
    cost: float
    value: float


@dataclass(frozen=True, slots=True)
class DatedPlan:
    """The plan of one window over all running campaigns.

    ``issued`` and ``intended`` (n,) are columns of ``candidates.actions`` or −1; ``propensity`` (n,) is the probability
    with which the issued choice was drawn; ``explored`` (n,) who was drawn by lot.
    """

    plan_id: str
    window_start: date
    window_end: date
    as_of: date
    candidates: Candidates
    problem: Problem
    solution: Solution
    issued: Integers
    intended: Integers
    propensity: Floats
    explored: Bools
    resources: tuple[ResourceLine, ...]
    lines: tuple[ActionLine, ...]
    digest: str

    @property
    def value(self) -> float:
        """Return the plan's objective, fen: what the optimised customers are worth."""
        return self.solution.objective

    def chosen(self, campaign: str) -> NDArray[np.str_]:
        """Return (n,) the issued action key of a campaign, '' where it issued none."""
        return _keys(self.candidates, self.issued, campaign)

    def meant(self, campaign: str) -> NDArray[np.str_]:
        """Return (n,) the intended action key of a campaign, '' where it intended none."""
        return _keys(self.candidates, self.intended, campaign)


def _keys(candidates: Candidates, choice: Integers, campaign: str) -> NDArray[np.str_]:
    keys = np.array([a.key if a.campaign == campaign else "" for a in candidates.actions] + [""])
    return keys[choice]
